//! What every tracker keeps, whoever holds the beads.

use beadwork::beads::{ClaimFrom, Edit, PARKED, Release, Tracker, TrackerError};
use beadwork::domain::bead::Status;
use beadwork::domain::ids::BeadId;

use super::backend::{Backend, Project, claim, id, new, part_of};

/// Runs a test on a fresh project of each kind, and says on which it failed.
macro_rules! on_each {
    ($($name:ident)*) => { $(
        mod $name {
            use super::*;

            async fn run(backends: Vec<Backend>) {
                for backend in backends {
                    let project = Project::new(&backend);
                    println!("on {backend:?}");
                    let tracker = project.open().await;
                    super::on::$name(&project, tracker.as_ref()).await;
                }
            }

            #[tokio::test]
            async fn embedded_and_fake() {
                run([vec![Backend::Embedded], Backend::fakes()].concat()).await;
            }

            #[tokio::test]
            async fn real() {
                run(Backend::real()).await;
            }
        }
    )* };
}

on_each! {
    a_new_bead_has_what_was_asked_for
    text_of_a_bead_becomes_no_option
    an_id_is_never_taken_for_another
    a_claim_is_taken_once_and_given_back
    a_claim_needs_a_bead_that_may_be_claimed
    a_claim_lost_to_another_is_noticed
    parked_is_told_once
    closed_keeps_its_first_reason
    opened_again_and_taken_back
    comments_come_in_order_and_whole
    edits_are_kept
    guards_of_bd_stand
    ready_is_what_the_tracker_says
    output_looks_like_bd_s
    what_is_wrong_creates_nothing
    metadata_of_others_stays
}

mod on {
    use super::*;

    async fn made(tracker: &dyn Tracker, title: &str) -> BeadId {
        tracker.create(&new(title)).await.unwrap().id
    }

    pub(super) async fn a_new_bead_has_what_was_asked_for(_: &Project, tracker: &dyn Tracker) {
        let (target, waiting) = (made(tracker, "Target").await, made(tracker, "Waiting").await);
        let mut asked = new("Größe <10 MB & \"quoted\" — 日本語 🚀");
        asked.description = "Line one\nLine two\ttab".to_owned();
        asked.priority = 0;
        asked.issue_type = "bug".to_owned();
        asked.labels = vec!["urgent".to_owned(), "backend".to_owned(), "a,b".to_owned()];
        asked.edges = vec![("blocks".to_owned(), target.clone())];
        asked.blocks = vec![waiting.clone()];
        let bead = tracker.create(&asked).await.unwrap();
        assert_eq!(bead, tracker.show(&bead.id).await.unwrap());
        assert_eq!((&bead.title, &bead.description), (&asked.title, &asked.description));
        assert_eq!((bead.priority, bead.issue_type.as_str()), (0, "bug"));
        assert_eq!((&bead.status, &bead.assignee), (&Status::Open, &None));
        assert_eq!(bead.labels, ["a,b", "backend", "urgent"]);
        assert_eq!(bead.created_by.as_deref(), Some("maria"));
        let edges: Vec<_> = bead.dependencies.iter().map(|d| (d.kind.as_str(), &d.depends_on_id)).collect();
        assert_eq!(edges, [("blocks", &target)]);
        let waits = tracker.show(&waiting).await.unwrap().dependencies;
        assert_eq!((waits.len(), &waits[0].depends_on_id, waits[0].kind.as_str()), (1, &bead.id, "blocks"));
        let mut found = new("Found on the way");
        found.edges = vec![("discovered-from".to_owned(), bead.id.clone())];
        let found = tracker.create(&found).await.unwrap();
        assert_eq!(found.dependencies[0].kind, "discovered-from");
        let snapshot = tracker.snapshot().await.unwrap();
        assert!(snapshot.problems.is_empty(), "{:?}", snapshot.problems);
        assert_eq!(snapshot.beads.len(), 4);
        let listed = snapshot.get(&bead.id).unwrap();
        assert_eq!((listed.dependencies.len(), &listed.title), (1, &asked.title));
    }

