//! `bead init`: bead.yaml for this repository, and a tracker if there is none.
//!
//! Owns the question, the order of writing and what is told; nothing that is there is overwritten or committed.
//! What a stack looks like is known by `context`. Start with [`run`].

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;

mod driver;

use clap::Args as ClapArgs;
use serde_json::json;

use super::ask::{self, Enter};
use super::desk::{Desk, tracker_error};
use super::output::{DIM, GOOD, paint};
use super::{CliError, Exit};
use crate::beads::init::Made;
use crate::config::project::FILE;
use crate::context::{Files, init, stack};
use crate::workspace::program::Git;
use crate::workspace::repo::{Head, UserRepo};
use driver::Installed;

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// Ask nothing
    #[arg(long, short)]
    yes: bool,
    /// The prefix of new bead ids (default: the folder's name)
    #[arg(long, value_name = "PREFIX")]
    prefix: Option<String>,
    /// Have git merge the tracker by bead: a line in .gitattributes and this repository's git config
    #[arg(long)]
    merge_driver: bool,
}

/// What was found and done, for telling.
struct Report {
    target: String,
    stacks: Vec<String>,
    test: Option<String>,
    wrote_config: bool,
    made: Made,
    driver: Option<Installed>,
}

pub(super) async fn run(desk: &Desk, args: Args) -> Result<Exit, CliError> {
    let git = Git::new(desk.environment.inherited.0.iter().cloned());
    let repo = UserRepo::open(&git, &desk.project_path()?)
        .await
        .map_err(|e| CliError::from_error(Exit::Refused, &e))?;
    let head = repo.head().await.map_err(|e| CliError::from_error(Exit::Refused, &e))?;
    let target = match &head {
        Head::Branch { name, .. } | Head::Unborn { name } => name.clone(),
        Head::Detached(_) => "main".to_owned(),
    };
    let file = repo.root().join(FILE);
    let stacks = stack::detect(&Folder(repo.root()));
    let text = if file.exists() {
        desk.output.say(&format!("{FILE} is there already; it stays as it is"));
        None
    } else {
        let text = init::render(&target, &stacks);
        if !args.yes && !desk.output.json && std::io::stdin().is_terminal() {
            desk.output.say(&text);
            if !ask::agreed(&format!("write this to {}?", file.display()), Enter::Yes).await? {
                return Err(CliError::refused("nothing was written"));
            }
        }
        Some(text)
    };
    let plan = if args.merge_driver { Some(driver::plan(&repo).await?) } else { None };
    // The tracker first: it can refuse (a bad prefix), and then nothing is half done.
    let made = crate::beads::init::init(repo.root(), args.prefix.as_deref()).map_err(tracker_error)?;
    if let Some(text) = &text {
        write_new(&file, text)?;
    }
    let driver = match plan {
        Some(plan) => Some(plan.install(&repo).await?),
        None => None,
    };
    let report = Report {
        target,
        stacks: stacks.iter().map(|s| s.name.clone()).collect(),
        test: stack::main_tests(&stacks).map(|t| t.run.clone()),
        wrote_config: text.is_some(),
        made,
        driver,
    };
    report.tell(desk, repo.root());
    Ok(Exit::Done)
}

impl Report {
    fn tell(&self, desk: &Desk, root: &Path) {
        let output = desk.output;
        if output.json {
            output.document(&json!({
                "target": self.target, "stacks": self.stacks, "test": self.test,
                "wrote_config": self.wrote_config, "tracker_files": self.made.files,
                "prefix": self.made.prefix, "merge_driver": self.driver,
            }));
            return;
        }
        let names: Vec<&str> = self.stacks.iter().map(String::as_str).collect();
        output.line(&found(&names, &self.target));
        match &self.test {
            Some(run) => output.line(&format!("{} {run}", paint(DIM, "gate "))),
            // A bead.yaml that was there has whatever gates its author gave it.
            None if !self.wrote_config => {}
            None => output.line("no test command found: add a gate to bead.yaml, nothing lands without one"),
        }
        if self.wrote_config {
            output.line(&format!("{} {FILE}", paint(GOOD, "wrote")));
        }
        for made in &self.made.files {
            let shown = made.strip_prefix(root).unwrap_or(made);
            output.line(&format!("{} {}", paint(GOOD, "wrote"), shown.display()));
        }
        if let Some(driver) = &self.driver {
            if let Some(attribute) = &driver.attribute {
                output.line(&format!("{} .gitattributes: {attribute}", paint(GOOD, "wrote")));
            }
            output.line(&format!("{} git config merge.beads.driver: {}", paint(GOOD, "set"), driver.command));
            output
                .say("each clone has a git configuration of its own: run `bead init --merge-driver` in each");
        }
        output.say(&format!("next: look at {FILE}, commit it, then `bead add \"what is to be done\"`"));
    }
}

fn found(names: &[&str], target: &str) -> String {
    let stacks = if names.is_empty() { "no stack that I know".to_owned() } else { names.join(", ") };
    format!("{} {stacks}; target {target}", paint(DIM, "found"))
}

/// Never over a file that appeared meanwhile.
fn write_new(path: &Path, text: &str) -> Result<(), CliError> {
    let failed = |e: std::io::Error| CliError::failed(format!("cannot write `{}`: {e}", path.display()));
    let mut file = std::fs::File::create_new(path).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)
}

/// The files of a folder, as `git` would see them if nothing were ignored: the first few thousand.
struct Folder<'a>(&'a Path);

const LISTED: usize = 20_000;

impl Files for Folder<'_> {
    fn list(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut open = vec![self.0.to_owned()];
        while let Some(dir) = open.pop() {
            for entry in std::fs::read_dir(&dir).into_iter().flatten().flatten() {
                let skipped =
                    matches!(entry.file_name().to_str(), Some(".git" | "node_modules" | "target" | ".venv"));
                let Ok(kind) = entry.file_type() else { continue };
                if kind.is_dir() && !skipped {
                    open.push(entry.path());
                } else if kind.is_file()
                    && let Ok(path) = entry.path().strip_prefix(self.0)
                {
                    found.push(path.to_string_lossy().into_owned());
                }
            }
            if found.len() > LISTED {
                break;
            }
        }
        found
    }

    fn read(&self, path: &str) -> Option<Vec<u8>> {
        let path = self.0.join(path);
        let meta = std::fs::symlink_metadata(&path).ok()?;
        if !meta.is_file() || meta.len() > 256 << 10 {
            return None;
        }
        std::fs::read(path).ok()
    }
}
