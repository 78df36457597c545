//! The Docker executor against a real engine: isolation, exact output, ends.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use beadwork::executor::docker::{Access, Docker};
use beadwork::executor::exit::{Ended, ExitClass};
use beadwork::executor::image::{self, Built, ImageError, Kitchen};
use beadwork::executor::output::Meter;
use beadwork::executor::spec::{Labels, Limits, Mount, Purpose, RunUser, SandboxSpec, VolumeSpec};
use beadwork::executor::{Attached, Chunk, Executor, ExecutorError, Exit, SandboxState, Seen, Signal};
use tokio::io::AsyncWriteExt;

const USER: RunUser = RunUser { uid: 4242, gid: 4243 };

/// A connection, a state directory, and the promise that nothing of the test stays behind.
struct Bench {
    docker: Docker,
    state: tempfile::TempDir,
    instance: String,
    image: String,
}

impl Bench {
    async fn new() -> Self {
        let state = tempfile::tempdir().unwrap();
        let access = Access {
            host: std::env::var("DOCKER_HOST").ok(),
            roots: vec![state.path().to_owned()],
            ..Access::default()
        };
        let docker =
            Docker::connect(access).await.expect("these tests need a container engine: run scripts/test");
        let mut image = None;
        for tag in ["beadwork/worker:latest", "beadwork/worker:dev"] {
            image = image.or(docker.find_image(tag).await.unwrap());
        }
        let image = image.expect("these tests need the worker image: bead image build worker").digest;
        let instance = format!("test-{}", uuid::Uuid::new_v4());
        Self { docker, state, instance, image }
    }

    fn spec(&self, script: &str) -> SandboxSpec {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let nonce = format!("n{}", COUNT.fetch_add(1, Ordering::Relaxed));
        SandboxSpec {
            name: format!("{}-{nonce}", self.instance),
            purpose: Purpose::Probe,
            image: self.image.clone(),
            argv: vec!["bash".into(), "-c".into(), script.into()],
            env: [("HOME".to_owned(), "/home/agent".to_owned())].into(),
            user: USER,
            workdir: "/tmp".into(),
            mounts: vec![Mount::Tmpfs { target: "/tmp".into(), bytes: 64 << 20, exec: true, private: false }],
            limits: Limits { memory: 256 << 20, pids: 64, cpus: 2.0 },
            stdin: false,
            time_limit: Duration::from_secs(120),
            log_cap: 64 << 20,
            labels: Labels { instance: self.instance.clone(), run: "r1".into(), nonce, ..Labels::default() },
        }
    }

    /// Runs to the end: how it ended, stdout, stderr.
    async fn run(&self, spec: &SandboxSpec) -> (Exit, String, String) {
        let (id, attached) = self.docker.start(spec).await.unwrap();
        let (out, err) = collect(attached).await.unwrap();
        let exit = self.docker.wait(&id).await.unwrap();
        self.docker.remove(&id).await.unwrap();
        (exit, String::from_utf8_lossy(&out).into_owned(), String::from_utf8_lossy(&err).into_owned())
    }

    async fn script(&self, script: &str) -> (Exit, String) {
        let (exit, out, err) = self.run(&self.spec(script)).await;
        (exit, out + &err)
    }

    /// Also the proof that a test left nothing.
    async fn sweep(&self) -> usize {
        let found = self.docker.list(&self.instance).await.unwrap();
        for one in &found {
            self.docker.remove(&one.id).await.unwrap();
        }
        found.len()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        // A failed test may leave containers; this thread's runtime cannot be blocked on.
        if std::thread::panicking() {
            let filter = format!("label=beadwork.instance={}", self.instance);
            let left = std::process::Command::new("docker").args(["ps", "-aq", "--filter", &filter]).output();
            for id in
                left.map(|o| String::from_utf8_lossy(&o.stdout).into_owned()).unwrap_or_default().lines()
            {
                let _ = std::process::Command::new("docker").args(["rm", "-f", id]).output();
            }
        }
    }
}

async fn collect(attached: Attached) -> Result<(Vec<u8>, Vec<u8>), ExecutorError> {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut output = attached.output;
    while let Some(chunk) = output.recv().await {
        match chunk? {
            Chunk::Stdout(bytes) => out.extend_from_slice(&bytes),
            Chunk::Stderr(bytes) => err.extend_from_slice(&bytes),
        }
    }
    Ok((out, err))
}