    pub(super) async fn text_of_a_bead_becomes_no_option(_: &Project, tracker: &dyn Tracker) {
        let mut asked = new("--help");
        asked.description = "--force".to_owned();
        let bead = tracker.create(&asked).await.unwrap();
        assert_eq!((bead.title.as_str(), bead.description.as_str()), ("--help", "--force"));
        let bead = tracker.comment(&bead.id, "-a", "--version").await.unwrap();
        assert_eq!((bead.comments[0].author.as_str(), bead.comments[0].text.as_str()), ("-a", "--version"));
        for wrong in ["", "-h", "--all", "--help", "../x", "orc-*", "$(id)"] {
            let error = tracker.show(&id(wrong)).await.unwrap_err();
            assert!(matches!(error, TrackerError::UnknownId { .. }), "{wrong}: {error}");
            let error = tracker.close(&id(wrong), "-r", "maria").await.unwrap_err();
            assert!(matches!(error, TrackerError::UnknownId { .. }), "{wrong}: {error}");
        }
        let closed = tracker.close(&bead.id, "--force", "maria").await.unwrap();
        assert_eq!(closed.close_reason.as_deref(), Some("--force"));
    }

    /// Every version of `bd` resolves an unknown full id to a bead that has it as a part.
    pub(super) async fn an_id_is_never_taken_for_another(project: &Project, tracker: &dyn Tracker) {
        let bead = made(tracker, "The only one").await;
        let other = made(tracker, "Another").await;
        let wrong = part_of(&bead);
        let part = wrong.as_str().trim_start_matches("orc-").to_owned();
        if project.backend.is_bd() && !other.as_str().contains(&part) {
            let trap = project.bd(&["show", wrong.as_str(), "--json"]);
            assert!(trap.out.contains(bead.as_str()), "this `bd` has no such trap any more: {trap:?}");
        }
        let before = tracker.show(&bead).await.unwrap();
        let mine = claim("r1");
        let mut with_edge = new("Edge");
        with_edge.edges = vec![("blocks".to_owned(), wrong.clone())];
        let mut blocking = new("Blocking");
        blocking.blocks = vec![wrong.clone()];
        let edge = Edit { add_edges: vec![("blocks".to_owned(), wrong.clone())], ..Edit::default() };
        let refused = [
            tracker.show(&wrong).await.err(),
            tracker.close(&wrong, "no", "maria").await.err(),
            tracker.reopen(&wrong, "maria").await.err(),
            tracker.comment(&wrong, "maria", "no").await.err(),
            tracker.update(&wrong, &Edit::park("no"), "maria").await.err(),
            tracker.update(&other, &edge, "maria").await.err(),
            tracker.claim(&wrong, &mine, ClaimFrom::Open).await.err(),
            tracker.holds(&wrong, &mine).await.err(),
            tracker.release(&wrong, &mine, &Release::Open).await.err(),
            tracker.create(&with_edge).await.err(),
            tracker.create(&blocking).await.err(),
        ];
        for (at, error) in refused.iter().enumerate() {
            let error = error.as_ref().unwrap_or_else(|| panic!("call {at} went through"));
            assert!(
                matches!(error, TrackerError::UnknownId { id, nearest } if *id == wrong
                && nearest.contains(&bead.to_string())),
                "call {at}: {error}"
            );
        }
        assert_eq!(tracker.show(&bead).await.unwrap(), before);
        assert_eq!(tracker.snapshot().await.unwrap().beads.len(), 2);
    }

