use super::*;

fn inspected(state: &str) -> SandboxState {
    let text = format!(r#"{{"Id":"x","State":{state},"Config":{{"OpenStdin":true}}}}"#);
    serde_json::from_str::<Inspected>(&text).unwrap().state()
}

#[test]
fn every_engines_words_for_a_state_are_understood() {
    let exited = |code, out_of_memory| SandboxState::Exited(Exit { code, out_of_memory });
    let table = [
        (r#"{"Status":"created"}"#, SandboxState::Created),
        (r#"{"Status":"running","Running":true}"#, SandboxState::Running),
        (r#"{"Status":"paused","Running":true,"Paused":true}"#, SandboxState::Running),
        (r#"{"Status":"exited","ExitCode":3}"#, exited(3, false)),
        (r#"{"Status":"exited","ExitCode":0,"OOMKilled":true}"#, exited(0, true)),
        (r#"{"Status":"stopped","ExitCode":137}"#, exited(137, false)),
        (r#"{"Status":"exited","Running":true}"#, SandboxState::Unknown("exited".into())),
        (r#"{"Status":"removing"}"#, SandboxState::Unknown("removing".into())),
        (r#"{"Status":"levitating"}"#, SandboxState::Unknown("levitating".into())),
        ("{}", SandboxState::Unknown(String::new())),
    ];
    for (state, expected) in table {
        assert_eq!(inspected(state), expected, "{state}");
    }
}

#[test]
fn t50_labels_come_back_as_they_were_given() {
    let text = r#"{"Id":"abc","Names":["/bead-r1"],"State":"exited","Labels":{"beadwork.instance":"i",
        "beadwork.run":"r1","beadwork.attempt":"2","beadwork.nonce":"n","other":"x"}}"#;
    let found = serde_json::from_str::<Listed>(text).unwrap().found();
    assert_eq!((found.name.as_str(), found.running), ("bead-r1", false));
    let labels =
        Labels { instance: "i".into(), run: "r1".into(), attempt: 2, nonce: "n".into(), ..Labels::default() };
    assert_eq!(found.labels, labels);
}

#[test]
fn what_goes_into_a_path_is_escaped() {
    assert_eq!(escape("a b?c&d=%#"), "a%20b%3Fc%26d%3D%25%23");
    assert_eq!(escape("beadwork/worker:dev"), "beadwork/worker:dev");
}

/// An engine that takes the connection and never says a word.
#[tokio::test]
async fn f13_an_engine_that_hangs_is_slow_and_not_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("docker.sock");
    let _listener = tokio::net::UnixListener::bind(&socket).unwrap();
    let ask = Ask { limit: Duration::from_millis(50), ..Ask::new(socket, "unix:///x".into()) };
    assert!(matches!(ask.inspect("x").await, Err(ExecutorError::Slow { .. })));
}

#[tokio::test]
async fn no_engine_is_said_with_the_place() {
    let ask = Ask::new("/nowhere/docker.sock".into(), "unix:///nowhere/docker.sock".into());
    let error = ask.inspect("x").await.unwrap_err().to_string();
    assert_eq!(
        error,
        "no container engine answers at unix:///nowhere/docker.sock: No such file or directory (os error 2)"
    );
}
