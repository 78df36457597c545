//! The agent of a simulated night: a seeded program in a scripted sandbox that speaks as Claude Code does.
//!
//! Owns what an agent does over its minutes: turns, tools, edits in its virtual clone, requests through its
//! gateway, and the many ways to go wrong. Its lines are `voice`'s, its requests end at `upstream`. Start with
//! [`play`].

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::forge::Forge;
use super::nature::Nature;
use super::time::Chance;
use super::upstream::{Answer, Trouble};
use super::voice::Voice;
use super::world::World;
use crate::executor::scripted::{Ending, Stage};
use crate::executor::spec::Purpose;

/// Retries of the client, as its environment asks for.
const RETRIES: u64 = 3;
/// A stalled stream is given up after this by the client itself.
const STALL: Duration = Duration::from_secs(300);
/// The file that many beads want to change.
pub(super) const SHARED: &str = "shared.txt";

/// What came on stdin while the agent was busy or idle.
enum Heard {
    /// Nothing: the time is over.
    Time,
    Message,
    Interrupt,
    EndSession,
}

/// Why the work of a turn stopped early.
pub(super) enum Broken {
    /// The request failed for good; the result is told already.
    Told,
    Interrupted,
    /// Asked to leave in the middle.
    Left,
}

pub(super) struct Agent {
    pub(super) world: Arc<World>,
    pub(super) stage: Stage,
    pub(super) voice: Voice,
    pub(super) chance: Chance,
    nature: Nature,
    pub(super) forge: Arc<Forge>,
    clone: PathBuf,
    door: PathBuf,
    run: String,
    pub(super) bead: String,
    attempt: u32,
    /// Turns of a task, the same for every container of an attempt.
    turns: u64,
    /// It is a reviewer.
    reads: bool,
}

/// Lives until the sandbox ends.
pub(super) async fn play(world: Arc<World>, stage: Stage) -> Ending {
    let labels = stage.spec().labels.clone();
    let Some(forge) = world.forge(&labels.project) else { return Ending::Code(127) };
    let _alive = world.begins(&labels.project, &labels.bead, &stage.spec().name);
    let option = |name: &str| {
        let argv = &stage.spec().argv;
        argv.iter().position(|word| word == name).and_then(|at| argv.get(at + 1)).cloned()
    };
    let session = option("--resume").or_else(|| option("--session-id")).unwrap_or_default();
    let known = format!("{}/{} {}", labels.project, labels.bead, labels.attempt);
    let agent = Agent {
        turns: 3 + Chance::of(world.seed(), &format!("turns of {known}")).below(5),
        chance: Chance::of(world.seed(), &known),
        nature: world.nature(&labels.project, &labels.bead),
        voice: Voice::new(session, &stage.spec().name),
        clone: stage.host("/work"),
        door: stage.host("/run/beadwork"),
        run: labels.run,
        bead: labels.bead,
        reads: stage.spec().purpose == Purpose::Review,
        attempt: labels.attempt,
        world,
        stage,
        forge,
    };
    agent.live().await
}

impl Agent {
    async fn live(mut self) -> Ending {
        let begin = self.chance.seconds(2, 6);
        tokio::time::sleep(begin).await;
        loop {
            let line = self.stage.read_line().await;
            match heard(&line) {
                Heard::EndSession => return self.leave().await,
                // Measured: nothing is printed before the first message, and then this.
                Heard::Message => self.say(|voice| voice.init()),
                Heard::Interrupt | Heard::Time => continue,
            }
            let done = if self.reads { self.review().await } else { self.work().await };
            match done {
                Ok(Some(ending)) => return ending,
                Ok(None) => {}
                Err(Broken::Left) => return Ending::Code(0),
                Err(Broken::Interrupted) => self.say(|voice| voice.aborted()),
                Err(Broken::Told) => {}
            }
        }
    }