    pub(super) async fn a_claim_is_taken_once_and_given_back(project: &Project, tracker: &dyn Tracker) {
        let bead = made(tracker, "Wanted").await;
        let (mine, yours) = (claim("r1"), claim("r2"));
        let taken = tracker.claim(&bead, &mine, ClaimFrom::Open).await.unwrap();
        assert_eq!((&taken.status, taken.assignee.as_deref()), (&Status::InProgress, Some("beadwork/r1")));
        let token = project.backend.keeps_metadata().then_some("tokenr1");
        assert_eq!(taken.claim_token(), token);
        assert_eq!(tracker.claim(&bead, &mine, ClaimFrom::Open).await.unwrap(), taken);
        assert!(tracker.holds(&bead, &mine).await.unwrap());
        assert!(!tracker.holds(&bead, &yours).await.unwrap());
        let lost = tracker.claim(&bead, &yours, ClaimFrom::AnyLive).await.unwrap_err();
        assert!(matches!(&lost, TrackerError::ClaimLost { by, .. } if by == "beadwork/r1"), "{lost}");
        let lost = tracker.release(&bead, &yours, &Release::Open).await.unwrap_err();
        assert!(matches!(lost, TrackerError::ClaimLost { .. }), "{lost}");
        let freed = tracker.release(&bead, &mine, &Release::Open).await.unwrap();
        assert_eq!((&freed.status, &freed.assignee, freed.claim_token()), (&Status::Open, &None, None));
        assert_eq!(tracker.release(&bead, &mine, &Release::Open).await.unwrap(), freed);
        assert!(!tracker.holds(&bead, &mine).await.unwrap());
        tracker.claim(&bead, &yours, ClaimFrom::Open).await.unwrap();
        assert!(tracker.holds(&bead, &yours).await.unwrap());
    }

    pub(super) async fn a_claim_needs_a_bead_that_may_be_claimed(_: &Project, tracker: &dyn Tracker) {
        let bead = made(tracker, "Blocked").await;
        let to = |status| Edit { status: Some(status), ..Edit::default() };
        let mine = claim("r1");
        for status in [Status::Blocked, Status::Deferred] {
            tracker.update(&bead, &to(status.clone()), "maria").await.unwrap();
            let error = tracker.claim(&bead, &mine, ClaimFrom::Open).await.unwrap_err();
            assert!(
                matches!(&error, TrackerError::NotClaimable { status: s, .. } if s == status.as_str()),
                "{error}"
            );
        }
        tracker.claim(&bead, &mine, ClaimFrom::AnyLive).await.unwrap();
        assert!(tracker.holds(&bead, &mine).await.unwrap());
        tracker.release(&bead, &mine, &Release::Closed { reason: "done".to_owned() }).await.unwrap();
        for from in [ClaimFrom::Open, ClaimFrom::AnyLive] {
            let error = tracker.claim(&bead, &claim("r2"), from).await.unwrap_err();
            assert!(
                matches!(&error, TrackerError::AlreadyClosed { reason, .. } if reason == "done"),
                "{error}"
            );
        }
    }

    /// The second look before landing: somebody took the bead back and gave it to another.
    pub(super) async fn a_claim_lost_to_another_is_noticed(project: &Project, tracker: &dyn Tracker) {
        let bead = made(tracker, "Contested").await;
        let mine = claim("r1");
        tracker.claim(&bead, &mine, ClaimFrom::Open).await.unwrap();
        if project.backend.is_bd() {
            let ran = project.bd(&["update", bead.as_str(), "--assignee", "worker-2", "--json"]);
            assert_eq!(ran.code, 0, "{ran:?}");
        } else {
            tracker.reopen(&bead, "maria").await.unwrap();
            let theirs = beadwork::beads::Claim { token: "t".to_owned(), actor: "worker-2".to_owned() };
            tracker.claim(&bead, &theirs, ClaimFrom::Open).await.unwrap();
        }
        assert!(!tracker.holds(&bead, &mine).await.unwrap());
        for into in [Release::Open, Release::Closed { reason: "landed".to_owned() }] {
            let error = tracker.release(&bead, &mine, &into).await.unwrap_err();
            assert!(matches!(&error, TrackerError::ClaimLost { by, .. } if by == "worker-2"), "{error}");
        }
        assert_eq!(tracker.show(&bead).await.unwrap().status, Status::InProgress);
    }

    pub(super) async fn parked_is_told_once(project: &Project, tracker: &dyn Tracker) {
        let bead = made(tracker, "Question").await;
        let mine = claim("r1");
        tracker.claim(&bead, &mine, ClaimFrom::Open).await.unwrap();
        let parked = Release::Parked { comment: "Beadwork: which one?\nLog: `bead logs r1`.".to_owned() };
        for _ in 0..2 {
            let bead = tracker.release(&bead, &mine, &parked).await.unwrap();
            assert_eq!((&bead.status, &bead.assignee), (&Status::Blocked, &None));
            assert!(bead.has_label(PARKED) && bead.claim_token().is_none());
            assert_eq!(bead.comments.len(), 1);
        }
        if project.backend.is_bd() {
            let shown = project.bd(&["comments", bead.as_str(), "--json"]);
            assert!(shown.out.contains("which one?"), "{shown:?}");
        }
        let open = tracker.update(&bead, &Edit::unpark(), "maria").await.unwrap();
        assert!(open.status == Status::Open && !open.has_label(PARKED));
    }

