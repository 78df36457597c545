//! Runs gates: fills a volume, runs the command on it, and leaves nothing behind.
//!
//! Owns the order of the steps, the command's own timeout and the cleaning up, which happens on every path: at
//! the end, on errors, when cancelled and when dropped. Whatever the engine does wrong is a verdict `Broken`
//! and no error. Start with [`run_gate`].

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::findings::finding;
use super::output::{Kept, Lines};
use super::recognise::{Recognised, Recogniser};
use super::spec::{CHECKOUT_TIME, GateJob, READY};
use super::traces::Traces;
use super::verdict::{Facts, Verdict, judge};
use crate::clock::Clock;
use crate::domain::finding::Finding;
use crate::domain::signature::Signature;
use crate::domain::text::one_line;
use crate::executor::{Attached, Chunk, Executor, ExecutorError, Exit, SandboxId, Seen, Signal};

const KILL_AFTER: Duration = Duration::from_secs(10);
const LOST_AFTER: Duration = Duration::from_secs(30);
/// Output may still be on its way when the engine says that the command ended.
const DRAIN: Duration = Duration::from_secs(30);
const REATTACHES: u32 = 5;

/// What one gate came to.
#[derive(Debug, Clone, PartialEq)]
pub struct GateReport {
    pub gate: String,
    pub verdict: Verdict,
    /// One line: `passed (pytest: 12 tests)`, or why not.
    pub summary: String,
    /// For the author of the work; empty unless failed or timed out.
    pub findings: Vec<Finding>,
    pub recognised: Recognised,
    /// What it said, without what differs from try to try.
    pub signature: Signature,
    /// The command itself could not be run, whatever the work is.
    pub unrunnable: bool,
    /// Of the whole gate, checkout included.
    pub seconds: f64,
    pub output_bytes: u64,
    /// What could not be removed: the next sweep has to.
    pub left_behind: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum GateError {
    #[error("gate `{0}` was stopped")]
    Cancelled(String),
    /// The journal or the log could not take what happened.
    #[error("cannot record gate `{gate}`: {source}")]
    Watch { gate: String, source: Box<dyn std::error::Error + Send + Sync> },
}

/// Who reads along. An error ends the gate; what it made is removed first.
pub trait GateWatch: Send {
    type Error: std::error::Error + Send + Sync + 'static;
    /// Before anything is created: the place to journal the intent.
    fn starting(&mut self, job: &GateJob) -> Result<(), Self::Error>;
    fn output(&mut self, job: &GateJob, chunk: &Chunk) -> Result<(), Self::Error>;
    fn ended(&mut self, job: &GateJob, report: &GateReport) -> Result<(), Self::Error>;
}

/// Runs one gate in sandboxes of its own.
pub async fn run_gate<W: GateWatch>(
    executor: &Arc<dyn Executor>,
    clock: &dyn Clock,
    job: &GateJob,
    watch: &mut W,
    cancel: &CancellationToken,
) -> Result<GateReport, GateError> {
    let watched =
        |source: W::Error| GateError::Watch { gate: job.gate.name.clone(), source: Box::new(source) };
    watch.starting(job).map_err(watched)?;
    let start = clock.elapsed();
    let mut traces = Traces::new(Arc::clone(executor));
    let ended = tokio::select! {
        biased;
        () = cancel.cancelled() => Err(Stop::Cancelled),
        ended = steps(clock, job, watch, &mut traces) => ended,
    };
    let left_behind = traces.remove().await;
    let mut report = match ended {
        Ok(followed) => report(job, followed),
        Err(Stop::Broken(why)) => broken(job, why),
        Err(Stop::Watch(source)) => return Err(watched(source)),
        Err(Stop::Cancelled) => return Err(GateError::Cancelled(job.gate.name.clone())),
    };
    report.seconds = clock.elapsed().saturating_sub(start).as_secs_f64();
    report.left_behind = left_behind;
    watch.ended(job, &report).map_err(watched)?;
    Ok(report)
}

/// Why the steps ended early.
enum Stop<E> {
    Cancelled,
    Broken(String),
    Watch(E),
}

fn engine<E>(what: &'static str) -> impl FnOnce(ExecutorError) -> Stop<E> {
    move |error| Stop::Broken(format!("cannot {what}: {error}"))
}

async fn steps<W: GateWatch>(
    clock: &dyn Clock,
    job: &GateJob,
    watch: &mut W,
    traces: &mut Traces,
) -> Result<Followed, Stop<W::Error>> {
    traces.create_volume(&job.volume()).await.map_err(engine("make the gate's volume"))?;
    let mut checkout = traces.start(&job.checkout_spec()).await.map_err(engine("start the checkout"))?;
    let ready = tokio::time::timeout(CHECKOUT_TIME, until_ready(&mut checkout.1)).await;
    let ready = ready.unwrap_or_else(|_| Err(NotReady("it took too long".to_owned())));
    ready.map_err(|NotReady(why)| Stop::Broken(format!("cannot check out {}: {why}", job.commit.short())))?;
    let started = clock.elapsed();
    let (id, attached) = traces.start(&job.gate_spec()).await.map_err(engine("start the gate"))?;
    let executor = traces.executor();
    let mut follow = Follow {
        executor: &*executor,
        job,
        id,
        watch,
        followed: Followed::default(),
        lines: Lines::default(),
        recogniser: Recogniser::default(),
    };
    follow.until_the_end(attached).await?;
    let Follow { mut followed, mut lines, mut recogniser, .. } = follow;
    lines.end(|line| recogniser.line(line));
    followed.recognised = recogniser.finish();
    followed.took = clock.elapsed().saturating_sub(started);
    // Until here: the volume lies in memory and must stay mounted somewhere while the gate begins.
    drop(checkout);
    Ok(followed)
}

/// What the checkout said instead of `ready`.
pub(super) struct NotReady(pub(super) String);

/// Reads the checkout's output until it says that `/work` is complete.
pub(super) async fn until_ready(attached: &mut Attached) -> Result<(), NotReady> {
    let (mut out, mut said) = (Lines::default(), Kept::default());
    while let Some(chunk) = attached.output.recv().await {
        match chunk.map_err(|error| NotReady(error.to_string()))? {
            Chunk::Stdout(bytes) => {
                let mut ready = false;
                out.push(&bytes, |line| ready |= line == READY);
                if ready {
                    return Ok(());
                }
                said.push(&bytes);
            }
            Chunk::Stderr(bytes) => said.push(&bytes),
        }
    }
    let said = said.text();
    let last = said.trim().lines().last().unwrap_or("it ended without a word");
    Err(NotReady(one_line(last, 300)))
}

/// A gate's command, followed to its end.
#[derive(Debug, Default)]
struct Followed {
    exit: Option<Exit>,
    stopped_by_us: bool,
    output_lost: bool,
    took: Duration,
    kept: Kept,
    recognised: Recognised,
}

struct Follow<'a, W> {
    executor: &'a dyn Executor,
    job: &'a GateJob,
    id: SandboxId,
    watch: &'a mut W,
    followed: Followed,
    lines: Lines,
    recogniser: Recogniser,
}

