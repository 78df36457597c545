//! The rules of the house that no compiler checks: layers, budgets, words, and who may name a foreign crate.
//!
//! Every rule is a test of its own and says what to do. An exception stands in a list beside the rule, with
//! its reason. Rules about functions, clocks and processes stand in `clippy.toml`. Start with [`LAYERS`].

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// What each room may use. A room that is missing here fails, so the list is complete.
const LAYERS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("clock", &[]),
    ("telemetry", &[]),
    ("config", &["domain"]),
    ("lifecycle", &["domain"]),
    ("scheduler", &["domain", "config"]),
    ("beads", &["domain", "clock", "config"]),
    ("workspace", &["domain", "clock", "config"]),
    ("context", &["domain", "clock", "config"]),
    ("executor", &["domain", "clock", "config"]),
    ("agent", &["domain", "clock", "config"]),
    ("gateway", &["domain", "clock", "config", "scheduler"]),
    ("model", &["domain", "clock", "config"]),
    // The journal stores and folds the stories of the lifecycle.
    ("journal", &["domain", "clock", "config", "lifecycle"]),
    ("gate", &["domain", "clock", "config", "executor"]),
    ("review", &["domain", "clock", "config", "agent"]),
    ("land", &["domain", "clock", "config", "workspace"]),
    ("feed", &["domain", "clock", "config", "lifecycle", "scheduler", "journal"]),
    ("daemon", &["*"]),
    ("cli", &["*"]),
];

/// Uses across the layers that are allowed one by one: (from, to, reason).
const EDGES: &[(&str, &str, &str)] = &[];

/// A foreign crate and the only places in `src/` that may name it.
const FOREIGN: &[(&str, &[&str])] = &[
    ("bollard", &["src/executor/docker"]),
    ("git2", &["src/workspace/git"]),
    ("rusqlite", &["src/journal/"]),
    // `ask` reads what bollard's closed enums refuse.
    ("hyper", &["src/gateway/", "src/model/", "src/executor/docker/ask.rs", "src/feed/web/serve.rs"]),
    ("hyper_util", &["src/gateway/", "src/model/", "src/executor/docker/ask.rs", "src/feed/web/serve.rs"]),
    ("http_body_util", &["src/gateway/", "src/model/", "src/executor/docker/ask.rs"]),
    ("askama", &["src/feed/web/pages", "src/feed/web/act.rs", "src/feed/notify/mail"]),
    (
        "reqwest",
        &[
            "src/gateway/",
            "src/model/",
            "src/daemon/control/client.rs",
            "src/feed/notify/",
            "src/feed/watchman/",
            "src/feed/wire.rs",
        ],
    ),
    ("resvg", &["src/feed/brief/raster.rs"]),
    ("epaint_default_fonts", &["src/feed/brief/raster.rs"]),
    ("lettre", &["src/feed/notify/mail"]),
    ("web_push", &["src/feed/notify/push"]),
    ("p256", &["src/feed/notify/push"]),
    ("axum", &["src/daemon/control", "src/feed/web/", "src/feed/watchman/"]),
    ("utoipa", &["src/daemon/control", "src/daemon/dispatch/status.rs", "src/feed/web/", "src/feed/brief/"]),
    ("sd_notify", &["src/cli/serve.rs"]),
    (
        "rustls",
        &[
            "src/gateway/",
            "src/model/",
            "src/main.rs",
            "src/daemon/control/window.rs",
            "src/feed/notify/",
            "src/feed/wire.rs",
        ],
    ),
    ("clap", &["src/cli/", "src/main.rs"]),
    ("minijinja", &["src/context/"]),
    ("globset", &["src/config/"]),
    ("jiter", &["src/review/reply/search.rs"]),
    // What clock changes do to a time is decided behind these two.
    ("chrono_tz", &["src/config/zone.rs"]),
    ("cron", &["src/config/cron.rs"]),
    ("anyhow", &["src/cli/", "src/main.rs"]),
];

const BANNED_NAMES: &[&str] = &[
    "manager",
    "helper",
    "helpers",
    "util",
    "utils",
    "service",
    "handler",
    "processor",
    "wrapper",
    "common",
    "misc",
];

/// Files that may be longer: (path, reason). Empty, and better so.
const LONG: &[(&str, &str)] = &[];

struct Source {
    path: String,
    text: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All files below a folder with this ending, sorted, paths relative to the package.
fn files(folder: &str, ending: &str) -> Vec<Source> {
    fn walk(dir: &Path, ending: &str, all: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                walk(&path, ending, all);
            } else if path.to_string_lossy().ends_with(ending) {
                all.push(path);
            }
        }
    }
    let mut all = Vec::new();
    walk(&root().join(folder), ending, &mut all);
    all.sort();
    let read = |path: PathBuf| {
        let text = String::from_utf8_lossy(&fs::read(&path).unwrap_or_default()).into_owned();
        let path = path.strip_prefix(root()).expect("found below the root").to_string_lossy().into_owned();
        Source { path, text }
    };
    all.into_iter().map(read).collect()
}

