//! The embedded store under real processes: eight of them race, and an editor saves beside them.
//!
//! The racers are this very test binary, started again with one ignored test and a folder in the environment.
//! Start with [`ten_thousand_claims_by_two_instances_have_one_winner_each`].

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use beadwork::beads::{Claim, ClaimFrom, Means, Snapshot, Tracker, TrackerError, open};
use beadwork::clock::{RandomIds, SystemClock};
use beadwork::domain::bead::NewBead;
use beadwork::domain::event::{Body, Order};
use beadwork::domain::ids::{BeadId, Oid, ProjectId};
use beadwork::journal::{Entry, Journal};

use crate::harness::{BeadEnv, until};

const RACERS: usize = 8;
/// 50 trackers of 25 beads, each claimed by 8 processes: 10,000 claims.
const TRACKERS: usize = 50;
const BEADS: usize = 25;
const CREATES: usize = 50;

/// In memory where there is such a place: thousands of fsyncs are not the subject.
fn folder() -> tempfile::TempDir {
    let shm = Path::new("/dev/shm");
    if shm.is_dir() { tempfile::tempdir_in(shm) } else { tempfile::tempdir() }.unwrap()
}

fn tracker_in(root: &Path, text: &str) -> PathBuf {
    let beads = root.join(".beads");
    fs::create_dir_all(&beads).unwrap();
    fs::write(beads.join("config.yaml"), "issue-prefix: r\n").unwrap();
    fs::write(beads.join("issues.jsonl"), text).unwrap();
    beads.join("issues.jsonl")
}

async fn opened(root: &Path) -> Arc<dyn Tracker> {
    let means = Means { environment: &[], clock: Arc::new(SystemClock::default()), ids: Arc::new(RandomIds) };
    open(root, &means).await.unwrap()
}

/// Starts the racers, each with its number, and lets them go at once.
fn race(root: &Path, what: &str) -> Vec<Child> {
    let racers: Vec<Child> = (0..RACERS)
        .map(|n| {
            Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "store::a_racing_process", "--ignored", "--nocapture"])
                .env("BEADWORK_RACE", format!("{what}:{n}:{}", root.display()))
                .stdout(Stdio::null())
                .stderr(Stdio::inherit())
                .spawn()
                .unwrap()
        })
        .collect();
    let is_there = |n: usize| root.join(format!("ready-{n}")).exists();
    until("all racers at the start", Duration::from_secs(60), || (0..RACERS).all(is_there));
    fs::write(root.join("go"), "").unwrap();
    racers
}

fn finish(racers: Vec<Child>) {
    for mut racer in racers {
        assert!(racer.wait().unwrap().success(), "a racer failed");
    }
}

#[test]
#[ignore = "one process of a race; the races start it"]
fn a_racing_process() {
    let Ok(what) = std::env::var("BEADWORK_RACE") else { return };
    let mut words = what.splitn(3, ':');
    let (what, n, root) =
        (words.next().unwrap(), words.next().unwrap(), PathBuf::from(words.next().unwrap()));
    fs::write(root.join(format!("ready-{n}")), "").unwrap();
    until("the start", Duration::from_secs(60), || root.join("go").exists());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    match what {
        "claim" => runtime.block_on(claim_all(&root, n.parse().unwrap())),
        "create" => runtime.block_on(create_all(&root, n)),
        other => panic!("no such race: {other}"),
    }
}

/// Claims every bead of every tracker; writes down what it won.
async fn claim_all(root: &Path, n: usize) {
    let mut won = String::new();
    for at in 0..TRACKERS {
        let tracker = opened(&root.join(format!("t{at}"))).await;
        for bead in 0..BEADS {
            let id = BeadId::new(format!("r-{bead:02}"));
            // Four processes of each of two instances.
            let actor = format!("instance-{}/run-{n}-{at}-{bead}", n % 2);
            let claim = Claim { token: format!("token-{n}"), actor };
            match tracker.claim(&id, &claim, ClaimFrom::Open).await {
                Ok(_) => won.push_str(&format!("{at} {id} {}\n", claim.actor)),
                Err(TrackerError::ClaimLost { .. }) => {}
                Err(other) => panic!("{other}"),
            }
        }
    }
    fs::write(root.join(format!("won-{n}")), won).unwrap();
}

async fn create_all(root: &Path, n: &str) {
    let tracker = opened(root).await;
    let mut made = String::new();
    for count in 0..CREATES {
        let new = NewBead {
            title: format!("bead {n}.{count}"),
            description: String::new(),
            priority: 2,
            issue_type: "task".into(),
            labels: Vec::new(),
            edges: Vec::new(),
            blocks: Vec::new(),
            actor: format!("racer-{n}"),
        };
        made.push_str(&format!("{}\n", tracker.create(&new).await.unwrap().id));
    }
    fs::write(root.join(format!("made-{n}")), made).unwrap();
}

