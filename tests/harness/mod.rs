//! A project, a state directory and the `bead` program, for tests that act as a user would.
//!
//! Owns temporary repositories, the running of `bead` with an environment of its own, and the check that
//! nothing is left behind. It knows nothing of the library's insides. Start with [`BeadEnv`].
#![allow(dead_code, unreachable_pub, reason = "two test programs share this file and neither uses all of it")]

pub mod engine;
pub mod http;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

pub struct BeadEnv {
    pub dir: tempfile::TempDir,
    pub vars: BTreeMap<String, String>,
}

/// What a command gave.
#[derive(Debug, Clone)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    pub fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "exit code\n--- stdout\n{}\n--- stderr\n{}", self.out, self.err);
        self
    }

    /// The last line of stdout as JSON.
    #[track_caller]
    pub fn last(&self) -> serde_json::Value {
        let line = self.out.lines().last().unwrap_or_default();
        serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}\n{}", self.err))
    }

    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}\n{}", self.out, self.err))
    }
}

impl BeadEnv {
    pub fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("bead-it-").tempdir().unwrap();
        let mut vars = BTreeMap::new();
        let at = |name: &str| dir.path().join(name).to_string_lossy().into_owned();
        for name in ["home", "state", "config"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
        }
        use std::os::unix::fs::PermissionsExt as _;
        for name in ["state", "config"] {
            std::fs::set_permissions(dir.path().join(name), std::fs::Permissions::from_mode(0o700)).unwrap();
        }
        vars.insert("HOME".into(), at("home"));
        vars.insert("BEAD_STATE_DIR".into(), at("state"));
        vars.insert("BEAD_CONFIG_DIR".into(), at("config"));
        vars.insert("NO_COLOR".into(), "1".into());
        vars.insert("USER".into(), "tester".into());
        vars.insert("LANG".into(), "C.UTF-8".into());
        for name in ["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"] {
            vars.insert(name.into(), "Tester".into());
        }
        for name in ["GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"] {
            vars.insert(name.into(), "tester@localhost".into());
        }
        for name in ["PATH", "DOCKER_HOST", "BEADWORK_CACHE", "XDG_CACHE_HOME"] {
            if let Ok(value) = std::env::var(name) {
                vars.insert(name.into(), value);
            }
        }
        let env = Self { dir, vars };
        std::fs::create_dir(env.repo()).unwrap();
        env.git(&["init", "-q", "-b", "main"]);
        env
    }

    /// A small Python project with one failing test, its gate, and a tracker.
    pub fn python() -> Self {
        let env = Self::new();
        env.write("calc.py", "def add(a, b):\n    return a - b\n");
        env.write(
            "test_calc.py",
            "import unittest\nfrom calc import add\n\nclass T(unittest.TestCase):\n    def test_add(self):\n        self.assertEqual(add(1, 2), 3)\n",
        );
        env.write("bead.yaml", "gates:\n  - { name: test, run: python3 -m unittest -q, timeout: 2m }\n");
        env.bead(&["init", "--yes", "--prefix", "t"]).expect(0);
        env.commit("begin");
        env
    }

    pub fn repo(&self) -> PathBuf {
        self.dir.path().join("repo")
    }

    pub fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    pub fn set(&mut self, name: &str, value: &str) -> &mut Self {
        self.vars.insert(name.into(), value.into());
        self
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.repo().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.repo().join(path)).unwrap()
    }

    #[track_caller]
    pub fn git(&self, args: &[&str]) -> String {
        let output = self.command("git", args).current_dir(self.repo()).output().unwrap();
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    pub fn commit(&self, message: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", message]);
    }

    fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(args).env_clear().envs(&self.vars).stdin(Stdio::null());
        command
    }

    pub fn bead_command(&self, args: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_bead"), args);
        command.current_dir(self.repo());
        command
    }

    pub fn bead(&self, args: &[&str]) -> Ran {
        // A command that hangs shall fail its own test, not hold up all others.
        let mut command = self.command("timeout", &["-k", "5", "600", env!("CARGO_BIN_EXE_bead")]);
        Ran::of(&command.args(args).current_dir(self.repo()).output().unwrap())
    }

    pub fn start(&self, args: &[&str]) -> Child {
        self.bead_command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Adds a bead and gives its id.
    #[track_caller]
    pub fn add(&self, title: &str, more: &[&str]) -> String {
        let mut args = vec!["add", title];
        args.extend(more);
        self.bead(&args).expect(0).out.trim().to_owned()
    }

    /// Rehearses `bead work` in place with a script.
    pub fn rehearse(&self, script: &str, args: &[&str]) -> Ran {
        let path = self.script(script);
        let mut all = vec!["rehearse", "--in-place", path.as_str(), "--"];
        all.extend(args);
        self.bead(&all)
    }

    pub fn script(&self, script: &str) -> String {
        let path = self.dir.path().join("script.yaml");
        std::fs::write(&path, script).unwrap();
        path.to_string_lossy().into_owned()
    }

    /// The containers that this state directory has.
    pub fn containers(&self) -> Vec<String> {
        let instance = std::fs::read_to_string(self.state().join("instance")).unwrap_or_default();
        let filter = format!("label=beadwork.instance={}", instance.trim());
        let output = Command::new("docker")
            .args(["ps", "-a", "--filter", &filter, "--format", "{{.Names}}"])
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
    }

    pub fn clones(&self) -> Vec<PathBuf> {
        let clones = std::fs::read_dir(self.state().join("clones")).into_iter().flatten().flatten();
        clones.map(|e| e.path()).collect()
    }

    /// What must be true after every finished story.
    #[track_caller]
    pub fn nothing_left(&self) {
        assert_eq!(self.containers(), Vec::<String>::new(), "containers are left");
        assert_eq!(self.clones(), Vec::<PathBuf>::new(), "clones are left");
        let ran = self.bead(&["verify"]);
        assert_eq!(ran.code, 0, "verify: {}{}", ran.out, ran.err);
    }

    /// Every file beneath the state directory that holds these bytes.
    pub fn files_with(&self, needle: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        search(&self.state(), needle.as_bytes(), &mut found);
        search(&self.repo(), needle.as_bytes(), &mut found);
        found
    }
}