fn is_test(path: &str) -> bool {
    path.ends_with("tests.rs") || path.contains("/tests/") || path.starts_with("tests/")
}

/// The sources of the program, unit tests left out.
fn sources() -> Vec<Source> {
    files("src", ".rs").into_iter().filter(|source| !is_test(&source.path)).collect()
}

/// Code without comments, so that a sentence may name what code may not.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(at, line)| (at + 1, line))
}

/// `word` as a whole identifier.
fn names(line: &str, word: &str) -> bool {
    let joins = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word)
        .any(|(at, _)| !line[..at].ends_with(joins) && !line[at + word.len()..].starts_with(joins))
}

fn room(path: &str) -> &str {
    let name = path.trim_start_matches("src/").split('/').next().unwrap_or_default();
    name.trim_end_matches(".rs")
}

/// Fails with everything that is wrong at once.
fn check(rule: &str, wrong: &[String]) {
    let mut list = String::new();
    for line in wrong {
        let _ = write!(list, "\n  {line}");
    }
    assert!(wrong.is_empty(), "{rule}{list}");
}

/// The rooms that a line of code uses: `crate::room::` and `use crate::{room::.., other}`.
fn rooms_used(text: &str) -> BTreeSet<(usize, String)> {
    let mut used = BTreeSet::new();
    let lines: Vec<(usize, &str)> = code(text).collect();
    for (index, (at, line)) in lines.iter().enumerate() {
        for (found, _) in line.match_indices("crate::") {
            let rest = &line[found + 7..];
            if let Some(first) = rest.strip_prefix('{') {
                // A list of paths may go on over the next lines.
                let more: String = lines[index + 1..].iter().take(20).map(|(_, line)| *line).collect();
                let list = format!("{first}{more}");
                let (mut depth, mut item) = (0, String::new());
                for c in list.chars() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => item.push(','),
                        c if depth == 0 => item.push(c),
                        _ => {}
                    }
                }
                for path in item.split(',') {
                    let name = path.trim().split("::").next().unwrap_or_default();
                    used.insert((*at, name.to_owned()));
                }
            } else {
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                used.insert((*at, rest[..end].to_owned()));
            }
        }
    }
    used
}

#[test]
fn layers_point_downwards() {
    let mut wrong = Vec::new();
    for source in sources() {
        let from = room(&source.path);
        if matches!(from, "lib" | "main") {
            continue;
        }
        let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == from) else {
            wrong.push(format!("{}: the room `{from}` has no layer yet", source.path));
            continue;
        };
        for (line, to) in rooms_used(&source.text) {
            let known = LAYERS.iter().any(|(name, _)| *name == to);
            let listed = EDGES.iter().any(|(a, b, _)| (*a, *b) == (from, to.as_str()));
            let fine =
                to == from || allowed.contains(&to.as_str()) || (allowed.contains(&"*") && to != "cli");
            if known && !fine && !listed {
                wrong.push(format!("{}:{line}: `{from}` uses `{to}`", source.path));
            }
        }
    }
    check(
        "rooms use only what lies below them: move the type to `domain`, or let `daemon` connect the two",
        &wrong,
    );
}

#[test]
fn files_stay_short() {
    let mut lengths: Vec<(usize, String)> =
        sources().into_iter().map(|s| (s.text.lines().count(), s.path)).collect();
    lengths.sort();
    let listed = |path: &str| LONG.iter().any(|(long, _)| *long == path);
    let long = lengths.iter().filter(|(lines, path)| *lines > 400 && !listed(path));
    let wrong: Vec<String> = long.map(|(lines, path)| format!("{path}: {lines} lines")).collect();
    check("a file has at most 400 lines: split it by idea, not by size", &wrong);
    let (p95, path) = &lengths[(lengths.len() * 95 / 100).min(lengths.len() - 1)];
    assert!(
        *p95 <= 300,
        "95 of 100 files have at most 300 lines, but {path} at that place has {p95}: split the longest"
    );
}

#[test]
fn modules_introduce_themselves() {
    let mut wrong = Vec::new();
    for source in sources().into_iter().chain(files("tests/it", ".rs")) {
        let (mut lines, mut picture) = (0, false);
        for line in source.text.lines().take_while(|line| line.starts_with("//!")) {
            // A diagram in a fence is a picture, not a sentence too many.
            let fence = line.contains("```");
            picture ^= fence;
            lines += usize::from(!picture && !fence);
        }
        // The binary and test roots have nothing to own.
        let least = if source.path.starts_with("tests/") || source.path == "src/main.rs" { 1 } else { 2 };
        if !(least..=12).contains(&lines) {
            wrong.push(format!("{}: {lines} lines of `//!`", source.path));
        }
    }
    check(
        "a file opens with 2 to 12 lines of `//!`: what it owns, what it does not do, where to start",
        &wrong,
    );
}

