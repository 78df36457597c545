//! How a gate's run is judged: by the engine's facts first, by what it printed last.
//!
//! Owns the order of the facts (T48) and the rule that no tests is no pass (T16). What an exit code cannot
//! prove is never called a pass, and what may be the engine's fault is never called the work's. Start with
//! [`judge`].

use std::time::Duration;

use super::recognise::Recognised;
use crate::executor::Exit;

/// What a gate's run came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Passed,
    /// The work did not pass.
    Failed,
    /// The command took longer than its timeout.
    TimedOut,
    /// It could not be judged, for a reason that is not the work's.
    Broken,
}

/// All that is known when a gate has ended.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    pub exit: Exit,
    /// We signalled it because its timeout was over.
    pub stopped_by_us: bool,
    pub took: Duration,
    pub timeout: Duration,
    /// Some of the output was lost on its way.
    pub output_lost: bool,
    /// Memory the sandbox had, for the sentence.
    pub memory: u64,
    pub recognised: &'a Recognised,
}

/// The verdict, why in a few words, and a hint where we have one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    pub verdict: Verdict,
    pub why: String,
    pub hint: Option<String>,
}

pub fn judge(facts: &Facts<'_>) -> Judgement {
    let Exit { code, out_of_memory } = facts.exit;
    let say = |verdict, why: String| Judgement { verdict, why, hint: hint(facts.recognised) };
    let seconds = facts.timeout.as_secs();
    // The backstop inside the sandbox ends the command when this process was away.
    if facts.stopped_by_us || (code != 0 && facts.took >= facts.timeout) {
        return say(Verdict::TimedOut, format!("timed out after {seconds} s"));
    }
    // Before the code: a child that died of it can leave code 0 behind.
    if out_of_memory {
        return say(Verdict::Failed, format!("failed: out of memory ({} MiB)", facts.memory >> 20));
    }
    match code {
        0 => passed(facts, say),
        // Killed, terminated or unknown, and not by us: the engine or the machine, as far as anybody can tell.
        137 | 143 | 255 => say(Verdict::Broken, format!("ended from outside with code {code}")),
        126 | 127 => say(Verdict::Failed, format!("failed: exit code {code}, its command could not be run")),
        _ => say(Verdict::Failed, format!("failed: exit code {code}{}", counted(facts.recognised))),
    }
}

fn passed(facts: &Facts<'_>, say: impl Fn(Verdict, String) -> Judgement) -> Judgement {
    if facts.output_lost {
        return say(Verdict::Broken, "its output was lost on the way, so nobody knows what ran".to_owned());
    }
    if let Some(runner) = facts.recognised.ran_nothing() {
        return say(Verdict::Failed, format!("failed: {} ran no tests", runner.as_str()));
    }
    Judgement { hint: None, ..say(Verdict::Passed, format!("passed{}", counted(facts.recognised))) }
}

fn counted(recognised: &Recognised) -> String {
    let summary = recognised.summary();
    if summary.is_empty() { summary } else { format!(" ({summary})") }
}

fn hint(recognised: &Recognised) -> Option<String> {
    if let Some(program) = &recognised.missing_program {
        return Some(format!(
            "`{program}` is not in the image; what gates need belongs in the project's image"
        ));
    }
    let network = "gates have no network: what they need belongs in the project's image";
    recognised.wanted_network.then(|| network.to_owned())
}

#[cfg(test)]
mod tests;
