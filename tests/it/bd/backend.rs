//! A project with a tracker of some kind, for the suite: made fresh, opened as `bead` would open it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};

use beadwork::beads::{self, Claim, Means, Tracker};
use beadwork::clock::{RandomIds, SystemClock};
use beadwork::domain::bead::NewBead;
use beadwork::domain::ids::BeadId;

/// Versions the fake `bd` can be.
pub(super) const FAKES: [&str; 4] = ["0.47.1", "0.49.6", "1.0.4", "1.0.5"];

/// `BEADWORK_TEST_LONG` asks for every round on every version.
pub(super) fn is_long() -> bool {
    std::env::var_os("BEADWORK_TEST_LONG").is_some()
}

/// What keeps the beads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Backend {
    Embedded,
    Fake(String),
    Real { path: PathBuf, version: String },
}

impl Backend {
    pub(super) fn fakes() -> Vec<Self> {
        FAKES.iter().map(|version| Self::Fake((*version).to_owned())).collect()
    }

    /// Paths in `BEADWORK_TEST_BD`, else a `bd` on PATH.
    pub(super) fn real() -> Vec<Self> {
        static FOUND: OnceLock<Vec<Backend>> = OnceLock::new();
        let look = || {
            let given = std::env::var_os("BEADWORK_TEST_BD").filter(|text| !text.is_empty());
            let paths: Vec<PathBuf> = match given {
                Some(list) => std::env::split_paths(&list).collect(),
                None => {
                    let path = std::env::var_os("PATH").unwrap_or_default();
                    std::env::split_paths(&path)
                        .map(|dir| dir.join("bd"))
                        .filter(|bd| bd.is_file())
                        .take(1)
                        .collect()
                }
            };
            let found: Vec<Backend> = paths.into_iter().filter_map(real).collect();
            if found.is_empty() {
                println!("skipped: no real `bd` (name some in BEADWORK_TEST_BD, colon-separated)");
            }
            found
        };
        FOUND.get_or_init(look).clone()
    }

    pub(super) fn is_bd(&self) -> bool {
        *self != Self::Embedded
    }

    pub(super) fn version(&self) -> &str {
        match self {
            Self::Embedded => "embedded",
            Self::Fake(version) | Self::Real { version, .. } => version,
        }
    }

    pub(super) fn is_classic(&self) -> bool {
        self.is_bd() && self.version().starts_with("0.")
    }

    pub(super) fn is_dolt(&self) -> bool {
        self.is_bd() && !self.is_classic()
    }

    /// Whether our token survives on a bead.
    pub(super) fn keeps_metadata(&self) -> bool {
        !self.version().starts_with("0.47")
    }
}

fn real(path: PathBuf) -> Option<Backend> {
    let out = Command::new(&path).args(["version", "--json"]).stdin(Stdio::null()).output().ok()?;
    let said: serde_json::Value = serde_json::from_slice(&out.stdout).ok()?;
    Some(Backend::Real { path: path.canonicalize().ok()?, version: said["version"].as_str()?.to_owned() })
}

/// A project of its own, with a home of its own.
pub(super) struct Project {
    pub(super) dir: tempfile::TempDir,
    pub(super) backend: Backend,
}

/// What a program gave.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) code: i32,
    pub(super) out: String,
    pub(super) err: String,
}

impl Project {
    pub(super) fn new(backend: &Backend) -> Self {
        let project = Self::empty(backend);
        if backend.is_bd() {
            project.init();
        }
        project
    }

    /// A repository with the program at hand and no tracker yet (but an embedded one).
    pub(super) fn empty(backend: &Backend) -> Self {
        let dir = tempfile::Builder::new().prefix("bead-bd-").tempdir().unwrap();
        let project = Self { dir, backend: backend.clone() };
        for name in ["home", "bin", "repo"] {
            std::fs::create_dir(project.dir.path().join(name)).unwrap();
        }
        std::fs::write(
            project.dir.path().join("home/.gitconfig"),
            "[user]\nname = Test User\nemail = test@example.com\n[init]\ndefaultBranch = main\n",
        )
        .unwrap();
        project.git(&["init", "--quiet", "-b", "main"]);
        let bin = project.dir.path().join("bin/bd");
        match backend {
            Backend::Embedded => {
                std::fs::create_dir(project.root().join(".beads")).unwrap();
                std::fs::write(project.root().join(".beads/config.yaml"), "issue-prefix: orc\n").unwrap();
                std::fs::write(project.file(), "").unwrap();
            }
            Backend::Fake(version) => {
                std::os::unix::fs::symlink(crate::harness::fake_bd(), &bin).unwrap();
                std::fs::write(project.dir.path().join("bin/bd.version"), version).unwrap();
            }
            Backend::Real { path, .. } => {
                std::os::unix::fs::symlink(path, &bin).unwrap();
            }
        }
        project
    }