    pub(super) async fn closed_keeps_its_first_reason(_: &Project, tracker: &dyn Tracker) {
        let bead = made(tracker, "Done").await;
        let mine = claim("r1");
        tracker.claim(&bead, &mine, ClaimFrom::Open).await.unwrap();
        let landed = Release::Closed { reason: "landed on main as 1234 by run r1".to_owned() };
        for _ in 0..2 {
            let closed = tracker.release(&bead, &mine, &landed).await.unwrap();
            assert_eq!(closed.status, Status::Closed);
            assert_eq!(closed.close_reason.as_deref(), Some("landed on main as 1234 by run r1"));
            assert!(
                closed.closed_at.is_some() && closed.assignee.is_none() && closed.claim_token().is_none()
            );
        }
        // `bd` itself would overwrite when and why.
        let error = tracker.close(&bead, "again", "maria").await.unwrap_err();
        assert!(
            matches!(&error, TrackerError::AlreadyClosed { reason, at: Some(_), .. } if reason.contains("1234"))
        );
        let error = tracker.update(&bead, &Edit::unpark(), "maria").await.unwrap_err();
        assert!(matches!(error, TrackerError::AlreadyClosed { .. }));
        let snapshot = tracker.snapshot().await.unwrap();
        assert_eq!(snapshot.get(&bead).unwrap().status, Status::Closed, "closed beads are listed too");
    }

    pub(super) async fn opened_again_and_taken_back(_: &Project, tracker: &dyn Tracker) {
        let bead = made(tracker, "Again").await;
        let error = tracker.reopen(&bead, "maria").await.unwrap_err();
        assert!(matches!(error, TrackerError::NotClosed { .. }), "{error}");
        tracker.close(&bead, "", "maria").await.unwrap();
        assert_eq!(tracker.show(&bead).await.unwrap().close_reason.as_deref(), Some("Closed"));
        let open = tracker.reopen(&bead, "maria").await.unwrap();
        assert_eq!((&open.status, open.closed_at, &open.close_reason), (&Status::Open, None, &None));
        let mine = claim("r1");
        tracker.claim(&bead, &mine, ClaimFrom::Open).await.unwrap();
        let back = tracker.reopen(&bead, "maria").await.unwrap();
        assert_eq!((&back.status, &back.assignee, back.claim_token()), (&Status::Open, &None, None));
        assert!(!tracker.holds(&bead, &mine).await.unwrap());
    }

    pub(super) async fn comments_come_in_order_and_whole(project: &Project, tracker: &dyn Tracker) {
        let bead = made(tracker, "Talk").await;
        let said = ["first", "two\nlines with \"quotes\" & <tags> — 日本語", "third"];
        for text in said {
            tracker.comment(&bead, "beadwork", text).await.unwrap();
            if matches!(project.backend, Backend::Real { .. }) && project.backend.is_dolt() {
                // Dolt keeps whole seconds: what is said within one has no order of its own.
                tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
            }
        }
        let comments = tracker.show(&bead).await.unwrap().comments;
        let texts: Vec<_> = comments.iter().map(|c| c.text.as_str()).collect();
        assert_eq!(texts, said);
        assert!(comments.iter().all(|c| c.author == "beadwork" && c.created_at.is_some()));
        let around = tracker.snapshot_around(&bead).await.unwrap();
        assert_eq!(around.get(&bead).unwrap().comments.len(), 3);
        let shown: serde_json::Value = serde_json::from_str(around.shown(&bead).unwrap().get()).unwrap();
        assert_eq!(
            (shown["comments"][1]["text"].as_str(), &shown["comment_count"]),
            (Some(said[1]), &3.into())
        );
    }

