//! How long it takes to say what is ready among 1,000, 10,000 and 100,000 beads.
//!
//! Owns made-up trackers (half of the beads wait for the other half, one in ten is a child, one in fifty waits
//! for children) and prints the steps of the embedded store from the file to the JSON, then the whole command,
//! and, where a real `bd` is at hand (`BEADWORK_TEST_BD`, else PATH), its `bd ready --json` beside both.
//! Goals: the decision takes 10 ms at most, and the store is twenty times as fast as `bd`. Start with [`main`].
#![expect(clippy::disallowed_methods, reason = "a bench measures real time and real programs")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use beadwork::beads::Snapshot;
use beadwork::beads::ready::{Graph, Rules};

const SIZES: [usize; 3] = [1_000, 10_000, 100_000];
const ROUNDS: usize = 21;
const GOAL: Duration = Duration::from_millis(10);
/// `bd` takes minutes to import 10,000 beads; `--bd-beads N` raises this.
const BD_BEADS: usize = 1_000;
const TIMES_FASTER: f64 = 20.0;

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let bd_beads = words.iter().skip_while(|word| *word != "--bd-beads").nth(1);
    let bd_beads = bd_beads.map_or(BD_BEADS, |n| n.parse().expect("--bd-beads takes a number"));
    let programs = programs();
    if programs.is_empty() {
        println!("no real `bd` (BEADWORK_TEST_BD, PATH): the embedded store is measured alone");
    }
    for beads in SIZES {
        let dir = tempfile::tempdir().expect("a temporary folder can be made");
        let project = Project::new(dir.path(), &made_up(beads));
        let store = store(&project.file, beads);
        let command = project.bead();
        println!("  bead ready --json, the whole command   {:9.2} ms", ms(command));
        for program in programs.iter().filter(|_| beads <= bd_beads) {
            project.compare(program, store, command);
        }
    }
}

/// The steps of the embedded store; gives their sum.
fn store(file: &Path, beads: usize) -> Duration {
    let rounds = if beads > 10_000 { 5 } else { ROUNDS };
    let now = "2026-03-01T12:00:00Z".parse().expect("a fixed moment");
    let read = || Snapshot::read(fs::read(file).expect("the tracker is there"));
    let (load, snapshot) = median(rounds, read);
    assert!(snapshot.problems.is_empty() && snapshot.beads.len() == beads, "the made-up tracker is readable");
    let size = fs::metadata(file).map_or(0, |meta| meta.len());
    println!("{beads} beads, {:.1} MB", size as f64 / 1e6);
    println!("  load      {:9.2} ms", ms(load));
    let (build, graph) = median(rounds, || Graph::new(&snapshot.beads));
    println!("  graph     {:9.2} ms", ms(build));
    for rules in [Rules::B, Rules::Classic] {
        let (decide, ready) = median(ROUNDS, || graph.ready(rules, now));
        let verdict = if decide <= GOAL { "within" } else { "OVER" };
        let ready = ready.len();
        println!(
            "  decide    {:9.2} ms  ({rules:?}, {ready} ready; {verdict} the goal of 10 ms)",
            ms(decide)
        );
    }
    let whole = || {
        let snapshot = read();
        let ready = Graph::new(&snapshot.beads).ready(Rules::B, now);
        let values: Vec<_> = ready.iter().filter_map(|&at| snapshot.json(&snapshot.beads[at].id)).collect();
        serde_json::to_string(&values).expect("lines are JSON").len()
    };
    let (sum, bytes) = median(rounds, whole);
    println!("  from file to JSON {:9.2} ms  ({:.1} MB)", ms(sum), bytes as f64 / 1e6);
    sum
}

/// `bd` programs to measure against.
fn programs() -> Vec<PathBuf> {
    if let Some(list) = std::env::var_os("BEADWORK_TEST_BD").filter(|list| !list.is_empty()) {
        return std::env::split_paths(&list).collect();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|dir| dir.join("bd")).find(|file| file.is_file()).into_iter().collect()
}

/// A repository with a tracker, and a home and state of its own.
struct Project {
    root: PathBuf,
    repo: PathBuf,
    file: PathBuf,
}