    fn init(&self) {
        let mut args = vec!["init", "--prefix", "orc", "--quiet"];
        if self.backend.is_dolt() {
            args.extend(["--non-interactive", "--skip-agents", "--skip-hooks"]);
        }
        let ran = self.bd(&args);
        assert_eq!(ran.code, 0, "{ran:?}");
    }

    pub(super) fn root(&self) -> PathBuf {
        self.dir.path().join("repo")
    }

    pub(super) fn file(&self) -> PathBuf {
        self.root().join(".beads/issues.jsonl")
    }

    pub(super) fn environment(&self) -> Vec<(OsString, OsString)> {
        let bin = self.dir.path().join("bin");
        let path = std::env::join_paths([bin.as_path(), Path::new("/usr/bin"), Path::new("/bin")]).unwrap();
        vec![
            ("PATH".into(), path),
            ("HOME".into(), self.dir.path().join("home").into()),
            ("USER".into(), "tester".into()),
            ("TZ".into(), "UTC".into()),
            // The git hooks of a classic one would start it.
            ("BEADS_NO_DAEMON".into(), "1".into()),
        ]
    }

    pub(super) async fn open(&self) -> Arc<dyn Tracker> {
        let environment = self.environment();
        let (clock, ids) = (Arc::new(SystemClock::default()), Arc::new(RandomIds));
        beads::open(&self.root(), &Means { environment: &environment, clock, ids }).await.unwrap()
    }

    /// The program itself, as another user of the tracker would run it.
    pub(super) fn bd(&self, args: &[&str]) -> Ran {
        let mut command = Command::new(self.dir.path().join("bin/bd"));
        command.args(args).current_dir(self.root()).env_clear().envs(self.environment());
        command.env("BEADS_NO_DAEMON", "1").env("BD_NON_INTERACTIVE", "1").env("BD_DISABLE_METRICS", "1");
        let out = command.stdin(Stdio::null()).output().unwrap();
        Ran {
            code: out.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&out.stdout).into_owned(),
            err: String::from_utf8_lossy(&out.stderr).into_owned(),
        }
    }

    /// What the program's own doctor does not like, by name. Those without one (1.0.x over its embedded database, the
    /// fakes) like everything.
    pub(super) fn complaints(&self) -> Vec<String> {
        let ran = self.bd(&["doctor", "--json"]);
        let said: serde_json::Value = serde_json::from_str(&ran.out).unwrap_or_default();
        let checks = said["checks"].as_array().cloned().unwrap_or_default();
        let has_doctor = matches!(self.backend, Backend::Real { .. }) && self.backend.is_classic();
        assert_eq!(checks.len() > 20, has_doctor, "{ran:?}");
        let bad = checks.iter().filter(|check| check["status"] != "ok");
        bad.map(|check| check["name"].as_str().unwrap().to_owned()).collect()
    }

    pub(super) fn git(&self, args: &[&str]) {
        let mut command = Command::new("git");
        command.args(args).current_dir(self.root()).env_clear().envs(self.environment());
        assert!(command.stdin(Stdio::null()).status().unwrap().success());
    }
}

pub(super) fn id(text: &str) -> BeadId {
    BeadId::new(text)
}

pub(super) fn claim(run: &str) -> Claim {
    Claim { token: format!("token{run}"), actor: format!("beadwork/{run}") }
}

pub(super) fn new(title: &str) -> NewBead {
    NewBead {
        title: title.to_owned(),
        description: String::new(),
        priority: 2,
        issue_type: "task".to_owned(),
        labels: Vec::new(),
        edges: Vec::new(),
        blocks: Vec::new(),
        actor: "maria".to_owned(),
    }
}

/// An id that no bead has, but that `bd` takes for this one: a part of its hash.
pub(super) fn part_of(id: &BeadId) -> BeadId {
    let (prefix, hash) = id.as_str().rsplit_once('-').unwrap();
    BeadId::new(format!("{prefix}-{}", &hash[1..]))
}