/// Containers outlive a test that failed half-way; nothing else would remove them.
impl Drop for BeadEnv {
    fn drop(&mut self) {
        for name in if self.state().join("instance").exists() { self.containers() } else { Vec::new() } {
            let _ = Command::new("docker").args(["rm", "-f", &name]).output();
        }
    }
}

/// A scripted model that serves until it is dropped, so that it outlives the `bead` processes of a test.
pub struct Model(Child);

impl Drop for Model {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl BeadEnv {
    /// Starts a scripted model and points `bead` to it, with a key.
    #[track_caller]
    pub fn model(&mut self, script: &str) -> Model {
        use std::io::{BufRead as _, BufReader};
        let path = self.script(script);
        let mut model = Model(self.start(&["model", "serve", "--script", &path, "--json"]));
        let mut line = String::new();
        BufReader::new(model.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        self.set("ANTHROPIC_API_KEY", "k").set("ANTHROPIC_BASE_URL", value["url"].as_str().unwrap());
        model
    }

    /// One bead as the tracker has it.
    #[track_caller]
    pub fn shown(&self, id: &str) -> serde_json::Value {
        self.bead(&["show", id, "--json"]).expect(0).json()[0].clone()
    }

    /// Whether some clone has this text in this file.
    pub fn in_a_clone(&self, file: &str, text: &str) -> bool {
        self.clones().iter().any(|c| std::fs::read_to_string(c.join(file)).is_ok_and(|t| t.contains(text)))
    }

    /// The run's stream: every line whole, and there once.
    #[track_caller]
    pub fn whole_log(&self, run: &str) -> String {
        let raw = self.bead(&["logs", run, "--raw"]).expect(0).out;
        let mut seen = std::collections::BTreeSet::new();
        for line in raw.lines() {
            let value: serde_json::Value =
                serde_json::from_str(line).unwrap_or_else(|e| panic!("a torn line: {e}: {line}"));
            if let Some(uuid) = value["uuid"].as_str() {
                assert!(seen.insert(uuid.to_owned()), "there twice: {line}");
            }
        }
        raw
    }
}

fn search(dir: &Path, needle: &[u8], found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            search(&path, needle, found);
        } else if kind.is_file() {
            let bytes = std::fs::read(&path).unwrap_or_default();
            if bytes.windows(needle.len()).any(|w| w == needle) {
                found.push(path);
            }
        }
    }
}

/// Waits until something is true, at most so long.
#[track_caller]
pub fn until(what: &str, limit: Duration, mut happened: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !happened() {
        assert!(begin.elapsed() < limit, "{what} did not happen within {limit:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Waits for a child, killing it when it takes too long. Its pipes are read all the while: one that is full
/// would hold it up.
#[track_caller]
pub fn finish(mut child: Child, limit: Duration) -> Ran {
    fn reader(pipe: Option<impl std::io::Read + Send + 'static>) -> std::thread::JoinHandle<String> {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let _ = pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
            String::from_utf8_lossy(&bytes).into_owned()
        })
    }
    let (out, err) = (reader(child.stdout.take()), reader(child.stderr.take()));
    let begin = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break Some(status);
        }
        if begin.elapsed() > limit {
            let _ = child.kill();
            let _ = child.wait();
            break None;
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    let (out, err) = (out.join().unwrap(), err.join().unwrap());
    let Some(status) = status else {
        panic!("still running after {limit:?}\n--- stdout\n{out}\n--- stderr\n{err}");
    };
    Ran { code: status.code().unwrap_or(-1), out, err }
}

pub fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

/// The fake `bd`, built once by the cargo that runs the tests.
pub fn fake_bd() -> PathBuf {
    static BUILT: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    let build = || {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--locked", "--example", "fake-bd"]);
        // What cargo tells this test about its package would have the inner one build half of the dependencies anew,
        // and the next outer one again: some build scripts watch those variables.
        for (name, _) in std::env::vars_os() {
            let told = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_NAME", "CARGO_PRIMARY_"];
            if told.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
                cargo.env_remove(name);
            }
        }
        let status = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status().unwrap();
        assert!(status.success(), "the fake `bd` builds");
        let here = std::env::current_exe().unwrap();
        let path = here.parent().unwrap().parent().unwrap().join("examples/fake-bd");
        assert!(path.is_file(), "{}", path.display());
        path
    };
    BUILT.get_or_init(build).clone()
}