impl Project {
    fn new(root: &Path, text: &str) -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let repo = root.join("repo");
        for name in ["repo/.beads", "home", "state", "config"] {
            fs::create_dir_all(root.join(name)).expect("folders can be made");
        }
        for name in ["state", "config"] {
            let mode = fs::Permissions::from_mode(0o700);
            fs::set_permissions(root.join(name), mode).expect("the folder is ours");
        }
        let file = repo.join(".beads/issues.jsonl");
        fs::write(&file, text).expect("the tracker can be written");
        let project = Self { root: root.to_owned(), repo, file };
        run(project.command(Path::new("git"), &project.repo, &["init", "-q", "-b", "main"]));
        project
    }

    fn command(&self, program: &Path, dir: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(args)
            .current_dir(dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.env("HOME", self.root.join("home")).env("BEAD_STATE_DIR", self.root.join("state"));
        command.env("BEAD_CONFIG_DIR", self.root.join("config"));
        for name in ["BEADS_NO_DAEMON", "BD_NON_INTERACTIVE", "BD_DISABLE_METRICS"] {
            command.env(name, "1");
        }
        for name in ["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"] {
            command.env(name, "bench@localhost");
        }
        command
    }

    fn bead(&self) -> Duration {
        let program = Path::new(env!("CARGO_BIN_EXE_bead"));
        median(5, || run(self.command(program, &self.repo, &["ready", "--json"]))).0
    }

    /// Gives the same beads to a `bd` of its own, untimed, and asks it.
    fn compare(&self, program: &Path, store: Duration, command: Duration) {
        let version = String::from_utf8_lossy(&run(self.command(program, &self.repo, &["--version"])))
            .trim()
            .to_owned();
        let is_classic = version.split(' ').any(|word| word.starts_with("0."));
        let dir = self.root.join(format!("bd-{}", version.replace([' ', '(', ')'], "-")));
        fs::create_dir_all(&dir).expect("folders can be made");
        run(self.command(Path::new("git"), &dir, &["init", "-q", "-b", "main"]));
        run(self.command(program, &dir, &["init", "--prefix", "orc"]));
        let file = self.file.to_string_lossy();
        let import = if is_classic { vec!["import", "-i", &file] } else { vec!["import", &file] };
        let began = Instant::now();
        run(self.command(program, &dir, &import));
        let import = began.elapsed();
        let (asked, answer) = median(5, || run(self.command(program, &dir, &["ready", "--json", "-n", "0"])));
        let answer: Vec<serde_json::Value> = serde_json::from_slice(&answer).unwrap_or_default();
        let times = |ours: Duration| asked.as_secs_f64() / ours.as_secs_f64();
        let verdict = if times(store) >= TIMES_FASTER { "within" } else { "MISSES" };
        println!(
            "  {version}: bd ready --json {:9.2} ms ({} ready, imported in {:.0} s): {:.0} times the store ({verdict} the goal of {TIMES_FASTER}), {:.1} times the command",
            ms(asked),
            answer.len(),
            import.as_secs_f64(),
            times(store),
            times(command),
        );
    }
}

/// What a program prints; a failure ends the bench.
fn run(mut command: Command) -> Vec<u8> {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// The median time of several runs, and the last result.
fn median<T>(rounds: usize, mut work: impl FnMut() -> T) -> (Duration, T) {
    let mut times = Vec::with_capacity(rounds);
    loop {
        let start = Instant::now();
        let out = work();
        times.push(start.elapsed());
        if times.len() == rounds {
            times.sort_unstable();
            return (times[rounds / 2], out);
        }
    }
}

fn made_up(beads: usize) -> String {
    let mut text = String::new();
    for at in 0..beads {
        // Spread over priorities, and created in another order than they stand in the file.
        let (priority, minute) = (at % 5, (at * 7_919) % 40_000);
        let mut edges = Vec::new();
        if at % 2 == 1 {
            edges.push(edge(at, at - 1, "blocks", ""));
        }
        if at % 10 == 4 {
            edges.push(edge(at, at - 4, "parent-child", ""));
        }
        if at % 50 == 8 {
            edges.push(edge(at, at - 8, "waits-for", r#","metadata":"{\"gate\":\"all-children\"}""#));
        }
        let (day, hour, minute) = (1 + minute / 1_440, minute / 60 % 24, minute % 60);
        write!(
            text,
            r#"{{"id":"orc-{at:06}","title":"Bead number {at}","description":"What is to be done, in a sentence or two of ordinary length so that the file has ordinary lines.","status":"open","priority":{priority},"issue_type":"task","created_at":"2026-01-{day:02}T{hour:02}:{minute:02}:00Z","created_by":"bench","updated_at":"2026-02-01T00:00:00Z""#
        )
        .expect("writing to a String cannot fail");
        if !edges.is_empty() {
            write!(text, ",\"dependencies\":[{}]", edges.join(",")).expect("writing to a String cannot fail");
        }
        text.push_str("}\n");
    }
    text
}

fn edge(from: usize, to: usize, kind: &str, more: &str) -> String {
    format!(
        r#"{{"issue_id":"orc-{from:06}","depends_on_id":"orc-{to:06}","type":"{kind}","created_at":"2026-01-01T00:00:00Z","created_by":"bench"{more}}}"#
    )
}