const CLEAN: Exit = Exit { code: 0, out_of_memory: false };

#[tokio::test]
async fn t12_the_sandbox_is_hardened_inside() {
    let bench = Bench::new().await;
    let (exit, out) = bench
        .script(
            r#"grep -E '^(CapEff|CapBnd|CapPrm|NoNewPrivs|Seccomp):' /proc/self/status | tr '\t' ' '
            echo "id $(id -u) $(id -g) $(id -G)"; echo "host $(hostname)"
            touch /x 2>&1; touch /etc/x 2>&1; touch /usr/local/bin/x 2>&1
            touch /tmp/x && echo tmp writable
            echo "core $(ulimit -c) files $(ulimit -n)"
            ls /sys/class/net; ls /var/run/docker.sock 2>&1; true"#,
        )
        .await;
    assert_eq!(exit, CLEAN, "{out}");
    for line in
        ["CapEff: 0000000000000000", "CapBnd: 0000000000000000", "CapPrm: 0000000000000000", "NoNewPrivs: 1"]
    {
        assert!(out.contains(line), "{line} in {out}");
    }
    assert!(
        out.contains("Seccomp: 2") && out.contains("id 4242 4243 4243\n") && out.contains("host sandbox"),
        "{out}"
    );
    assert_eq!(out.matches("Read-only file system").count(), 3, "{out}");
    assert!(out.contains("tmp writable") && out.contains("core 0 files 4096"), "{out}");
    assert!(
        out.lines().any(|l| l == "lo") && !out.contains("eth0") && out.contains("docker.sock': No such file"),
        "{out}"
    );
    assert_eq!(bench.sweep().await, 0);
}

#[tokio::test]
async fn t12_no_device_and_no_setuid_root_through_a_bind() {
    let bench = Bench::new().await;
    let work = bench.state.path().join("runs/work");
    std::fs::create_dir_all(&work).unwrap();
    std::os::unix::fs::chown(&work, Some(USER.uid), Some(USER.gid)).unwrap();
    let mut spec = bench.spec(
        "cd /work; mknod dev b 8 0 2>&1; mknod chr c 1 1 2>&1; cp /bin/bash sh; chmod 4755 sh; chown 0:0 sh 2>&1
        mount -t tmpfs x /tmp 2>&1; unshare -r true 2>&1; echo mine > file",
    );
    spec.mounts.push(Mount::Bind { source: work.clone(), target: "/work".into(), read_only: false });
    let (exit, out, _) = bench.run(&spec).await;
    assert_eq!(exit, CLEAN, "{out}");
    assert_eq!(out.matches("not permitted").count(), 4, "{out}");
    assert!(out.contains("must be superuser"), "{out}");
    let mut files: Vec<_> = std::fs::read_dir(&work).unwrap().map(|e| e.unwrap()).collect();
    files.sort_by_key(std::fs::DirEntry::file_name);
    for file in &files {
        let meta = file.metadata().unwrap();
        assert!(meta.is_file() && std::os::unix::fs::MetadataExt::uid(&meta) == USER.uid, "{file:?}");
    }
    assert_eq!(files.len(), 2, "{files:?}");
}

#[tokio::test]
async fn t10_a_read_only_bind_and_a_bind_beneath_a_tmpfs_hold() {
    let bench = Bench::new().await;
    let (read, write) = (bench.state.path().join("runs/read"), bench.state.path().join("runs/write"));
    for dir in [&read, &write] {
        std::fs::create_dir_all(dir).unwrap();
        std::os::unix::fs::chown(dir, Some(USER.uid), Some(USER.gid)).unwrap();
    }
    std::fs::write(read.join("given"), "given\n").unwrap();
    let mut spec = bench.spec(
        "cat /read/given; touch /read/x 2>&1; echo kept > /home/agent/.claude/projects/file
        echo gone > /home/agent/.claude/other; echo gone > /home/agent/x; stat -c '%u %a' /home/agent/.claude",
    );
    let tmpfs =
        |target: &str| Mount::Tmpfs { target: target.into(), bytes: 1 << 20, exec: true, private: true };
    spec.mounts.extend([
        Mount::Bind {
            source: write.clone(),
            target: "/home/agent/.claude/projects".into(),
            read_only: false,
        },
        tmpfs("/home/agent/.claude"),
        Mount::Bind { source: read, target: "/read".into(), read_only: true },
        tmpfs("/home/agent"),
    ]);
    let (exit, out, err) = bench.run(&spec).await;
    assert_eq!(exit, CLEAN, "{out}{err}");
    assert!(
        out.starts_with("given\n") && out.contains("Read-only file system") && out.contains("4242 "),
        "{out}"
    );
    assert_eq!(std::fs::read_to_string(write.join("file")).unwrap(), "kept\n");
}

