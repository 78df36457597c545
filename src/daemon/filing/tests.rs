use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::beads::memory::Memory;
use crate::beads::{Claim, ClaimFrom, Edit, Release, Snapshot, Tracker, TrackerError};
use crate::clock::{Clock, Manual, Seeded};
use crate::daemon::tests::fixture;
use crate::domain::bead::{Bead, NewBead, Status};
use crate::domain::finding::Severity;
use crate::journal::read::Filter;
use crate::review::filing::tests::{bead, entry};

struct World {
    _dir: tempfile::TempDir,
    house: House,
    site: Site,
    memory: Memory,
}

/// A tracker whose process dies after so many more beads.
struct Dying {
    inner: Memory,
    left: AtomicUsize,
}

#[async_trait::async_trait]
impl Tracker for Dying {
    async fn snapshot(&self) -> Result<Snapshot, TrackerError> {
        self.inner.snapshot().await
    }
    async fn show(&self, id: &BeadId) -> Result<Bead, TrackerError> {
        self.inner.show(id).await
    }
    async fn create(&self, new: &NewBead) -> Result<Bead, TrackerError> {
        if self.left.fetch_sub(1, Ordering::SeqCst) == 0 {
            return Err(TrackerError::Interrupted);
        }
        self.inner.create(new).await
    }
    async fn close(&self, id: &BeadId, reason: &str, actor: &str) -> Result<Bead, TrackerError> {
        self.inner.close(id, reason, actor).await
    }
    async fn reopen(&self, id: &BeadId, actor: &str) -> Result<Bead, TrackerError> {
        self.inner.reopen(id, actor).await
    }
    async fn comment(&self, id: &BeadId, author: &str, text: &str) -> Result<Bead, TrackerError> {
        self.inner.comment(id, author, text).await
    }
    async fn update(&self, id: &BeadId, edit: &Edit, actor: &str) -> Result<Bead, TrackerError> {
        self.inner.update(id, edit, actor).await
    }
    async fn claim(&self, id: &BeadId, claim: &Claim, from: ClaimFrom) -> Result<Bead, TrackerError> {
        self.inner.claim(id, claim, from).await
    }
    async fn holds(&self, id: &BeadId, claim: &Claim) -> Result<bool, TrackerError> {
        self.inner.holds(id, claim).await
    }
    async fn release(&self, id: &BeadId, claim: &Claim, into: &Release) -> Result<Bead, TrackerError> {
        self.inner.release(id, claim, into).await
    }
}

async fn world(beads: &[&str], dies_after: usize) -> World {
    let dir = tempfile::Builder::new().prefix("bead-filing-").tempdir().unwrap();
    let repo = dir.path().join("repo");
    fixture::repository(&repo, "", &[fixture::bead("t-1", "Write it")]);
    let clock: Arc<dyn Clock> = Arc::new(Manual::at("2026-11-20T22:00:00Z".parse().unwrap()));
    let memory = Memory::new(beads.iter().map(|json| bead(json)).collect(), Arc::clone(&clock));
    let house = House::open(fixture::environment(dir.path()), clock, Arc::new(Seeded::new(1))).unwrap();
    let mut site = Site::open(&house, &repo).await.unwrap();
    site.tracker = Arc::new(Dying { inner: memory.clone(), left: AtomicUsize::new(dies_after) });
    World { _dir: dir, house, site, memory }
}

const SOURCE: &str = r#"{"id":"t-1","title":"Write it"}"#;

fn ledger() -> Vec<Entry> {
    let mut fixed = entry("Fixed meanwhile, long ago", Some(("z.py", 5)), Severity::Critical);
    fixed.standing = Standing::Fixed;
    vec![
        entry("Half is rounded up", Some(("a.py", 5)), Severity::Major),
        fixed,
        entry("Password is logged in clear", Some(("b.py", 5)), Severity::Minor),
        entry("Nice", Some(("c.py", 5)), Severity::Note),
    ]
}

impl World {
    async fn file(&self, create: CreateBeads, person: Person) -> Result<Outcome, EngineError> {
        let source = BeadId::new("t-1");
        let run = RunId::from_bytes([7; 16]);
        let filing = Filing {
            house: &self.house,
            site: &self.site,
            source: &source,
            run: Some(&run),
            attempt: Some(1),
            create,
            person,
        };
        file(&filing, &ledger()).await
    }

    fn told(&self) -> usize {
        let events = self.house.journal.events(0, &Filter::default(), 100).unwrap();
        events.iter().filter(|event| matches!(event.body, Body::FindingsFiled { .. })).count()
    }

    async fn block(&self, reason: &str) -> Result<Blocker, BlockerError> {
        blocker(&self.house, &self.site, &BeadId::new("t-1"), reason).await
    }
}

