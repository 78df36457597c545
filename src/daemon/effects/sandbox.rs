//! The sandbox of an agent, as plain data.
//!
//! Owns what is the same for an author and a reviewer: the command line, the gateway, a home and `/tmp` in memory,
//! the limits. What sets them apart comes with a [`Role`]; the golden test of the executor says what the engine
//! makes of it. It starts nothing. Start with `Engine::agent_spec`.

use std::time::Duration;

use crate::agent::Request;
use crate::config::effective::Effective;
use crate::daemon::engine::Engine;
use crate::executor::spec::{Limits, Mount, Purpose, SandboxSpec};
use crate::gateway::SOCKET_NAME;
use crate::lifecycle::{Story, Work};

/// The agent's home inside the sandbox.
pub(super) const HOME: &str = "/home/agent";
/// The gateway's folder inside the sandbox.
const GATEWAY: &str = "/run/beadwork";
/// A container outlives its run time by at most this, when nobody is left to end it (rules 6.2).
const GRACE: Duration = Duration::from_secs(60);

/// What sets one agent's sandbox apart from another's.
pub(super) struct Role {
    pub purpose: Purpose,
    pub image: String,
    /// The conversation's id, a UUID.
    pub session: String,
    pub model: Option<String>,
    /// The JSON schema that its reply is to have.
    pub schema: Option<serde_json::Value>,
    /// What lies at `/work`.
    pub checkout: Mount,
    /// Where the conversation is kept, if it outlives the sandbox.
    pub conversation: Vec<Mount>,
}

impl Engine {
    /// The sandbox that the run has announced, with its name and nonce.
    pub(super) fn agent_spec(
        &self,
        story: &Story,
        run: &Work,
        settings: &Effective,
        role: Role,
    ) -> SandboxSpec {
        let limits = &settings.limits;
        let command = self.machine.dialect.command(&Request {
            session: role.session,
            resume: run.resume,
            model: role.model,
            fallback_model: None,
            max_turns: None,
            max_budget_usd: None,
            append_system_prompt: None,
            schema: role.schema,
            socket: format!("{GATEWAY}/{SOCKET_NAME}"),
            home: HOME.to_owned(),
            // The client's own timeout comes later than ours: otherwise it would end the tool, and the run go on.
            tool_limit: limits.tool.value.get() + GRACE,
            credential: self.machine.credential_kind(),
        });
        let sockets = Mount::Bind {
            source: self.house.places.sockets(&run.run),
            target: GATEWAY.to_owned(),
            read_only: true,
        };
        let mut mounts = vec![role.checkout, sockets, tmpfs(HOME, 1 << 30, true)];
        mounts.extend(role.conversation);
        mounts.push(tmpfs("/tmp", 1 << 30, false));
        SandboxSpec {
            name: run.sandbox.clone().unwrap_or_default(),
            purpose: role.purpose,
            image: role.image,
            argv: command.argv,
            env: command.env,
            user: self.machine.run_user,
            workdir: "/work".to_owned(),
            mounts,
            limits: Limits { memory: limits.memory.value.bytes(), ..Limits::default() },
            stdin: true,
            time_limit: limits.run_time.value.get() + GRACE,
            log_cap: limits.output.value.bytes() + (64 << 20),
            labels: self.labels(story, &run.run, run.nonce.clone()),
        }
    }
}

/// Memory that programs may be run from; a private one is the agent's alone.
pub(super) fn tmpfs(target: &str, bytes: u64, private: bool) -> Mount {
    Mount::Tmpfs { target: target.to_owned(), bytes, exec: true, private }
}