#[tokio::test]
async fn t20_there_is_no_network() {
    let bench = Bench::new().await;
    let started = Instant::now();
    let (_, out) = bench
        .script(
            r#"cat > /tmp/p.py <<'E'
import socket
def probe(name, act):
    try: act(); print("OPEN", name)
    except OSError as e: print("closed", name, e)
def tcp(family, where):
    s = socket.socket(family, socket.SOCK_STREAM); s.settimeout(1); s.connect(where)
def udp(where):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(1); s.sendto(b"x", where); s.recv(1)
probe("dns", lambda: socket.getaddrinfo("example.com", 80))
probe("tcp4", lambda: tcp(socket.AF_INET, ("1.1.1.1", 443)))
probe("tcp6", lambda: tcp(socket.AF_INET6, ("2606:4700:4700::1111", 443)))
probe("udp53", lambda: udp(("8.8.8.8", 53)))
probe("resolver", lambda: udp(("127.0.0.11", 53)))
probe("engine", lambda: tcp(socket.AF_INET, ("192.168.65.7", 2375)))
probe("bridge", lambda: tcp(socket.AF_INET, ("172.17.0.1", 80)))
probe("raw", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP))
probe("packet", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
E
python3 /tmp/p.py"#,
        )
        .await;
    assert_eq!((out.matches("closed").count(), out.matches("OPEN").count()), (9, 0), "{out}");
    assert!(started.elapsed() < Duration::from_secs(20), "{out}");
}

#[tokio::test]
async fn t42_a_fork_bomb_stays_inside() {
    let bench = Bench::new().await;
    let (id, _attached) =
        bench.docker.start(&bench.spec("bomb() { bomb | bomb & }; bomb; sleep 60")).await.unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let asked = Instant::now();
    assert_eq!(bench.docker.state(&id).await.unwrap(), SandboxState::Running);
    let (exit, out) = bench.script("echo other sandboxes work").await;
    assert_eq!((exit, out.as_str()), (CLEAN, "other sandboxes work\n"));
    assert!(asked.elapsed() < Duration::from_secs(20));
    bench.docker.signal(&id, Signal::Kill).await.unwrap();
    assert_eq!(bench.docker.wait(&id).await.unwrap().code, 137);
    bench.docker.remove(&id).await.unwrap();
}

const EAT: &str = "python3 -c 'x = bytearray(1 << 20) * 400'";

#[tokio::test]
async fn f16_out_of_memory_is_seen_whoever_died_of_it() {
    let bench = Bench::new().await;
    let small = |script: &str| {
        let mut spec = bench.spec(script);
        spec.limits.memory = 64 << 20;
        spec
    };
    // The engine hears of it by an event that races with the exit: several times.
    for _ in 0..5 {
        let (exit, out, _) = bench.run(&small(&format!("{EAT}; echo survived; exit 0"))).await;
        assert_eq!((exit, out.as_str()), (Exit { code: 0, out_of_memory: true }, "survived\n"));
        let ended = Ended { exit, killed: None, ran: Duration::ZERO, limit: Duration::from_secs(120) };
        assert_eq!(ended.class(), ExitClass::OutOfMemory);
        let (exit, _, _) = bench.run(&small(&format!("exec {EAT}"))).await;
        assert_eq!(exit, Exit { code: 137, out_of_memory: true });
    }
}

