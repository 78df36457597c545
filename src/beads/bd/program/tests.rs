use std::os::unix::fs::PermissionsExt as _;

use super::*;

/// A `bd` that is a script.
struct Script(tempfile::TempDir);

impl Script {
    fn new(body: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("bd"), format!("#!/bin/sh\n{body}\n")).unwrap();
        std::fs::set_permissions(dir.path().join("bd"), std::fs::Permissions::from_mode(0o755)).unwrap();
        Self(dir)
    }

    fn environment(&self, more: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
        let path = std::env::join_paths([self.0.path(), Path::new("/usr/bin"), Path::new("/bin")]).unwrap();
        let more = more.iter().map(|(k, v)| (OsString::from(k), OsString::from(v)));
        [("PATH".into(), path)].into_iter().chain(more).collect()
    }

    async fn run(&self, environment: &[(OsString, OsString)], limit: Duration) -> Result<Ran, BdError> {
        let program = Program::find(environment).unwrap();
        let beads = self.0.path().join(".beads");
        let args = [OsString::from("list")];
        let call = Call {
            name: "list",
            args: &args,
            dir: self.0.path(),
            beads: Some(&beads),
            actor: "beadwork/r1",
            deadline: limit,
        };
        program.run(&call).await
    }
}

const LONG: Duration = Duration::from_secs(30);

#[tokio::test]
async fn the_environment_is_closed() {
    let script = Script::new("env");
    let given = [
        ("ANTHROPIC_API_KEY", "sk-secret"),
        ("GITHUB_TOKEN", "t"),
        ("BD_DEBUG", "1"),
        ("BEADS_DB", "/x"),
        ("BEADS_DOLT_PASSWORD", "p"),
        ("HOME", "/h"),
    ];
    let ran = script.run(&script.environment(&given), LONG).await.unwrap();
    for wanted in [
        "BD_ACTOR=beadwork/r1",
        "BEADS_ACTOR=beadwork/r1",
        "BEADS_NO_DAEMON=1",
        "BD_DISABLE_METRICS=1",
        "BEADS_DOLT_PASSWORD=p",
        "HOME=/h",
    ] {
        assert!(ran.stdout.lines().any(|line| line == wanted), "{wanted}: {}", ran.stdout);
    }
    assert!(ran.stdout.contains("BEADS_DIR=") && ran.stdout.contains("/.beads"));
    for kept_out in ["sk-secret", "GITHUB_TOKEN", "BD_DEBUG", "BEADS_DB"] {
        assert!(!ran.stdout.contains(kept_out), "{kept_out}");
    }
}

#[tokio::test]
async fn a_call_that_hangs_ends_with_all_it_started() {
    let script = Script::new("sleep 300 & echo $! > child; cat; wait");
    let error = script.run(&script.environment(&[]), Duration::from_secs(2)).await.unwrap_err();
    assert!(matches!(error, BdError::Deadline { .. }), "{error}");
    let child = std::fs::read_to_string(script.0.path().join("child")).unwrap();
    let gone = || {
        let state = std::fs::read_to_string(format!("/proc/{}/stat", child.trim()));
        state.map_or(true, |text| text.contains(") Z "))
    };
    for _ in 0..1500 {
        if gone() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the child of a stopped `bd` still runs");
}

#[tokio::test]
async fn a_call_that_is_dropped_ends_too() {
    let script = Script::new("echo $$ > pid; exec sleep 300");
    let environment = script.environment(&[]);
    let running = script.run(&environment, LONG);
    assert!(tokio::time::timeout(Duration::from_secs(2), running).await.is_err());
    let pid = std::fs::read_to_string(script.0.path().join("pid")).unwrap();
    for _ in 0..1500 {
        let state = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
        if state.map_or(true, |text| text.contains(") Z ")) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("a dropped `bd` still runs");
}

#[tokio::test]
async fn standard_input_is_empty_and_both_streams_come_back() {
    let script = Script::new("cat; echo out; echo err >&2; exit 3");
    let ran = script.run(&script.environment(&[]), LONG).await.unwrap();
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (3, "out\n", "err\n"));
}

#[tokio::test]
async fn output_without_end_is_bounded() {
    let script = Script::new("exec yes");
    let error = script.run(&script.environment(&[]), LONG).await.unwrap_err();
    assert!(matches!(error, BdError::TooMuch { .. }), "{error}");
    let script = Script::new("yes | head -c 3000000 >&2; echo '[]'");
    let ran = script.run(&script.environment(&[]), LONG).await.unwrap();
    assert_eq!((ran.stdout.as_str(), ran.stderr.len() as u64), ("[]\n", STDERR_CAP));
}

#[test]
fn only_absolute_directories_of_path_count() {
    let script = Script::new("");
    let find = |path: &str| Program::find(&[("PATH".into(), path.into())]).map(|p| p.path().to_path_buf());
    let dir = script.0.path().to_str().unwrap();
    assert_eq!(find(&format!("/nowhere:{dir}")), Some(script.0.path().join("bd")));
    assert_eq!(find(".:bin::"), None);
    assert_eq!(Program::find(&[]).map(|p| p.path().to_path_buf()), None);
    std::fs::set_permissions(script.0.path().join("bd"), std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(find(dir), None, "not executable");
}
