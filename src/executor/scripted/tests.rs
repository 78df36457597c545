use std::time::Duration;

use tokio::io::AsyncWriteExt;

use super::*;
use crate::executor::Chunk;
use crate::executor::spec::{Labels, Limits, Mount, RunUser};

fn spec(name: &str, purpose: Purpose, argv: &[&str]) -> SandboxSpec {
    SandboxSpec {
        name: name.into(),
        purpose,
        image: "worker".into(),
        argv: argv.iter().map(|a| (*a).to_owned()).collect(),
        env: BTreeMap::new(),
        user: RunUser { uid: 1000, gid: 1000 },
        workdir: "/work".into(),
        mounts: Vec::new(),
        limits: Limits::default(),
        stdin: true,
        time_limit: Duration::from_secs(60),
        log_cap: 1 << 20,
        labels: Labels { instance: "i".into(), ..Labels::default() },
    }
}

/// Stdout up to the end or the first error.
async fn read(attached: Attached) -> (String, Option<ExecutorError>) {
    let (mut text, mut output) = (String::new(), attached.output);
    while let Some(chunk) = output.recv().await {
        match chunk {
            Ok(Chunk::Stdout(bytes)) => text.push_str(std::str::from_utf8(&bytes).unwrap()),
            Ok(Chunk::Stderr(_)) => {}
            Err(error) => return (text, Some(error)),
        }
    }
    (text, None)
}

fn talker() -> Scripted {
    Scripted::new().on(Purpose::Agent, |mut stage| async move {
        stage.stdout("hello ");
        let line = stage.read_line().await;
        stage.stdout(format!("<{line}>"));
        Ending::Code(0)
    })
}

#[tokio::test]
async fn f02_a_new_handle_finds_the_sandbox_running_and_goes_on() {
    let engine = talker();
    let survivor = engine.clone();
    let (id, attached) = engine.start(&spec("a", Purpose::Agent, &[])).await.unwrap();
    drop((engine, attached));
    assert_eq!(survivor.state(&id).await.unwrap(), SandboxState::Running);
    assert_eq!(survivor.list("i").await.unwrap().len(), 1);
    assert!(survivor.list("other").await.unwrap().is_empty());
    let mut attached = survivor.attach(&id, Seen { stdout: 2, stderr: 0 }).await.unwrap();
    let mut stdin = attached.stdin.take().unwrap();
    stdin.write_all(b"one").await.unwrap();
    drop(stdin);
    let mut second = survivor.attach(&id, Seen::default()).await.unwrap();
    second.stdin.take().unwrap().write_all(b" two\n").await.unwrap();
    let (text, error) = read(attached).await;
    assert_eq!((text.as_str(), error.is_none()), ("llo <one two>", true));
    assert_eq!(survivor.wait(&id).await.unwrap(), Exit { code: 0, out_of_memory: false });
}

#[tokio::test]
async fn a_name_is_used_once_until_it_is_removed() {
    let engine = talker();
    let spec = spec("a", Purpose::Agent, &[]);
    let (id, _attached) = engine.start(&spec).await.unwrap();
    assert!(matches!(engine.start(&spec).await, Err(ExecutorError::Refused { .. })));
    engine.remove(&id).await.unwrap();
    engine.remove(&id).await.unwrap();
    assert_eq!(engine.state(&id).await.unwrap(), SandboxState::Gone);
    engine.signal(&id, Signal::Kill).await.unwrap();
    assert!(matches!(engine.wait(&id).await, Err(ExecutorError::Gone(_))));
    engine.start(&spec).await.unwrap();
    assert_eq!(engine.started().len(), 2);
}

#[tokio::test]
async fn signals_and_limits_end_a_script() {
    let engine = Scripted::new().on(Purpose::Agent, |_| async { Ending::Never });
    for (signal, code) in [(Signal::Term, 143), (Signal::Kill, 137)] {
        let (id, _attached) = engine.start(&spec(&format!("{signal:?}"), Purpose::Agent, &[])).await.unwrap();
        engine.signal(&id, signal).await.unwrap();
        assert_eq!(engine.wait(&id).await.unwrap().code, code);
    }
    let short = SandboxSpec { time_limit: Duration::from_millis(20), ..spec("short", Purpose::Agent, &[]) };
    let (id, _attached) = engine.start(&short).await.unwrap();
    assert_eq!(engine.wait(&id).await.unwrap().code, 124);
    engine.set(Purpose::Agent, |stage| async move {
        stage.ignore_term();
        stage.stdout("up");
        Ending::Never
    });
    let (id, mut attached) = engine.start(&spec("stubborn", Purpose::Agent, &[])).await.unwrap();
    attached.output.recv().await.unwrap().unwrap();
    engine.signal(&id, Signal::Term).await.unwrap();
    tokio::time::sleep(Duration::from_millis(30)).await;
    assert_eq!(engine.state(&id).await.unwrap(), SandboxState::Running);
}

