//! `bead prompt` and `bead context`: what an agent would be told now.
//!
//! Owns nothing but the commands: the prompt is made by the function that makes the real one, and nothing is
//! claimed or written. What is printed to a terminal is cleaned; a file or a pipe gets the exact bytes. Start
//! with [`run`].

use std::sync::Arc;

use clap::Args as ClapArgs;
use serde_json::json;

use super::desk::{Desk, engine_error};
use super::{CliError, Exit};
use crate::context::project::Summary;
use crate::daemon::engine::Engine;
use crate::domain::clean;
use crate::domain::ids::BeadId;

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The bead
    id: String,
}

pub(super) async fn run(desk: &Desk, args: Args) -> Result<Exit, CliError> {
    let engine = engine(desk).await?;
    let id = BeadId::new(args.id);
    let preview = engine.next_prompt(&id).await.map_err(engine_error)?;
    if desk.output.json {
        desk.output.document(&json!({
            "bead": id, "kind": preview.kind, "resumed": preview.resumed, "prompt": preview.text,
            "notices": preview.notices,
        }));
        return Ok(Exit::Done);
    }
    for notice in &preview.notices {
        desk.output.say(notice);
    }
    if preview.resumed {
        desk.output.say("goes on in the conversation that is there already");
    }
    let text = preview.text.trim_end();
    if desk.output.terminal {
        desk.output.line(&clean::clean(text));
    } else {
        desk.output.plain(text);
    }
    Ok(Exit::Done)
}

/// `bead context`: the part of a prompt that says what the project is like.
pub(super) async fn context(desk: &Desk, args: Args) -> Result<Exit, CliError> {
    let engine = engine(desk).await?;
    let id = BeadId::new(args.id);
    let (base, summary) = engine.project_summary(&id).await.map_err(engine_error)?;
    if desk.output.json {
        desk.output.document(&json!({ "bead": id, "base": base, "project": document(&summary) }));
    } else {
        for line in lines(&summary) {
            desk.output.line(&clean::clean(&line));
        }
    }
    Ok(Exit::Done)
}

async fn engine(desk: &Desk) -> Result<Engine, CliError> {
    let house = Arc::new(desk.house()?);
    let site = Arc::new(desk.site_in(&house).await?);
    let machine = Arc::new(desk.machine(&house)?);
    Ok(Engine::new(house, site, machine))
}

fn document(summary: &Summary) -> serde_json::Value {
    let stacks: Vec<_> = summary
        .stacks
        .iter()
        .map(|stack| json!({ "name": stack.name, "tests": stack.tests.as_ref().map(|tests| &tests.run) }))
        .collect();
    let readme = summary.readme.as_ref().map(|(path, text)| json!({ "path": path, "text": text }));
    json!({
        "stacks": stacks,
        "files": { "count": summary.tree.files, "listed": summary.tree.lines, "cut": summary.tree.cut },
        "commits": summary.commits,
        "readme": readme,
    })
}

fn lines(summary: &Summary) -> Vec<String> {
    let stacks: Vec<&str> = summary.stacks.iter().map(|stack| stack.name.as_str()).collect();
    let mut lines =
        vec![format!("written with: {}", if stacks.is_empty() { "?".into() } else { stacks.join(", ") })];
    if let Some(tests) = crate::context::stack::main_tests(&summary.stacks) {
        lines.push(format!("tests: {}", tests.run));
    }
    let cut = if summary.tree.cut { ", not all of them" } else { "" };
    lines.push(format!("files ({} in all{cut}):", summary.tree.files));
    lines.extend(summary.tree.lines.iter().map(|line| format!("  {line}")));
    lines.push("latest commits:".to_owned());
    lines.extend(summary.commits.iter().map(|line| format!("  {line}")));
    if let Some((path, text)) = &summary.readme {
        lines.push(format!("beginning of {path}:"));
        lines.extend(text.lines().map(|line| format!("  {line}")));
    }
    lines
}
