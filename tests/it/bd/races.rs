//! Claims from many processes at once: exactly one winner, also on a `bd` whose own claim lets several win.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use beadwork::beads::{self, ClaimFrom, Means, TrackerError};
use beadwork::clock::{RandomIds, SystemClock};
use beadwork::domain::ids::BeadId;

use super::backend::{Backend, Project, claim, is_long};

const RACERS: usize = 8;
const ROUNDS: usize = 200;

#[tokio::test]
async fn one_winner_on_a_fake_whose_claim_is_not_atomic() {
    race(&Backend::Fake("0.47.1".to_owned()), if is_long() { ROUNDS } else { ROUNDS / 4 }).await;
}

#[tokio::test]
async fn one_winner_on_a_fake_with_dolt() {
    race(&Backend::Fake("1.0.4".to_owned()), if is_long() { ROUNDS } else { ROUNDS / 8 }).await;
}

/// Slow: minutes for each version.
#[tokio::test]
async fn one_winner_on_a_real_one() {
    for backend in Backend::real() {
        race(&backend, if is_long() { ROUNDS } else { 5 }).await;
    }
}

async fn race(backend: &Backend, rounds: usize) {
    let project = Project::new(backend);
    let tracker = project.open().await;
    let mut beads = Vec::new();
    for n in 0..rounds {
        let made = project.bd(&["create", &format!("Bead {n}"), "--json"]);
        let made: serde_json::Value = serde_json::from_str(&made.out).unwrap();
        beads.push(BeadId::new(made["id"].as_str().unwrap()));
    }
    let list: Vec<&str> = beads.iter().map(BeadId::as_str).collect();
    std::fs::write(project.dir.path().join("beads"), list.join("\n")).unwrap();
    let racers: Vec<_> = (0..RACERS).map(|n| racer(&project, n)).collect();
    for mut racer in racers {
        assert!(racer.wait().unwrap().success());
    }
    let won = |n: usize| {
        let text = std::fs::read_to_string(project.dir.path().join(format!("won.{n}"))).unwrap();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let won: Vec<Vec<String>> = (0..RACERS).map(won).collect();
    for bead in &beads {
        let winners: Vec<usize> =
            (0..RACERS).filter(|n| won[*n].iter().any(|b| b == bead.as_str())).collect();
        assert_eq!(winners.len(), 1, "{backend:?}: {bead} was won by {winners:?}");
        let holder = tracker.show(bead).await.unwrap().assignee.unwrap();
        assert_eq!(holder, format!("beadwork/racer{}", winners[0]), "{backend:?}: {bead}");
    }
    println!(
        "{backend:?}: {rounds} beads, {RACERS} processes, won {:?}",
        won.iter().map(Vec::len).collect::<Vec<_>>()
    );
}

/// This test program again, as one of the racers.
fn racer(project: &Project, n: usize) -> std::process::Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "bd::races::runs_as_a_racer", "--nocapture"]);
    command.env("RACER", n.to_string()).env("RACE_DIR", project.dir.path());
    command.env("PATH", &project.environment()[0].1).env("HOME", project.dir.path().join("home"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap()
}

/// Nothing by itself: the body of the processes above.
#[tokio::test]
async fn runs_as_a_racer() {
    let (Some(dir), Ok(n)) = (std::env::var_os("RACE_DIR"), std::env::var("RACER")) else { return };
    let dir = PathBuf::from(dir);
    let environment: Vec<_> = std::env::vars_os().collect();
    let means = Means {
        environment: &environment,
        clock: Arc::new(SystemClock::default()),
        ids: Arc::new(RandomIds),
    };
    let tracker = beads::open(&dir.join("repo"), &means).await.unwrap();
    let text = std::fs::read_to_string(dir.join("beads")).unwrap();
    // Each starts elsewhere, so that none wins them all; they meet on the way.
    let beads: Vec<&str> = text.lines().collect();
    let start = n.parse::<usize>().unwrap() % 4 * beads.len() / 4;
    let mut won = Vec::new();
    for bead in beads.iter().cycle().skip(start).take(beads.len()) {
        match tracker.claim(&BeadId::new(*bead), &claim(&format!("racer{n}")), ClaimFrom::Open).await {
            Ok(_) => won.push((*bead).to_owned()),
            Err(TrackerError::ClaimLost { .. }) => {}
            Err(error) => panic!("{bead}: {error}"),
        }
    }
    write(&dir.join(format!("won.{n}")), &won);
}

fn write(path: &Path, won: &[String]) {
    std::fs::write(path, won.join("\n")).unwrap();
}

/// Eight calls of the bare program at once: several win on this fake, so the suite's own racers prove something.
#[test]
fn the_fake_s_own_claim_lets_several_win() {
    let project = Project::new(&Backend::Fake("0.47.1".to_owned()));
    // One round in which several win is proof enough.
    let several = (0..20).any(|round| {
        let made = project.bd(&["create", &format!("Bead {round}"), "--json"]);
        let made: serde_json::Value = serde_json::from_str(&made.out).unwrap();
        let id = made["id"].as_str().unwrap();
        let winners = std::thread::scope(|scope| {
            let all: Vec<_> = (0..RACERS)
                .map(|n| {
                    let project = &project;
                    scope.spawn(move || {
                        project.bd(&["update", id, "--claim", "--json", "--actor", &format!("w{n}")])
                    })
                })
                .collect();
            all.into_iter().map(|t| t.join().unwrap()).filter(|ran| !ran.out.is_empty()).count()
        });
        winners > 1
    });
    assert!(several);
}