/// How far we went to end a command that does not end.
#[derive(Clone, Copy)]
enum Ending {
    NotYet,
    Termed,
    Killed,
}

impl<W: GateWatch> Follow<'_, W> {
    async fn until_the_end(&mut self, attached: Attached) -> Result<(), Stop<W::Error>> {
        let (executor, id) = (self.executor, self.id.clone());
        let mut output = Some(attached);
        let mut seen = Seen::default();
        let mut reattaches = 0;
        let mut ending = Ending::NotYet;
        let mut alarm = Box::pin(tokio::time::sleep(self.job.gate.timeout.get()));
        let mut exit = Box::pin(executor.wait(&id));
        while self.followed.exit.is_none() || output.is_some() {
            tokio::select! {
                // In a fixed order, so that a simulated night can be played again; a flood holds up no alarm.
                biased;
                () = &mut alarm => {
                    if self.followed.exit.is_some() {
                        self.followed.output_lost = true;
                        break;
                    }
                    ending = self.press(ending).await?;
                    let next = if matches!(ending, Ending::Termed) { KILL_AFTER } else { LOST_AFTER };
                    alarm.as_mut().reset(tokio::time::Instant::now() + next);
                }
                exited = &mut exit, if self.followed.exit.is_none() => {
                    self.followed.exit = Some(exited.map_err(engine("wait for the gate"))?);
                    alarm.as_mut().reset(tokio::time::Instant::now() + DRAIN);
                }
                chunk = next(&mut output), if output.is_some() => match chunk {
                    Some(Ok(chunk)) => self.take(&chunk, &mut seen)?,
                    None => output = None,
                    Some(Err(_)) => {
                        reattaches += 1;
                        tokio::time::sleep(Duration::from_millis(200) * reattaches).await;
                        output = if reattaches > REATTACHES { None } else { executor.attach(&id, seen).await.ok() };
                        self.followed.output_lost = output.is_none();
                    }
                },
            }
        }
        Ok(())
    }

    fn take(&mut self, chunk: &Chunk, seen: &mut Seen) -> Result<(), Stop<W::Error>> {
        self.watch.output(self.job, chunk).map_err(Stop::Watch)?;
        let bytes = match chunk {
            Chunk::Stdout(bytes) => {
                seen.stdout += bytes.len() as u64;
                bytes
            }
            Chunk::Stderr(bytes) => {
                seen.stderr += bytes.len() as u64;
                bytes
            }
        };
        self.followed.kept.push(bytes);
        let recogniser = &mut self.recogniser;
        self.lines.push(bytes, |line| recogniser.line(line));
        Ok(())
    }

    /// The next, harder way to end the command. A signal that fails is followed by the next all the same.
    async fn press(&mut self, ending: Ending) -> Result<Ending, Stop<W::Error>> {
        self.followed.stopped_by_us = true;
        let (signal, next) = match ending {
            Ending::NotYet => (Signal::Term, Ending::Termed),
            Ending::Termed => (Signal::Kill, Ending::Killed),
            Ending::Killed => {
                return Err(Stop::Broken("killed, and the engine says it still runs".to_owned()));
            }
        };
        drop(self.executor.signal(&self.id, signal).await);
        Ok(next)
    }
}