    pub(super) async fn edits_are_kept(project: &Project, tracker: &dyn Tracker) {
        let (bead, blocker) = (made(tracker, "Edited").await, made(tracker, "Blocker").await);
        let edit = Edit {
            status: Some(Status::Blocked),
            add_labels: vec!["a".to_owned(), "x,y".to_owned()],
            comment: Some("why".to_owned()),
            add_edges: vec![("blocks".to_owned(), blocker.clone())],
            ..Edit::default()
        };
        let edited = tracker.update(&bead, &edit, "maria").await.unwrap();
        assert_eq!(
            (&edited.status, &edited.labels[..]),
            (&Status::Blocked, &["a".to_owned(), "x,y".to_owned()][..])
        );
        assert_eq!((edited.comments[0].author.as_str(), edited.dependencies.len()), ("maria", 1));
        let again = Edit { comment: None, ..edit };
        assert_eq!(tracker.update(&bead, &again, "maria").await.unwrap().dependencies.len(), 1);
        let gone = Edit { remove_labels: vec!["x,y".to_owned(), "a".to_owned()], ..Edit::default() };
        assert!(tracker.update(&bead, &gone, "maria").await.unwrap().labels.is_empty());
        let circle = Edit { add_edges: vec![("blocks".to_owned(), bead.clone())], ..Edit::default() };
        let error = tracker.update(&blocker, &circle, "maria").await.unwrap_err();
        assert!(matches!(error, TrackerError::Cycle { .. }), "{error}");
        let closing = Edit { status: Some(Status::Closed), ..Edit::default() };
        assert!(tracker.update(&bead, &closing, "maria").await.unwrap_err().is_refusal());
        let nothing = tracker.update(&bead, &Edit::default(), "maria").await.unwrap();
        assert_eq!(nothing.status, Status::Blocked);
        if project.backend.is_bd() {
            let unknown = Edit { status: Some(Status::Other("nonsense".to_owned())), ..Edit::default() };
            let error = tracker.update(&bead, &unknown, "maria").await.unwrap_err();
            assert!(error.is_refusal() && error.to_string().contains("nonsense"), "{error}");
        }
    }

    /// A refused close exits 0 in classic versions.
    pub(super) async fn guards_of_bd_stand(project: &Project, tracker: &dyn Tracker) {
        if !project.backend.is_bd() {
            return;
        }
        let blocker = made(tracker, "Blocker").await;
        let mut waiting = new("Waiting");
        waiting.edges = vec![("blocks".to_owned(), blocker.clone())];
        let waiting = tracker.create(&waiting).await.unwrap().id;
        let error = tracker.close(&waiting, "done", "maria").await.unwrap_err();
        assert!(error.is_refusal() && error.to_string().contains(blocker.as_str()), "{error}");
        let mine = claim("r1");
        tracker.claim(&waiting, &mine, ClaimFrom::Open).await.unwrap();
        let error =
            tracker.release(&waiting, &mine, &Release::Closed { reason: "x".to_owned() }).await.unwrap_err();
        assert!(error.is_refusal(), "{error}");
        assert!(tracker.holds(&waiting, &mine).await.unwrap(), "the claim stands");
        tracker.close(&blocker, "done", "maria").await.unwrap();
        tracker.release(&waiting, &mine, &Release::Closed { reason: "x".to_owned() }).await.unwrap();

        let mut epic = new("Epic");
        epic.issue_type = "epic".to_owned();
        let epic = tracker.create(&epic).await.unwrap().id;
        let mut child = new("Child");
        child.edges = vec![("parent-child".to_owned(), epic.clone())];
        tracker.create(&child).await.unwrap();
        let closed = tracker.close(&epic, "done", "maria").await;
        assert_eq!(closed.is_ok(), project.backend.is_classic(), "{closed:?}");
    }

