//! Where the fake keeps its beads: one JSON file under a kernel lock.

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use serde_json::{Map, Value, json};

use crate::{Bd, Said};

pub struct Store {
    pub dir: PathBuf,
    pub file: PathBuf,
}

/// The beads, while nobody else may touch them.
pub struct Turn {
    file: File,
    pub data: Value,
}

impl Store {
    pub fn find(bd: &Bd) -> Option<Self> {
        let dir = match std::env::var_os("BEADS_DIR").filter(|dir| !dir.is_empty()) {
            Some(dir) => PathBuf::from(dir),
            None => {
                let here = std::env::current_dir().ok()?;
                here.ancestors().map(|dir| dir.join(".beads")).find(|dir| dir.is_dir())?
            }
        };
        let file = at(&dir, bd);
        file.is_file().then_some(Self { dir, file })
    }

    pub fn jsonl(&self) -> PathBuf {
        self.dir.join("issues.jsonl")
    }

    /// Classic gives up after its timeout; Dolt waits for ever.
    pub fn open(&self, bd: &Bd) -> Result<Turn, Said> {
        let mut file = File::options().read(true).write(true).open(&self.file).unwrap();
        let seconds =
            bd.args.value("lock-timeout").map_or(30, |t| t.trim_end_matches('s').parse().unwrap_or(30));
        let start = Instant::now();
        while flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            if bd.is_classic() && start.elapsed() > Duration::from_secs(seconds) {
                return Err(Said::text(1, "", "Error: failed to open database: database is locked\n"));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        let data = serde_json::from_str(&text).unwrap_or_else(|_| json!({ "issues": {}, "count": 0 }));
        Ok(Turn { file, data })
    }

    pub fn save(&self, turn: &Turn) {
        let mut file = &turn.file;
        file.rewind().unwrap();
        file.set_len(0).unwrap();
        file.write_all(serde_json::to_string(&turn.data).unwrap().as_bytes()).unwrap();
    }
}

impl Turn {
    pub fn issues(&self) -> &Map<String, Value> {
        self.data["issues"].as_object().unwrap()
    }

    pub fn get(&self, id: &str) -> Option<&Value> {
        self.issues().get(id)
    }

    pub fn get_mut(&mut self, id: &str) -> &mut Value {
        self.data["issues"].get_mut(id).unwrap()
    }

    pub fn put(&mut self, issue: Value) {
        let id = issue["id"].as_str().unwrap().to_owned();
        self.data["issues"][id] = issue;
    }

    pub fn next(&mut self) -> u64 {
        let n = self.data["count"].as_u64().unwrap_or_default() + 1;
        self.data["count"] = json!(n);
        n
    }

    /// Exactly, else as a part of the hash: what every version does, also with the prefix given.
    pub fn resolve(&self, word: &str) -> Result<String, String> {
        if self.get(word).is_some() {
            return Ok(word.to_owned());
        }
        let part = word.rsplit_once('-').map_or(word, |(_, hash)| hash);
        let hash = |id: &str| id.rsplit_once('-').map_or_else(|| id.to_owned(), |(_, hash)| hash.to_owned());
        let hits: Vec<&String> =
            self.issues().keys().filter(|id| !part.is_empty() && hash(id).contains(part)).collect();
        match hits.as_slice() {
            [one] => Ok((*one).clone()),
            [] => Err(format!("no issue found matching \"{word}\"")),
            many => Err(format!("ambiguous ID \"{word}\" matches {} issues", many.len())),
        }
    }
}

fn at(dir: &Path, bd: &Bd) -> PathBuf {
    if bd.is_classic() { dir.join("beads.db") } else { dir.join("embeddeddolt/orc/beads.json") }
}

pub fn init(bd: &Bd) -> Said {
    let dir = std::env::current_dir().unwrap().join(".beads");
    let file = at(&dir, bd);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let backend = if bd.is_classic() { "sqlite" } else { "dolt" };
    let metadata = json!({ "database": "beads.db", "jsonl_export": "issues.jsonl", "backend": backend });
    std::fs::write(dir.join("metadata.json"), metadata.to_string()).unwrap();
    std::fs::write(dir.join("config.yaml"), "# settings\n").unwrap();
    let ignored = "beads.db\n*.lock\nembeddeddolt/\n";
    std::fs::write(dir.join(".gitignore"), ignored).unwrap();
    std::fs::write(&file, r#"{"issues":{},"count":0}"#).unwrap();
    let err = if bd.is("1.0.5") { "\n⚠ No Dolt remote configured\n" } else { "" };
    Said::text(0, "  Repository ID: 00000000\n\n✓ bd initialized successfully!\n", err)
}

/// Takes one fault meant for this command.
pub fn fault(bd: &Bd) -> Option<String> {
    let path = bd.bin.join("bd.faults");
    let text = std::fs::read_to_string(&path).ok()?;
    let mut lines: Vec<&str> = text.lines().collect();
    let wanted = |line: &&str| line.rsplit_once(' ').is_some_and(|(command, _)| command == bd.args.command);
    let found = lines.iter().position(wanted)?;
    let line = lines.remove(found);
    std::fs::write(&path, lines.join("\n")).unwrap();
    line.rsplit_once(' ').map(|(_, kind)| kind.to_owned())
}