#[tokio::test]
async fn open_findings_become_beads_with_an_edge() {
    let world = self::world(&[SOURCE], usize::MAX).await;
    let outcome = world.file(CreateBeads::Auto, Person::Absent).await.unwrap();
    let made: Vec<_> =
        outcome.filed.iter().map(|one| (one.bead.is_some(), one.created, one.proposed)).collect();
    assert_eq!(made, [(true, true, false), (true, true, false), (false, false, false)]);
    let beads = world.memory.all();
    assert_eq!(beads.len(), 3);
    assert_eq!(
        (beads[1].status.clone(), beads[1].dependencies[0].kind.as_str()),
        (Status::Open, "discovered-from")
    );
    assert_eq!(beads[1].dependencies[0].depends_on_id, BeadId::new("t-1"));
    let last: Vec<&str> = beads[1].description.lines().rev().take(2).collect();
    assert_eq!(last, ["Fingerprint: fp-18-5", &format!("Run: {}", RunId::from_bytes([7; 16]))]);
    assert_eq!(world.told(), 1);
    // Once more, as after a crash before the event: nothing new.
    let again = world.file(CreateBeads::Auto, Person::Absent).await.unwrap();
    assert_eq!((world.memory.all().len(), again.filed[0].created), (3, false));
    assert_eq!(again.filed[0].bead, outcome.filed[0].bead);
}

#[tokio::test]
async fn dying_between_two_beads_files_none_twice() {
    let mut world = self::world(&[SOURCE], 1).await;
    assert!(world.file(CreateBeads::Auto, Person::Absent).await.is_err());
    assert_eq!((world.memory.all().len(), world.told()), (2, 0));
    world.site.tracker = Arc::new(world.memory.clone());
    let outcome = world.file(CreateBeads::Auto, Person::Absent).await.unwrap();
    assert_eq!((world.memory.all().len(), world.told()), (3, 1));
    assert!(outcome.filed[0].bead.is_some() && outcome.filed[1].created);
}

#[tokio::test]
async fn who_may_say_whether_beads_are_made() {
    use CreateBeads::{Ask, Auto, Never};
    use Person::{Absent, Agreed, Declined};
    let cases = [
        (Auto, Absent, 2, Status::Open),
        (Ask, Agreed, 2, Status::Open),
        (Ask, Absent, 2, Status::Deferred),
        (Never, Agreed, 2, Status::Open),
        (Never, Absent, 0, Status::Open),
        (Ask, Declined, 0, Status::Open),
    ];
    for (create, person, made, status) in cases {
        let world = self::world(&[SOURCE], usize::MAX).await;
        let outcome = world.file(create, person).await.unwrap();
        let beads = &world.memory.all()[1..];
        assert_eq!(beads.len(), made, "{create:?} {person:?}");
        assert!(beads.iter().all(|bead| bead.status == status), "{create:?} {person:?}");
        let proposed = beads.iter().all(|bead| bead.has_label(PROPOSED) == (status == Status::Deferred));
        assert!(proposed && outcome.filed.iter().all(|one| one.bead.is_some() || one.why.is_some()));
    }
}

#[tokio::test]
async fn t31_a_night_has_its_own_limit() {
    let world = self::world(&[SOURCE], usize::MAX).await;
    let tell = |body| {
        let entry = journal::Entry { project: None, bead: None, run: None, attempt: None, body };
        world.house.journal.tell(entry).unwrap();
    };
    let made = |n: usize| {
        let one = Filed {
            fingerprint: "x".into(),
            title: "x".into(),
            bead: Some(BeadId::new("t-9")),
            created: true,
            proposed: false,
            why: None,
        };
        Body::FindingsFiled { filed: vec![one; n], left_out: 0 }
    };
    tell(made(20));
    tell(Body::NightOpened { night: "n".into(), until: None, prospect: None });
    tell(made(29));
    let outcome = world.file(CreateBeads::Auto, Person::Absent).await.unwrap();
    assert_eq!(
        (world.memory.all().len(), outcome.left_out),
        (2, 1),
        "what was made before the night is past"
    );
    let blocked = world.block("the parser of x is missing").await;
    assert!(matches!(blocked, Err(BlockerError::Refused { why }) if why.contains("tonight's limit")));
    tell(Body::NightEnded { night: "n".into(), why: "done".into(), left: Vec::new(), left_out: 0 });
    assert_eq!(
        tonight::left(&world.house.journal, world.house.clock.now()).unwrap(),
        0,
        "the last day counts"
    );
    let tomorrow = world.house.clock.now() + chrono::TimeDelta::hours(25);
    assert_eq!(tonight::left(&world.house.journal, tomorrow).unwrap(), 30);
}