#[tokio::test]
async fn faults_come_once_each() {
    let engine = Scripted::new().on(Purpose::Agent, |stage| async move {
        stage.say_slowly(&["0123", "4567"], Duration::from_millis(5)).await;
        Ending::OutOfMemory(0)
    });
    engine.fail(Fault::Start(Purpose::Agent));
    engine.fail(Fault::Disconnect(Purpose::Agent, 6));
    assert!(engine.start(&spec("a", Purpose::Agent, &[])).await.is_err());
    assert!(engine.list("i").await.unwrap().is_empty());
    let (id, attached) = engine.start(&spec("a", Purpose::Agent, &[])).await.unwrap();
    let (text, error) = read(attached).await;
    assert!(text == "012345" && matches!(error, Some(ExecutorError::Unreachable { .. })));
    let (text, error) = read(engine.attach(&id, Seen { stdout: 6, stderr: 0 }).await.unwrap()).await;
    assert!(text == "67" && error.is_none());
    assert_eq!(engine.wait(&id).await.unwrap(), Exit { code: 0, out_of_memory: true });

    engine.fail(Fault::OutOfMemory(Purpose::Agent));
    let (id, _attached) = engine.start(&spec("oom", Purpose::Agent, &[])).await.unwrap();
    assert_eq!(engine.wait(&id).await.unwrap(), Exit { code: 137, out_of_memory: true });

    engine.fail(Fault::NeverEnds(Purpose::Agent));
    let (id, _attached) = engine.start(&spec("undead", Purpose::Agent, &[])).await.unwrap();
    engine.signal(&id, Signal::Kill).await.unwrap();
    assert!(tokio::time::timeout(Duration::from_millis(50), engine.wait(&id)).await.is_err());
    assert_eq!(engine.state(&id).await.unwrap(), SandboxState::Running);
}

#[tokio::test]
async fn f10_an_engine_that_is_away_loses_nothing() {
    let engine = talker();
    let (id, mut attached) = engine.start(&spec("a", Purpose::Agent, &[])).await.unwrap();
    let mut stdin = attached.stdin.take().unwrap();
    let waiting = tokio::spawn({
        let (engine, id) = (engine.clone(), id.clone());
        async move { engine.wait(&id).await }
    });
    engine.away(true);
    assert!(matches!(read(attached).await.1, Some(ExecutorError::Unreachable { .. })));
    assert!(matches!(engine.state(&id).await, Err(ExecutorError::Unreachable { .. })));
    stdin.write_all(b"x\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(30)).await;
    assert!(!waiting.is_finished());
    engine.away(false);
    assert_eq!(waiting.await.unwrap().unwrap().code, 0);
    assert_eq!(read(engine.attach(&id, Seen::default()).await.unwrap()).await.0, "hello <x>");
}

#[tokio::test]
async fn f15_a_missing_image_is_said_so() {
    let engine = talker().with_images(&["worker"]);
    let digest = engine.find_image("worker").await.unwrap().unwrap().digest;
    let by_digest = SandboxSpec { image: digest, ..spec("a", Purpose::Agent, &[]) };
    engine.start(&by_digest).await.unwrap();
    let missing = SandboxSpec { image: "other".into(), ..spec("b", Purpose::Agent, &[]) };
    assert!(matches!(engine.start(&missing).await, Err(ExecutorError::NoImage(_))));
}

#[tokio::test]
async fn real_commands_run_with_their_mounts_translated() {
    let engine = Scripted::new();
    let clone = tempfile::tempdir().unwrap();
    std::fs::write(clone.path().join("file"), "bound\n").unwrap();
    let volume = VolumeSpec {
        name: "v".into(),
        bytes: 1 << 20,
        user: RunUser { uid: 1000, gid: 1000 },
        labels: Labels { instance: "i".into(), ..Labels::default() },
    };
    engine.create_volume(&volume).await.unwrap();
    let script = "cat /work/file; echo x > /checkout/y; touch /tmp/z; echo \"$HOME\" /workshop; git config user.name; \
        sleep 300 & exit 3";
    let mut spec = spec("a", Purpose::Export, &["sh", "-c", script]);
    spec.stdin = false;
    spec.env.insert("HOME".into(), "/tmp/home".into());
    spec.mounts = vec![
        Mount::Bind { source: clone.path().to_owned(), target: "/work".into(), read_only: true },
        Mount::Tmpfs { target: "/tmp".into(), bytes: 1 << 20, exec: true, private: false },
        Mount::Volume { name: "v".into(), target: "/checkout".into(), read_only: false },
    ];
    let (id, attached) = engine.start(&spec).await.unwrap();
    let (text, error) = read(attached).await;
    assert!(error.is_none());
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines[0], lines[2]), ("bound", "Agent"), "{text}");
    assert!(lines[1].ends_with("/home /workshop") && !lines[1].starts_with("/tmp/home"), "{text}");
    assert_eq!(engine.wait(&id).await.unwrap().code, 3);
    assert!(engine.remove_volume("v").await.is_err());
    engine.remove(&id).await.unwrap();
    let check = SandboxSpec { name: "b".into(), argv: vec!["cat".into(), "/checkout/y".into()], ..spec };
    let (id, attached) = engine.start(&check).await.unwrap();
    assert_eq!(read(attached).await.0, "x\n");
    engine.remove(&id).await.unwrap();
    engine.remove_volume("v").await.unwrap();
    assert!(engine.list_volumes("i").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_real_command_that_waits_on_stdin_is_killed_with_its_children() {
    let engine = Scripted::new();
    let script = "sleep 300 & echo $!; cat; echo never";
    let (id, mut attached) =
        engine.start(&spec("a", Purpose::Checkout, &["sh", "-c", script])).await.unwrap();
    let Some(Ok(Chunk::Stdout(child))) = attached.output.recv().await else { panic!("said nothing") };
    let child = format!("/proc/{}", std::str::from_utf8(&child).unwrap().trim());
    assert!(std::path::Path::new(&child).exists());
    attached.stdin.take().unwrap().write_all(b"ping\n").await.unwrap();
    assert_eq!(attached.output.recv().await.unwrap().unwrap(), Chunk::Stdout("ping\n".into()));
    engine.remove(&id).await.unwrap();
    let gone = async {
        // Without a process that reaps orphans a killed one stays as a zombie, its command line empty.
        while std::fs::read(format!("{child}/cmdline")).is_ok_and(|text| !text.is_empty()) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), gone).await.unwrap();
}
