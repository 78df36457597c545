//! `bead work` on a tracker of each kind: the embedded store, classic `bd` and `bd` with Dolt, faked and real.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::harness::{BeadEnv, Ran};

const FIX: &str = r#"
conversations:
  - turns:
      - tools: [{ name: Bash, input: { command: "sed -i 's/a - b/a + b/' calc.py && python3 -m unittest -q", description: Fix } }]
      - text: "Fixed."
"#;
const NOTHING: &str = "conversations:\n  - turns:\n      - text: \"There is nothing to do.\"\n";

/// A project whose tracker a `bd` keeps. `version` is the fake's; a real one knows its own.
pub(crate) struct Tracked {
    pub(crate) env: BeadEnv,
    version: String,
    is_fake: bool,
}

impl Tracked {
    pub(crate) fn new(program: &PathBuf, version: &str) -> Self {
        let mut env = BeadEnv::python();
        std::fs::remove_dir_all(env.repo().join(".beads")).unwrap();
        let bin = env.dir.path().join("bin");
        std::fs::create_dir(&bin).unwrap();
        std::os::unix::fs::symlink(program, bin.join("bd")).unwrap();
        std::fs::write(bin.join("bd.version"), version).unwrap();
        let path = format!("{}:{}", bin.display(), env.vars["PATH"]);
        // The git hooks of a classic one would start its daemon.
        env.set("PATH", &path).set("BEADS_NO_DAEMON", "1");
        let is_fake = program.ends_with("fake-bd");
        let tracked = Self { env, version: version.to_owned(), is_fake };
        let mut args = vec!["init", "--prefix", "t", "--quiet"];
        if !tracked.is_classic() {
            args.extend(["--non-interactive", "--skip-agents", "--skip-hooks"]);
        }
        tracked.bd(&args).expect(0);
        tracked.commit();
        tracked
    }

    fn is_classic(&self) -> bool {
        self.version.starts_with("0.")
    }

    /// What `bd` leaves in the work tree; 1.0.x has committed its own files by itself.
    pub(crate) fn commit(&self) {
        self.env.git(&["add", "-A"]);
        self.env.git(&["commit", "-q", "--allow-empty", "-m", "the tracker"]);
    }

    /// What its own doctor does not like, by name. 1.0.x has none for its embedded database, the fakes have none.
    fn complaints(&self) -> Vec<String> {
        let ran = self.bd(&["doctor", "--json"]);
        let said: serde_json::Value = serde_json::from_str(&ran.out).unwrap_or_default();
        let checks = said["checks"].as_array().cloned().unwrap_or_default();
        assert_eq!(checks.len() > 20, self.is_classic() && !self.is_fake, "{}{}", ran.out, ran.err);
        let bad = checks.iter().filter(|check| check["status"] != "ok");
        bad.map(|check| check["name"].as_str().unwrap().to_owned()).collect()
    }

    fn bd(&self, args: &[&str]) -> Ran {
        let mut command = Command::new(self.env.dir.path().join("bin/bd"));
        command.args(args).current_dir(self.env.repo()).env_clear().envs(&self.env.vars).stdin(Stdio::null());
        for name in ["BEADS_NO_DAEMON", "BD_NON_INTERACTIVE", "BD_DISABLE_METRICS"] {
            command.env(name, "1");
        }
        let out = command.output().unwrap();
        Ran {
            code: out.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&out.stdout).into_owned(),
            err: String::from_utf8_lossy(&out.stderr).into_owned(),
        }
    }

    /// The bead as `bd` itself shows it.
    fn shown(&self, id: &str) -> serde_json::Value {
        let mut args = vec!["show", id, "--json"];
        args.extend((self.version == "1.0.5").then_some("--include-comments"));
        self.bd(&args).expect(0).json()[0].clone()
    }
}