/// Lines around every border: entries of the log, pipes, empty ones; 3 MB; no newline at the end.
const HARD_OUTPUT: &str = r#"import sys, hashlib, time
d = b"".join(b"%07d " % n + b"x" * (n % 97) + b"\n" for n in range(3000))
for n in (0, 1, 16383, 16384, 16385, 32767, 32768, 32769, 65536, 100000, 3000000): d += b"y" * n + b"\n"
d += b"\n\n\r\n" + bytes(range(256)) + b"\nno newline at the end"
sys.stderr.write("warning: %d %s\n" % (len(d), hashlib.sha256(d).hexdigest()))
for i in range(0, len(d), 200000): sys.stdout.buffer.write(d[i:i+200000]); sys.stdout.buffer.flush(); time.sleep(PAUSE)
"#;

/// Writes its output in pieces and waits between them.
fn hard_script(pause: &str) -> String {
    format!("cat > /tmp/o.py <<'E'\n{}E\npython3 /tmp/o.py", HARD_OUTPUT.replace("PAUSE", pause))
}

fn check_hard(out: &[u8], err: &[u8]) {
    use sha2::Digest;
    let hash: String = sha2::Sha256::digest(out).iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(String::from_utf8_lossy(err), format!("warning: {} {hash}\n", out.len()));
}

#[tokio::test]
async fn output_comes_exactly_once_with_and_without_a_log() {
    let bench = Bench::new().await;
    for log_cap in [64 << 20, 0] {
        let spec = SandboxSpec { log_cap, ..bench.spec(&hard_script("0")) };
        let (id, attached) = bench.docker.start(&spec).await.unwrap();
        let (out, err) = collect(attached).await.unwrap();
        check_hard(&out, &err);
        bench.docker.remove(&id).await.unwrap();
    }
}

/// Reads at least `bytes` of stdout, or to the end, and drops the connection.
async fn some(attached: Attached, bytes: usize) -> (Vec<u8>, Vec<u8>, Seen) {
    let (mut out, mut err, mut meter) = (Vec::new(), Vec::new(), Meter::new(u64::MAX));
    let mut output = attached.output;
    while out.len() < bytes {
        let Some(chunk) = output.recv().await else { break };
        let chunk = chunk.unwrap();
        meter.add(&chunk).unwrap();
        match chunk {
            Chunk::Stdout(bytes) => out.extend_from_slice(&bytes),
            Chunk::Stderr(bytes) => err.extend_from_slice(&bytes),
        }
    }
    (out, err, meter.seen())
}

#[tokio::test]
async fn f02_a_new_connection_goes_on_where_the_last_one_stopped() {
    let bench = Bench::new().await;
    let (id, attached) = bench.docker.start(&bench.spec(&hard_script("0.05"))).await.unwrap();
    let (mut out, mut err, mut seen) = some(attached, 150_000).await;
    for more in [1, 100_000, 1_000_000, usize::MAX] {
        let attached = bench.docker.attach(&id, seen).await.unwrap();
        let (next_out, next_err, next) = some(attached, more).await;
        out.extend(next_out);
        err.extend(next_err);
        seen = Seen { stdout: seen.stdout + next.stdout, stderr: seen.stderr + next.stderr };
    }
    check_hard(&out, &err);
    assert_eq!(bench.docker.wait(&id).await.unwrap(), CLEAN);
    // Ended, and read from the middle once more.
    let seen = Seen { stdout: 1_234_567, stderr: 3 };
    let (rest, rest_err) = collect(bench.docker.attach(&id, seen).await.unwrap()).await.unwrap();
    assert!(rest == out[1_234_567..] && rest_err == err[3..]);
    bench.docker.remove(&id).await.unwrap();
}

#[tokio::test]
async fn stdin_stays_open_across_connections() {
    let bench = Bench::new().await;
    let mut spec =
        bench.spec("while read -r line; do echo \"got $line\"; [ \"$line\" = end ] && exit 0; done; exit 9");
    spec.stdin = true;
    let (id, mut attached) = bench.docker.start(&spec).await.unwrap();
    let mut stdin = attached.stdin.take().unwrap();
    stdin.write_all(b"one\n").await.unwrap();
    let (mut out, _, seen) = some(attached, 8).await;
    drop(stdin);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(bench.docker.state(&id).await.unwrap(), SandboxState::Running);
    let mut attached = bench.docker.attach(&id, seen).await.unwrap();
    let mut stdin = attached.stdin.take().unwrap();
    stdin.write_all(b"two\nend\n").await.unwrap();
    out.extend(collect(attached).await.unwrap().0);
    assert_eq!(String::from_utf8_lossy(&out), "got one\ngot two\ngot end\n");
    assert_eq!(bench.docker.wait(&id).await.unwrap(), CLEAN);
    bench.docker.remove(&id).await.unwrap();
}

