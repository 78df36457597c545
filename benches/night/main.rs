//! What an unattended daemon costs while nothing is to be done, and how soon it is back after a crash.
//!
//! Owns three measurements of a real `bead serve` as its user would start it: idle outside every window, idle
//! inside one, and a restart over a long journal with live containers. It prints; it asserts nothing.
//! docs/benchmarks.md reads the figures. Options: `idle`, `restart`, `--seconds N` (120), `--containers N` (20),
//! `--events N` (1000000), `--bead PATH` (another build of the program). Start with [`main`].
#![expect(clippy::disallowed_methods, reason = "a bench measures real time and starts programs")]

mod process;
mod restart;
mod world;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use process::Reading;
use world::World;

pub(crate) struct Options {
    what: Vec<String>,
    seconds: u64,
    pub containers: usize,
    pub events: u64,
    pub bead: PathBuf,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = options(std::env::args().skip(1))?;
    println!("bead: {}", options.bead.display());
    if options.wants("idle") {
        idle(&options, "no window is open", "windows: [{ start: \"0 3 29 2 *\", stop: 1h }]\n").await?;
        idle(
            &options,
            "a window is open, nothing is ready",
            "windows: [{ start: \"0 0 * * *\", stop: 1d }]\n",
        )
        .await?;
    }
    if options.wants("restart") {
        restart::measure(&options).await?;
    }
    Ok(())
}

impl Options {
    fn wants(&self, what: &str) -> bool {
        self.what.is_empty() || self.what.iter().any(|w| w == what)
    }
}

fn options(mut args: impl Iterator<Item = String>) -> anyhow::Result<Options> {
    let bead = PathBuf::from(env!("CARGO_BIN_EXE_bead"));
    let mut options = Options { what: Vec::new(), seconds: 120, containers: 20, events: 1_000_000, bead };
    while let Some(arg) = args.next() {
        let mut number = || args.next().context("a number is missing");
        match arg.as_str() {
            "idle" | "restart" => options.what.push(arg),
            "--seconds" => options.seconds = number()?.parse()?,
            "--containers" => options.containers = number()?.parse()?,
            "--events" => options.events = number()?.parse()?,
            "--bead" => options.bead = number()?.into(),
            // cargo bench says it to every bench.
            "--bench" => {}
            other => bail!("unknown option `{other}`, expected idle, restart, --seconds, --containers, .."),
        }
    }
    Ok(options)
}

/// Two registered projects, a daemon, and nothing to do.
async fn idle(options: &Options, title: &str, config: &str) -> anyhow::Result<()> {
    let world = World::new(&options.bead, config).await?;
    for name in ["shop", "docs"] {
        world.project(name, 0, "").await?;
    }
    let model = world.model(world::QUIET).await?;
    let mut daemon = world.serve(&model.url())?;
    daemon.listening(Duration::from_secs(60)).await?;
    // What a start costs is no part of idling.
    tokio::time::sleep(Duration::from_secs(10)).await;
    let (clock, before) = (Instant::now(), Reading::of(daemon.pid())?);
    tokio::time::sleep(Duration::from_secs(options.seconds)).await;
    let (took, after) = (clock.elapsed(), Reading::of(daemon.pid())?);
    println!("\nidle, {title}: two projects, {:.0} s", took.as_secs_f64());
    let part = |own: Duration| own.as_secs_f64() / took.as_secs_f64() * 100.0;
    println!(
        "  CPU of one core    {:.3} % (goal < 0.1 %), of programs it started {:.3} %",
        part(after.own - before.own),
        part(after.children - before.children)
    );
    println!("  woken up           {:.2} times a second", after.woken_since(&before, took));
    println!(
        "  memory             {:.1} MB resident (goal <= 30 MB), {:.1} MB of it its own, most {:.1} MB",
        after.resident, after.own_memory, after.most
    );
    println!("  threads            {}", after.threads);
    println!("  model calls        {} (goal 0)", model.requests().len());
    daemon.stop(Duration::from_secs(30)).await?;
    model.close().await;
    Ok(())
}
