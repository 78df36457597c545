//! A repository as lists of lines with names of their own, so that a defect is found wherever it moves to.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::{Entry, Severity, Standing};
use crate::domain::finding::Finding;

pub(super) type Files = BTreeMap<String, Vec<u64>>;

/// Repeatable chance.
pub(super) struct Chance(pub u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn of_hundred(&mut self, n: usize) -> bool {
        self.below(100) < n
    }
}

/// One planted defect: in the code as long as its line is there.
#[derive(Debug, Clone)]
pub(super) struct Defect {
    pub wordings: Vec<String>,
    pub severity: Severity,
    pub reported: bool,
    file: String,
    line: u64,
    there: bool,
}

pub(super) struct World {
    pub files: Files,
    pub planted: Vec<Defect>,
    lines: u64,
    claims: usize,
    /// How many of a hundred unknown defects a round finds.
    sharp: usize,
}

const NAMES: [&str; 10] =
    ["total", "parse_row", "login", "render", "flush", "merge_all", "load_config", "retry", "close", "split"];
/// Each row is one kind of defect, told in four ways.
const KINDS: [[&str; 4]; 8] = [
    [
        "Off by one in the loop bound of `{}`",
        "`{}` loop runs one too far: its bound is off by one",
        "Loop in `{}` has an off-by-one bound",
        "The bound of the loop in `{}` is wrong by one",
    ],
    [
        "`{}` logs the password in clear text",
        "Password written to the log by `{}`",
        "`{}`: clear text password ends up in the log",
        "The log of `{}` has the clear password",
    ],
    [
        "Missing check for empty input in `{}`",
        "`{}` does not check for an empty input",
        "Empty input is not checked in `{}`",
        "`{}` lacks an empty input check",
    ],
    [
        "File handle leaks in `{}` on error",
        "`{}` leaks its file handle when an error occurs",
        "On error the file handle of `{}` is leaked",
        "An error in `{}` leaks the open file handle",
    ],
    [
        "SQL injection through the name in `{}`",
        "`{}` builds SQL from the name: injection",
        "The name goes unescaped into SQL in `{}`: injection",
        "Injection: SQL of `{}` contains the raw name",
    ],
    [
        "Race between two writers in `{}`",
        "`{}` has a race when two writers meet",
        "Two writers race with each other in `{}`",
        "Concurrent writers race in `{}`",
    ],
    [
        "Timeout is ignored by `{}`",
        "`{}` ignores its timeout",
        "The timeout given to `{}` is ignored",
        "`{}` never applies the timeout",
    ],
    [
        "Wrong rounding of halves in `{}`",
        "`{}` rounds halves wrongly",
        "Halves are rounded the wrong way in `{}`",
        "Rounding in `{}` is wrong for halves",
    ],
];
const WEIGHTS: [Severity; 4] = [Severity::Critical, Severity::Major, Severity::Major, Severity::Minor];
const LENGTH: usize = 300;
/// Where the work of a claim is, in each of its files.
const WORKED: std::ops::Range<usize> = 100..180;

impl World {
    pub(super) fn new(chance: &mut Chance) -> Self {
        let mut world = Self {
            files: Files::new(),
            planted: Vec::new(),
            lines: 0,
            claims: 0,
            sharp: 60 + chance.below(35),
        };
        for n in 0..8 {
            let lines = (0..LENGTH).map(|_| world.line()).collect();
            world.files.insert(format!("src/part{n}.py"), lines);
        }
        // Six that were there before; fourteen come with the two claims.
        for _ in 0..6 {
            let file = chance.below(8);
            world.plant(chance, file, 200..LENGTH);
        }
        world
    }

    fn line(&mut self) -> u64 {
        self.lines += 1;
        self.lines
    }

    fn plant(&mut self, chance: &mut Chance, file: usize, lines: std::ops::Range<usize>) {
        let file = format!("src/part{file}.py");
        let line = self.files[&file][lines.start + chance.below(lines.len())];
        self.plant_at(chance, file, line);
    }

    fn plant_at(&mut self, chance: &mut Chance, file: String, line: u64) {
        loop {
            let (kind, name) = (chance.below(KINDS.len()), NAMES[chance.below(NAMES.len())]);
            let wordings: Vec<String> = KINDS[kind].iter().map(|words| words.replace("{}", name)).collect();
            // Two defects may be alike, but not the same words in the same file.
            if self.planted.iter().any(|defect| defect.wordings == wordings) {
                continue;
            }
            let severity = WEIGHTS[chance.below(WEIGHTS.len())];
            self.planted.push(Defect { wordings, severity, reported: false, file, line, there: true });
            return;
        }
    }

    /// The author's work: seventy lines of three files, with seven defects in them.
    pub(super) fn work(&mut self, chance: &mut Chance) {
        let first = self.claims * 3;
        self.claims += 1;
        for n in first..first + 3 {
            let fresh: Vec<u64> = WORKED.map(|_| self.line()).collect();
            self.files.get_mut(&format!("src/part{n}.py")).unwrap().splice(WORKED, fresh);
        }
        for _ in 0..7 {
            let file = first + chance.below(3);
            self.plant(chance, file, WORKED);
        }
    }