async fn next(output: &mut Option<Attached>) -> Option<Result<Chunk, ExecutorError>> {
    output.as_mut()?.output.recv().await
}

fn report(job: &GateJob, followed: Followed) -> GateReport {
    let Some(exit) = followed.exit else { return broken(job, "it ended without an exit".to_owned()) };
    let judgement = judge(&Facts {
        exit,
        stopped_by_us: followed.stopped_by_us,
        took: followed.took,
        timeout: job.gate.timeout.get(),
        output_lost: followed.output_lost,
        memory: job.limits.memory,
        recognised: &followed.recognised,
    });
    let text = followed.kept.text();
    let silent = followed.recognised.counts.is_empty() && judgement.verdict == Verdict::Failed;
    // Where no runner summed up, the last line that says something is the best reason there is.
    let why = match last_words(&text).filter(|_| silent) {
        Some(words) => format!("{}: {words}", judgement.why),
        None => judgement.why,
    };
    let findings = match judgement.verdict {
        Verdict::Passed | Verdict::Broken => Vec::new(),
        Verdict::Failed | Verdict::TimedOut => {
            vec![finding(&job.gate.name, &why, &text, judgement.hint.as_deref())]
        }
    };
    let missing = followed.recognised.missing_program.is_some();
    let unrunnable = matches!(exit.code, 126 | 127) || (missing && exit.code != 0 && silent);
    let source = format!("gate:{}:{}", job.gate.run, exit.code);
    let summary = match &judgement.hint {
        Some(hint) => format!("{why}; {hint}"),
        None => why,
    };
    GateReport {
        gate: job.gate.name.clone(),
        verdict: judgement.verdict,
        summary,
        findings,
        signature: Signature::of(&source, &text),
        unrunnable,
        output_bytes: followed.kept.total(),
        recognised: followed.recognised,
        seconds: 0.0,
        left_behind: Vec::new(),
    }
}

/// The last line of an output that says something.
fn last_words(text: &str) -> Option<String> {
    let says = |line: &&str| line.chars().filter(|c| c.is_alphabetic()).count() >= 3;
    text.lines().rev().find(says).map(|line| one_line(line, 160))
}

fn broken(job: &GateJob, why: String) -> GateReport {
    GateReport {
        gate: job.gate.name.clone(),
        verdict: Verdict::Broken,
        signature: Signature::of("gate", &why),
        unrunnable: false,
        summary: why,
        findings: Vec::new(),
        recognised: Recognised::default(),
        seconds: 0.0,
        output_bytes: 0,
        left_behind: Vec::new(),
    }
}
