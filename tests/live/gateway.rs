//! The real CLI, through a gateway, to the scripted model, without Docker.
//!
//! Needs `$BEADWORK_CACHE/claude/2.1.329/claude` (default `~/.cache/beadwork`); without it each test skips
//! with one line. What a container adds is tested elsewhere.

use std::fs::OpenOptions;
use std::net::Ipv4Addr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use beadwork::clock::{RandomIds, SystemClock};
use beadwork::domain::prices::list_prices;
use beadwork::gateway::credential::{Credential, CredentialKind};
use beadwork::gateway::meter::{Limits, MeterReading};
use beadwork::gateway::standing::Standing;
use beadwork::gateway::upstream::Upstream;
use beadwork::gateway::{Gateway, GatewaySpec};
use beadwork::model::script::Script;
use beadwork::model::{ModelServer, ModelServerSpec, SeenRequest};
use serde_json::Value;

const CANARY_KEY: &str = "sk-ant-api03-canary-7f3a91";
const CANARY_TOKEN: &str = "sk-ant-oat01-canary-2c55e0";

fn claude() -> Option<PathBuf> {
    let cache = std::env::var_os("BEADWORK_CACHE").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache/beadwork"));
    let path = cache.or(home)?.join("claude/2.1.329/claude");
    if path.is_file() {
        return Some(path);
    }
    eprintln!("skipped: no `{}`", path.display());
    None
}

struct Stage {
    claude: PathBuf,
    dir: tempfile::TempDir,
    model: ModelServer,
    gateway: Gateway,
    credential: Credential,
}

/// What one run of the CLI left.
struct Ran {
    code: Option<i32>,
    lines: Vec<Value>,
    stderr: String,
}

impl Ran {
    fn result(&self) -> &Value {
        self.lines
            .iter()
            .rev()
            .find(|line| line["type"] == "result")
            .unwrap_or_else(|| panic!("no result: {}", self.stderr))
    }

    fn cost(&self) -> f64 {
        self.result()["total_cost_usd"].as_f64().unwrap()
    }

    fn retries(&self) -> usize {
        self.lines.iter().filter(|line| line["subtype"] == "api_retry").count()
    }
}

impl Stage {
    async fn new(script: &str, kind: CredentialKind, cap: Option<f64>) -> Option<Self> {
        let claude = claude()?;
        let dir = tempfile::Builder::new().prefix("bw").tempdir_in("/tmp").unwrap();
        for sub in ["home", "work"] {
            std::fs::create_dir(dir.path().join(sub)).unwrap();
        }
        let clock = Arc::new(SystemClock::default());
        let script = Script::parse(script).unwrap();
        let bind = (Ipv4Addr::LOCALHOST, 0).into();
        let model = ModelServer::start(ModelServerSpec { script, bind, record: None, clock: clock.clone() })
            .await
            .unwrap();
        let secret = if kind == CredentialKind::ApiKey { CANARY_KEY } else { CANARY_TOKEN };
        let credential = Credential::new(kind, secret, "the test").unwrap();
        let gateway = Gateway::open(GatewaySpec {
            dir: dir.path().join("gw"),
            owner: None,
            allowed_uids: Vec::new(),
            upstream: Upstream::parse(Some(&model.url())).unwrap(),
            credential: credential.clone(),
            limits: Limits { cost_usd: cap, ..Limits::default() },
            prices: list_prices(),
            already_spent_usd: 0.0,
            standing: Arc::new(Standing::new(clock.clone(), Arc::new(RandomIds))),
            clock,
        });
        Some(Self { claude, dir, model, gateway: gateway.unwrap(), credential })
    }

    fn work(&self, name: &str) -> PathBuf {
        self.dir.path().join("work").join(name)
    }

