//! The model's API of a simulated night, and the gateways in front of it.
//!
//! Owns what the account has left, which troubles are on, what each run truly spent, and the double of
//! [`Gateways`]: a door a run, with the meter the engine reads. It speaks no HTTP: agents ask in plain calls.
//! Start with [`Upstream::ask`] and [`Doors`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;

use crate::clock::Clock;
use crate::domain::usage::{PriceTable, Usage};
use crate::gateway::breaker::{self, Last};
use crate::gateway::meter::{MeterReading, UpstreamFailure};
use crate::gateway::standing::Standing;
use crate::gateway::{GatewayError, GatewaySpec, Gateways, Outlet};

const LOCK: &str = "no holder of this lock panics";

/// What is wrong with the API for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// 529.
    Overloaded,
    /// 500.
    Broken,
    /// 429 with so many seconds to wait.
    Throttled(u64),
    /// 401.
    Unauthorised,
    /// 400, credit too low.
    Credit,
    /// The stream breaks off in the middle.
    Reset,
    /// The stream stalls.
    Stalled,
}

/// What an agent gets for a request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Answer {
    Fine {
        utilization: f64,
        resets_at: i64,
    },
    UsageLimit {
        resets_at: i64,
    },
    Wrong(Trouble),
    /// Our gateway refused it: the money is spent.
    OverBudget,
    /// Our gateway holds it back: the upstream said this last.
    Held(Option<u16>),
    /// Nobody listens at the socket.
    NoGateway,
}

/// The account's limit window.
#[derive(Debug, Clone, Copy, Default)]
struct Window {
    /// Tokens a window allows; 0 is no limit.
    allows: u64,
    used: u64,
    /// Elapsed time at which it begins anew.
    ends: Duration,
    length: Duration,
}

#[derive(Debug, Default)]
struct Account {
    troubles: Vec<(Trouble, Duration)>,
    window: Window,
    /// A limit set by a fault: until when, and what the API says about that.
    limited: Option<(Duration, i64)>,
    /// What each run truly cost.
    spent: BTreeMap<String, f64>,
    requests: u64,
    refused: u64,
    /// When requests were refused: for the question whether a burst came.
    refusals: Vec<Duration>,
}

/// The API, shared by all runs of the night.
pub(super) struct Upstream {
    account: Mutex<Account>,
    clock: Arc<dyn Clock>,
    prices: PriceTable,
}

impl Upstream {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { account: Mutex::default(), clock, prices: crate::domain::prices::list_prices() }
    }

    pub(super) fn trouble(&self, trouble: Trouble, lasts: Duration) {
        let until = self.clock.elapsed() + lasts;
        self.account.lock().expect(LOCK).troubles.push((trouble, until));
    }

    /// From now on nothing is answered until then; `told` is what the API says of the reset.
    pub(super) fn limit(&self, lasts: Duration, told: i64) {
        self.account.lock().expect(LOCK).limited = Some((self.clock.elapsed() + lasts, told));
    }

    /// Every trouble is over.
    pub(super) fn mend(&self) {
        let mut account = self.account.lock().expect(LOCK);
        account.troubles.clear();
        account.limited = None;
    }

    /// A window of so many tokens, again and again.
    pub(super) fn allow(&self, tokens: u64, length: Duration) {
        let window = Window { allows: tokens, used: 0, ends: self.clock.elapsed() + length, length };
        self.account.lock().expect(LOCK).window = window;
    }

    /// One request of a run.
    fn ask(&self, run: &str, model: &str, usage: Usage) -> Answer {
        let now = self.clock.elapsed();
        let wall = self.clock.now().timestamp();
        let mut account = self.account.lock().expect(LOCK);
        account.requests += 1;
        account.troubles.retain(|(_, until)| *until > now);
        account.limited.take_if(|(until, _)| *until <= now);
        let answer = if let Some((trouble, _)) = account.troubles.last() {
            Answer::Wrong(*trouble)
        } else if let Some((_, told)) = account.limited {
            Answer::UsageLimit { resets_at: told }
        } else {
            account.window.answer(now, wall, usage)
        };
        match answer {
            Answer::Fine { .. } | Answer::Wrong(Trouble::Reset) => {
                *account.spent.entry(run.to_owned()).or_default() += self.prices.cost(model, usage);
            }
            _ => {
                account.refused += 1;
                account.refusals.push(now);
            }
        }
        answer
    }

    pub(super) fn spent(&self) -> BTreeMap<String, f64> {
        self.account.lock().expect(LOCK).spent.clone()
    }

    /// All requests, and those that were refused.
    pub(super) fn requests(&self) -> (u64, u64) {
        let account = self.account.lock().expect(LOCK);
        (account.requests, account.refused)
    }

    /// The most requests refused within one such span.
    pub(super) fn worst_burst(&self, span: Duration) -> usize {
        let account = self.account.lock().expect(LOCK);
        let (all, mut from, mut worst) = (&account.refusals, 0, 0);
        for (at, moment) in all.iter().enumerate() {
            while *moment - all[from] > span {
                from += 1;
            }
            worst = worst.max(at - from + 1);
        }
        worst
    }
}