#[tokio::test]
async fn f46_a_reader_that_stops_reading_holds_up_nothing() {
    let bench = Bench::new().await;
    // More than the engine buffers for a connection, and then the end.
    let script = "head -c 1600000 /dev/zero | tr '\\0' x; head -c 4000000 /dev/zero | tr '\\0' y";
    let (id, attached) = bench.docker.start(&bench.spec(script)).await.unwrap();
    let started = Instant::now();
    assert_eq!(bench.docker.wait(&id).await.unwrap(), CLEAN);
    assert!(started.elapsed() < Duration::from_secs(15), "took {:?}", started.elapsed());
    let (out, _) = collect(attached).await.unwrap();
    assert_eq!(out.iter().filter(|b| **b == b'x').count(), 1_600_000);
    assert_eq!(out.iter().filter(|b| **b == b'y').count(), 4_000_000);
    bench.docker.remove(&id).await.unwrap();
    // And a reader that went away for good.
    let (id, attached) = bench.docker.start(&bench.spec(script)).await.unwrap();
    drop(attached);
    assert_eq!(bench.docker.wait(&id).await.unwrap(), CLEAN);
    bench.docker.remove(&id).await.unwrap();
}

#[tokio::test]
async fn t44_a_flood_is_met_by_the_cap_and_not_by_our_memory() {
    let bench = Bench::new().await;
    let cap = 16 << 20;
    let spec = SandboxSpec { log_cap: cap, ..bench.spec("yes 0123456789012345678901234567890123456789") };
    let (id, mut attached) = bench.docker.start(&spec).await.unwrap();
    let (mut meter, before) = (Meter::new(cap), resident());
    let flood = loop {
        let chunk = attached.output.recv().await.expect("a flood does not end").unwrap();
        if let Err(flood) = meter.add(&chunk) {
            break flood;
        }
    };
    assert!(resident() < before + (32 << 20), "memory grew from {before} to {}", resident());
    assert!(flood.bytes <= cap + (64 << 10));
    bench.docker.signal(&id, Signal::Kill).await.unwrap();
    bench.docker.wait(&id).await.unwrap();
    // What was stored is still a prefix of the engine's log: nothing was rotated away.
    collect(bench.docker.attach(&id, meter.seen()).await.unwrap()).await.unwrap();
    bench.docker.remove(&id).await.unwrap();
}

/// Bytes of this process in memory.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

#[tokio::test]
async fn t44_output_that_the_log_dropped_is_said_to_be_lost() {
    let bench = Bench::new().await;
    // 5 MB of log file for 30 MB: nobody reads until it is over.
    let spec = SandboxSpec { log_cap: 1 << 20, ..bench.spec("yes 01234567890123456789 | head -c 30000000") };
    let (id, attached) = bench.docker.start(&spec).await.unwrap();
    some(attached, 100).await;
    bench.docker.wait(&id).await.unwrap();
    let seen = Seen { stdout: 20_000_000, stderr: 0 };
    let error = collect(bench.docker.attach(&id, seen).await.unwrap()).await.unwrap_err();
    assert!(matches!(error, ExecutorError::OutputLost { .. }), "{error}");
    bench.docker.remove(&id).await.unwrap();
}

