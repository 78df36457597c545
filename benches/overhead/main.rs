//! What `bead work` costs on top of the containers it needs.
//!
//! Owns two comparisons, taken in turns on the same machine: the wall time of `bead work` with an agent that
//! does next to nothing against the same containers driven by raw API calls, and the time from the claim to
//! the agent's first request against that of a plain create and start. docs/benchmarks.md says how. Options:
//! `--runs N` (7), `--json`. Start with [`main`].
#![expect(clippy::disallowed_methods, reason = "a bench measures real time and starts programs")]

mod figures;
mod project;
mod raw;
mod recorder;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use figures::{Pair, Steps};
use project::{Project, Worked, time};
use raw::Raw;
use recorder::{Asked, Recorder};
use serde_json::json;

struct Options {
    runs: usize,
    json: bool,
}

struct Figures {
    wall: Pair,
    first: Pair,
    steps: Steps,
    parts: Steps,
    calls: Vec<Asked>,
}

fn main() -> anyhow::Result<()> {
    let options = options(std::env::args().skip(1))?;
    let runtime = tokio::runtime::Runtime::new()?;
    let figures = runtime.block_on(measure(&options))?;
    if options.json {
        println!(
            "{}",
            json!({
                "runs": options.runs,
                "optimised": !cfg!(debug_assertions),
                "wall": figures.wall.json(),
                "first_request": figures.first.json(),
                "steps": figures.steps.json(),
                "raw_parts": figures.parts.json(),
                "engine_calls": calls(&figures.calls).into_iter().map(|(call, times)| json!({"call": call, "times": times.0, "ms": times.1 * 1e3})).collect::<Vec<_>>(),
            })
        );
        return Ok(());
    }
    print(&options, &figures);
    Ok(())
}

fn options(mut args: impl Iterator<Item = String>) -> anyhow::Result<Options> {
    let mut options = Options { runs: 7, json: false };
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--json" => options.json = true,
            "--runs" => options.runs = args.next().context("`--runs` needs a number")?.parse()?,
            // cargo bench says it to every bench.
            "--bench" => {}
            other => bail!("unknown option `{other}`, expected `--runs N` or `--json`"),
        }
    }
    Ok(options)
}

async fn measure(options: &Options) -> anyhow::Result<Figures> {
    let host = std::env::var("DOCKER_HOST").unwrap_or_else(|_| "unix:///var/run/docker.sock".to_owned());
    let socket = host.strip_prefix("unix://").context("`DOCKER_HOST` is not a local engine")?;
    let engine = bollard::Docker::connect_with_unix(&host, 120, bollard::API_DEFAULT_VERSION)?;
    let engine = engine.negotiate_version().await?;
    let project = Project::new().await?;

    let recorder = Recorder::listen(project.dir.path().join("engine/e.sock"), Path::new(socket))?;
    let first = project.work(0, &format!("unix://{}", recorder.socket.display())).await?;
    let calls = recorder.asked();
    let instance = std::fs::read_to_string(project.state().join("instance"))?;
    let raw = Raw::of(&calls, &first.events, instance.trim())?;
    raw.run(&project, 1, &engine).await?;

    let (mut wall, mut request) = (Pair::default(), Pair::default());
    let (mut steps, mut parts) = (Steps::default(), Steps::default());
    for round in 1..=options.runs {
        if !options.json {
            eprintln!("round {round} of {}", options.runs);
        }
        let worked = project.work(round * 2, &host).await?;
        let driven = raw.run(&project, round * 2 + 1, &engine).await?;
        wall.bead.add(worked.wall.as_secs_f64());
        wall.raw.add(driven.wall.as_secs_f64());
        let claimed = worked.events.iter().find(|event| event["type"] == "claimed").context("no claim")?;
        request.bead.add(seconds(time(claimed)?, worked.first_request));
        request.raw.add(seconds(driven.began, driven.first_request));
        split(&worked, &mut steps)?;
        for (part, took) in ["agent", "export", "checkout and gate"].iter().zip(driven.parts) {
            parts.add(part, took.as_secs_f64());
        }
    }
    Ok(Figures { wall, first: request, steps, parts, calls })
}

fn seconds(from: DateTime<Utc>, to: DateTime<Utc>) -> f64 {
    (to - from).to_std().unwrap_or_default().as_secs_f64()
}

/// Where the time goes: from each event to the next, and before the first and after the last.
fn split(worked: &Worked, steps: &mut Steps) -> anyhow::Result<()> {
    let mut last = ("start".to_owned(), worked.began);
    for event in &worked.events {
        let at = time(event)?;
        let name = event["type"].as_str().unwrap_or_default();
        if last.0 == "agent_started" {
            steps.add("agent_started > first request", seconds(last.1, worked.first_request));
            last = ("first request".to_owned(), worked.first_request);
        }
        steps.add(&format!("{} > {name}", last.0), seconds(last.1, at));
        last = (name.to_owned(), at);
    }
    steps.add(&format!("{} > exit", last.0), seconds(last.1, worked.ended));
    Ok(())
}

/// How often each kind of call was made in the recorded run, and how long it took in all, in seconds.
fn calls(asked: &[Asked]) -> BTreeMap<String, (usize, f64)> {
    let mut all = BTreeMap::<String, (usize, f64)>::new();
    for one in asked {
        let path = one.path.split('?').next().unwrap_or_default();
        let is_name = |part: &str| part.len() > 20 || part.starts_with("bead-") || part.contains("sha256");
        let parts: Vec<&str> = path.split('/').map(|part| if is_name(part) { "*" } else { part }).collect();
        let entry = all.entry(format!("{} {}", one.method, parts.join("/"))).or_default();
        entry.0 += 1;
        entry.1 += one.took.as_secs_f64();
    }
    all
}

fn print(options: &Options, figures: &Figures) {
    let build = if cfg!(debug_assertions) { "with debug assertions" } else { "release" };
    println!(
        "bead work against the same containers by raw API calls: {} runs of each in turns",
        options.runs
    );
    println!("bead is built {build}; the agent writes one file, the gate is `true`\n");
    let wall = figures.wall.lines("wall time of a bead");
    let first = figures.first.lines("claim (or create) to first request");
    for line in wall.iter().chain([&String::new()]).chain(&first) {
        println!("{line}");
    }
    println!("\nwhere the time of bead work goes (s)  {:>7} {:>8} {:>8}", "min", "median", "max");
    for line in figures.steps.lines() {
        println!("{line}");
    }
    println!("\nwhere the time of the raw calls goes (s) {:>5} {:>8} {:>8}", "min", "median", "max");
    for line in figures.parts.lines() {
        println!("{line}");
    }
    println!("\ncalls of one run to the engine          times   ms to the answer, in all");
    for (call, (times, seconds)) in calls(&figures.calls) {
        println!("  {call:<36} {times:6} {:10.1}", seconds * 1e3);
    }
}
