//! What a project lets the night take, and how its work lands: `night` and `land` of `bead.yaml`.
//!
//! Owns their grammar. It judges no bead (`scheduler::filter` does) and pushes nothing. A remote is a name that
//! the user's own repository knows, never an address: a project may not choose where work goes. Start with
//! [`NightFilter`] and [`Land`].

use super::error::ConfigError;
use super::table::Table;

/// Which ready beads of a project the night may take (rules 14.2).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NightFilter {
    /// One of these must be on the bead; empty: any bead.
    pub labels: Vec<String>,
    /// None of these may be.
    pub exclude_labels: Vec<String>,
    /// Empty: every type but epics and gates.
    pub types: Vec<String>,
    /// 0 is the most urgent; beads with a higher number are left.
    pub max_priority: Option<u32>,
}

/// Where finished work goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Land {
    pub mode: LandMode,
    /// The name of a remote of the user's repository, to which what landed is pushed.
    pub push: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LandMode {
    /// Into the target.
    #[default]
    Merge,
    /// On the branch `bead/<id>`, for the user to merge.
    Branch,
}

impl LandMode {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Branch => "branch",
        }
    }
}

pub(super) fn night(root: &Table<'_>) -> Result<Option<NightFilter>, ConfigError> {
    let Some(table) = root.table("night")? else { return Ok(None) };
    table.only(&["labels", "exclude_labels", "types", "max_priority"])?;
    let words = |key: &str| {
        let list = table.texts(key, 100)?.unwrap_or_default();
        if list.iter().any(|word| word.trim().is_empty() || word.len() > 200) {
            return Err(table.bad(key, "words of 1 to 200 characters", "another"));
        }
        Ok(list.into_iter().map(|word| word.trim().to_owned()).collect::<Vec<_>>())
    };
    Ok(Some(NightFilter {
        labels: words("labels")?,
        exclude_labels: words("exclude_labels")?,
        types: words("types")?,
        max_priority: table.count("max_priority", 0, 4)?,
    }))
}

pub(super) fn land(root: &Table<'_>) -> Result<Option<Land>, ConfigError> {
    let Some(table) = root.table("land")? else { return Ok(None) };
    table.only(&["mode", "push"])?;
    let mode = match table.text("mode")? {
        None | Some("merge") => LandMode::Merge,
        Some("branch") => LandMode::Branch,
        Some(other) => return Err(table.bad("mode", "`merge` or `branch`", &format!("`{other}`"))),
    };
    let push = match table.text("push")? {
        None => None,
        Some(name) if is_remote(name) => Some(name.to_owned()),
        Some(other) => {
            let expected = "the name of a remote such as `origin`, not an address";
            let found = format!("`{}`", crate::domain::text::one_line(other, 60));
            return Err(table.bad("push", expected, &found));
        }
    };
    Ok(Some(Land { mode, push }))
}

/// A plain name: nothing that git could read as an option, a path or an address.
pub fn is_remote(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    (1..=100).contains(&name.len())
        && name.bytes().all(plain)
        && name.as_bytes()[0].is_ascii_alphanumeric()
        && !name.contains("..")
        && !name.ends_with('.')
        && !name.ends_with(".lock")
}

#[cfg(test)]
mod tests;
