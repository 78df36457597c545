//! A daemon that died with containers running, started again over a long journal.
//!
//! Owns the agents that only sleep (the worker image with another `claude`), the made-up past, and when a run
//! counts as adopted: its gateway takes a connection, and its log has bytes that were printed later. Start
//! with [`measure`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use rusqlite::{Connection, params};
use tokio::process::Command;

use crate::Options;
use crate::process::Reading;
use crate::world::World;

const IMAGE: &str = "beadwork-bench/sleeper:latest";
const THEN: &str = "2026-01-01T00:00:00.000000Z";
/// Says something ten times a second, so that a reader has something to read.
const SLEEPER: &str = "#!/bin/sh\nwhile :; do echo '{\"type\":\"bench\",\"padding\":\"........................................................................................................................\"}'; sleep 0.1; done\n";

pub(crate) async fn measure(options: &Options) -> anyhow::Result<()> {
    image().await?;
    let count = options.containers;
    let config = format!(
        "windows: [{{ start: \"0 0 * * *\", stop: 1d }}]\nslots: {count}\nlimits: {{ memory: 256m, slots: {count} }}\n"
    );
    let world = World::new(&options.bead, &config).await?;
    let more = format!("image: {IMAGE}\nlimits: {{ memory: 128m, slots: {count} }}\n");
    world.project("shop", count, &more).await?;
    let model = world.model(crate::world::QUIET).await?;
    let first = world.serve(&model.url())?;
    let measured = after_the_first(options, &world, first, &model.url()).await;
    remove_all(&world).await?;
    model.close().await;
    measured
}

async fn after_the_first(
    options: &Options,
    world: &World,
    mut first: crate::world::Daemon,
    model: &str,
) -> anyhow::Result<()> {
    let count = options.containers;
    first.listening(Duration::from_secs(60)).await?;
    eprintln!("starting {count} containers");
    let began = Instant::now();
    while told(world, "task_given")? < count {
        ensure!(began.elapsed() < Duration::from_secs(400), "they do not start:\n{}", world.said());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    first.kill().await?;
    eprintln!("writing {} events", options.events);
    let size = past(world, options.events)?;
    for round in ["first", "second"] {
        let before: BTreeMap<PathBuf, u64> = logs(world).into_iter().collect();
        ensure!(before.len() == count, "{} logs of {count} runs", before.len());
        let began = Instant::now();
        let mut daemon = world.serve(model)?;
        let listening = daemon.listening(Duration::from_secs(120)).await?;
        let (gateways, readers) = adopted(world, &before, began).await?;
        let last = |times: &[Duration]| times.last().copied().unwrap_or_default();
        println!("\nrestart, {round}: {} events ({size} MB), {count} live containers", options.events);
        println!("  control socket after   {:.3} s", listening.as_secs_f64());
        println!(
            "  gateways listening     first {:.3} s, last {:.3} s",
            gateways[0].as_secs_f64(),
            last(&gateways).as_secs_f64()
        );
        println!(
            "  output read            first {:.3} s, last {:.3} s (goal: all within 1 s)",
            readers[0].as_secs_f64(),
            last(&readers).as_secs_f64()
        );
        let reading = Reading::of(daemon.pid())?;
        println!("  memory                 {:.1} MB, most {:.1} MB", reading.resident, reading.most);
        println!("  CPU so far             {:.2} s", reading.own.as_secs_f64());
        let (runs, starts) = (told(world, "attempt_started")?, told(world, "agent_started")?);
        println!("  attempts and starts    {runs}, {starts} (expected {count} of each)");
        daemon.kill().await?;
    }
    Ok(())
}

/// When each gateway listens and each log grows again.
async fn adopted(
    world: &World,
    before: &BTreeMap<PathBuf, u64>,
    began: Instant,
) -> anyhow::Result<(Vec<Duration>, Vec<Duration>)> {
    let mut sockets: Vec<PathBuf> = sockets(world);
    ensure!(sockets.len() == before.len(), "{} sockets of {} runs", sockets.len(), before.len());
    let mut waiting: Vec<&PathBuf> = before.keys().collect();
    let (mut gateways, mut readers) = (Vec::new(), Vec::new());
    while !sockets.is_empty() || !waiting.is_empty() {
        ensure!(began.elapsed() < Duration::from_secs(120), "they are not adopted:\n{}", world.said());
        sockets.retain(|socket| {
            let refused = std::os::unix::net::UnixStream::connect(socket).is_err();
            if !refused {
                gateways.push(began.elapsed());
            }
            refused
        });
        waiting.retain(|log| {
            let same = size(log) <= before[*log];
            if !same {
                readers.push(began.elapsed());
            }
            same
        });
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok((gateways, readers))
}

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |m| m.len())
}

