//! `bead gc`: what holds each gigabyte, and what of it may go.
//!
//! Owns how the plan of `daemon::reap` is shown: by kind, then by bead, biggest first. Without `--dry-run` it
//! is carried out, and what went is said. Start with [`run`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use clap::Args as ClapArgs;
use serde_json::json;

use super::desk::{Desk, engine_error, journal_error};
use super::output::{BAD, DIM, GOOD, Output, STRONG, WARN, paint};
use super::{CliError, Exit};
use crate::daemon::house::{House, Site};
use crate::daemon::reap::{self, Item, Kind, Plan, Reaper, Sizes, Swept, Verdict};
use crate::domain::clean::clean_line;
use crate::executor::docker::Docker;

/// Beads of the table; the rest is one line.
const SHOWN: usize = 20;

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// Only say what would go, and what holds the rest
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(desk: &Desk, args: Args) -> Result<Exit, CliError> {
    let house = desk.house()?;
    let sites = sites(desk, &house).await?;
    let docker = desk.docker(&house).await.ok();
    if docker.is_none() {
        desk.output.warn("no container engine answers: what a container may still use stays");
    }
    let executor = docker.as_ref().map(|d| d as &dyn crate::executor::Executor);
    let reaper = Reaper { house: &house, executor, sites: &sites };
    let mut facts = reaper.look(Sizes::Counted).await.map_err(engine_error)?;
    if let Some(docker) = &docker {
        facts.shown.extend(images(docker).await);
    }
    let plan = reap::plan(&facts);
    let swept = if args.dry_run {
        None
    } else {
        crate::journal::backup::if_due(&house.journal).map_err(journal_error)?;
        Some(reaper.sweep(&plan).await)
    };
    if desk.output.json {
        desk.output.document(&document(&plan, swept.as_ref()));
    } else {
        show(desk.output, &plan);
        match &swept {
            None => planned(desk.output, &plan),
            Some(swept) => gone(desk.output, swept),
        }
        unproven(desk.output, &plan);
    }
    let failed = swept.is_some_and(|swept| !swept.failed.is_empty());
    Ok(if failed { Exit::Failed } else { Exit::Done })
}

/// Every registered project that can be opened, and the one around us.
async fn sites(desk: &Desk, house: &House) -> Result<Vec<(String, Arc<Site>)>, CliError> {
    let mut sites: Vec<(String, Arc<Site>)> = Vec::new();
    for one in house.journal.projects().map_err(journal_error)? {
        match Site::open(house, &one.path).await {
            Ok(site) => sites.push((one.name, Arc::new(site))),
            Err(error) => desk.output.warn(&format!("project `{}` cannot be opened: {error}", one.name)),
        }
    }
    match desk.site_in(house).await {
        Ok(site) if sites.iter().all(|(_, known)| known.id != site.id) => {
            sites.push((site.id.to_string(), Arc::new(site)));
        }
        // Outside of every project the registered ones are all there is.
        Err(error) if desk.project.is_some() => return Err(error),
        _ => {}
    }
    Ok(sites)
}

async fn images(docker: &Docker) -> Vec<Item> {
    let Ok(images) = crate::executor::image::list(docker).await else { return Vec::new() };
    let shown = images.into_iter().map(|(image, current)| {
        let name = image.tags.first().cloned().unwrap_or(image.digest);
        let why = if current { "runs use it" } else { "built by an older program: `docker rmi` removes it" };
        Item::shown(Kind::Image, name, image.bytes, why)
    });
    shown.collect()
}

/// Bytes for people: `1.4 GiB`.
fn size(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "two digits are shown")]
    let of = |unit: i32| bytes as f64 / 2_f64.powi(unit);
    match bytes {
        0 => "0 B".to_owned(),
        1..=1023 => format!("{bytes} B"),
        1024..=1_048_575 => format!("{:.0} KiB", of(10)),
        1_048_576..=1_073_741_823 => format!("{:.1} MiB", of(20)),
        _ => format!("{:.1} GiB", of(30)),
    }
}

/// Sums in falling order.
fn ranked<K: Ord>(pairs: impl Iterator<Item = (K, u64)>) -> Vec<(K, u64, usize)> {
    let mut sums: BTreeMap<K, (u64, usize)> = BTreeMap::new();
    for (key, bytes) in pairs {
        let sum = sums.entry(key).or_default();
        *sum = (sum.0 + bytes, sum.1 + 1);
    }
    let mut all: Vec<_> = sums.into_iter().map(|(key, (bytes, count))| (key, bytes, count)).collect();
    all.sort_by_key(|(_, bytes, _)| std::cmp::Reverse(*bytes));
    all
}

fn by_kind(plan: &Plan) -> Vec<(Kind, u64, usize)> {
    ranked(plan.items.iter().map(|item| (item.kind, item.bytes)))
}

/// Who holds how much: a bead, or a project's own things.
fn by_bead(plan: &Plan) -> Vec<((String, String), u64, usize)> {
    let holders = plan.items.iter().filter_map(|item| {
        let bead = item.bead.as_ref()?.to_string();
        let project = item.project.as_ref().map(ToString::to_string).unwrap_or_default();
        Some(((bead, project), item.bytes))
    });
    ranked(holders)
}

