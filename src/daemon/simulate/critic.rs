//! The reviewer of a simulated night: reads a virtual commit and says what it thinks of it.
//!
//! Owns its manners, drawn from the seed and the bead alone, and what each replies. What it accepted is noted, so
//! that the check after the night can ask whether a landing was reviewed. Start with `Agent::review`.

use std::time::Duration;

use serde_json::{Value, json};

use super::agent::{Agent, Broken};
use super::sandboxes::volume;
use super::time::Chance;
use crate::domain::ids::Oid;
use crate::executor::scripted::Ending;

/// How a bead's reviewers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Likes what the gates like, and says what always was wrong.
    Accepts,
    /// Wants a second attempt.
    Finds,
    /// Says the same in every round.
    Repeats,
    /// Its first reply cannot be read.
    Mumbles,
    /// The first one exits without a result.
    Breaks,
}

impl Agent {
    /// One reading, from its message to its reply.
    pub(super) async fn review(&mut self) -> Result<Option<Ending>, Broken> {
        let way = self.way();
        let tool = self.voice.tool(1);
        self.stage.stdout(tool);
        let busy = self.chance.seconds(30, 200);
        self.pause(busy).await?;
        self.say(|voice| voice.tool_returns(1));
        self.ask().await?;
        if way == Way::Breaks && !self.world.once(&self.bead, "broke") {
            self.stage.stderr("fatal: it crashed\n");
            return Ok(Some(Ending::Code(1)));
        }
        if way == Way::Mumbles && !self.world.once(&self.bead, "mumbled") {
            self.say(|voice| voice.result("It is all fine, more or less."));
            return Ok(None);
        }
        let commit = volume(&self.stage).and_then(|volume| self.world.filled(&volume));
        let text = commit.as_ref().and_then(|commit| self.own_file(commit)).unwrap_or_default();
        let wants = match way {
            Way::Finds => text.contains("by attempt 1"),
            Way::Repeats => true,
            Way::Accepts | Way::Mumbles | Way::Breaks => false,
        };
        let reply = self.opinion(wants, way);
        if let Some(commit) = commit.filter(|_| !wants) {
            self.world.accepted(commit);
        }
        self.pause(Duration::from_secs(1)).await?;
        self.say(|voice| voice.reply(&reply));
        Ok(None)
    }

    fn opinion(&self, wants: bool, way: Way) -> Value {
        let mut findings = Vec::new();
        if wants {
            findings.push(json!({
                "title": "one attempt is too few", "description": "it shows", "severity": "major", "type": "bug",
                "file": format!("src/{}.txt", self.bead), "line": 1,
            }));
        }
        if way == Way::Accepts && self.bead.ends_with('3') {
            findings.push(json!({
                "title": format!("the README says nothing of {}", self.bead), "description": "it should",
                "severity": "minor", "type": "chore", "file": "README.md", "line": 1,
            }));
        }
        json!({ "findings": findings, "summary": "read", "ready": !wants })
    }

    fn own_file(&self, commit: &Oid) -> Option<String> {
        let state = self.forge.state();
        let files = &state.commit(commit)?.tree;
        files.get(&format!("src/{}.txt", self.bead)).map(ToString::to_string)
    }

    fn way(&self) -> Way {
        let mut chance = Chance::of(self.world.seed(), &format!("reviewers of {}", self.bead));
        match chance.below(10) {
            0..=4 => Way::Accepts,
            5..=6 => Way::Finds,
            7 => Way::Repeats,
            8 => Way::Mumbles,
            _ => Way::Breaks,
        }
    }
}
