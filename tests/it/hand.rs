//! The hand's commands where no container is needed: beads at rest, refusals, and a daemon in between.

use std::time::Duration;

use crate::harness::engine::{Engine, ask};
use crate::harness::{BeadEnv, finish, signal, until};

const SOON: Duration = Duration::from_secs(30);

fn project() -> BeadEnv {
    let mut env = BeadEnv::python();
    env.set("DOCKER_HOST", "unix:///nonexistent/docker.sock");
    env
}

#[test]
fn beads_at_rest_are_parked_and_given_back_without_an_engine() {
    let env = project();
    let id = env.add("First", &[]);
    let ran = env.bead(&["park", &id, "--reason", "needs a designer"]).expect(0);
    assert!(ran.out.contains("bead retry"), "{}", ran.out);
    let shown = env.shown(&id);
    assert_eq!((shown["status"].as_str(), shown["labels"][0].as_str()), (Some("blocked"), Some("parked")));
    assert!(shown["comments"].to_string().contains("tester: needs a designer"), "{shown}");
    assert!(env.bead(&["ready"]).expect(0).out.lines().all(|line| !line.contains(&id)));
    let ran = env.bead(&["retry", &id, "--json"]).expect(0);
    assert_eq!(ran.last()["deed"], "gives back");
    assert_eq!(env.shown(&id)["status"], "open");
    let told = env.bead(&["events", "--bead", &id]).expect(0).out;
    assert!(
        told.contains("by hand: parked: needs a designer") && told.contains("to be tried again"),
        "{told}"
    );
    env.bead(&["verify"]);
}

#[test]
fn each_verb_says_what_state_the_bead_is_in_and_what_makes_sense() {
    let env = project();
    let ready = env.add("First", &[]);
    let closed = env.add("Second", &[]);
    env.bead(&["close", &closed, "--reason", "done"]).expect(0);
    let of = |args: &[&str], words: &[&str]| {
        let ran = env.bead(args).expect(3);
        for word in words {
            assert!(ran.err.contains(word), "bead {args:?} does not say `{word}`: {}", ran.err);
        }
    };
    for verb in ["cancel", "pause", "resume", "retry", "approve"] {
        of(&[verb, &ready], &[verb, "is ready", "bead work"]);
        of(&[verb, &closed], &[verb, "is closed", "bead reopen"]);
        of(&[verb, "t-nope"], &["t-nope"]);
        of(&[verb, "r0123456789abcd"], &["no run", "bead runs"]);
    }
    of(&["send", &ready, "hello"], &["is ready", "bead work"]);
    of(&["send", &ready, " "], &["empty"]);
    of(&["answer", &ready, "yes"], &["is ready"]);
    of(&["shell", &ready], &["is ready"]);
    of(&["attach", &ready], &["nobody has worked on", "bead why"]);
    of(&["park", &closed, "--reason", "x"], &["is closed"]);
    env.bead(&["park", &ready]).expect(2);
    assert_eq!(
        env.bead(&["events", "--json"]).expect(0).out.matches("wished").count(),
        0,
        "nothing was done"
    );
}

#[test]
fn a_proposed_bead_is_opened_through_the_daemon_and_its_events_are_followed_over_its_end() {
    let mut env = BeadEnv::python();
    let engine = Engine::new(env.dir.path());
    env.set("DOCKER_HOST", &engine.host()).set("ANTHROPIC_API_KEY", "k");
    env.bead(&["project", "add"]).expect(0);
    let id = env.add("First", &["--label", "proposed"]);
    let text = env.read(".beads/issues.jsonl").replace("\"status\":\"open\"", "\"status\":\"deferred\"");
    env.write(".beads/issues.jsonl", &text);
    let socket = env.state().join("run/daemon.sock");
    let serving = || {
        let child = env.start(&["serve"]);
        until("the daemon's first look", SOON, || {
            ask(&socket, "GET", "/readyz").is_ok_and(|(status, _)| status == 200)
        });
        child
    };
    let daemon = serving();
    let followed = env.dir.path().join("followed");
    let mut follow = env.bead_command(&["events", "-f", "--json"]);
    let mut follow = follow.stdout(std::fs::File::create(&followed).unwrap()).spawn().unwrap();
    let seen = |word: &str| std::fs::read_to_string(&followed).unwrap().matches(word).count();

    let refused = env.bead(&["cancel", &id]).expect(3);
    assert!(refused.err.contains("is proposed") && refused.err.contains("bead approve"), "{}", refused.err);
    let ran = env.bead(&["approve", &id]).expect(0);
    assert!(ran.out.contains("is open"), "{}", ran.out);
    assert_eq!(env.shown(&id)["status"], "open");
    until("the approval in the stream", SOON, || seen("\"approved\"") == 1);

    signal(&daemon, "TERM");
    finish(daemon, SOON).expect(0);
    env.bead(&["park", &id, "--reason", "while no daemon runs"]).expect(0);
    until("what came without a daemon", SOON, || seen("while no daemon runs") == 1);
    let daemon = serving();
    env.bead(&["retry", &id]).expect(0);
    until("what came with the next one", SOON, || seen("\"retried\"") == 1);
    assert_eq!((seen("\"approved\""), seen("while no daemon runs")), (1, 1), "each once");
    follow.kill().unwrap();
    follow.wait().unwrap();
    signal(&daemon, "TERM");
    finish(daemon, SOON);
}