    async fn run(&self, prompt: &str, more: &[&str]) -> Ran {
        let (variable, placeholder) = self.credential.sandbox_variable();
        let prompt_file = self.dir.path().join("prompt");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        std::io::Write::write_all(&mut options.open(&prompt_file).unwrap(), prompt.as_bytes()).unwrap();
        let mut command = tokio::process::Command::new(&self.claude);
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", self.dir.path().join("home"))
            .env("IS_SANDBOX", "1")
            .env("LANG", "C.UTF-8")
            .env("ANTHROPIC_UNIX_SOCKET", self.gateway.socket())
            .env("ANTHROPIC_BASE_URL", "http://localhost")
            .env(variable, placeholder)
            .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
            .env("DISABLE_AUTOUPDATER", "1")
            .env("CLAUDE_CODE_DISABLE_BACKGROUND_TASKS", "1")
            .env("CLAUDE_CODE_MAX_RETRIES", "3")
            .args(["-p", "--output-format", "stream-json", "--verbose", "--include-partial-messages"])
            .args(["--dangerously-skip-permissions", "--setting-sources", "", "--strict-mcp-config"])
            .args(more)
            .current_dir(self.dir.path().join("work"))
            .stdin(Stdio::from(std::fs::File::open(&prompt_file).unwrap()))
            .kill_on_drop(true);
        let output = tokio::time::timeout(Duration::from_secs(120), command.output())
            .await
            .expect("the CLI ends")
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        Ran {
            code: output.status.code(),
            lines: text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    fn reading(&self) -> MeterReading {
        self.gateway.meter().borrow().clone()
    }

    /// No byte of the user's credential lies in what the CLI could see or wrote.
    fn assert_no_trace(&self, ran: &Ran) {
        let everything = format!("{:?}{}", ran.lines, ran.stderr);
        for canary in [CANARY_KEY, CANARY_TOKEN] {
            assert!(!everything.contains(canary), "the credential is in the CLI's output");
            assert_eq!(files_with(self.dir.path(), canary), Vec::<PathBuf>::new());
        }
    }
}

fn files_with(dir: &Path, needle: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            found.extend(files_with(&entry.path(), needle));
        } else if kind.is_file() {
            let bytes = std::fs::read(entry.path()).unwrap();
            if bytes.windows(needle.len()).any(|window| window == needle.as_bytes()) {
                found.push(entry.path());
            }
        }
    }
    found
}

#[track_caller]
fn same_cost(ours: f64, theirs: f64) {
    assert!((ours - theirs).abs() < 1e-9, "the meter says {ours}, the CLI says {theirs}");
}

const HELLO: &str = include_str!("../../rehearsals/hello.yaml");
const FIX: &str = include_str!("../../rehearsals/fix-after-gate.yaml");
const TROUBLE: &str = include_str!("../../rehearsals/trouble.yaml");

/// Tools run, the answer streams, the key is put on by the gateway alone, and both sides count the same money.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_through_the_gateway_costs_what_the_cli_says() {
    let Some(stage) = Stage::new(HELLO, CredentialKind::ApiKey, None).await else { return };
    std::process::Command::new("git").args(["init", "-q"]).current_dir(stage.work("")).status().unwrap();
    let ran = stage.run("Write a greeting.", &["--model", "claude-opus-5-5"]).await;
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(ran.result()["result"], "The greeting is in `hello.txt`.");
    assert_eq!(std::fs::read_to_string(stage.work("hello.txt")).unwrap(), "Hello from a rehearsal.\n");
    let deltas = ran.lines.iter().filter(|line| line["event"]["type"] == "content_block_delta").count();
    assert!(deltas >= 6, "expected streamed deltas, found {deltas}");
    let reading = stage.reading();
    assert_eq!((reading.requests, reading.in_flight, reading.upstream_errors), (3, 0, 0), "{reading:?}");
    same_cost(reading.cost_usd, ran.cost());
    assert!(reading.estimated_usd == 0.0 && reading.refused.is_empty(), "{reading:?}");
    for request in stage.model.requests() {
        assert_eq!(request.header("x-api-key"), Some(SeenRequest::digest(CANARY_KEY).as_str()));
        assert_eq!(request.header("authorization"), None);
        assert_eq!(request.header("accept-encoding"), Some("identity"));
    }
    stage.assert_no_trace(&ran);
}

/// A resumed conversation goes on at its own turn; the CLI's total is over the session, and so is the meter's.
#[tokio::test(flavor = "multi_thread")]
async fn a_resumed_session_takes_the_next_turn_and_adds_its_cost() {
    let Some(stage) = Stage::new(FIX, CredentialKind::ApiKey, None).await else { return };
    let session = "6c1f8f0e-9a52-4b6e-8a0d-2f6f2b8f3a11";
    let first =
        stage.run("Set the status.", &["--model", "claude-sonnet-5-5", "--session-id", session]).await;
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    assert_eq!(std::fs::read_to_string(stage.work("status.txt")).unwrap(), "almost\n");
    let prompt = "The gate failed: expected `ready`.";
    let second = stage.run(prompt, &["--model", "claude-sonnet-5-5", "--resume", session]).await;
    assert_eq!(second.code, Some(0), "{}", second.stderr);
    assert_eq!(second.result()["result"], "Now the status is `ready`.");
    assert_eq!(std::fs::read_to_string(stage.work("status.txt")).unwrap(), "ready\n");
    let places: Vec<_> = stage.model.requests().iter().map(|request| request.place).collect();
    assert_eq!(places, [Some((0, 0)), Some((0, 1)), Some((0, 2)), Some((0, 3))]);
    same_cost(stage.reading().cost_usd, second.cost());
}

