//! `bead.yaml`: what a project wants, as written in the commit a run is based on.
//!
//! Owns its keys, their grammar and the errors that name key, line and nearest known key. It gives no power:
//! what would widen the user's allowance is refused here or in `effective` (T54). Which commit the bytes come
//! from is for `daemon`. Start with [`Project::parse`].

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::duration::Span;
use super::error::ConfigError;
use super::limits::Wishes;
use super::night::{Land, NightFilter, land, night};
use super::review::{Review, review};
use super::table::{Document, Table};

/// The name of the file in a repository's root.
pub const FILE: &str = "bead.yaml";

/// A gate without `timeout` has this long.
const GATE_TIMEOUT: Span = Span::from_secs(30 * 60);
/// No gate may take longer, whatever its file says.
const GATE_TIMEOUT_MOST: Span = Span::from_secs(24 * 3600);

/// What `bead.yaml` says; `None` where it is silent.
#[derive(Debug, Clone, Default)]
pub struct Project {
    /// How error messages call the file.
    pub file: String,
    pub target: Option<String>,
    pub image: Option<Named>,
    pub model: Option<String>,
    pub gates: Vec<Gate>,
    pub limits: Wishes,
    pub protected: Globs,
    pub ready: Option<ReadyRules>,
    pub night: Option<NightFilter>,
    pub land: Option<Land>,
    pub review: Option<Review>,
}

/// A text and where it stands, for an error that is found only later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub text: String,
    pub place: super::error::Place,
}

/// One command that must pass on the exact tree that would land.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    pub name: String,
    /// For `sh -c`.
    pub run: String,
    pub timeout: Span,
}

/// Which `bd` decides what is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReadyRules {
    /// As `bd` 1.0.
    #[default]
    Current,
    /// As `bd` 0.49.
    Classic,
}

/// The project's own list of paths that wait for a person.
#[derive(Debug, Clone, Default)]
pub struct Globs {
    pub patterns: Vec<String>,
    set: GlobSet,
}

impl Globs {
    /// Matches without regard to case: a variant of a protected path is protected too (T17).
    pub fn matching(&self, path: &str) -> Option<&str> {
        let at = *self.set.matches(path).first()?;
        self.patterns.get(at).map(String::as_str)
    }
}

const KEYS: &[&str] =
    &["target", "image", "model", "gates", "limits", "land", "review", "protected", "ready", "night"];

/// Keys that would give a sandbox or a landing more power than the user's own config has (T54).
const POWERS: &[(&str, &str)] = &[
    ("network", "sandboxes have no network but their gateway"),
    ("egress", "sandboxes have no network but their gateway"),
    ("allow_hosts", "sandboxes have no network but their gateway"),
    ("mounts", "sandboxes mount only what Beadwork made"),
    ("volumes", "sandboxes mount only what Beadwork made"),
    ("env", "nothing of the user's environment enters a sandbox"),
    ("environment", "nothing of the user's environment enters a sandbox"),
    ("privileged", "sandboxes run without privileges"),
    ("capabilities", "sandboxes run without capabilities"),
    ("devices", "sandboxes see no devices"),
    ("user", "sandboxes run as an unprivileged user"),
    ("docker", "the engine is the user's"),
    ("executor", "the engine is the user's"),
    ("gateway", "the credential and its upstream are the user's"),
    ("base_url", "the credential and its upstream are the user's"),
    ("credentials", "the credential and its upstream are the user's"),
    ("prices", "prices belong in the user's own config"),
    ("commit", "who commits belongs in the user's own config"),
    ("slots", "how much runs at once belongs in the user's own config; a project may lower `limits.slots`"),
    ("windows", "when the night works belongs in the user's own config"),
    ("budgets", "budgets belong in the user's own config; a project may lower `limits.cost_usd`"),
    ("no_gates", "only a person can land without gates: `bead work --no-gates`"),
    ("force", "only a person can override a refusal: `bead work --force`"),
];

impl Project {
    /// Reads the bytes of a `bead.yaml`; `file` is how messages shall call it. Never panics.
    pub fn parse(bytes: &[u8], file: &str) -> Result<Self, ConfigError> {
        let document = Document::parse(bytes, file)?;
        let root = document.root();
        if let Some((key, why)) = POWERS.iter().find(|(key, _)| root.has(key)) {
            return Err(ConfigError::NotForProjects { place: root.place(key), key: (*key).to_owned(), why });
        }
        root.only(KEYS)?;
        let limits = root.table("limits")?;
        Ok(Self {
            file: file.to_owned(),
            target: target(&root)?,
            image: image(&root)?,
            model: model(&root)?,
            gates: gates(&root)?,
            limits: limits.map_or(Ok(Wishes::default()), |table| Wishes::read(&table))?,
            protected: protected(&root)?,
            ready: ready(&root)?,
            night: night(&root)?,
            land: land(&root)?,
            review: review(&root)?,
        })
    }
}

fn target(root: &Table<'_>) -> Result<Option<String>, ConfigError> {
    let Some(name) = root.text("target")? else { return Ok(None) };
    if is_branch(name) {
        Ok(Some(name.to_owned()))
    } else {
        Err(root.bad("target", "the name of a branch", &format!("`{name}`")))
    }
}