    async fn leave(&mut self) -> Ending {
        if self.nature == Nature::NeverLeaves {
            return Ending::Never;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        Ending::Code(0)
    }

    /// One task from its message to its result. An ending where the process goes with it.
    async fn work(&mut self) -> Result<Option<Ending>, Broken> {
        let turns = self.turns;
        let done = self.world.turns_done(&self.run);
        for turn in done..turns {
            if let Some(ending) = self.misbehave(turn).await? {
                return Ok(Some(ending));
            }
            let tool = self.voice.tool(turn);
            self.stage.stdout(tool);
            let busy = self.chance.seconds(60, 420);
            self.pause(busy).await?;
            if turn + 2 >= turns {
                self.edit();
            }
            self.say(|voice| voice.tool_returns(turn));
            self.ask().await?;
            self.world.turn_done(&self.run, turn + 1);
        }
        // A conflict run has its turns behind it and its edit before it.
        self.edit();
        let last = self.last_words();
        if self.nature == Nature::ErrorResult {
            self.say(|voice| voice.error_result());
            return Ok(Some(Ending::Code(0)));
        }
        if self.nature == Nature::NeverLeaves {
            self.stage.ignore_term();
        }
        self.say(|voice| voice.result(&last));
        Ok(None)
    }

    fn last_words(&self) -> String {
        let begun = || !self.world.once(&self.bead, "asked");
        match self.nature {
            Nature::Nothing => "There is nothing to do.".to_owned(),
            // Beads that agents made have names of their own and wait for nothing.
            Nature::Blocked if self.is_given() && begun() => {
                format!("I have half of it.\n\nBLOCKED: the part that only {} needs is missing", self.bead)
            }
            Nature::Asking if self.is_given() => format!("QUESTION: which colour shall {} have?", self.bead),
            _ => "Done.".to_owned(),
        }
    }

    /// One of the beads that the night began with.
    fn is_given(&self) -> bool {
        self.bead.rsplit('-').next().is_some_and(|tail| tail.parse::<u32>().is_ok())
    }

    /// What a bad nature does in the middle of its work.
    async fn misbehave(&mut self, turn: u64) -> Result<Option<Ending>, Broken> {
        if turn != 1 {
            return Ok(None);
        }
        Ok(Some(match self.nature {
            Nature::Hang => Ending::Never,
            Nature::ToolHang => {
                let tool = self.voice.tool(99);
                self.stage.stdout(tool);
                Ending::Never
            }
            Nature::OutOfMemory => Ending::OutOfMemory(137),
            Nature::Crash => {
                self.stage.stderr("fatal: it crashed\n");
                Ending::Code(1)
            }
            Nature::Torn => {
                self.stage.stdout("{\"type\":\"assistant\",\"mess");
                Ending::Code(0)
            }
            Nature::ContextFull if self.attempt == 1 && !self.world.once(&self.run, "context") => {
                self.say(|voice| voice.too_long());
                return Err(Broken::Told);
            }
            Nature::Flood => {
                for _ in 0..40 {
                    self.stage.stdout(vec![b'x'; 64 << 10]);
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                Ending::Never
            }
            Nature::Trickle => loop {
                self.say(|voice| voice.ping());
                self.pause(Duration::from_secs(30)).await?;
            },
            _ => return Ok(None),
        }))
    }

    fn edit(&self) {
        let own = format!("src/{}.txt", self.bead);
        let words = |mark: &str| format!("{mark}: {} by attempt {}\n", self.bead, self.attempt);
        let edit = |path: &str, content: &str| self.forge.edit(&self.clone, path, content);
        let conflicts = self.forge.conflicts(&self.clone);
        if !conflicts.is_empty() {
            conflicts.iter().for_each(|path| edit(path, &words("good, of both sides")));
            return;
        }
        match self.nature {
            Nature::Nothing => {}
            Nature::SecondTry => {
                let tried = self.forge.content(&self.clone, &own).is_some() && self.attempt > 1;
                edit(&own, &words(if tried { "good" } else { "bad" }));
            }
            Nature::Hopeless => edit(&own, &words("bad")),
            Nature::Protected => {
                edit(&own, &words("good"));
                edit("ops/deploy.txt", &words("good"));
            }
            Nature::Shared => edit(SHARED, &words("good")),
            Nature::Meddler => {
                edit(&own, &words("good"));
                edit(".beads/notes.txt", &words("good"));
            }
            _ => edit(&own, &words("good")),
        }
    }

    /// One request with the client's own retries; a failure that stays is told as a result.
    pub(super) async fn ask(&mut self) -> Result<(), Broken> {
        let dear = if self.nature == Nature::Spender { 60 } else { 1 };
        let usage =
            self.voice.next_usage(self.chance.between(1500, 6000), dear * self.chance.between(300, 1200));
        for tried in 0..=RETRIES {
            let thinking = self.chance.seconds(4, 20);
            self.pause(thinking).await?;
            let answer = self.world.doors.ask(&self.door, &self.run, Voice::MODEL, usage).await;
            match answer {
                Answer::Fine { utilization, resets_at } => {
                    self.say(|voice| voice.answer(usage));
                    if utilization >= 0.5 {
                        self.say(|voice| voice.near_limit(utilization, resets_at));
                    }
                    return Ok(());
                }
                Answer::Wrong(Trouble::Reset) => self.say(|voice| voice.answer(usage)),
                Answer::Wrong(Trouble::Stalled) => self.pause(STALL).await?,
                _ => {}
            }
            // Measured: these two are told at once, without a retry.
            let hopeless = matches!(answer, Answer::UsageLimit { .. } | Answer::Wrong(Trouble::Credit));
            if tried == RETRIES || hopeless {
                self.say(|voice| voice.fails(answer));
                return Err(Broken::Told);
            }
            let wait = match answer {
                Answer::Wrong(Trouble::Throttled(after)) => Duration::from_secs(after.clamp(1, 300)),
                _ => Duration::from_millis(500 << tried),
            };
            self.say(|voice| voice.retry(tried + 1, wait, answer));
            self.pause(wait).await?;
        }
        Err(Broken::Told)
    }

    pub(super) fn say(&mut self, words: impl FnOnce(&mut Voice) -> String) {
        let lines = words(&mut self.voice);
        self.stage.stdout(lines);
    }

    /// Time passes, unless somebody speaks up.
    pub(super) async fn pause(&mut self, span: Duration) -> Result<(), Broken> {
        let end = tokio::time::Instant::now() + span;
        loop {
            let heard = tokio::select! {
                biased;
                line = self.stage.read_line() => heard(&line),
                () = tokio::time::sleep_until(end) => Heard::Time,
            };
            match heard {
                Heard::Time => return Ok(()),
                Heard::Interrupt => return Err(Broken::Interrupted),
                Heard::EndSession => return Err(Broken::Left),
                // What is said while it works comes after the running tool; it works on.
                Heard::Message => {}
            }
        }
    }
}

fn heard(line: &str) -> Heard {
    if line.contains("\"end_session\"") {
        Heard::EndSession
    } else if line.contains("\"interrupt\"") {
        Heard::Interrupt
    } else {
        Heard::Message
    }
}