#[test]
fn names_say_what_things_are() {
    let mut wrong = Vec::new();
    for source in files("src", ".rs").into_iter().chain(files("tests", ".rs")) {
        for part in source.path.split(['/', '.']).filter(|part| BANNED_NAMES.contains(part)) {
            wrong.push(format!("{}: `{part}`", source.path));
        }
        for (at, line) in code(&source.text) {
            let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
            while let Some(word) = words.next() {
                if !matches!(word, "struct" | "enum" | "trait" | "type" | "mod") {
                    continue;
                }
                let name = words.next().unwrap_or_default();
                let lower = name.to_lowercase();
                if BANNED_NAMES
                    .iter()
                    .any(|banned| lower == *banned || lower.ends_with(banned) && name != lower)
                {
                    wrong.push(format!("{}:{at}: `{name}`", source.path));
                }
            }
        }
    }
    check("no type or file is called manager, helper, util, ..: name it after what it is or does", &wrong);
}

#[test]
fn nothing_is_left_for_later() {
    let words = ["TO", "FIX", "XX"].map(|w| {
        w.to_owned()
            + if w == "TO" {
                "DO"
            } else if w == "FIX" {
                "ME"
            } else {
                "X"
            }
    });
    let mut wrong = Vec::new();
    for source in ["src", "tests", "prompts", "scripts"].iter().flat_map(|folder| files(folder, "")) {
        for (at, line) in source.text.lines().enumerate() {
            if words.iter().any(|word| names(line, word)) {
                wrong.push(format!("{}:{}", source.path, at + 1));
            }
        }
    }
    check("nothing is left for later: do it, or write a bead", &wrong);
}

#[test]
fn foreign_crates_stay_behind_their_file() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (name, places) in
            FOREIGN.iter().filter(|(_, at)| !at.iter().any(|at| source.path.starts_with(at)))
        {
            let used = |line: &str| {
                line.match_indices(name).any(|(i, _)| {
                    line[i + name.len()..].starts_with("::")
                        && !line[..i].ends_with(|c: char| c.is_alphanumeric() || "_:".contains(c))
                })
            };
            for (at, _) in
                code(&source.text).filter(|(_, line)| used(line) || line.trim() == format!("use {name};"))
            {
                wrong.push(format!("{}:{at}: `{name}` belongs in {}", source.path, places.join(", ")));
            }
        }
    }
    check(
        "a foreign crate is named only where its room keeps it: add to that room what you need from it",
        &wrong,
    );
}

#[test]
fn errors_are_types() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (at, line) in code(&source.text) {
            let flat = line.replace(' ', "");
            if flat.contains("Result<")
                && (flat.contains(",String>") || flat.contains(",&'staticstr>"))
                && !flat.contains("Map<")
            {
                wrong.push(format!("{}:{at}: {}", source.path, line.trim()));
            }
        }
    }
    check("no `Result<_, String>`: a `thiserror` enum beside the code that raises it", &wrong);
}

#[test]
fn every_integration_test_is_declared() {
    let main = fs::read_to_string(root().join("tests/it/main.rs")).expect("tests/it/main.rs is there");
    let mut wrong = Vec::new();
    for source in files("tests/it", ".rs") {
        let name = source
            .path
            .trim_start_matches("tests/it/")
            .split(['/', '.'])
            .next()
            .unwrap_or_default()
            .to_owned();
        if name != "main" && !main.contains(&format!("mod {name};")) {
            wrong.push(source.path);
        }
    }
    check("a test file that is not declared in tests/it/main.rs never runs: add `mod name;`", &wrong);
}

#[test]
fn every_source_file_is_declared() {
    let mut wrong = Vec::new();
    for source in files("src", ".rs") {
        let path = source.path.trim_end_matches(".rs");
        let (folder, name) = path.rsplit_once('/').expect("it lies in src");
        let parents = match folder {
            "src" => continue,
            _ if name == "mod" => continue,
            _ => [format!("{folder}.rs"), format!("{folder}/mod.rs")],
        };
        let text = parents.iter().find_map(|parent| fs::read_to_string(root().join(parent)).ok());
        let declared = text
            .is_some_and(|text| text.lines().any(|line| line.trim_end().ends_with(&format!("mod {name};"))));
        if !declared {
            wrong.push(source.path);
        }
    }
    check(
        "a file that no module declares is never compiled, and its tests never run: add `mod name;`",
        &wrong,
    );
}

#[test]
fn no_path_of_a_developer_s_machine() {
    // The sandbox's own `/work` is fine; folders in it that only one machine has are not.
    let machine = ["/work/wt/", "/work/main/", "/work/shared/", "/work/target-", "/root/", "/home/ubuntu/"];
    let mut wrong = Vec::new();
    for source in
        ["src", "tests", "prompts", "scripts", "images", "demo"].iter().flat_map(|folder| files(folder, ""))
    {
        for (at, line) in source.text.lines().enumerate() {
            let own_list = source.path == "tests/it/tidy.rs" && line.contains("let machine = ");
            if machine.iter().any(|path| line.contains(path)) && !own_list {
                wrong.push(format!("{}:{}: {}", source.path, at + 1, line.trim()));
            }
        }
    }
    check("no absolute path of one machine in a committed file: use a relative or configured one", &wrong);
}