impl Window {
    fn answer(&mut self, now: Duration, wall: i64, usage: Usage) -> Answer {
        if self.allows == 0 {
            return Answer::Fine { utilization: 0.1, resets_at: wall + 3600 };
        }
        while self.ends <= now {
            self.ends += self.length;
            self.used = 0;
        }
        let left = i64::try_from((self.ends - now).as_secs()).unwrap_or(i64::MAX);
        if self.used >= self.allows {
            return Answer::UsageLimit { resets_at: wall.saturating_add(left) };
        }
        self.used += usage.input + usage.output;
        #[expect(clippy::cast_precision_loss, reason = "token counts stay far below 2^52")]
        let utilization = (self.used as f64 / self.allows as f64).min(1.0);
        Answer::Fine { utilization, resets_at: wall.saturating_add(left) }
    }
}

/// One open gateway.
struct Door {
    number: u64,
    standing: Arc<Standing>,
    reading: watch::Sender<MeterReading>,
    prices: PriceTable,
    left: Option<f64>,
}

/// Every open gateway by its directory. Outlives daemons; what a dead one opened is closed with it.
#[derive(Clone)]
pub(super) struct Doors {
    open: Arc<Mutex<(u64, BTreeMap<PathBuf, Door>)>>,
    pub(super) upstream: Arc<Upstream>,
}

impl Doors {
    pub(super) fn new(upstream: Arc<Upstream>) -> Self {
        Self { open: Arc::default(), upstream }
    }

    pub(super) fn open_now(&self) -> usize {
        self.open.lock().expect(LOCK).1.len()
    }

    /// One request through the door of a directory: held back by the house's own breaker, as by the real one.
    pub(super) async fn ask(&self, dir: &Path, run: &str, model: &str, usage: Usage) -> Answer {
        let standing = {
            let open = self.open.lock().expect(LOCK);
            let Some(door) = open.1.get(dir) else { return Answer::NoGateway };
            if door.reading.borrow().over_budget {
                return Answer::OverBudget;
            }
            Arc::clone(&door.standing)
        };
        let mut permit = match standing.admit().await {
            Ok(permit) => permit,
            Err(last) => return Answer::Held(last.status),
        };
        let mut open = self.open.lock().expect(LOCK);
        let Some(door) = open.1.get_mut(dir) else { return Answer::NoGateway };
        let answer = self.upstream.ask(run, model, usage);
        standing.account(&headers(answer));
        permit.heard(heard(answer));
        let now = self.upstream.clock.elapsed();
        let (left, price) = (door.left, door.prices.cost(model, usage));
        door.reading.send_modify(|reading| {
            reading.requests += 1;
            reading.last_activity = now;
            match answer {
                Answer::Fine { .. } | Answer::Wrong(Trouble::Reset) => {
                    *reading.usage.entry(model.to_owned()).or_default() += usage;
                    reading.cost_usd += price;
                    reading.over_budget = left.is_some_and(|left| reading.cost_usd >= left);
                }
                other => {
                    reading.upstream_errors += 1;
                    let status = status(other);
                    reading.last_failure = Some(UpstreamFailure { status, class: "status" });
                }
            }
        });
        answer
    }
}

