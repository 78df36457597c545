//! Which kind of tracker a project has, and whether its JSONL file is the truth.
//!
//! Owns the decision over what lies in `.beads` (a Dolt database, an SQLite one, a file, a redirect) and the
//! two settings of `config.yaml` that matter here. It opens no database and writes nothing. Start with
//! [`detect`].

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

const SMALL_FILE: u64 = 1 << 20;
const NEVER_ISSUES: [&str; 6] = [
    "deletions.jsonl",
    "interactions.jsonl",
    "routes.jsonl",
    "beads.base.jsonl",
    "beads.left.jsonl",
    "beads.right.jsonl",
];

/// What a project's `.beads` is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Era {
    /// The JSONL file is the truth. It may not exist yet.
    Embedded {
        file: PathBuf,
        notes: Vec<String>,
    },
    /// Classic `bd` keeps an SQLite copy of the file; the file is what clones exchange.
    ClassicSqlite {
        /// The `.beads` directory.
        dir: PathBuf,
        file: PathBuf,
        database: PathBuf,
        notes: Vec<String>,
    },
    /// `bd` 0.51 and later keeps beads in Dolt; its `issues.jsonl` is an export and must not be written.
    Dolt {
        dir: PathBuf,
        found: String,
        /// What to do where no `bd` can be driven.
        hint: String,
        /// Whether the database is in this clone, or on a server.
        is_here: bool,
        notes: Vec<String>,
    },
    NoTracker,
}

/// The directory contradicts itself.
#[derive(Debug, thiserror::Error)]
pub enum EraError {
    #[error("cannot read `{}`", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("cannot understand `{}`: {why}", path.display())]
    Content { path: PathBuf, why: String },
    #[error("`{}` redirects to `{}`, which is not a directory", from.display(), to.display())]
    RedirectMissing { from: PathBuf, to: PathBuf },
    #[error("`{}` redirects to `{}`, which redirects again: expected one redirect", from.display(), to.display())]
    RedirectChain { from: PathBuf, to: PathBuf },
}

/// What the directory of the project at `root` holds.
pub fn detect(root: &Path) -> Result<Era, EraError> {
    let own = root.join(".beads");
    if !own.is_dir() {
        return Ok(Era::NoTracker);
    }
    let mut notes = Vec::new();
    let dir = match redirect(root, &own)? {
        Some(dir) => {
            notes.push(format!("`.beads/redirect` leads to `{}`", dir.display()));
            dir
        }
        None => own,
    };
    if let Some(found) = dolt(&dir, &notes)? {
        return Ok(found);
    }
    let names = names(&dir)?;
    let config = Config::read(&dir)?;
    let Some(file) = jsonl(&names).or_else(|| config.exists.then_some("issues.jsonl")) else {
        let database = names.iter().find(|name| name.ends_with(".db"));
        let Some(database) = database else { return Ok(Era::NoTracker) };
        return Ok(classic(&dir, "issues.jsonl", database, notes));
    };
    let database = names.iter().find(|name| name.ends_with(".db"));
    Ok(match database {
        Some(database) if !config.no_db => classic(&dir, file, database, notes),
        _ => Era::Embedded { file: dir.join(file), notes },
    })
}

fn classic(dir: &Path, file: &str, database: &str, notes: Vec<String>) -> Era {
    Era::ClassicSqlite { dir: dir.to_path_buf(), file: dir.join(file), database: dir.join(database), notes }
}

/// What a user should know where a classic database is left alone because no `bd` can be driven.
pub(crate) fn beside(file: &Path, database: &Path) -> String {
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    format!(
        "`{}` of a classic `bd` lies beside `{}`: beads are read from and written to the file; \
         run `bd sync --import-only` before you read with `bd`",
        name(database),
        name(file)
    )
}

fn redirect(root: &Path, own: &Path) -> Result<Option<PathBuf>, EraError> {
    let from = own.join("redirect");
    let Some(text) = read_small(&from)? else { return Ok(None) };
    let Some(target) = text.lines().map(str::trim).find(|l| !l.is_empty() && !l.starts_with('#')) else {
        return Ok(None);
    };
    let to = root.join(target);
    if !to.is_dir() {
        return Err(EraError::RedirectMissing { from, to });
    }
    if to.join("redirect").exists() {
        return Err(EraError::RedirectChain { from, to });
    }
    Ok(Some(to))
}

