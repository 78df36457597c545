//! A run's log for its page: read on from an offset, or back from one.
//!
//! Owns the bounded reads of the readable log; what its lines are is `feed::view`'s. The file is the truth: a reader who
//! asks from where it stopped misses nothing, however long it was away. Start with [`lines`].

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path as FilePath;

use axum::extract::State;
use serde::Deserialize;

use super::aside;
use crate::daemon::control::Desk;
use crate::daemon::control::problem::Problem;
use crate::domain::ids::RunId;
use crate::feed::view::log::{CHUNK, Chunk, read};
use crate::feed::web::extract::{Json, Path, Query};
use crate::journal::read::{Filter, RunRow};

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Wanted {
    /// From this byte on.
    from: Option<u64>,
    /// What stands before this byte.
    before: Option<u64>,
}

pub(super) async fn lines(
    State(desk): State<Desk>,
    Path((project, run)): Path<(String, String)>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Chunk>, Problem> {
    let row = find(&desk, &project, &run)?;
    let path = desk.house.places.state().join(&row.log);
    let over = row.state != "running";
    let chunk = aside(move || match wanted {
        Wanted { before: Some(before), .. } => earlier(&path, before),
        Wanted { from, .. } => from_on(&path, from.unwrap_or(0), over),
    });
    let read = chunk.await?;
    Ok(Json(read.map_err(|_| Problem::gone("the log of this run is not there"))?))
}

/// The run of a project by its id; both names of the project are fine.
pub(super) fn find(desk: &Desk, project: &str, run: &str) -> Result<RunRow, Problem> {
    let unknown = || Problem::gone(format!("no run `{run}` is known in `{project}`"));
    let id = RunId::parse(run).ok_or_else(unknown)?;
    let rows = desk.house.journal.runs(&Filter { run: Some(id), ..Filter::default() }, 1)?;
    let mut row = rows.into_iter().next().ok_or_else(unknown)?;
    let named = desk.house.journal.projects()?.into_iter().find(|p| p.name == project);
    let of = named.map_or_else(|| project.to_owned(), |p| p.id.to_string());
    if row.project.as_deref() != Some(of.as_str()) {
        return Err(unknown());
    }
    desk.house.mark_interrupted(std::slice::from_mut(&mut row));
    Ok(row)
}

/// The newest lines, as the page begins.
pub(super) fn newest(path: &FilePath, over: bool) -> std::io::Result<Chunk> {
    let length = std::fs::metadata(path)?.len();
    if length <= CHUNK as u64 {
        return from_on(path, 0, over);
    }
    let chunk = earlier(path, length)?;
    // What `earlier` left unread at the end is an unfinished line.
    let more = from_on(path, chunk.next, over)?;
    Ok(Chunk { lines: [chunk.lines, more.lines].concat(), next: more.next, ..chunk })
}

/// At most a chunk from a byte on.
fn from_on(path: &FilePath, from: u64, over: bool) -> std::io::Result<Chunk> {
    let length = std::fs::metadata(path)?.len();
    // Another process took the run over and writes its page anew.
    let (from, anew) = if from > length { (0, true) } else { (from, false) };
    let bytes = bytes(path, from, CHUNK)?;
    let all = from + bytes.len() as u64 >= length;
    Ok(Chunk { anew, ..read(&bytes, from, over && all) })
}

/// At most a chunk of whole lines that end at a byte.
fn earlier(path: &FilePath, before: u64) -> std::io::Result<Chunk> {
    let before = before.min(std::fs::metadata(path)?.len());
    let begin = before.saturating_sub(CHUNK as u64);
    let bytes = bytes(path, begin, usize::try_from(before - begin).unwrap_or(CHUNK))?;
    let cut = if begin == 0 { 0 } else { bytes.iter().position(|b| *b == b'\n').map_or(0, |at| at + 1) };
    Ok(read(&bytes[cut..], begin + cut as u64, false))
}

fn bytes(path: &FilePath, from: u64, most: usize) -> std::io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(most as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The last bytes of a file.
pub(super) fn tail(path: &FilePath, most: u64) -> std::io::Result<Vec<u8>> {
    let length = std::fs::metadata(path)?.len();
    bytes(path, length.saturating_sub(most), usize::try_from(most).unwrap_or(CHUNK))
}

#[cfg(test)]
mod tests;
