//! Registering and forgetting projects.
//!
//! Owns the checks that a name and a folder must pass. What is in the folder is not changed, and forgetting a
//! project leaves its beads, logs and refs where they are. Start with [`add`].

use std::path::Path;

use super::error::EngineError;
use super::house::{House, Site};
use super::refusal::Refusal;
use crate::journal::projects::Registered;
use crate::lifecycle::Phase;

/// Registers the repository around a folder. Adding it again gives it another name.
pub async fn add(house: &House, path: &Path, name: Option<&str>) -> Result<Registered, EngineError> {
    if !path.is_dir() {
        let what = if path.exists() { "is not a folder" } else { "does not exist" };
        return Err(Refusal::new(format!("`{}` {what}", path.display()))
            .hint("give the folder of a git repository; without one it is the one around you")
            .into());
    }
    let site = Site::open(house, path).await?;
    let root = site.root();
    let folder = root.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let name = name.map_or(folder, str::to_owned);
    let plain = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || name.len() > 60 || name.starts_with(['-', '.']) || !name.chars().all(plain) {
        return Err(Refusal::new(format!("`{name}` cannot be a project's name"))
            .hint("letters, digits, `-`, `_` and `.`, at most 60: give one with `--name`")
            .into());
    }
    if root.to_str().is_none() {
        return Err(Refusal::new(format!("`{}` is not UTF-8", root.display())).into());
    }
    match house.journal.add_project(&name, &root)? {
        Ok(()) => Ok(Registered { id: site.id, name, path: root }),
        Err(other) => Err(Refusal::new(format!("the name `{name}` stands for `{}`", other.display()))
            .hint("give another with `--name`")
            .into()),
    }
}

/// Forgets a project by its name or folder. Refused while a bead of it is under work.
pub fn remove(house: &House, name: &str) -> Result<Registered, EngineError> {
    let all = house.journal.projects()?;
    let path = std::fs::canonicalize(name).ok();
    let wanted = |p: &&Registered| p.name == name || p.id.as_str() == name || path.as_ref() == Some(&p.path);
    let Some(found) = all.iter().find(wanted) else {
        let names: Vec<&str> = all.iter().map(|p| p.name.as_str()).collect();
        let known = if names.is_empty() { "none is".to_owned() } else { names.join(", ") };
        return Err(Refusal::new(format!("no project `{name}` is registered"))
            .hint(format!("registered: {known}"))
            .into());
    };
    let open = house.journal.open_stories(Some(&found.id))?;
    if let Some(story) = open.iter().find(|s| !matches!(s.phase, Phase::Suspended { .. })) {
        return Err(Refusal::new(format!("bead `{}` of `{}` is being worked on", story.bead, found.name))
            .hint("wait for it, or stop it first")
            .into());
    }
    house.journal.remove_project(&found.name)?;
    Ok(found.clone())
}