#[tokio::test]
async fn t46_term_reaches_the_command_and_kill_ends_what_ignores_it() {
    let bench = Bench::new().await;
    let (id, attached) = bench
        .docker
        .start(&bench.spec("trap 'echo bye; exit 42' TERM; echo up; sleep 60 & wait"))
        .await
        .unwrap();
    let (_, _, seen) = some(attached, 3).await;
    bench.docker.signal(&id, Signal::Term).await.unwrap();
    assert_eq!(bench.docker.wait(&id).await.unwrap(), Exit { code: 42, out_of_memory: false });
    let (out, _) = collect(bench.docker.attach(&id, seen).await.unwrap()).await.unwrap();
    assert_eq!(out, b"bye\n");
    // Signals and removal of what has ended, or is gone, are no errors.
    bench.docker.signal(&id, Signal::Term).await.unwrap();
    bench.docker.signal(&id, Signal::Kill).await.unwrap();
    bench.docker.remove(&id).await.unwrap();
    bench.docker.remove(&id).await.unwrap();
    bench.docker.signal(&id, Signal::Kill).await.unwrap();
    assert_eq!(bench.docker.state(&id).await.unwrap(), SandboxState::Gone);
    assert!(matches!(bench.docker.wait(&id).await, Err(ExecutorError::Gone(_))));
    assert!(matches!(bench.docker.attach(&id, Seen::default()).await, Err(ExecutorError::Gone(_))));

    let (id, attached) = bench.docker.start(&bench.spec("trap '' TERM; echo up; sleep 60")).await.unwrap();
    some(attached, 3).await;
    bench.docker.signal(&id, Signal::Term).await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(bench.docker.state(&id).await.unwrap(), SandboxState::Running);
    bench.docker.signal(&id, Signal::Kill).await.unwrap();
    assert_eq!(bench.docker.wait(&id).await.unwrap().code, 137);
    bench.docker.remove(&id).await.unwrap();
}

#[tokio::test]
async fn t47_the_first_process_is_a_time_limit() {
    let bench = Bench::new().await;
    // Also one that answers TERM with success, and one whose grandchild detached.
    for script in ["sleep 60", "trap 'exit 0' TERM; sleep 60 & wait", "setsid sleep 300 & sleep 60"] {
        let spec = SandboxSpec { time_limit: Duration::from_secs(1), ..bench.spec(script) };
        let started = Instant::now();
        let (exit, _, _) = bench.run(&spec).await;
        assert_eq!(exit, Exit { code: 124, out_of_memory: false });
        let ended = Ended { exit, killed: None, ran: started.elapsed(), limit: spec.time_limit };
        assert_eq!(ended.class(), ExitClass::TimeLimit);
    }
}

#[tokio::test]
async fn a_volume_is_shared_while_its_first_user_lives() {
    let bench = Bench::new().await;
    let labels = Labels { instance: bench.instance.clone(), ..Labels::default() };
    let volume = VolumeSpec { name: format!("{}-v", bench.instance), bytes: 4 << 20, user: USER, labels };
    bench.docker.create_volume(&volume).await.unwrap();
    assert_eq!(bench.docker.list_volumes(&bench.instance).await.unwrap(), [volume.name.clone()]);
    let with = |script: &str, read_only| {
        let mut spec = bench.spec(script);
        spec.mounts.push(Mount::Volume { name: volume.name.clone(), target: "/checkout".into(), read_only });
        spec
    };
    let mut first = with("echo shared > /checkout/file; echo ready; read -r _; exit 0", false);
    first.stdin = true;
    let (holder, mut attached) = bench.docker.start(&first).await.unwrap();
    let stdin = attached.stdin.take();
    some(attached, 6).await;
    let look = "cat /checkout/file; touch /checkout/x 2>&1; stat -c '%u %g %a' /checkout; df -k /checkout | tail -n1";
    let (exit, out, err) = bench.run(&with(look, true)).await;
    assert_eq!(exit, CLEAN, "{out}{err}");
    assert!(out.starts_with("shared\n") && out.contains("Read-only file system"), "{out}");
    assert!(out.contains("4242 4243 700") && out.contains(" 4096 "), "{out}");
    let (exit, _, err) = bench.run(&with("head -c 8000000 /dev/zero > /checkout/big", false)).await;
    assert!(exit.code != 0 && err.contains("No space left"), "{err}");
    assert!(matches!(bench.docker.remove_volume(&volume.name).await, Err(ExecutorError::Refused { .. })));
    drop(stdin);
    bench.docker.remove(&holder).await.unwrap();
    bench.docker.remove_volume(&volume.name).await.unwrap();
    bench.docker.remove_volume(&volume.name).await.unwrap();
    assert!(bench.docker.list_volumes(&bench.instance).await.unwrap().is_empty());
}