/// Failures are passed on as they are: the client retries, and what broke off was not replayed by us.
#[tokio::test(flavor = "multi_thread")]
async fn f21_f23_trouble_on_the_way_ends_well() {
    let Some(stage) = Stage::new(TROUBLE, CredentialKind::ApiKey, None).await else { return };
    let ran = stage.run("Make trouble.", &["--model", "claude-sonnet-5-5"]).await;
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(std::fs::read_to_string(stage.work("trouble.txt")).unwrap(), "one\ntwo\n");
    let statuses: Vec<_> =
        stage.model.requests().iter().map(|request| (request.place, request.status)).collect();
    assert_eq!(statuses.iter().filter(|(_, status)| *status == 529).count(), 2, "{statuses:?}");
    assert!(ran.retries() >= 2, "{statuses:?}");
    assert!(stage.reading().upstream_errors >= 3, "{:?}", stage.reading());
}

/// A subscription's token: the beta that goes with it is sent, the CLI sees the limit, and gives up at once.
#[tokio::test(flavor = "multi_thread")]
async fn f26_a_usage_limit_reaches_the_cli_and_the_meter() {
    let script = "conversations: [{turns: [{fail: {usage_limit: {resets_in: 3h}, times: 99}, text: never}]}]";
    let Some(stage) = Stage::new(script, CredentialKind::OAuthToken, None).await else { return };
    let ran = stage.run("Anything.", &["--model", "claude-sonnet-5-5"]).await;
    assert_eq!(ran.code, Some(1));
    let event = ran.lines.iter().find(|line| line["type"] == "rate_limit_event").expect("a rate_limit_event");
    assert_eq!(event["rate_limit_info"]["status"], "rejected");
    let resets = event["rate_limit_info"]["resetsAt"].as_u64().unwrap();
    let requests = stage.model.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(
        requests[0].header("authorization"),
        Some(SeenRequest::digest(&format!("Bearer {CANARY_TOKEN}")).as_str())
    );
    assert!(requests[0].header("anthropic-beta").unwrap().contains("oauth-2025-04-20"));
    let limits = stage.reading().rate_limits;
    assert_eq!(limits["anthropic-ratelimit-unified-reset"], resets.to_string());
    stage.assert_no_trace(&ran);
}

/// A passing 429 with `retry-after` clears.
#[tokio::test(flavor = "multi_thread")]
async fn f20_a_429_with_retry_after_is_waited_for() {
    let script = "conversations: [{turns: [{fail: {status: 429, retry_after: 1}, text: Fine now.}]}]";
    let Some(stage) = Stage::new(script, CredentialKind::ApiKey, None).await else { return };
    let ran = stage.run("Anything.", &["--model", "claude-haiku-5-5"]).await;
    assert_eq!(ran.result()["result"], "Fine now.");
    assert_eq!(stage.model.requests().iter().map(|request| request.status).collect::<Vec<_>>(), [429, 200]);
    same_cost(stage.reading().cost_usd, ran.cost());
}

/// At the cap the gateway answers by itself, and the CLI takes it as the end.
#[tokio::test(flavor = "multi_thread")]
async fn t32_the_cap_ends_a_run_of_the_cli() {
    let script = r#"
conversations:
  - turns:
      - { run: "true", usage: { input: 100000, output: 10000 } }
      - { run: "true", usage: { input: 100000, output: 10000 } }
      - { text: "never said" }
"#;
    let Some(stage) = Stage::new(script, CredentialKind::ApiKey, Some(1.0)).await else { return };
    let ran = stage.run("Spend.", &["--model", "claude-opus-5-5"]).await;
    assert_eq!(ran.code, Some(1));
    assert!(ran.result()["is_error"].as_bool().unwrap());
    let reading = stage.reading();
    assert!(reading.over_budget && reading.requests == 2, "{reading:?}");
    assert_eq!(stage.model.requests().len(), 2);
    assert_eq!(reading.refused.values().sum::<u64>(), 1, "the CLI asked again: {reading:?}");
}