#[test]
fn ten_thousand_claims_by_two_instances_have_one_winner_each() {
    let dir = folder();
    let text: String = (0..BEADS).map(|n| format!("{{\"id\":\"r-{n:02}\",\"title\":\"t\"}}\n")).collect();
    for at in 0..TRACKERS {
        tracker_in(&dir.path().join(format!("t{at}")), &text);
    }
    finish(race(dir.path(), "claim"));
    let mut winners: BTreeMap<(usize, String), String> = BTreeMap::new();
    for n in 0..RACERS {
        for line in fs::read_to_string(dir.path().join(format!("won-{n}"))).unwrap().lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let key = (words[0].parse().unwrap(), words[1].to_owned());
            let other = winners.insert(key, words[2].to_owned());
            assert_eq!(other, None, "two winners: {line}");
        }
    }
    assert_eq!(winners.len(), TRACKERS * BEADS);
    let racers: std::collections::BTreeSet<_> =
        winners.values().map(|actor| actor.split('-').nth(2).unwrap().to_owned()).collect();
    assert!(racers.len() > 1, "there was no race: {racers:?} won everything");
    for at in 0..TRACKERS {
        let file = dir.path().join(format!("t{at}/.beads/issues.jsonl"));
        let snapshot = Snapshot::read(fs::read(file).unwrap());
        assert!(snapshot.problems.is_empty() && snapshot.beads.len() == BEADS);
        for bead in snapshot.beads {
            assert_eq!(bead.assignee.as_ref(), winners.get(&(at, bead.id.to_string())));
        }
    }
}

#[test]
fn a_bead_whose_story_is_open_is_not_closed_by_hand() {
    let env = BeadEnv::python();
    let id = env.add("Begun", &[]);
    let base = Oid::parse(&env.git(&["rev-parse", "HEAD"])).unwrap();
    let order = Order { attempts: 3, token: "token".into(), ..Order::unclaimed("main", base) };
    let root = env.git(&["rev-parse", "--show-toplevel"]);
    let entry = Entry {
        project: Some(ProjectId::of_path(Path::new(&root))),
        bead: Some(BeadId::new(&id)),
        run: None,
        attempt: None,
        body: Body::Claiming { order },
    };
    let journal = Journal::open(&env.state().join("journal.db"), Arc::new(SystemClock::default())).unwrap();
    let (_, mut story) = journal.open_story(entry).unwrap();
    journal.record(&mut story, Body::Claimed).unwrap();
    drop(journal);
    let before = env.read(".beads/issues.jsonl");
    let ran = env.bead(&["close", &id, "--reason", "no more"]).expect(3);
    for word in ["interrupted", &format!("bead work {id}"), "bead close"] {
        assert!(ran.err.contains(word), "no `{word}`: {}", ran.err);
    }
    assert_eq!(env.read(".beads/issues.jsonl"), before);
}

/// The editor saves in place, by appending: the one kind of save that needs no copy of the whole text.
#[test]
fn f37_eight_processes_create_while_an_editor_saves() {
    let dir = folder();
    let file = tracker_in(dir.path(), "{\"id\":\"r-first\",\"title\":\"t\",\"x_mine\": [ 1 ]}\n");
    let mut racers = race(dir.path(), "create");
    let mut edits = 0;
    while racers.iter_mut().any(|racer| racer.try_wait().unwrap().is_none()) {
        let line = format!("{{\"id\":\"r-edit{edits:03}\",\"title\":\"by hand\"}}\n");
        fs::OpenOptions::new().append(true).open(&file).unwrap().write_all(line.as_bytes()).unwrap();
        edits += 1;
        std::thread::sleep(Duration::from_millis(100));
    }
    finish(racers);
    let snapshot = Snapshot::read(fs::read(&file).unwrap());
    assert!(snapshot.problems.is_empty(), "{:?}", snapshot.problems);
    for n in 0..RACERS {
        let made = fs::read_to_string(dir.path().join(format!("made-{n}"))).unwrap();
        assert_eq!(made.lines().count(), CREATES);
        for id in made.lines() {
            assert!(snapshot.get(&BeadId::new(id)).is_some(), "{id} of racer {n} is lost");
        }
    }
    assert!(
        (0..edits).all(|n| snapshot.get(&BeadId::new(format!("r-edit{n:03}"))).is_some()),
        "an edit is lost"
    );
    assert_eq!(snapshot.beads.len(), 1 + RACERS * CREATES + edits);
    assert!(edits > 3, "the editor had no chance to interfere");
    assert!(fs::read_to_string(&file).unwrap().contains("\"x_mine\": [ 1 ]}\n"));
    let names: Vec<_> =
        fs::read_dir(file.parent().unwrap()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| !name.to_string_lossy().ends_with(".tmp")), "{names:?}");
}
