//! What streams cost: a thousand readers on one run, and how fast what an agent prints is parsed, masked, stored and told.
//!
//! Owns two measurements of the real API in this process: `readers`, whose clients are another process, and `log`. It prints; it
//! asserts nothing but that everybody got everything. docs/benchmarks.md reads the figures. Options: `readers`, `log`,
//! `--readers N` (1000), `--rate N` (events a second, 1000), `--seconds N` (20), `--mb N` (200). Start with [`main`].
#![expect(clippy::disallowed_methods, reason = "a bench measures real time and starts programs")]

mod client;
mod house;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail};
use house::World;

struct Options {
    what: Vec<String>,
    readers: usize,
    rate: u64,
    seconds: u64,
    mb: u64,
}

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [word, url, token, readers, events] = args.as_slice()
        && word == "--client"
    {
        return client::run(url, token, readers.parse()?, events.parse()?);
    }
    let options = options(args.into_iter())?;
    let wants = |what: &str| options.what.is_empty() || options.what.iter().any(|w| w == what);
    if wants("log") {
        // One core for everything, the reader of the stream included.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(log(&options))?;
    }
    if wants("readers") {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(readers(&options))?;
    }
    Ok(())
}

fn options(mut args: impl Iterator<Item = String>) -> anyhow::Result<Options> {
    let mut options = Options { what: Vec::new(), readers: 1000, rate: 1000, seconds: 20, mb: 200 };
    while let Some(arg) = args.next() {
        let mut number = || args.next().context("a number is missing")?.parse::<u64>().context("no number");
        match arg.as_str() {
            "readers" | "log" => options.what.push(arg),
            "--readers" => options.readers = usize::try_from(number()?)?,
            "--rate" => options.rate = number()?,
            "--seconds" => options.seconds = number()?,
            "--mb" => options.mb = number()?,
            // cargo bench says it to every bench.
            "--bench" => {}
            other => {
                bail!("unknown option `{other}`, expected readers, log, --readers, --rate, --seconds, --mb")
            }
        }
    }
    Ok(options)
}

/// Nanoseconds that another process of this machine understands.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

async fn readers(options: &Options) -> anyhow::Result<()> {
    let world = World::open().await?;
    let events = options.rate * options.seconds;
    let program = std::env::current_exe()?;
    let mut child = tokio::process::Command::new(program)
        .args(["--client", &world.url, &world.token, &options.readers.to_string(), &events.to_string()])
        .stdout(std::process::Stdio::piped())
        .spawn()?;
    let mut told = tokio::io::BufReader::new(child.stdout.take().context("a pipe")?);
    let mut line = String::new();
    tokio::io::AsyncBufReadExt::read_line(&mut told, &mut line).await?;
    println!("readers: {}", line.trim());
    let mut printer = world.printer()?;
    let before = memory()?;
    let mut most = before;
    let (begin, step) = (Instant::now(), Duration::from_secs_f64(1.0 / options.rate as f64));
    for n in 0..events {
        let due = begin + step * u32::try_from(n)?;
        // Coarse timers would bunch the events: a few at a time, as they are due.
        if let Some(wait) =
            due.checked_duration_since(Instant::now()).filter(|w| *w > Duration::from_millis(1))
        {
            tokio::time::sleep(wait).await;
        }
        printer.say(&format!("t={} {n:07} {}", now(), "x".repeat(140)))?;
        if n % options.rate == 0 {
            most = most.max(memory()?);
        }
    }
    let took = begin.elapsed();
    line.clear();
    tokio::io::AsyncBufReadExt::read_line(&mut told, &mut line).await?;
    most = most.max(memory()?);
    println!("  {events} events in {:.1} s, {} bytes of a frame", took.as_secs_f64(), printer.frame_bytes());
    println!("  {}", line.trim());
    let mb = |bytes: u64| bytes as f64 / 1e6;
    println!("  memory of the server: {:.1} MB with all connected, {:.1} MB at most", mb(before), mb(most));
    child.wait().await?;
    Ok(())
}

async fn log(options: &Options) -> anyhow::Result<()> {
    let world = World::open().await?;
    for (title, stage) in [
        ("parse + redact + store", Stage::Stored),
        ("parse + redact + store + fan-out to one reader", Stage::Told),
    ] {
        let mut printer = world.printer()?;
        let reader = match stage {
            Stage::Stored => None,
            Stage::Told => Some(tokio::spawn(client::drain(world.url.clone(), world.token.clone()))),
        };
        if reader.is_some() {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        let (begin, goal) = (Instant::now(), options.mb * 1_000_000);
        let mut lines = 0_u64;
        while printer.printed < goal {
            printer.chunk()?;
            lines += 1;
            tokio::task::yield_now().await;
        }
        if let Some(reader) = reader {
            printer.say("the end")?;
            tokio::time::timeout(Duration::from_secs(300), reader).await???;
        }
        let took = begin.elapsed().as_secs_f64();
        let mb = printer.printed as f64 / 1e6;
        println!("log: {title}: {mb:.0} MB in {took:.2} s, {:.0} MB/s ({lines} pieces of 64 KiB)", mb / took);
    }
    Ok(())
}

enum Stage {
    Stored,
    Told,
}

/// What this process has in memory, in bytes.
fn memory() -> anyhow::Result<u64> {
    let text = std::fs::read_to_string("/proc/self/statm")?;
    let pages: u64 = text.split_whitespace().nth(1).context("a second figure")?.parse()?;
    Ok(pages * 4096)
}