/// What `git check-ref-format --branch` accepts, less what nobody needs.
pub fn is_branch(name: &str) -> bool {
    let parts_fit = name.split('/').all(|part| {
        !part.is_empty() && !part.starts_with('.') && !part.ends_with('.') && !part.ends_with(".lock")
    });
    let odd = |c: char| c.is_control() || c.is_whitespace() || "~^:?*[\\\"'`$;|&<>(){}!#%".contains(c);
    (1..=200).contains(&name.len())
        && parts_fit
        && !name.starts_with('-')
        && name != "HEAD"
        && name != "@"
        && !name.starts_with("refs/")
        && !name.contains("..")
        && !name.contains("@{")
        && !name.contains(odd)
}

fn image(root: &Table<'_>) -> Result<Option<Named>, ConfigError> {
    let Some(text) = root.text("image")? else { return Ok(None) };
    if !is_image(text) {
        return Err(root.bad("image", "the name, tag or digest of an image", &format!("`{text}`")));
    }
    Ok(Some(Named { text: text.to_owned(), place: root.place("image") }))
}

pub(super) fn is_image(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._/:@-".contains(&b);
    (1..=255).contains(&text.len())
        && text.bytes().all(plain)
        && text.as_bytes()[0].is_ascii_alphanumeric()
        && !text.contains("..")
}

/// A `model` of the document or of one of its tables.
pub(super) fn model(root: &Table<'_>) -> Result<Option<String>, ConfigError> {
    let Some(text) = root.text("model")? else { return Ok(None) };
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._:/@[]-".contains(&b);
    let good = (1..=100).contains(&text.len())
        && text.bytes().all(plain)
        && text.as_bytes()[0].is_ascii_alphanumeric();
    if good {
        Ok(Some(text.to_owned()))
    } else {
        Err(root.bad("model", "the name of a model", &format!("`{text}`")))
    }
}

fn gates(root: &Table<'_>) -> Result<Vec<Gate>, ConfigError> {
    let mut gates: Vec<Gate> = Vec::new();
    for table in root.tables("gates", 50)?.unwrap_or_default() {
        table.only(&["name", "run", "timeout"])?;
        let name = table.text("name")?.ok_or_else(|| table.missing("name", "a short name such as `test`"))?;
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-.".contains(&b);
        if !((1..=40).contains(&name.len())
            && name.bytes().all(plain)
            && name.as_bytes()[0].is_ascii_alphanumeric())
        {
            return Err(table.bad(
                "name",
                "letters, digits, `-`, `_` and `.`, at most 40",
                &format!("`{name}`"),
            ));
        }
        if gates.iter().any(|gate| gate.name.eq_ignore_ascii_case(name)) {
            return Err(table.bad("name", "a name of its own for every gate", &format!("`{name}` twice")));
        }
        let run = table.text("run")?.ok_or_else(|| table.missing("run", "a shell command"))?;
        let run = run.trim_end();
        if run.trim().is_empty() || run.contains('\0') || run.len() > 16 << 10 {
            return Err(table.bad(
                "run",
                "a shell command of at most 16 KiB",
                if run.is_empty() { "nothing" } else { "something else" },
            ));
        }
        let timeout = table.span("timeout")?.unwrap_or(GATE_TIMEOUT);
        if timeout > GATE_TIMEOUT_MOST {
            return Err(table.bad(
                "timeout",
                &format!("at most {GATE_TIMEOUT_MOST}"),
                &format!("`{timeout}`"),
            ));
        }
        gates.push(Gate { name: name.to_owned(), run: run.to_owned(), timeout });
    }
    Ok(gates)
}

fn ready(root: &Table<'_>) -> Result<Option<ReadyRules>, ConfigError> {
    match root.text("ready")? {
        None => Ok(None),
        Some("default") => Ok(Some(ReadyRules::Current)),
        Some("classic") => Ok(Some(ReadyRules::Classic)),
        Some(other) => Err(root.bad("ready", "`default` or `classic`", &format!("`{other}`"))),
    }
}

fn protected(root: &Table<'_>) -> Result<Globs, ConfigError> {
    let mut patterns = Vec::new();
    let mut set = GlobSetBuilder::new();
    for text in root.texts("protected", 200)?.unwrap_or_default() {
        let bad = |why: &str| root.bad("protected", why, &format!("`{text}`"));
        if text.starts_with('!') {
            return Err(bad("a list that only adds, without `!`"));
        }
        if text.is_empty() || text.len() > 300 {
            return Err(bad("a path pattern of 1 to 300 characters"));
        }
        let glob = text.trim_start_matches("./").trim_start_matches('/');
        // A directory means all that is in it.
        let glob = if glob.ends_with('/') { format!("{glob}**") } else { glob.to_owned() };
        let built = GlobBuilder::new(&glob).case_insensitive(true).literal_separator(true).build();
        set.add(built.map_err(|error| bad(&format!("a path pattern ({})", error.kind())))?);
        patterns.push(text.to_owned());
    }
    let set = set.build().map_err(|error| root.bad("protected", "path patterns", &error.to_string()))?;
    Ok(Globs { patterns, set })
}

#[cfg(test)]
mod tests;