fn show(output: Output, plan: &Plan) {
    let total: u64 = plan.items.iter().map(|item| item.bytes).sum();
    output.line(&format!("{} in all", paint(STRONG, &size(total))));
    for (kind, bytes, count) in by_kind(plan) {
        output.line(&format!("  {:>10}  {:<15} {count:>5}", size(bytes), kind.as_str()));
    }
    let beads = by_bead(plan);
    if !beads.is_empty() {
        output.line("by bead");
    }
    for ((bead, project), bytes, _) in beads.iter().take(SHOWN) {
        let why = holders(plan, bead, project);
        let name = Output::fit(bead, 40);
        output.line(&format!("  {:>10}  {name}  {}", size(*bytes), paint(DIM, &clean_line(&why))));
    }
    if let Some(rest) = beads.get(SHOWN..).filter(|rest| !rest.is_empty()) {
        let bytes = rest.iter().map(|(_, bytes, _)| bytes).sum();
        output.line(&format!("  {:>10}  {} more beads", size(bytes), rest.len()));
    }
}

/// Why a bead's things are here, each reason once.
fn holders(plan: &Plan, bead: &str, project: &str) -> String {
    let own = plan.items.iter().filter(|item| {
        item.bead.as_ref().is_some_and(|b| b.as_str() == bead)
            && item.project.as_ref().is_some_and(|p| p.as_str() == project)
    });
    let mut reasons: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for item in own {
        let why = match &item.verdict {
            Verdict::Goes(why) => format!("goes: {why}"),
            Verdict::Stays(why) | Verdict::LeftAlone(why) => why.clone(),
        };
        reasons.entry(why).or_default().insert(item.kind.as_str());
    }
    let words = reasons
        .into_iter()
        .map(|(why, kinds)| format!("{} ({why})", kinds.into_iter().collect::<Vec<_>>().join(", ")));
    words.collect::<Vec<_>>().join("; ")
}

fn planned(output: Output, plan: &Plan) {
    for item in plan.goes() {
        if let Verdict::Goes(why) = &item.verdict {
            output.line(&told(item, "would go", why));
        }
    }
    for project in &plan.collect {
        output.line(&format!("would pack the quarantine of {project} anew"));
    }
    let bytes = plan.goes().map(|item| item.bytes).sum();
    output.line(&format!("{} things would go, {}", plan.goes().count(), size(bytes)));
}

fn gone(output: Output, swept: &Swept) {
    for item in &swept.removed {
        if let Verdict::Goes(why) = &item.verdict {
            output.line(&told(item, "went", why));
        }
    }
    for project in &swept.collected {
        output.line(&format!("packed the quarantine of {project} anew"));
    }
    for (item, why) in &swept.failed {
        let name = clean_line(&item.name);
        output.line(&paint(BAD, &format!("stays: {} {name}: {}", item.kind.as_str(), clean_line(why))));
    }
    let bytes = swept.removed.iter().map(|item| item.bytes).sum();
    output.line(&format!("{}: {} things, {}", paint(GOOD, "gone"), swept.removed.len(), size(bytes)));
}

/// Containers of somebody else's that look like ours are a matter for a person (T50).
fn unproven(output: Output, plan: &Plan) {
    for item in &plan.items {
        if let Verdict::LeftAlone(why) = &item.verdict {
            output.warn(&format!("{} `{}` is left alone: {why}", item.kind.as_str(), item.name));
        }
    }
}

fn told(item: &Item, word: &str, why: &str) -> String {
    let name = clean_line(&item.name);
    let bead = item.bead.as_ref().map(|b| format!(" of {}", clean_line(b.as_str()))).unwrap_or_default();
    let size = if item.bytes > 0 { format!(", {}", size(item.bytes)) } else { String::new() };
    format!("{}: {} {name}{bead}{size} ({why})", paint(WARN, word), item.kind.as_str())
}

fn document(plan: &Plan, swept: Option<&Swept>) -> serde_json::Value {
    let kinds = by_kind(plan).into_iter();
    let beads = by_bead(plan).into_iter();
    json!({
        "bytes": plan.items.iter().map(|item| item.bytes).sum::<u64>(),
        "kinds": kinds.map(|(kind, bytes, count)| json!({"kind": kind, "bytes": bytes, "count": count}))
            .collect::<Vec<_>>(),
        "beads": beads.map(|((bead, project), bytes, count)| {
            json!({"bead": bead, "project": project, "bytes": bytes, "count": count})
        }).collect::<Vec<_>>(),
        "items": plan.items,
        "packs_anew": plan.collect,
        "removed": swept.map(|swept| json!({
            "items": swept.removed,
            "failed": swept.failed.iter().map(|(item, why)| json!({"item": item, "why": why}))
                .collect::<Vec<_>>(),
            "packed": swept.collected,
        })),
    })
}

#[cfg(test)]
mod tests;