    pub(super) fn there(&self) -> impl Iterator<Item = &Defect> {
        self.planted.iter().filter(|defect| defect.there)
    }

    fn number(&self, defect: &Defect) -> usize {
        self.files[&defect.file].iter().position(|line| *line == defect.line).unwrap() + 1
    }

    /// What the reviewer says: it looks at everything it was told is open, and finds some of the rest.
    pub(super) fn review(&mut self, chance: &mut Chance, ledger: &[Entry]) -> String {
        let mut items = Vec::new();
        let mut material = false;
        if chance.of_hundred(8) {
            return "I am done, all findings are above.".to_owned();
        }
        for at in 0..self.planted.len() {
            let defect = self.planted[at].clone();
            let asked = ledger.iter().any(|entry| {
                let told = |text: &str| defect.wordings.iter().any(|words| text.contains(words.as_str()));
                entry.standing == Standing::Open
                    && (told(&entry.finding.title) || told(&entry.finding.detail))
            });
            if !defect.there || !(asked || chance.of_hundred(self.sharp)) {
                continue;
            }
            self.planted[at].reported = true;
            material |= defect.severity.is_material();
            let times = if chance.of_hundred(20) { 2 } else { 1 };
            for _ in 0..times {
                // A line beside the right one is what reviewers often name.
                let line = (self.number(&defect) + chance.below(3)).saturating_sub(1).max(1);
                items.push(item(&defect.wordings[chance.below(4)], &defect.file, line, defect.severity));
            }
        }
        for _ in 0..chance.below(3) {
            let title =
                format!("Name `{}` could be clearer than {}", NAMES[chance.below(10)], chance.below(1000));
            let severity = if chance.of_hundred(10) { Severity::Major } else { Severity::Note };
            material |= severity.is_material();
            let file = format!("src/part{}.py", chance.below(8));
            items.push(item(&title, &file, 1 + chance.below(LENGTH), severity));
        }
        let json = serde_json::json!({"findings": items, "summary": "looked at it", "ready": !material});
        match chance.below(3) {
            0 => format!(
                "Here it is:\n```json\n{}\n```\nThat is {{all}}.",
                serde_json::to_string_pretty(&json).unwrap()
            ),
            1 => format!("I looked at [the diff]. {json} Done."),
            _ => json.to_string(),
        }
    }

    /// The author takes up one finding: what it names is fixed, mostly, and sometimes something else breaks.
    pub(super) fn fix(&mut self, chance: &mut Chance, finding: &Finding) {
        let Some(file) = finding.file.clone() else { return };
        let told = |words: &String| finding.title.contains(words) || finding.detail.contains(words);
        let fixed: Vec<usize> = (0..self.planted.len())
            .filter(|at| self.planted[*at].there && self.planted[*at].file == file)
            .filter(|at| self.planted[*at].wordings.iter().any(told))
            .collect();
        let at = match fixed.first() {
            Some(at) => self.number(&self.planted[*at]) - 1,
            None => (finding.line.unwrap_or(1) as usize - 1).min(self.files[&file].len() - 1),
        };
        let fresh: Vec<u64> = (0..=chance.below(4)).map(|_| self.line()).collect();
        let replaced = self.files[&file][at];
        self.files.get_mut(&file).unwrap().splice(at..=at, fresh.clone());
        for defect in self.planted.iter_mut().filter(|defect| defect.file == file && defect.line == replaced)
        {
            defect.line = fresh[0];
        }
        for at in fixed {
            // One fix in ten is none.
            self.planted[at].there = chance.of_hundred(10);
        }
        if chance.of_hundred(5) {
            self.plant_at(chance, file, fresh[fresh.len() - 1]);
        }
    }
}

fn item(title: &str, file: &str, line: usize, severity: Severity) -> serde_json::Value {
    serde_json::json!({
        "title": title, "description": format!("{title}, which goes wrong in use."), "severity": severity.as_str(),
        "file": file, "line": line, "type": "bug",
    })
}

/// A unified diff without context. Lines have names, so what is common is what has the same one.
pub(super) fn diff(old: &Files, new: &Files) -> String {
    let mut text = String::new();
    for (path, after) in new {
        let before = &old[path];
        if before == after {
            continue;
        }
        let _ = writeln!(text, "diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}");
        let (kept_old, kept_new): (BTreeSet<_>, BTreeSet<_>) =
            (before.iter().collect(), after.iter().collect());
        let (mut i, mut j) = (0, 0);
        while i < before.len() || j < after.len() {
            let (from_i, from_j) = (i, j);
            while i < before.len() && !kept_new.contains(&before[i]) {
                i += 1;
            }
            while j < after.len() && !kept_old.contains(&after[j]) {
                j += 1;
            }
            if (from_i, from_j) == (i, j) {
                i += 1;
                j += 1;
                continue;
            }
            let (gone, came) = (i - from_i, j - from_j);
            let start = |at: usize, count: usize| if count == 0 { at } else { at + 1 };
            let _ = writeln!(text, "@@ -{},{gone} +{},{came} @@", start(from_i, gone), start(from_j, came));
            text.push_str(&"-x\n".repeat(gone));
            text.push_str(&"+y\n".repeat(came));
        }
    }
    text
}