fn under(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { under(&path, found) } else { found.push(path) }
    }
}

fn logs(world: &World) -> Vec<(PathBuf, u64)> {
    let mut all = Vec::new();
    under(&world.state().join("logs"), &mut all);
    all.retain(|path| path.extension().is_some_and(|e| e == "jsonl"));
    all.into_iter().map(|path| (path.clone(), size(&path))).collect()
}

fn sockets(world: &World) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(world.state().join("run")).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            under(&entry.path(), &mut all);
        }
    }
    all
}

fn open(world: &World) -> anyhow::Result<Connection> {
    let connection = Connection::open(world.state().join("journal.db"))?;
    connection.busy_timeout(Duration::from_secs(20))?;
    Ok(connection)
}

fn told(world: &World, kind: &str) -> anyhow::Result<usize> {
    let count: u32 =
        open(world)?.query_row("SELECT count(*) FROM events WHERE type = ?1", [kind], |row| row.get(0))?;
    Ok(usize::try_from(count)?)
}

/// A million events of beads that ended long ago, fifty a bead. Gives the database's size in megabytes.
fn past(world: &World, events: u64) -> anyhow::Result<u64> {
    let mut connection = open(world)?;
    let (last, project, story): (i64, String, String) = connection.query_row(
        "SELECT (SELECT max(seq) FROM events), project, story FROM stories LIMIT 1",
        [],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let mut story: serde_json::Value = serde_json::from_str(&story)?;
    story["phase"] = serde_json::json!({ "phase": "finished" });
    let tx = connection.transaction()?;
    {
        let mut event = tx.prepare(
            "INSERT INTO events (seq, at, project, bead, run, attempt, type, body) VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, ?7)",
        )?;
        let mut ended = tx.prepare(
            "INSERT INTO stories (id, project, bead, open, seq, story) VALUES (?1, ?2, ?3, 0, ?4, ?5)",
        )?;
        let mut ran = tx.prepare(
            "INSERT INTO runs (run, kind, project, bead, attempt, state, started, ended, log, cost) VALUES (?1, 'work', ?2, ?3, 1, 'completed', ?4, ?4, 'logs/gone.log', 0.1)",
        )?;
        let body = serde_json::json!({ "type": "notice", "text": "something that was worth a line of a journal, once, long ago" }).to_string();
        for n in 0..i64::try_from(events)? {
            let seq = last + 1 + n;
            let (bead, run) = (format!("old-{}", n / 50), format!("r{:014}", n / 50));
            event.execute(params![seq, THEN, project, bead, run, "notice", body])?;
            if n % 50 == 49 {
                ran.execute(params![run, project, bead, THEN])?;
                story["id"] = (seq - 49).into();
                story["bead"] = bead.clone().into();
                story["runs"] = serde_json::json!([run]);
                ended.execute(params![seq - 49, project, bead, seq, story.to_string()])?;
            }
        }
    }
    tx.commit()?;
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    drop(connection);
    Ok(size(&world.state().join("journal.db")) >> 20)
}

async fn image() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    std::fs::write(dir.path().join("claude"), SLEEPER)?;
    let file = "FROM beadwork/worker:latest\nCOPY claude /usr/local/bin/claude\n";
    std::fs::write(dir.path().join("Dockerfile"), file)?;
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(dir.path().join("claude"), mode)?;
    let args = ["build", "-q", "-t", IMAGE, "."];
    let built = Command::new("docker")
        .args(args)
        .current_dir(dir.path())
        .env("DOCKER_BUILDKIT", "0")
        .stdin(Stdio::null())
        .output()
        .await?;
    let said = String::from_utf8_lossy(&built.stderr);
    ensure!(built.status.success(), "docker build (is beadwork/worker:latest there?): {said}");
    Ok(())
}

/// Our own containers only, by the label of this state directory.
async fn remove_all(world: &World) -> anyhow::Result<()> {
    let instance = std::fs::read_to_string(world.state().join("instance")).context("no instance")?;
    let filter = format!("label=beadwork.instance={}", instance.trim());
    let listed = Command::new("docker").args(["ps", "-aq", "--filter", &filter]).output().await?;
    for id in String::from_utf8_lossy(&listed.stdout).lines() {
        Command::new("docker").args(["rm", "-f", id]).stdout(Stdio::null()).status().await?;
    }
    Ok(())
}