#[tokio::test]
async fn f03_a_name_is_used_once_and_the_first_container_stays() {
    let bench = Bench::new().await;
    let spec = bench.spec("sleep 60");
    let (id, _attached) = bench.docker.start(&spec).await.unwrap();
    let again =
        SandboxSpec { labels: Labels { nonce: "other".into(), ..spec.labels.clone() }, ..spec.clone() };
    for second in [&spec, &again] {
        let Err(error) = bench.docker.start(second).await else { panic!("two containers of one name") };
        assert!(matches!(error, ExecutorError::Refused { .. }), "{error}");
    }
    assert_eq!(bench.docker.state(&id).await.unwrap(), SandboxState::Running);
    let found = bench.docker.list(&bench.instance).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(
        (&found[0].id, &found[0].name, &found[0].labels, found[0].running),
        (&id, &spec.name, &spec.labels, true)
    );
    assert_eq!(bench.sweep().await, 1);
}

#[tokio::test]
async fn f47_a_sandbox_that_cannot_start_leaves_nothing() {
    let bench = Bench::new().await;
    let missing = SandboxSpec { image: "beadwork/never-built:x".into(), ..bench.spec("true") };
    assert!(matches!(bench.docker.start(&missing).await, Err(ExecutorError::NoImage(_))));
    let nowhere = SandboxSpec { workdir: "/proc/nowhere".into(), ..bench.spec("true") };
    assert!(bench.docker.start(&nowhere).await.is_err());
    let gone = Mount::Bind { source: bench.state.path().join("gone"), target: "/x".into(), read_only: true };
    let unmounted = SandboxSpec { mounts: vec![gone], ..bench.spec("true") };
    assert!(matches!(bench.docker.start(&unmounted).await, Err(ExecutorError::UnsafeMount(_))));
    assert_eq!(bench.sweep().await, 0);
    // A command that is not there is the command's failure, not the engine's.
    let unknown = SandboxSpec { argv: vec!["no-such-program".into()], ..bench.spec("") };
    assert_eq!(bench.run(&unknown).await.0.code, 127);
}

#[tokio::test]
async fn the_engine_tells_what_it_is() {
    let bench = Bench::new().await;
    let engine = bench.docker.engine().await.unwrap();
    assert!(
        !engine.name.is_empty() && engine.version.contains('.') && engine.api_version.contains('.'),
        "{engine:?}"
    );
    assert!(bench.docker.find_image("beadwork/never-built:x").await.unwrap().is_none());
}

#[tokio::test]
async fn the_worker_image_is_built_once() {
    let bench = Bench::new().await;
    let variables: Vec<_> = std::env::vars_os().collect();
    let cache = std::env::var("BEADWORK_CACHE").unwrap_or_else(|_| {
        let home = std::env::var("HOME").unwrap();
        std::env::var("XDG_CACHE_HOME").unwrap_or(format!("{home}/.cache")) + "/beadwork"
    });
    let kitchen = Kitchen { cache: Path::new(&cache), variables: &variables };
    image::build(&bench.docker, "worker", &kitchen, &mut |line| eprintln!("{line}")).await.unwrap();
    let started = Instant::now();
    let again =
        image::build(&bench.docker, "worker", &kitchen, &mut |_| panic!("built again")).await.unwrap();
    assert!(matches!(again, Built::UpToDate(_)) && started.elapsed() < Duration::from_secs(5));
    let all = image::list(&bench.docker).await.unwrap();
    let (newest, current) = &all[0];
    assert!(*current && newest.tags.contains(&"beadwork/worker:latest".to_owned()), "{all:?}");
    let unknown = image::build(&bench.docker, "other", &kitchen, &mut |_| {}).await;
    assert!(matches!(unknown, Err(ImageError::Unknown(_))));
}

#[tokio::test]
async fn t06_the_environment_is_the_specs_and_the_images_alone() {
    let bench = Bench::new().await;
    let (exit, out) = bench.script("env | cut -d= -f1 | sort | tr '\\n' ' '").await;
    assert_eq!(exit, CLEAN);
    for name in out.split_whitespace() {
        let known = ["HOME", "HOSTNAME", "LANG", "LOGNAME", "OLDPWD", "PATH", "PWD", "SHLVL", "USER", "_"];
        assert!(known.contains(&name), "{name} in {out}");
    }
}
