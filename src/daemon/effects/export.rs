//! The effect between agent and gates: what the agent left comes out of its clone, is checked, and is kept.
//!
//! Owns the export sandbox's spec and the decision between work, nothing and a refusal. The strict import is
//! the workspace's; publishing to `refs/bead/<run>` in the user's repository happens here, so that work is
//! safe whatever the gates say.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::AsyncWriteExt as _;

use crate::daemon::engine::Engine;
use crate::daemon::error::EngineError;
use crate::domain::event::{Body, Ending};
use crate::domain::ids::{Oid, RunId, base36};
use crate::executor::spec::{Labels, Limits, Mount, Purpose, SandboxSpec};
use crate::executor::{Attached, Chunk, ExecutorError, SandboxId};
use crate::lifecycle::{Story, Work};
use crate::workspace::diff::Change;
use crate::workspace::export;
use crate::workspace::import::{ImportError, ImportLimits, Imported};

/// Reading a clone, committing and packing it takes seconds; a clone made to hang ends here (F25).
const EXPORT_DEADLINE: Duration = Duration::from_secs(600);
/// Scratch space for the export's own repository.
const SCRATCH: u64 = 2 << 30;
/// Larger files are not searched for conflict markers.
const MARKED: u64 = 16 << 20;

impl Engine {
    pub(in crate::daemon) async fn export(&self, story: &mut Story) -> Result<(), EngineError> {
        let Some(work) = story.work.clone() else { return Ok(()) };
        let said = work.end.as_ref().map(|e| e.said.clone()).unwrap_or_default();
        let lost = work.end.as_ref().is_none_or(|end| end.ending == Ending::Infrastructure);
        if lost {
            // It may still run, and nobody shall write where the export reads.
            self.remove_agent(&work).await?;
        }
        // The agent has ended: its container goes while its clone is read.
        let (imported, removed) = tokio::join!(self.import(story, &work), self.remove_agent(&work));
        removed?;
        self.survive("done", "export")?;
        let body = match imported {
            Ok(Imported::Work(import)) => {
                self.site.repo.publish(&work.run).await?;
                self.survive("published", "export")?;
                let unresolved = self.unresolved(story, &work, &import.tip)?;
                Body::Exported {
                    tip: import.tip,
                    commits: import.commits,
                    wip: import.wip,
                    files: u32::try_from(import.changes.len()).unwrap_or(u32::MAX),
                    lines: Some(lines(&import.changes)),
                    tracker_touched: import.tracker_touched,
                    unresolved,
                }
            }
            Ok(Imported::Unchanged) => Body::NothingChanged { said },
            Err(Trouble::Rejected(reason)) => Body::ExportRejected { reason },
            Err(Trouble::Failed(error)) => return Err(error),
        };
        self.record(story, body)?;
        Ok(())
    }

    /// Of a conflict run: the paths that are as the conflict left them. The tip is in the user's repository.
    fn unresolved(&self, story: &Story, work: &Work, tip: &Oid) -> Result<Vec<String>, EngineError> {
        let Some(conflict) = story.conflict.as_ref().filter(|_| story.in_conflict_run()) else {
            return Ok(Vec::new());
        };
        if *tip == work.from {
            return Ok(conflict.paths.clone());
        }
        let mut left = Vec::new();
        for path in &conflict.paths {
            // A file that is too large or no text has no markers that anybody put there.
            let markers = |commit: &Oid| {
                let found = self.site.repo.file_at(commit, path, MARKED);
                found.ok().flatten().map_or(0, |bytes| conflict_markers(&bytes))
            };
            if markers(tip) > markers(&conflict.onto) {
                left.push(path.clone());
            }
        }
        Ok(left)
    }

    async fn remove_agent(&self, work: &Work) -> Result<(), EngineError> {
        match &work.container {
            Some(id) => Ok(self.machine.executor.remove(&SandboxId(id.clone())).await?),
            None => Ok(()),
        }
    }

