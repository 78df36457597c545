//! Arguments as cobra reads them: flags anywhere, values behind a space or `=`, and nothing but words after `--`.

use std::collections::BTreeMap;

/// Flags of every command; `:` marks those with a value.
const GLOBAL: &[&str] = &["json", "actor:", "db:", "quiet", "readonly", "sandbox"];
const CLASSIC: &[&str] =
    &["no-daemon", "no-auto-flush", "no-auto-import", "allow-stale", "no-db", "lock-timeout:"];

const COMMANDS: &[(&str, &[&str])] = &[
    ("version", &[]),
    ("init", &["prefix:"]),
    ("where", &[]),
    ("ready", &["limit:", "sort:", "unassigned", "label:", "include-deferred", "type:", "assignee:"]),
    ("list", &["limit:", "status:", "all", "include-gates", "include-templates", "id:", "label:", "type:"]),
    ("blocked", &[]),
    ("show", &[]),
    ("stats", &[]),
    (
        "create",
        &[
            "title:",
            "description:",
            "priority:",
            "type:",
            "labels:",
            "deps:",
            "parent:",
            "acceptance:",
            "estimate:",
            "id:",
            "waits-for:",
            "waits-for-gate:",
            "assignee:",
            "notes:",
            "design:",
        ],
    ),
    (
        "update",
        &[
            "status:",
            "assignee:",
            "claim",
            "add-label:",
            "remove-label:",
            "notes:",
            "priority:",
            "title:",
            "type:",
            "defer:",
            "description:",
        ],
    ),
    ("close", &["reason:", "force"]),
    ("reopen", &["reason:"]),
    ("comments", &[]),
    ("comments add", &["author:", "file:"]),
    ("label add", &[]),
    ("label remove", &[]),
    ("label list", &[]),
    ("dep add", &["type:"]),
    ("dep remove", &[]),
    ("dep list", &[]),
    ("delete", &["force"]),
    ("export", &[]),
    ("import", &["input:"]),
];

/// Flags that only some versions have.
fn more(command: &str, version: &str) -> &'static [&'static str] {
    let is_classic = version.starts_with("0.");
    match command {
        "update" if version.starts_with("0.49") => &["metadata:"],
        "update" if !is_classic => &["metadata:", "set-metadata:", "unset-metadata:"],
        "show" if version == "1.0.5" => &["include-comments", "include-dependents"],
        "list" if !is_classic => &["include-infra"],
        "ready" if !is_classic => &["claim", "exclude-type:"],
        "init" if !is_classic => &["non-interactive", "skip-agents", "skip-hooks"],
        "sync" if is_classic => &["flush-only", "import-only"],
        _ => &[],
    }
}

fn long(short: char) -> &'static str {
    match short {
        'd' => "description:",
        'p' => "priority:",
        't' => "type:",
        'l' => "labels:",
        'n' => "limit:",
        's' => "status:",
        'a' => "assignee:",
        'e' => "estimate:",
        'r' => "reason:",
        'i' => "input:",
        'f' => "force",
        'q' => "quiet",
        'u' => "unassigned",
        _ => "",
    }
}

/// One command line, understood.
#[derive(Debug, Default)]
pub struct Args {
    pub command: String,
    pub words: Vec<String>,
    pub dashed: bool,
    flags: BTreeMap<String, Vec<String>>,
}

impl Args {
    /// Unknown commands and flags are told as cobra tells them.
    pub fn read(argv: &[String], version: &str) -> Result<Self, String> {
        let mut args = Self::default();
        let mut rest = argv.iter().peekable();
        let mut loose: Vec<&String> = Vec::new();
        while let Some(word) = rest.next() {
            if word == "--" {
                args.dashed = true;
                args.words.extend(rest.by_ref().cloned());
            } else if let Some(flag) = word.strip_prefix("--") {
                let (name, given) =
                    flag.split_once('=').map_or((flag, None), |(n, v)| (n, Some(v.to_owned())));
                let takes = all(version).any(|known| known == format!("{name}:"));
                let value =
                    given.or_else(|| if takes { rest.next().cloned() } else { Some("true".to_owned()) });
                args.flags.entry(name.to_owned()).or_default().push(value.unwrap_or_default());
            } else if word.len() > 1 && word.starts_with('-') {
                let (short, tail) = word[1..].split_at(1);
                let known = long(short.chars().next().unwrap());
                let name = known.trim_end_matches(':');
                let value = match (known.ends_with(':'), tail) {
                    (false, _) => "true".to_owned(),
                    (true, "") => rest.next().cloned().unwrap_or_default(),
                    (true, tail) => tail.trim_start_matches('=').to_owned(),
                };
                args.flags.entry(name.to_owned()).or_default().push(value);
            } else {
                loose.push(word);
            }
        }
        let mut loose = loose.into_iter();
        let first = loose.next().cloned().unwrap_or_default();
        let mut known = COMMANDS.iter().filter(|(name, _)| name.split(' ').next() == Some(&first));
        let is_known = known.next().is_some() || (first == "sync" && version.starts_with("0."));
        if !is_known {
            return Err(format!(
                "Error: unknown command \"{first}\" for \"bd\"\nRun 'bd --help' for usage.\n"
            ));
        }
        let mut positional: Vec<String> = loose.cloned().collect();
        let second = positional.first().map(|word| format!("{first} {word}")).unwrap_or_default();
        args.command = if COMMANDS.iter().any(|(name, _)| *name == second) {
            positional.remove(0);
            second
        } else {
            first
        };
        positional.append(&mut args.words);
        args.words = positional;
        args.rename();
        match args.flags.keys().find(|flag| !is_flag(&args.command, flag, version)) {
            Some(flag) => {
                Err(format!("Error: unknown flag: --{flag}\nUsage:\n  bd {} [flags]\n", args.command))
            }
            None => Ok(args),
        }
    }

    /// One letter means different flags in different commands.
    fn rename(&mut self) {
        for (command, from, to) in [
            ("ready", "labels", "label"),
            ("list", "labels", "label"),
            ("ready", "status", "sort"),
            ("comments add", "assignee", "author"),
        ] {
            if self.command == command
                && let Some(values) = self.flags.remove(from)
            {
                self.flags.insert(to.to_owned(), values);
            }
        }
    }

    pub fn has(&self, flag: &str) -> bool {
        self.flags.contains_key(flag)
    }

    pub fn value(&self, flag: &str) -> Option<&str> {
        self.flags.get(flag)?.last().map(String::as_str)
    }

    /// All values of a list flag, parted at commas as pflag does.
    pub fn list(&self, flag: &str) -> Vec<String> {
        let given = self.flags.get(flag).into_iter().flatten();
        given.flat_map(|value| value.split(',')).filter(|v| !v.is_empty()).map(str::to_owned).collect()
    }
}

fn all(version: &str) -> impl Iterator<Item = &'static str> {
    let names = COMMANDS.iter().map(|(name, _)| *name).chain(["sync"]);
    let special: Vec<_> = names.flat_map(|name| more(name, version)).copied().collect();
    COMMANDS.iter().flat_map(|(_, flags)| *flags).chain(GLOBAL).chain(CLASSIC).copied().chain(special)
}

fn is_flag(command: &str, flag: &str, version: &str) -> bool {
    let same = |known: &str| known.trim_end_matches(':') == flag;
    let own = COMMANDS.iter().find(|(name, _)| *name == command).map_or(&[][..], |(_, flags)| flags);
    let classic = if version.starts_with("0.") { CLASSIC } else { &[] };
    own.iter().chain(more(command, version)).chain(GLOBAL).chain(classic).any(|known| same(known))
}
