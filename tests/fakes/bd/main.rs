//! A `bd` for tests, faithful per version to what real ones (0.47.1, 0.49.6, 1.0.4, 1.0.5) were seen to print and do,
//! mistakes included: lying exit codes, ids matched as substrings, lost edges, claims that several win.
//!
//! It is whatever version the file `bd.version` beside it names, and misbehaves once for each line of `bd.faults`
//! (`COMMAND locked|empty-lock|hang|other-id`). It keeps its beads in one JSON file where the real one keeps its
//! database. Start with [`run`].
#![allow(
    clippy::unwrap_used,
    clippy::too_many_lines,
    clippy::too_many_arguments,
    clippy::disallowed_methods,
    missing_docs,
    unreachable_pub,
    reason = "a program for tests"
)]

mod args;
mod changes;
mod classic;
mod creating;
mod lists;
mod shapes;
mod store;

use std::path::PathBuf;

use serde_json::{Value, json};

use args::Args;
use store::Store;

/// What one invocation stands on.
pub struct Bd {
    pub version: String,
    /// As `bd version` says it.
    pub printed: String,
    /// The program's own folder.
    pub bin: PathBuf,
    pub args: Args,
    pub actor: String,
}

/// Exit code and both streams.
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    pub fn json(value: &Value) -> Self {
        Self {
            code: 0,
            out: format!("{}\n", serde_json::to_string_pretty(value).unwrap()),
            err: String::new(),
        }
    }

    pub fn text(code: i32, out: &str, err: &str) -> Self {
        Self { code, out: out.to_owned(), err: err.to_owned() }
    }
}

impl Bd {
    pub fn is_classic(&self) -> bool {
        self.version.starts_with("0.")
    }

    pub fn is(&self, version: &str) -> bool {
        self.version == version
    }

    /// An object result: from 1.0 on with its schema's version.
    pub fn object(&self, mut value: Value) -> Said {
        if !self.is_classic() {
            value["schema_version"] = json!(1);
        }
        Said::json(&value)
    }

    /// `{"error": …}` on standard output, exit 1.
    pub fn error(&self, text: &str) -> Said {
        Said { code: 1, ..self.object(json!({ "error": text })) }
    }
}

fn main() {
    // The folder of the link by which it was started: each test has one of its own.
    let program = std::env::args_os().next().map(PathBuf::from).unwrap();
    let bin = program.parent().unwrap().to_path_buf();
    let version = std::fs::read_to_string(bin.join("bd.version")).unwrap_or_else(|_| "1.0.4".to_owned());
    let printed = version.trim().to_owned();
    // What is later than the newest recorded one behaves like that.
    let version = if printed.as_str() > "1.0.5" { "1.0.5".to_owned() } else { printed.clone() };
    let words: Vec<String> = std::env::args().skip(1).collect();
    let said = match Args::read(&words, &version) {
        Ok(args) => {
            let actor = args.value("actor").map(str::to_owned).or_else(|| var("BD_ACTOR"));
            let actor = actor.or_else(|| var("BEADS_ACTOR")).unwrap_or_else(|| "Test User".to_owned());
            run(&Bd { version, printed, bin, args, actor })
        }
        Err(err) => Said::text(1, "", &err),
    };
    print!("{}", said.out);
    eprint!("{}", said.err);
    std::process::exit(said.code);
}

fn var(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

fn run(bd: &Bd) -> Said {
    let command = bd.args.command.as_str();
    if command == "version" {
        let mut said = json!({ "build": "dev", "version": bd.printed });
        if bd.is("0.47.1") {
            said["branch"] = json!("main");
        }
        return bd.object(said);
    }
    if command == "init" {
        return store::init(bd);
    }
    let Some(store) = Store::find(bd) else {
        let hint =
            if bd.is_classic() { "run 'bd init' to create a database" } else { "run 'bd where' to inspect" };
        return Said::text(1, "", &format!("Error: no beads database found\nHint: {hint}\n"));
    };
    let fault = store::fault(bd);
    match fault.as_deref() {
        Some("locked") => return Said::text(1, "", "Error: failed to open database: database is locked\n"),
        Some("empty-lock") => return Said::text(0, "[]\n", "Error 1213 (40001): database is locked\n"),
        Some("hang") => loop {
            std::thread::sleep(std::time::Duration::from_secs(3600));
        },
        _ => {}
    }
    let said = dispatch(bd, &store);
    match fault.as_deref() {
        Some("other-id") => Said { out: said.out.replacen("\"id\": \"orc-", "\"id\": \"orc-x", 1), ..said },
        _ => said,
    }
}

fn dispatch(bd: &Bd, store: &Store) -> Said {
    let writes = matches!(
        bd.args.command.as_str(),
        "create"
            | "update"
            | "close"
            | "reopen"
            | "comments add"
            | "label add"
            | "label remove"
            | "dep add"
            | "dep remove"
            | "delete"
            | "import"
            | "sync"
    ) || bd.args.has("claim");
    if bd.is_classic()
        && !writes
        && let Some(said) = classic::refuse_stale(bd, store)
    {
        return said;
    }
    // The claim of 0.47.1 looks, and writes a moment later.
    if bd.is("0.47.1") && bd.args.has("claim") {
        return changes::claim_in_two_steps(bd, store);
    }
    let mut turn = match store.open(bd) {
        Ok(turn) => turn,
        Err(said) => return said,
    };
    if bd.is_classic() && writes && bd.args.command != "sync" {
        classic::auto_import(&mut turn, store);
    }
    let mut said = match bd.args.command.as_str() {
        "where" => bd.object(json!({ "path": store.dir, "prefix": "orc", "database_path": store.file })),
        "ready" => lists::ready(bd, &mut turn),
        "list" => lists::list(bd, &turn),
        "blocked" => lists::blocked(bd, &turn),
        "show" => lists::show(bd, &turn),
        "stats" => lists::stats(bd, &turn),
        "dep list" => lists::dep_list(bd, &turn),
        "comments" => lists::comments(bd, &turn),
        "label list" => lists::labels(bd, &turn),
        "create" => creating::create(bd, &mut turn),
        "update" => changes::update(bd, &mut turn),
        "close" => changes::close(bd, &mut turn),
        "reopen" => changes::reopen(bd, &mut turn),
        "comments add" => changes::comment(bd, &mut turn),
        "label add" | "label remove" => changes::label(bd, &mut turn),
        "dep add" => changes::dep_add(bd, &mut turn),
        "dep remove" => changes::dep_remove(bd, &mut turn),
        "delete" => changes::delete(bd, &mut turn),
        "export" => classic::export(bd, &turn),
        "import" => classic::import(bd, &mut turn),
        "sync" => classic::sync(bd, &mut turn, store),
        other => unreachable!("{other} was taken by the reader of arguments"),
    };
    if bd.is("0.47.1") && said.out.contains("\"id\"") {
        let stale = classic::warning(store, &turn);
        if !writes {
            said.err.push_str(&stale);
        }
    }
    if writes {
        store.save(&turn);
        // `comments add` leaves the file as it is; the bead's next change writes it.
        if bd.is_classic() && !matches!(bd.args.command.as_str(), "comments add" | "import" | "sync") {
            classic::flush(bd, store, &mut turn);
        }
    }
    said
}