/// What an answer means for the breaker.
fn heard(answer: Answer) -> breaker::Answer {
    let down = |status, class| breaker::Answer::Down(Last { status, class });
    match answer {
        Answer::Wrong(Trouble::Overloaded | Trouble::Broken) => down(status(answer), "status"),
        Answer::Wrong(Trouble::Throttled(after)) => {
            breaker::Answer::Throttled { retry_after: Some(Duration::from_secs(after)) }
        }
        Answer::Wrong(Trouble::Stalled) => down(None, "timeout"),
        _ => breaker::Answer::Alive,
    }
}

/// The headers that tell how full the account's window is.
fn headers(answer: Answer) -> BTreeMap<String, String> {
    let (status, full, reset) = match answer {
        Answer::Fine { utilization, resets_at } => ("allowed", utilization, resets_at),
        Answer::UsageLimit { resets_at } => ("rejected", 1.0, resets_at),
        _ => return BTreeMap::new(),
    };
    let name = |end: &str| format!("anthropic-ratelimit-unified-{end}");
    BTreeMap::from([
        (name("status"), status.to_owned()),
        (name("5h-utilization"), full.to_string()),
        (name("5h-reset"), reset.to_string()),
    ])
}

/// The HTTP status of an answer that is none.
pub(super) fn status(answer: Answer) -> Option<u16> {
    match answer {
        Answer::Held(status) => status,
        Answer::UsageLimit { .. } | Answer::OverBudget | Answer::Wrong(Trouble::Throttled(_)) => Some(429),
        Answer::Wrong(Trouble::Overloaded) => Some(529),
        Answer::Wrong(Trouble::Broken) => Some(500),
        Answer::Wrong(Trouble::Unauthorised) => Some(401),
        Answer::Wrong(Trouble::Credit) => Some(400),
        Answer::Wrong(Trouble::Reset | Trouble::Stalled) | Answer::NoGateway | Answer::Fine { .. } => None,
    }
}

impl Gateways for Doors {
    fn open(&self, spec: GatewaySpec) -> Result<Box<dyn Outlet>, GatewayError> {
        let left = spec.limits.cost_usd.map(|cap| cap - spec.already_spent_usd);
        let first = MeterReading {
            last_activity: spec.clock.elapsed(),
            over_budget: left.is_some_and(|left| left <= 0.0),
            ..MeterReading::default()
        };
        let mut open = self.open.lock().expect(LOCK);
        open.0 += 1;
        let number = open.0;
        let reading = watch::Sender::new(first);
        let outlet = VirtualOutlet {
            doors: self.clone(),
            dir: spec.dir.clone(),
            number,
            reading: reading.subscribe(),
            closed: AtomicBool::new(false),
        };
        let door = Door { number, standing: spec.standing, reading, prices: spec.prices, left };
        open.1.insert(spec.dir, door);
        Ok(Box::new(outlet))
    }
}

struct VirtualOutlet {
    doors: Doors,
    dir: PathBuf,
    number: u64,
    reading: watch::Receiver<MeterReading>,
    closed: AtomicBool,
}

impl VirtualOutlet {
    fn shut(&self) {
        if self.closed.swap(true, Ordering::SeqCst) {
            return;
        }
        let mut open = self.doors.open.lock().expect(LOCK);
        // A later process may have opened the same directory again.
        if open.1.get(&self.dir).is_some_and(|door| door.number == self.number) {
            open.1.remove(&self.dir);
        }
    }
}

impl Drop for VirtualOutlet {
    fn drop(&mut self) {
        self.shut();
    }
}

#[async_trait::async_trait]
impl Outlet for VirtualOutlet {
    fn meter(&self) -> watch::Receiver<MeterReading> {
        self.reading.clone()
    }

    async fn close(self: Box<Self>) -> MeterReading {
        let last = self.reading.borrow().clone();
        self.shut();
        last
    }
}