    pub(super) async fn ready_is_what_the_tracker_says(project: &Project, tracker: &dyn Tracker) {
        let first = made(tracker, "First").await;
        let mut second = new("Second");
        second.edges = vec![("blocks".to_owned(), first.clone())];
        let second = tracker.create(&second).await.unwrap().id;
        let (third, busy) = (made(tracker, "Third").await, made(tracker, "Busy").await);
        tracker.claim(&busy, &claim("r1"), ClaimFrom::Open).await.unwrap();
        let ready = async || {
            let snapshot = tracker.snapshot().await.unwrap();
            let listed = tracker.ready_ids(&snapshot).await.unwrap();
            listed.map(|mut ids| {
                ids.sort();
                ids
            })
        };
        let sorted = |mut ids: Vec<BeadId>| {
            ids.sort();
            Some(ids)
        };
        if !project.backend.is_bd() {
            assert_eq!(ready().await, None);
            return;
        }
        assert_eq!(ready().await, sorted(vec![first.clone(), third.clone()]));
        tracker.close(&first, "done", "maria").await.unwrap();
        assert_eq!(ready().await, sorted(vec![second, third]));
    }

    pub(super) async fn output_looks_like_bd_s(_: &Project, tracker: &dyn Tracker) {
        let first = made(tracker, "First").await;
        let mut second = new("Second");
        second.edges = vec![("blocks".to_owned(), first.clone())];
        let second = tracker.create(&second).await.unwrap().id;
        tracker.comment(&first, "maria", "a word").await.unwrap();
        let snapshot = tracker.snapshot_around(&first).await.unwrap();
        let json = |id| serde_json::from_str::<serde_json::Value>(snapshot.json(id).unwrap().get()).unwrap();
        assert_eq!(
            (&json(&first)["dependent_count"], &json(&first)["comment_count"]),
            (&1.into(), &1.into())
        );
        assert_eq!(json(&second)["dependencies"][0]["depends_on_id"], first.as_str());
        let shown: serde_json::Value = serde_json::from_str(snapshot.shown(&second).unwrap().get()).unwrap();
        assert_eq!(
            (&shown["dependencies"][0]["id"], &shown["dependencies"][0]["dependency_type"]),
            (&first.as_str().into(), &"blocks".into())
        );
        let shown: serde_json::Value = serde_json::from_str(snapshot.shown(&first).unwrap().get()).unwrap();
        assert_eq!(shown["dependents"][0]["id"], second.as_str());
    }

    pub(super) async fn what_is_wrong_creates_nothing(project: &Project, tracker: &dyn Tracker) {
        let bead = made(tracker, "There").await;
        let mut wrong = vec![new(""), new(&"x".repeat(501)), new("NUL \0 inside")];
        wrong.push(beadwork::domain::bead::NewBead { priority: 5, ..new("priority") });
        wrong.push(beadwork::domain::bead::NewBead { issue_type: "two words".to_owned(), ..new("type") });
        let edges = |edges| beadwork::domain::bead::NewBead { edges, ..new("edges") };
        wrong.push(edges(vec![("blocks".to_owned(), id("orc-nowhere"))]));
        wrong.push(beadwork::domain::bead::NewBead {
            blocks: vec![bead.clone()],
            ..edges(vec![("blocks".to_owned(), bead.clone())])
        });
        // A file can hold a NUL; an argument cannot.
        wrong.retain(|new| project.backend.is_bd() || !new.title.contains('\0'));
        for new in wrong {
            let error = tracker.create(&new).await.unwrap_err();
            assert!(error.is_refusal(), "{}: {error}", new.title);
        }
        assert_eq!(tracker.snapshot().await.unwrap().beads.len(), 1);
    }

    pub(super) async fn metadata_of_others_stays(project: &Project, tracker: &dyn Tracker) {
        if !project.backend.is_bd() || !project.backend.keeps_metadata() {
            return;
        }
        let bead = made(tracker, "Marked").await;
        let set = project.bd(&[
            "update",
            bead.as_str(),
            "--metadata",
            r#"{"team":"a, b","n":12345678901234567}"#,
            "--json",
        ]);
        assert_eq!(set.code, 0, "{set:?}");
        let before = tracker.show(&bead).await.unwrap().metadata.unwrap();
        let mine = claim("r1");
        assert_eq!(
            tracker.claim(&bead, &mine, ClaimFrom::Open).await.unwrap().claim_token(),
            Some("tokenr1")
        );
        let freed = tracker.release(&bead, &mine, &Release::Open).await.unwrap();
        assert_eq!(freed.metadata, Some(before));
    }
}
