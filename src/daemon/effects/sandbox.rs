//! The agent's sandbox, as plain data.
//!
//! Owns what is mounted where, which limits hold, and the command line: the golden test of the executor says
//! what the engine makes of it. It starts nothing. Start with `Engine::agent_spec`.

use std::time::Duration;

use crate::agent::Request;
use crate::config::effective::Effective;
use crate::daemon::engine::Engine;
use crate::executor::spec::{Limits, Mount, Purpose, SandboxSpec};
use crate::gateway::SOCKET_NAME;
use crate::lifecycle::Story;

/// The agent's home inside the sandbox.
const HOME: &str = "/home/agent";
/// The gateway's folder inside the sandbox.
const GATEWAY: &str = "/run/beadwork";
/// A container outlives its run time by at most this, when nobody is left to end it (rules 6.2).
const GRACE: Duration = Duration::from_secs(60);

impl Engine {
    pub(super) fn agent_spec(
        &self,
        story: &Story,
        settings: &Effective,
        (name, nonce): (String, String),
        image: String,
    ) -> SandboxSpec {
        let work = story.work.as_ref().expect("a story that starts its agent has its work");
        let limits = &settings.limits;
        let command = self.machine.dialect.command(&Request {
            session: work.session.clone(),
            resume: work.resume,
            model: settings.model.value.clone(),
            fallback_model: None,
            max_turns: None,
            max_budget_usd: None,
            append_system_prompt: None,
            socket: format!("{GATEWAY}/{}", SOCKET_NAME),
            home: HOME.to_owned(),
            // The client's own timeout comes later than ours: otherwise it would end the tool, and the run go on.
            tool_limit: limits.tool.value.get() + GRACE,
            credential: self.machine.credential_kind(),
        });
        let bind =
            |source, target: &str, read_only| Mount::Bind { source, target: target.to_owned(), read_only };
        let tmpfs = |target: &str, bytes| Mount::Tmpfs {
            target: target.to_owned(),
            bytes,
            exec: true,
            private: true,
        };
        let places = &self.house.places;
        SandboxSpec {
            name,
            purpose: Purpose::Agent,
            image,
            argv: command.argv,
            env: command.env,
            user: self.machine.run_user,
            workdir: "/work".to_owned(),
            mounts: vec![
                bind(places.clone_dir(&work.run), "/work", false),
                bind(places.sockets(&work.run), GATEWAY, true),
                tmpfs(HOME, 1 << 30),
                // Docker makes missing parents of a bind as root, where the agent could not write.
                tmpfs(&format!("{HOME}/.claude"), 256 << 20),
                bind(
                    places.conversation(&story.project, &story.bead),
                    &format!("{HOME}/.claude/projects"),
                    false,
                ),
                Mount::Tmpfs { target: "/tmp".to_owned(), bytes: 1 << 30, exec: true, private: false },
            ],
            limits: Limits { memory: limits.memory.value.bytes(), ..Limits::default() },
            stdin: true,
            time_limit: limits.run_time.value.get() + GRACE,
            log_cap: limits.output.value.bytes() + (64 << 20),
            labels: self.labels(story, &work.run, nonce),
        }
    }
}
