//! The templates: those of the binary, and a project's own in their place.
//!
//! Owns their names and the check that a project's own can be rendered at all, which comes before any work: a
//! template that fails does so here, with file and line, and never in the middle of a night. Which commit a file
//! comes from is for `daemon`. Start with [`Prompts::with_overrides`].

use std::collections::BTreeMap;

use minijinja::{Environment, UndefinedBehavior, context};

use super::Prompts;
use crate::config::nearest;
use crate::domain::text::one_line;

/// Where a project has its own, relative to the root of the repository.
pub const FOLDER: &str = ".beadwork/prompts";
/// A longer template is no template.
const BYTES: usize = 128 << 10;

const EMBEDDED: [(&str, &str); 7] = [
    ("work", include_str!("../../../prompts/work.md")),
    ("fix", include_str!("../../../prompts/fix.md")),
    ("review", include_str!("../../../prompts/review.md")),
    ("conflict", include_str!("../../../prompts/conflict.md")),
    ("blocked", include_str!("../../../prompts/blocked.md")),
    ("wrap-up", include_str!("../../../prompts/wrap-up.md")),
    ("confirm", include_str!("../../../prompts/confirm.md")),
];

/// The names of all templates.
pub const NAMES: [&str; 7] = ["work", "fix", "review", "conflict", "blocked", "wrap-up", "confirm"];

/// The file of a project's own template of this name.
pub fn path_of(name: &str) -> String {
    format!("{FOLDER}/{name}.md")
}

/// A file among a project's own templates that is none, and would be left out without a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stray {
    name: String,
    nearest: Option<&'static str>,
}

/// What lies in [`FOLDER`] and is not read; each name comes with whether it is a regular file. A README and hidden
/// files are nobody's template.
pub fn strays(folder: impl IntoIterator<Item = (String, bool)>) -> Vec<Stray> {
    let is_template = |name: &str, is_file: bool| {
        is_file && name.strip_suffix(".md").is_some_and(|stem| NAMES.contains(&stem))
    };
    let meant = |name: &str| name.starts_with('.') || name.to_lowercase().starts_with("readme");
    let strays = folder.into_iter().filter(|(name, is_file)| !is_template(name, *is_file) && !meant(name));
    let strays = strays.map(|(name, _)| {
        let nearest = nearest(name.split('.').next().unwrap_or_default(), &NAMES);
        Stray { name, nearest }
    });
    strays.collect()
}

impl std::fmt::Display for Stray {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{FOLDER}/{}` is not read", one_line(&self.name, 80))?;
        match self.nearest {
            Some(near) if format!("{near}.md") == self.name => write!(f, ": it is no regular file"),
            Some(near) => write!(f, ", did you mean `{near}.md`?"),
            None => write!(f, ": expected one of {}, each with `.md`", NAMES.join(", ")),
        }
    }
}

/// A template that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    #[error("`{file}`{}: {why}", line.map(|line| format!(" line {line}")).unwrap_or_default())]
    Template { file: String, line: Option<usize>, why: String },
    #[error("`{file}`: expected UTF-8 text of at most {BYTES} bytes")]
    NotText { file: String },
    #[error("there is no prompt `{name}`, expected one of {}", NAMES.join(", "))]
    Unknown { name: String },
}

impl Prompts {
    /// The templates that are part of the binary.
    pub fn embedded() -> Self {
        let mut templates = Environment::new();
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        templates.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        for (name, source) in EMBEDDED {
            templates.add_template(name, source).expect("the embedded templates are rendered by tests");
        }
        Self { templates, own: BTreeMap::new() }
    }

    /// The same, with a project's own by name. Each is tried with everything there can be, and with nothing.
    pub fn with_overrides(files: BTreeMap<String, Vec<u8>>) -> Result<Self, PromptError> {
        let mut prompts = Self::embedded();
        for (name, bytes) in files {
            let Some(known) = NAMES.iter().find(|known| **known == name) else {
                return Err(PromptError::Unknown { name });
            };
            let file = path_of(&name);
            let text = String::from_utf8(bytes).ok().filter(|text| text.len() <= BYTES);
            let Some(text) = text else { return Err(PromptError::NotText { file }) };
            prompts.own.insert(name.clone(), file);
            let added = prompts.templates.add_template_owned(name, text);
            added.map_err(|why| prompts.failed(known, &why))?;
            for full in [true, false] {
                prompts.render(known, sample(full))?;
            }
        }
        Ok(prompts)
    }

    pub(super) fn render(&self, name: &str, values: minijinja::Value) -> Result<String, PromptError> {
        let rendered = self.templates.get_template(name).and_then(|template| template.render(values));
        rendered.map(|text| text.trim_end().to_owned() + "\n").map_err(|why| self.failed(name, &why))
    }

    fn failed(&self, name: &str, error: &minijinja::Error) -> PromptError {
        let file = self.own.get(name).cloned().unwrap_or_else(|| format!("prompts/{name}.md"));
        let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
        PromptError::Template { file, line: error.line(), why: format!("{}{detail}", error.kind()) }
    }
}

/// Every value that any template gets: all there, or all empty.
fn sample(full: bool) -> minijinja::Value {
    let text = |text: &str| if full { text.to_owned() } else { String::new() };
    let some = |text: &str| full.then(|| text.to_owned());
    let part = context! { name => "Description", text => "text" };
    let gate = context! { name => "test", run => " `true`", timeout => "10m", result => "passed" };
    let other = context! { id => "b-2", title => "title", parts => vec![part.clone()] };
    let list = |value: &minijinja::Value| if full { vec![value.clone()] } else { Vec::new() };
    let told = context! {
        nonce => "nonce", imported => full, id => "b-1", title => "title", kind => "task", priority => 2,
        parts => list(&part), findings => text("finding"), gates => list(&gate), others => list(&other),
        carried => some("why"), why => "why", word => some("word"), blocker => some("b-2"), kept => full,
        moved => some("commit"), target => text("main"), paths => "path",
    };
    let project = context! {
        stacks => text("Rust"), tests => some("cargo test"), tree => text("a.rs"), tree_note => "1 in all",
        commits => text("First commit"), readme_path => some("README.md"), readme => some("text"),
        base => "base", diff => text("diff"), earlier => text("finding"), round => 1, rounds => 3,
    };
    context! { ..told, ..project }
}