    pub(in crate::daemon) async fn import(&self, story: &Story, work: &Work) -> Result<Imported, Trouble> {
        let dir = self.house.places.clone_dir(&work.run);
        if !dir.is_dir() {
            // Nobody can bring it back: a person must know, and no other bead may wait for it.
            return Err(Trouble::Rejected(format!("the clone is gone: `{}`", dir.display())));
        }
        let settings = self.settings(&story.order).await.map_err(Trouble::Failed)?;
        let image = self.image(&settings).await.map_err(Trouble::Failed)?;
        let spec = self.export_spec(story, work, image.digest);
        let executor = &self.machine.executor;
        let (id, attached) = executor.start(&spec).await.map_err(failed)?;
        let (mut reader, writer) = tokio::io::duplex(1 << 20);
        let copy = async move { pump(attached, writer).await };
        let limits = ImportLimits { deadline: EXPORT_DEADLINE, ..ImportLimits::default() };
        let import = async {
            let imported = self.site.repo.import(&mut reader, limits, story.base(), &work.run).await;
            // A refused stream is not read to its end: its writer must not wait for us.
            drop(reader);
            imported
        };
        let (complaint, imported) = tokio::join!(copy, import);
        let removed = executor.remove(&id).await;
        let imported = match imported {
            Ok(imported) => imported,
            Err(ImportError::Rejected { check, why }) => {
                let more = if complaint.is_empty() { String::new() } else { format!(" ({complaint})") };
                return Err(Trouble::Rejected(format!("{check}: {why}{more}")));
            }
            Err(other) => return Err(Trouble::Failed(other.into())),
        };
        removed.map_err(failed)?;
        Ok(imported)
    }

    fn export_spec(&self, story: &Story, work: &Work, image: String) -> SandboxSpec {
        let nonce = base36(self.house.ids.bytes(), 8);
        SandboxSpec {
            name: format!("bead-{}-export-{nonce}", work.run),
            purpose: Purpose::Export,
            image,
            argv: export::argv(story.base(), work.started),
            env: BTreeMap::from([
                ("HOME".to_owned(), export::SCRATCH.to_owned()),
                ("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned()),
            ]),
            user: self.machine.run_user,
            workdir: "/".to_owned(),
            mounts: vec![
                Mount::Bind {
                    source: self.house.places.clone_dir(&work.run),
                    target: export::WORK.to_owned(),
                    read_only: true,
                },
                Mount::Tmpfs {
                    target: export::SCRATCH.to_owned(),
                    bytes: SCRATCH,
                    exec: false,
                    private: true,
                },
                Mount::Tmpfs { target: "/tmp".to_owned(), bytes: 64 << 20, exec: false, private: false },
            ],
            // Scratch pages count as this container's memory.
            limits: Limits { memory: SCRATCH + (1 << 30), ..Limits::default() },
            stdin: false,
            time_limit: EXPORT_DEADLINE,
            // No copy on disk: an export that was cut off is simply made again.
            log_cap: 0,
            labels: self.labels(story, &work.run, nonce),
        }
    }

    /// The labels of any container or volume for this story.
    pub(in crate::daemon) fn labels(&self, story: &Story, run: &RunId, nonce: String) -> Labels {
        Labels {
            instance: self.house.instance.clone(),
            project: story.project.to_string(),
            bead: story.bead.slug(),
            run: run.to_string(),
            attempt: story.attempt,
            nonce,
        }
    }
}

/// Lines added and removed.
fn lines(changes: &[Change]) -> (u64, u64) {
    changes.iter().fold((0, 0), |(added, removed), c| (added + c.added, removed + c.removed))
}

/// Lines that only a conflict, or a text about conflicts, has.
fn conflict_markers(bytes: &[u8]) -> usize {
    let begins = |line: &&[u8]| [&b"<<<<<<< "[..], b">>>>>>> "].iter().any(|mark| line.starts_with(mark));
    bytes.split(|b| *b == b'\n').filter(begins).count()
}

pub(in crate::daemon) enum Trouble {
    /// The clone's content is refused: the work's fault.
    Rejected(String),
    /// Ours or the engine's: the story stays open.
    Failed(EngineError),
}

fn failed(error: ExecutorError) -> Trouble {
    Trouble::Failed(error.into())
}

/// Stdout into the importer; the last words of stderr come back for the reason.
async fn pump(mut attached: Attached, mut writer: tokio::io::DuplexStream) -> String {
    let mut complaint = Vec::new();
    while let Some(chunk) = attached.output.recv().await {
        match chunk {
            // An importer that refused has stopped reading; the rest is of no interest.
            Ok(Chunk::Stdout(bytes)) => {
                if writer.write_all(&bytes).await.is_err() {
                    break;
                }
            }
            Ok(Chunk::Stderr(bytes)) => keep(&mut complaint, &bytes),
            Err(error) => {
                complaint = error.to_string().into_bytes();
                break;
            }
        }
    }
    let _ = writer.shutdown().await;
    let text = String::from_utf8_lossy(&complaint);
    crate::domain::clean::clean_line(text.lines().next_back().unwrap_or_default())
}

fn keep(complaint: &mut Vec<u8>, bytes: &Bytes) {
    const KEPT: usize = 2048;
    complaint.extend_from_slice(bytes);
    if complaint.len() > KEPT {
        complaint.drain(..complaint.len() - KEPT);
    }
}
