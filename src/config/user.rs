//! The user's own `config.yaml`: what projects may ask for, who commits, what tokens cost, when and how much
//! may run.
//!
//! Owns the keys of that file that are built yet; those of later features are errors that say so, never
//! silently ignored. A missing file is the same as an empty one. Start with [`User::read`].

use std::path::Path;

use super::budgets::{self, Budgets, Slots};
use super::error::ConfigError;
use super::limits::Wishes;
use super::notify::{self, Notify};
use super::project::is_image;
use super::server::{self, Server};
use super::table::{Document, Table};
use super::watch::{self, Watch};
use super::windows::{self, Blackout, Window};
use crate::domain::usage::{Price, PriceTable};

/// What the file says; `None` where it is silent.
#[derive(Debug, Clone, Default)]
pub struct User {
    /// How error messages call the file.
    pub file: String,
    /// Values, and at the same time the most a project may ask for.
    pub limits: Wishes,
    /// The image for projects that name none, then others a project may name. Empty: any.
    pub images: Vec<String>,
    pub commit: Option<Identity>,
    pub prices: Option<PriceTable>,
    pub slots: Slots,
    pub windows: Vec<Window>,
    pub blackout: Blackout,
    pub budgets: Budgets,
    pub notify: Notify,
    pub server: Server,
    pub watch: Option<Watch>,
}

/// Author and committer of what Beadwork commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub name: String,
    pub email: String,
}

const KEYS: &[&str] = &[
    "limits", "image", "commit", "prices", "slots", "windows", "blackout", "budgets", "notify", "server",
    "watch",
];

impl User {
    /// Reads the file; one that is not there is empty.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let file = path.display().to_string();
        match std::fs::read(path) {
            Ok(bytes) => Self::parse(&bytes, &file),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Ok(Self { file, ..Self::default() })
            }
            Err(error) => Err(ConfigError::Unreadable { file, why: error.to_string() }),
        }
    }

    pub fn parse(bytes: &[u8], file: &str) -> Result<Self, ConfigError> {
        let document = Document::parse(bytes, file)?;
        let root = document.root();
        root.only(KEYS)?;
        let limits = root.table("limits")?;
        Ok(Self {
            file: file.to_owned(),
            limits: limits.map_or(Ok(Wishes::default()), |table| Wishes::read(&table))?,
            images: images(&root)?,
            commit: root.table("commit")?.map(|table| identity(&table)).transpose()?,
            prices: root.table("prices")?.map(|table| prices(&table)).transpose()?,
            slots: budgets::slots(&root)?,
            windows: windows::windows(&root)?,
            blackout: windows::blackout(&root)?,
            budgets: budgets::budgets(&root)?,
            notify: notify::notify(&root)?,
            server: server::server(&root)?,
            watch: watch::watch(&root)?,
        })
    }
}

fn images(root: &Table<'_>) -> Result<Vec<String>, ConfigError> {
    let one = root.text("image");
    let names = match one {
        Ok(one) => one.into_iter().collect(),
        Err(_) => root.texts("image", 50)?.unwrap_or_default(),
    };
    if let Some(bad) = names.iter().find(|name| !is_image(name)) {
        return Err(root.bad(
            "image",
            "the name, tag or digest of an image, or a list of them",
            &format!("`{bad}`"),
        ));
    }
    Ok(names.into_iter().map(str::to_owned).collect())
}

fn identity(table: &Table<'_>) -> Result<Identity, ConfigError> {
    table.only(&["name", "email"])?;
    let read = |key: &str, default: &str| {
        let text = table.text(key)?.unwrap_or(default);
        let odd = |c: char| c.is_control() || matches!(c, '<' | '>');
        if text.trim().is_empty() || text.len() > 200 || text.contains(odd) {
            let expected = "a text without `<`, `>` and control characters";
            return Err(table.bad(key, expected, &format!("`{text}`")));
        }
        Ok(text.trim().to_owned())
    };
    Ok(Identity { name: read("name", "Beadwork")?, email: read("email", "bead@localhost")? })
}

fn prices(table: &Table<'_>) -> Result<PriceTable, ConfigError> {
    table.only(&["as_of", "models"])?;
    let as_of = table
        .text("as_of")?
        .ok_or_else(|| table.missing("as_of", "the day of the prices, such as `\"2026-11-21\"`"))?;
    let models = table.table("models")?.ok_or_else(|| table.missing("models", "prices by model name"))?;
    let mut list = std::collections::BTreeMap::new();
    for name in models.keys().collect::<Vec<_>>() {
        let Some(row) = models.table(&name)? else { continue };
        row.only(&["input", "output", "cache_read", "cache_write"])?;
        let read =
            |key: &str| row.money(key)?.ok_or_else(|| row.missing(key, "US dollars for a million tokens"));
        let price = Price {
            input: read("input")?,
            output: read("output")?,
            cache_read: read("cache_read")?,
            cache_write: read("cache_write")?,
        };
        list.insert(name, price);
    }
    if list.is_empty() {
        // Without a row every model would cost nothing, and no cap would ever hold.
        return Err(table.bad("models", "at least one model", "none"));
    }
    Ok(PriceTable { as_of: as_of.to_owned(), models: list })
}

#[cfg(test)]
mod tests;
