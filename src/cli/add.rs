//! `bead add`: a new bead with its edges.
//!
//! Owns the flags and what is refused before the tracker is asked; the grammar of edges is `domain::edge`'s. Ids and cycles
//! are the tracker's. Start with [`run`].

use clap::Args as ClapArgs;

use super::desk::Desk;
use super::{CliError, Exit};
use crate::domain::bead::NewBead;
use crate::domain::edge::{BadEdge, Edge, KINDS};
use crate::domain::ids::BeadId;

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// What is to be done, in one line
    title: String,
    /// What an agent needs to know (`-` reads it from stdin)
    #[arg(long, short, default_value = "", value_name = "TEXT")]
    description: String,
    /// 0 is the most urgent
    #[arg(long, short, default_value_t = 2, value_parser = clap::value_parser!(i64).range(0..=4))]
    priority: i64,
    /// bug, feature, task, epic, chore, ...
    #[arg(long = "type", short = 't', default_value = "task", value_name = "TYPE")]
    kind: String,
    /// The new bead waits for ID; `TYPE:ID` makes an edge of that type from the new bead to ID
    #[arg(long, value_name = "[TYPE:]ID")]
    dep: Vec<String>,
    /// ID waits for the new bead
    #[arg(long, value_name = "ID")]
    blocks: Vec<String>,
    /// A label; may be given several times
    #[arg(long, short, value_name = "LABEL")]
    label: Vec<String>,
}

pub(super) async fn run(desk: &Desk, args: Args) -> Result<Exit, CliError> {
    if args.title.trim().is_empty() || args.title.contains(['\n', '\r']) {
        return Err(CliError::new(Exit::Usage, "the title is one line of text")
            .hint("what an agent needs to know beside it: `-d TEXT`"));
    }
    let edges = args.dep.iter().map(|text| edge(text)).collect::<Result<Vec<_>, _>>()?;
    for (kind, id) in edges.iter().filter(|(kind, _)| !KINDS.contains(&kind.as_str())) {
        desk.output.warn(&format!("`{kind}` is no edge type of `bd`: the new bead does not wait for {id}"));
    }
    let (_, site) = desk.open().await?;
    let description = if args.description == "-" { desk.read_stdin()? } else { args.description };
    let new = NewBead {
        title: args.title,
        description,
        priority: args.priority,
        issue_type: args.kind,
        labels: args.label,
        edges,
        blocks: args.blocks.into_iter().map(BeadId::new).collect(),
        actor: desk.actor(),
    };
    let bead = site.tracker.create(&new).await.map_err(super::desk::tracker_error)?;
    if desk.output.json {
        desk.output.document(&bead);
    } else {
        desk.output.line(bead.id.as_str());
    }
    Ok(Exit::Done)
}

/// The edge, or what to write instead.
fn edge(text: &str) -> Result<(String, BeadId), CliError> {
    match Edge::parse(text) {
        Ok(Edge { kind, to }) => Ok((kind, to)),
        Err(error) => {
            let refused = CliError::new(Exit::Usage, format!("`--dep`: {error}"));
            Err(match error {
                BadEdge::Shape(_) => refused,
                BadEdge::Ambiguous(id) => refused
                    .hint(format!("the new bead waits for {id}: `--dep {id}`"))
                    .hint(format!("{id} waits for the new bead: `--blocks {id}`")),
            })
        }
    }
}