/// Every `bd` at hand: the fakes, and what `BEADWORK_TEST_BD` names.
fn programs() -> Vec<(PathBuf, String)> {
    let fake = crate::harness::fake_bd();
    let mut all = vec![(fake.clone(), "0.49.6".to_owned()), (fake, "1.0.4".to_owned())];
    let given = std::env::var_os("BEADWORK_TEST_BD").unwrap_or_default();
    for path in std::env::split_paths(&given).filter(|path| path.is_file()) {
        let out = Command::new(&path).args(["version", "--json"]).stdin(Stdio::null()).output().unwrap();
        let said: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
        all.push((path, said["version"].as_str().unwrap().to_owned()));
    }
    all
}

#[test]
fn blockers_first_then_landed_and_closed_in_every_tracker() {
    for (program, version) in programs() {
        println!("on {} {version}", program.display());
        let tracked = Tracked::new(&program, &version);
        let env = &tracked.env;
        let healthy = tracked.complaints();
        let first = env.add("Adding subtracts", &["-t", "bug"]);
        let second = env.add("Then rest", &["--dep", &first]);
        let refused = env.bead(&["work", &second]).expect(3);
        assert!(refused.err.contains(&first), "{}", refused.err);
        assert!(env.bead(&["why", &second]).expect(0).out.contains("waits for"));
        let ran = env.rehearse(FIX, &["work", &first, "--json"]).expect(0);
        assert_eq!(ran.last()["outcome"], "landed");
        let shown = tracked.shown(&first);
        assert_eq!((shown["status"].as_str(), shown.get("assignee")), (Some("closed"), None), "{shown}");
        assert!(shown["close_reason"].as_str().unwrap().starts_with("landed on main as"), "{shown}");
        assert!(env.bead(&["ready", "--json"]).expect(0).out.contains(&second));

        // Nothing to do: put aside, and the question is where `bd` shows it.
        let ran = env.rehearse(NOTHING, &["work", &second, "--json"]).expect(4);
        assert_eq!(ran.last()["outcome"], "no_change");
        let shown = tracked.shown(&second);
        assert_eq!(
            (shown["status"].as_str(), shown["labels"][0].as_str()),
            (Some("blocked"), Some("parked"))
        );
        let comments = tracked.bd(&["comments", &second, "--json"]).expect(0);
        assert!(comments.out.contains("nothing to do"), "{}", comments.out);
        assert_eq!(shown["comments"], comments.json(), "{shown}");
        let listed = tracked.bd(&["list", "--all", "-n", "0", "--json"]).expect(0).json();
        assert_eq!(listed.as_array().unwrap().len(), 2);
        env.nothing_left();
        tracked.commit();
        let ill: Vec<_> = tracked.complaints().into_iter().filter(|name| !healthy.contains(name)).collect();
        assert_eq!(ill, Vec::<String>::new(), "its doctor");
    }
}

/// Somebody takes the bead away while its agent works: nothing lands, and their claim stands.
#[test]
fn a_claim_lost_to_another_actor_lands_nothing() {
    for (program, version) in programs() {
        println!("on {} {version}", program.display());
        let tracked = Tracked::new(&program, &version);
        let env = &tracked.env;
        let id = env.add("Adding subtracts", &[]);
        let base = env.git(&["rev-parse", "main"]);
        let script = r#"
conversations:
  - turns:
      - tools: [{ name: Bash, input: { command: "sed -i 's/a - b/a + b/' calc.py; sleep 6", description: Fix slowly } }]
      - text: "Fixed."
"#;
        let child = env.start(&["rehearse", "--in-place", &env.script(script), "--", "work", &id, "--json"]);
        crate::harness::until("the agent's edit", std::time::Duration::from_secs(120), || {
            env.in_a_clone("calc.py", "a + b")
        });
        tracked.bd(&["update", &id, "--assignee", "worker-2", "--json"]).expect(0);
        let ran = crate::harness::finish(child, std::time::Duration::from_secs(120));
        assert_ne!(ran.code, 0, "{}", ran.out);
        assert_eq!(env.git(&["rev-parse", "main"]), base, "nothing landed");
        let shown = tracked.shown(&id);
        assert_eq!(
            (shown["status"].as_str(), shown["assignee"].as_str()),
            (Some("in_progress"), Some("worker-2"))
        );
        assert!(tracked.is_classic() || shown["started_at"].is_string());
        env.nothing_left();
    }
}