fn dolt(dir: &Path, notes: &[String]) -> Result<Option<Era>, EraError> {
    let path = dir.join("metadata.json");
    let metadata = match read_small(&path)? {
        None => Value::Null,
        Some(text) => serde_json::from_str(&text)
            .map_err(|e| EraError::Content { path: path.clone(), why: e.to_string() })?,
    };
    let has_database = ["dolt", "embeddeddolt", "proxieddb"].into_iter().find(|name| dir.join(name).is_dir());
    let is_set = |key: &str| metadata.get(key).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    let found = if metadata.get("backend").is_some_and(|b| b == "dolt") {
        "`metadata.json` says `\"backend\":\"dolt\"`".to_owned()
    } else if is_set("dolt_mode") {
        "`metadata.json` sets `dolt_mode`".to_owned()
    } else if let Some(name) = has_database {
        format!("`.beads/{name}/` is there")
    } else {
        return Ok(None);
    };
    let is_served =
        ["server", "proxied-server"].iter().any(|mode| metadata.get("dolt_mode").is_some_and(|m| m == mode));
    let is_here = has_database.is_some() || is_served;
    let hint = if is_here {
        "its `issues.jsonl` is only an export; install `bd` 1.0.4 or later and put it on PATH"
    } else {
        "its database is not in this clone: run `bd bootstrap` (`bd` 1.0.4 or later)"
    };
    let (dir, hint, notes) = (dir.to_path_buf(), hint.to_owned(), notes.to_vec());
    Ok(Some(Era::Dolt { dir, found, hint, is_here, notes }))
}

/// Which of the names holds the issues.
fn jsonl(names: &[String]) -> Option<&str> {
    let named = |wanted: &str| names.iter().find(|n| *n == wanted);
    named("issues.jsonl")
        .or_else(|| named("beads.jsonl"))
        .or_else(|| names.iter().find(|n| n.ends_with(".jsonl") && is_issues(n)))
        .map(String::as_str)
}

fn is_issues(name: &str) -> bool {
    !NEVER_ISSUES.contains(&name) && name != "sync_base.jsonl" && !name.starts_with('.')
}

fn names(dir: &Path) -> Result<Vec<String>, EraError> {
    let failed = |source| EraError::Read { path: dir.to_path_buf(), source };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(failed)? {
        names.push(entry.map_err(failed)?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// A small text file; `None` where there is none.
fn read_small(path: &Path) -> Result<Option<String>, EraError> {
    let failed = |source| EraError::Read { path: path.to_path_buf(), source };
    match std::fs::metadata(path) {
        Ok(meta) if meta.is_file() && meta.len() <= SMALL_FILE => {}
        Ok(_) => {
            let why = format!("expected a file of at most {SMALL_FILE} bytes");
            return Err(EraError::Content { path: path.to_path_buf(), why });
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    }
    std::fs::read_to_string(path).map(Some).map_err(failed)
}

/// What we read of `.beads/config.yaml`.
#[derive(Debug, Default)]
pub(crate) struct Config {
    pub(crate) exists: bool,
    pub(crate) issue_prefix: Option<String>,
    pub(crate) no_db: bool,
}

#[derive(Debug, Default, Deserialize)]
struct Keys {
    #[serde(rename = "issue-prefix", default)]
    issue_prefix: Option<String>,
    #[serde(rename = "no-db", default)]
    no_db: Option<bool>,
}

impl Config {
    pub(crate) fn read(beads_dir: &Path) -> Result<Self, EraError> {
        let path = beads_dir.join("config.yaml");
        let Some(text) = read_small(&path)? else { return Ok(Self::default()) };
        // A file of nothing but comments, as `bd init` writes it, is a null document.
        let keys: Option<Keys> =
            serde_yaml::from_str(&text).map_err(|e| EraError::Content { path, why: e.to_string() })?;
        let keys = keys.unwrap_or_default();
        let issue_prefix = keys.issue_prefix.filter(|prefix| !prefix.is_empty());
        Ok(Self { exists: true, issue_prefix, no_db: keys.no_db.unwrap_or_default() })
    }
}

#[cfg(test)]
mod tests;
