//! Real repositories in temporary folders, for the tests of this room and of `land`.
//!
//! Owns a user's repository with a home of its own, a state directory, and the export run as a plain local
//! process in place of a container. Nothing here is used outside tests. Start with [`Bench`].

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use chrono::DateTime;

use super::clone::{CloneRequest, make};
use super::import::{Import, ImportError, ImportLimits, Imported, import};
use super::merge::{Identity, MergeRequest, Merged, merge};
use super::program::Git;
use super::quarantine::Quarantine;
use super::repo::UserRepo;
use crate::config::environment::{self, Environment};
use crate::config::places::Places;
use crate::domain::ids::{BeadId, Oid, ProjectId, RunId};

pub(crate) struct Bench {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) path: String,
}

pub(crate) fn run_id(n: u32) -> RunId {
    RunId::parse(&format!("r{n:014}")).unwrap()
}

impl Bench {
    /// A repository on `main` with `README.md`, `src/a.txt`, `src/b.txt` and an ignored-files list.
    pub(crate) fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("bench").tempdir().unwrap();
        Self::inside(dir)
    }

    pub(crate) fn inside(dir: tempfile::TempDir) -> Self {
        let bench = Self { path: std::env::var("PATH").unwrap(), dir };
        std::fs::create_dir_all(bench.home()).unwrap();
        let config = "[user]\n\tname = Ann\n\temail = ann@example.com\n[init]\n\tdefaultBranch = main\n";
        std::fs::write(bench.home().join(".gitconfig"), config).unwrap();
        std::fs::create_dir_all(bench.user()).unwrap();
        bench.git(&["init", "-q"]);
        let text: String = (1..=20).map(|n| format!("line {n}\n")).collect();
        bench.commit(
            &[
                ("README.md", "# demo\n"),
                ("src/a.txt", &text),
                ("src/b.txt", "b\n"),
                (".gitignore", ".env\n*.log\n"),
            ],
            "Begin",
        );
        bench
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    pub(crate) fn user(&self) -> PathBuf {
        self.dir.path().join("user")
    }

    pub(crate) fn places(&self) -> Places {
        let environment = Environment {
            state_dir: Some(self.dir.path().join("state")),
            home: Some(self.home()),
            ..Environment::default()
        };
        Places::find(&environment, rustix::process::getuid().as_raw()).unwrap()
    }

    pub(crate) fn program(&self) -> Git {
        Git::new([("PATH".into(), self.path.clone().into()), ("HOME".into(), self.home().into())])
    }

    fn command(&self, dir: &Path, program: &str) -> Command {
        let path = std::env::var_os("PATH").unwrap();
        let mut command = Command::new(environment::program(&path, program).unwrap());
        command.current_dir(dir).env_clear().env("PATH", path).env("HOME", self.home());
        command.env("LC_ALL", "C");
        command
    }

    /// The user's own git, anywhere: exit code, stdout, stderr.
    pub(crate) fn try_git(&self, dir: &Path, args: &[&str]) -> (i32, String, String) {
        let out = self.command(dir, "git").args(args).stdin(Stdio::null()).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (out.status.code().unwrap_or(-1), text(&out.stdout), text(&out.stderr))
    }

    pub(crate) fn git_in(&self, dir: &Path, args: &[&str]) -> String {
        let (code, out, err) = self.try_git(dir, args);
        assert_eq!(code, 0, "git {args:?}: {err}");
        out.trim_end().to_owned()
    }

    pub(crate) fn git(&self, args: &[&str]) -> String {
        self.git_in(&self.user(), args)
    }

    pub(crate) fn git_input(&self, dir: &Path, args: &[&str], input: &[u8]) -> String {
        use std::io::Write;
        let mut child =
            self.command(dir, "git").args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        let out = child.wait_with_output().unwrap();
        assert!(out.status.success(), "git {args:?}");
        String::from_utf8_lossy(&out.stdout).trim_end().to_owned()
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        write(&self.user(), path, text);
    }

    pub(crate) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.user().join(path)).unwrap()
    }

    pub(crate) fn commit(&self, files: &[(&str, &str)], message: &str) -> Oid {
        self.commit_in(&self.user(), files, message)
    }

    pub(crate) fn commit_in(&self, dir: &Path, files: &[(&str, &str)], message: &str) -> Oid {
        for (path, text) in files {
            write(dir, path, text);
            self.git_in(dir, &["add", "-f", "--", path]);
        }
        self.git_in(dir, &["-c", "user.name=Ann", "-c", "user.email=a@x", "commit", "-q", "-m", message]);
        self.oid(dir, "HEAD")
    }

    pub(crate) fn oid(&self, dir: &Path, rev: &str) -> Oid {
        Oid::parse(&self.git_in(dir, &["rev-parse", "--verify", rev])).unwrap()
    }

    pub(crate) fn main(&self) -> Oid {
        self.oid(&self.user(), "refs/heads/main")
    }

    pub(crate) async fn repo(&self) -> UserRepo {
        UserRepo::open(&self.program(), &self.user()).await.unwrap()
    }

    pub(crate) async fn quarantine(&self) -> Quarantine {
        let path = self.places().quarantine(&ProjectId::of_path(&self.user()));
        Quarantine::open(&self.program(), &path).await.unwrap()
    }

    /// A clone of `tip`, handed over.
    pub(crate) async fn clone(&self, quarantine: &Quarantine, run: &RunId, tip: &Oid) -> PathBuf {
        let path = self.places().clone_dir(run);
        quarantine.fetch(&self.repo().await, tip).await.unwrap();
        make(quarantine, &CloneRequest { path: &path, run, tip, owner: None }).await.unwrap();
        path
    }

    /// What the export of a clone prints, run here instead of in a container.
    pub(crate) fn export(&self, clone: &Path, base: &Oid) -> Vec<u8> {
        let scratch = tempfile::tempdir_in(self.dir.path()).unwrap();
        let at = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let argv =
            super::export::argv_in(clone.to_str().unwrap(), scratch.path().to_str().unwrap(), base, at);
        let out = self
            .command(self.dir.path(), "timeout")
            .arg("20")
            .args(&argv)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        eprintln!("export said: {}", String::from_utf8_lossy(&out.stderr));
        out.stdout
    }

    pub(crate) async fn import(
        &self,
        quarantine: &Quarantine,
        mut bytes: &[u8],
        base: &Oid,
        run: &RunId,
    ) -> Result<Imported, ImportError> {
        import(quarantine, &mut bytes, ImportLimits::default(), base, run).await
    }

    /// A whole run: clone the tip of main, let `agent` work in it, export, import.
    pub(crate) async fn work(&self, run: &RunId, agent: impl FnOnce(&Path)) -> Result<Import, ImportError> {
        let (base, quarantine) = (self.main(), self.quarantine().await);
        let clone = self.clone(&quarantine, run, &base).await;
        agent(&clone);
        match self.import(&quarantine, &self.export(&clone, &base), &base, run).await? {
            Imported::Work(import) => Ok(import),
            Imported::Unchanged => panic!("the agent changed nothing"),
        }
    }

    /// Merges a run's work onto the present tip of main, keeps and publishes it.
    pub(crate) async fn merged(&self, run: &RunId, base: &Oid, tip: &Oid) -> (Oid, Oid) {
        let (repo, quarantine, target) = (self.repo().await, self.quarantine().await, self.main());
        quarantine.fetch(&repo, &target).await.unwrap();
        let request = MergeRequest {
            target: &target,
            tip,
            base,
            bead: &BeadId::new("demo-1"),
            title: "Do the thing",
            run,
            date: DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
            identity: &Identity::default(),
            purpose: crate::workspace::merge::Purpose::Landing,
        };
        let Merged::Clean { commit, tree } = merge(&quarantine, &request).await.unwrap() else {
            panic!("conflict")
        };
        quarantine.keep(run, &commit).await.unwrap();
        assert_eq!(super::publish::publish(&quarantine, &repo, run).await.unwrap().as_ref(), Some(&commit));
        (commit, tree)
    }

    /// Every file below the user's work tree except git's own, with the index, stash and refs.
    pub(crate) fn snapshot(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut open = vec![self.user()];
        while let Some(dir) = open.pop() {
            for entry in dir.read_dir().unwrap() {
                let path = entry.unwrap().path();
                let found = path.symlink_metadata().unwrap();
                if path.ends_with(".git") {
                    continue;
                } else if found.is_dir() {
                    open.push(path);
                } else if found.is_symlink() {
                    lines.push(format!("{} -> {}", path.display(), path.read_link().unwrap().display()));
                } else {
                    lines.push(format!("{} {:?}", path.display(), std::fs::read(&path).unwrap()));
                }
            }
        }
        lines.sort();
        lines.push(self.git(&["ls-files", "--stage"]));
        lines.push(self.git(&["stash", "list"]));
        lines
    }
}

pub(crate) fn write(dir: &Path, path: &str, text: &str) {
    let full = dir.join(path);
    std::fs::create_dir_all(full.parent().unwrap()).unwrap();
    std::fs::write(full, text).unwrap();
}