#[tokio::test]
async fn t31_blockers_count_towards_the_night_and_what_was_known_does_not() {
    let world = self::world(&[SOURCE], usize::MAX).await;
    let left = || tonight::left(&world.house.journal, world.house.clock.now()).unwrap();
    let tell = |body| {
        let entry = journal::Entry { project: None, bead: None, run: None, attempt: None, body };
        world.house.journal.tell(entry).unwrap();
    };
    let one = |created| Filed {
        fingerprint: "x".into(),
        title: "x".into(),
        bead: Some(BeadId::new("t-9")),
        created,
        proposed: false,
        why: None,
    };
    tell(Body::FindingsFiled { filed: vec![one(true), one(false), one(false)], left_out: 5 });
    assert_eq!(left(), 29, "one was made, two were there, five were left out");
    let blocked = |created| Body::Blocked { blocker: BeadId::new("t-9"), created, reason: "r".into() };
    tell(blocked(true));
    tell(blocked(false));
    assert_eq!(left(), 28);
}

#[tokio::test]
async fn t31_a_review_comments_no_more_beads_than_it_may_make() {
    let parts = [
        "parser", "lexer", "loader", "writer", "cache", "router", "clock", "ledger", "socket", "mailer",
        "viewer", "sorter", "packer", "tracer",
    ];
    let title = |part: &str| format!("The {part} of the {part} module drops its {part} entries on error");
    let beads: Vec<String> = parts
        .iter()
        .map(|part| format!(r#"{{"id":"t-{part}","title":"{}","description":"In {part}.py"}}"#, title(part)))
        .collect();
    let mut all = vec![SOURCE];
    all.extend(beads.iter().map(String::as_str));
    let world = self::world(&all, usize::MAX).await;
    let source = BeadId::new("t-1");
    let ledger: Vec<Entry> = parts
        .iter()
        .map(|part| Entry {
            fingerprint: (*part).to_owned(),
            ..entry(&format!("{} always", title(part)), Some((&format!("{part}.py"), 1)), Severity::Major)
        })
        .collect();
    let filing = Filing {
        house: &world.house,
        site: &world.site,
        source: &source,
        run: None,
        attempt: None,
        create: CreateBeads::Auto,
        person: Person::Absent,
    };
    let outcome = file(&filing, &ledger).await.unwrap();
    assert!(outcome.filed.iter().all(|one| one.bead.is_some() && !one.created), "all are known");
    let comments: usize = world.memory.all().iter().map(|bead| bead.comments.len()).sum();
    assert_eq!(comments, Caps::default().review);
}

#[tokio::test]
async fn a_blocker_is_named_found_or_made() {
    let world = self::world(
        &[
            SOURCE,
            r#"{"id":"t-2","title":"The lexer loses comments"}"#,
            r#"{"id":"t-3","title":"Old","status":"closed"}"#,
            r#"{"id":"t-4","title":"Waits","dependencies":[{"issue_id":"t-4","depends_on_id":"t-1","type":"blocks"}]}"#,
        ],
        usize::MAX,
    )
    .await;
    let named = world.block("`t-2`: needs it").await.unwrap();
    assert_eq!((named.bead.as_str(), named.created), ("t-2", false));
    let waits = |beads: &[Bead], on: &str| {
        beads[0]
            .dependencies
            .iter()
            .filter(|edge| edge.kind == "blocks" && edge.depends_on_id == BeadId::new(on))
            .count()
    };
    assert_eq!(world.block("t-2").await.unwrap().bead.as_str(), "t-2");
    assert_eq!(waits(&world.memory.all(), "t-2"), 1, "asked twice, linked once");
    assert!(matches!(world.block("t-3").await, Err(BlockerError::Closed { .. })));
    assert!(matches!(world.block("t-1").await, Err(BlockerError::Cycle { .. })));
    assert!(matches!(world.block("t-4").await, Err(BlockerError::Cycle { .. })));
    assert_eq!(world.block("the lexer loses all comments").await.unwrap().bead.as_str(), "t-2");

    let made = world.block("nobody has written the network layer").await.unwrap();
    assert!(made.created && !made.proposed);
    let beads = world.memory.all();
    assert_eq!(waits(&beads, made.bead.as_str()), 1);
    let new = beads.iter().find(|bead| bead.id == made.bead).unwrap();
    assert_eq!(
        (new.priority, new.issue_type.as_str(), new.title.as_str()),
        (1, "bug", "nobody has written the network layer")
    );
    let again = world.block("nobody has written the network layer").await.unwrap();
    assert_eq!((again.bead, again.created), (made.bead, false), "after a crash it is the same one");
    assert!(matches!(world.block("  ").await, Err(BlockerError::Refused { .. })));
    let itself = world.block("write it").await.unwrap();
    assert!(itself.created, "a bead's own title is no blocker of it");
}

#[tokio::test]
async fn t19_an_imported_bead_s_blocker_waits_for_approval() {
    let world = self::world(&[r#"{"id":"t-1","title":"x","external_ref":"gh-1"}"#], usize::MAX).await;
    let made = world.block("the whole house is missing").await.unwrap();
    assert!(made.proposed);
    assert_eq!(world.memory.all()[1].status, Status::Deferred);
}
