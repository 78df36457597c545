use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::*;
use crate::domain::event::Body;
use crate::domain::run::Cause;

mod disk;

const SECRET: &[u8] = b"sixteen bytes at least";

fn start() -> DateTime<Utc> {
    "2026-11-21T22:00:00Z".parse().unwrap()
}

fn minutes(n: i64) -> TimeDelta {
    TimeDelta::minutes(n)
}

/// A daemon that beats every three minutes and promises the next within six.
struct Play {
    watchman: Watchman,
    now: DateTime<Utc>,
    /// The sender's clock is off by this.
    skew: TimeDelta,
    seq: u64,
    told: Vec<String>,
}

impl Play {
    fn new() -> Self {
        Self {
            watchman: Watchman::default(),
            now: start(),
            skew: TimeDelta::zero(),
            seq: 1,
            told: Vec::new(),
        }
    }

    fn beat(&self, state: Standing) -> Beat {
        let at = self.now + self.skew;
        Beat {
            host: "desk".into(),
            state,
            at,
            next_by: Some(at + minutes(6)),
            progress_seq: self.seq,
            meter: 0,
            stall_s: None,
        }
    }

    fn hear(&mut self, state: Standing) -> &mut Self {
        let beat = self.beat(state);
        self.watchman.hear(&beat, self.now, Rules::default()).unwrap();
        self.look()
    }

    fn look(&mut self) -> &mut Self {
        for message in self.watchman.look(self.now, Rules::default()) {
            self.told.push(message.title.clone());
            self.watchman.told(&message);
        }
        self
    }

    /// So many minutes with a beat every third.
    fn beats(&mut self, n: i64, state: Standing) -> &mut Self {
        for _ in 0..n / 3 {
            self.now += minutes(3);
            self.hear(state);
        }
        self
    }

    /// So many minutes of silence, looked at each minute.
    fn silence(&mut self, n: i64) -> &mut Self {
        for _ in 0..n {
            self.now += minutes(1);
            self.look();
        }
        self
    }
}

#[test]
fn a_host_that_is_gone_is_told_once_and_when_it_is_back() {
    let mut play = Play::new();
    play.hear(Standing::Idle).silence(6);
    assert!(play.told.is_empty(), "{:?}", play.told);
    play.silence(300);
    assert_eq!(play.told, ["desk is silent"]);
    assert!(play.watchman.is_alarmed());
    play.hear(Standing::Idle).beats(60, Standing::Idle);
    assert_eq!(play.told, ["desk is silent", "desk is well again"]);
    play.silence(7);
    assert_eq!(play.told.len(), 3, "a second incident is a second alarm");
}

#[test]
fn a_power_cut_is_told_within_ten_minutes() {
    let mut play = Play::new();
    play.hear(Standing::Advancing).silence(10);
    assert_eq!(play.told, ["desk is silent"]);
}

#[test]
fn beads_that_stand_still_are_told_and_progress_ends_it() {
    let mut play = Play::new();
    play.hear(Standing::Advancing).beats(30, Standing::Advancing);
    assert!(play.told.is_empty());
    play.beats(30, Standing::Advancing);
    assert_eq!(play.told, ["desk stands still"]);
    play.seq += 1;
    play.beats(3, Standing::Advancing);
    assert_eq!(play.told, ["desk stands still", "desk is well again"]);
    let mut moving = Play::new();
    for _ in 0..100 {
        moving.seq += 1;
        moving.beats(27, Standing::Advancing);
    }
    assert!(moving.told.is_empty());
}

#[test]
fn what_a_beat_says_of_its_patience_goes_first() {
    let mut play = Play::new();
    let mut watchman = Watchman::default();
    let mut told = 0;
    for _ in 0..10 {
        let beat = Beat { stall_s: Some(600), ..play.beat(Standing::Advancing) };
        watchman.hear(&beat, play.now, Rules::default()).unwrap();
        told += watchman.look(play.now, Rules::default()).len();
        play.now += minutes(3);
    }
    assert!(told > 0);
}

#[test]
fn answers_of_a_model_are_progress_although_no_event_is() {
    let mut play = Play::new();
    let mut watchman = Watchman::default();
    for n in 0..100 {
        let beat = Beat { meter: n, ..play.beat(Standing::Advancing) };
        watchman.hear(&beat, play.now, Rules::default()).unwrap();
        assert!(watchman.look(play.now, Rules::default()).is_empty());
        play.now += minutes(3);
    }
}

#[test]
fn a_suspended_night_and_a_closed_window_alarm_nobody_as_long_as_they_beat() {
    for state in [Standing::Suspended, Standing::Closed, Standing::Idle] {
        let mut play = Play::new();
        play.hear(state).beats(600, state);
        assert!(play.told.is_empty(), "{state:?}: {:?}", play.told);
        play.silence(7);
        assert_eq!(play.told, ["desk is silent"], "{state:?}");
    }
}

#[test]
fn work_after_a_pause_has_its_whole_time() {
    let mut play = Play::new();
    play.hear(Standing::Advancing).beats(30, Standing::Advancing);
    play.beats(300, Standing::Suspended).beats(30, Standing::Advancing);
    assert!(play.told.is_empty(), "{:?}", play.told);
}

#[test]
fn a_daemon_that_leaves_on_purpose_is_not_missed() {
    let mut play = Play::new();
    play.hear(Standing::Advancing);
    play.now += minutes(1);
    let beat = Beat { next_by: None, ..play.beat(Standing::Closed) };
    play.watchman.hear(&beat, play.now, Rules::default()).unwrap();
    play.silence(5000);
    assert!(play.told.is_empty(), "{:?}", play.told);
}

#[test]
fn a_clock_that_is_off_by_a_little_shifts_no_deadline() {
    for skew in [-9, 9] {
        let mut play = Play::new();
        play.skew = minutes(skew);
        play.hear(Standing::Idle).silence(6);
        assert!(play.told.is_empty(), "{skew}: {:?}", play.told);
        play.silence(1);
        assert_eq!(play.told, ["desk is silent"], "{skew}");
    }
}

#[test]
fn a_clock_that_is_off_by_much_is_told_with_the_alarm() {
    let mut play = Play::new();
    play.hear(Standing::Idle);
    play.skew = minutes(-14);
    let mut text = String::new();
    for _ in 0..4 {
        play.now += minutes(3);
        let beat = play.beat(Standing::Idle);
        assert!(play.watchman.hear(&beat, play.now, Rules::default()).is_err());
        for message in play.watchman.look(play.now, Rules::default()) {
            text = message.text;
        }
    }
    assert!(text.contains("beats come that are not believed"), "{text}");
}

#[test]
fn a_replayed_beat_keeps_nobody_alive() {
    let mut play = Play::new();
    let beat = play.beat(Standing::Idle);
    play.watchman.hear(&beat, play.now, Rules::default()).unwrap();
    for _ in 0..10 {
        play.now += minutes(1);
        let again = play.watchman.hear(&beat, play.now, Rules::default());
        assert_eq!(again, Err(Refused::Replayed { host: "desk".into() }));
        play.look();
    }
    assert_eq!(play.told, ["desk is silent"]);
    // Nor does an old one that was kept back.
    let late = Watchman::default().hear(&beat, start() + minutes(11), Rules::default());
    assert_eq!(late, Err(Refused::Skewed { host: "desk".into(), minutes: -11 }));
}

#[test]
fn a_watchman_that_was_away_waits_for_the_next_beat_before_it_alarms() {
    let mut play = Play::new();
    play.hear(Standing::Advancing);
    play.now += minutes(600);
    play.watchman.back(play.now);
    play.look().silence(6);
    assert!(play.told.is_empty());
    play.silence(1);
    assert_eq!(play.told, ["desk is silent"]);
}

#[test]
fn an_alarm_that_reached_nobody_is_told_again() {
    let mut play = Play::new();
    play.hear(Standing::Idle);
    play.now += minutes(7);
    let first = play.watchman.look(play.now, Rules::default());
    assert_eq!(first.len(), 1);
    assert_eq!(play.watchman.look(play.now, Rules::default()).len(), 1);
    play.watchman.told(&first[0]);
    assert!(play.watchman.look(play.now, Rules::default()).is_empty());
}

#[test]
fn signatures_are_of_this_body_and_this_secret() {
    // The test vector of RFC 4231, case 2.
    let tag = sign(b"Jefe", b"what do ya want for nothing?");
    assert_eq!(tag, "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    let good = sign(SECRET, b"body");
    assert!(verify(SECRET, b"body", &good));
    assert!(!verify(SECRET, b"bodY", &good));
    assert!(!verify(b"another secret of ours", b"body", &good));
    for bad in ["", "sha256=", "sha256=zz", &good[7..], &good[..70], "sha256=é"] {
        assert!(!verify(SECRET, b"body", bad), "{bad}");
    }
}

#[test]
fn what_counts_as_a_bead_advancing() {
    let notice = Body::Notice { text: String::new() };
    let recovered = Body::Recovered { what: String::new(), phase: None };
    let opened = Body::NightOpened { night: String::new(), until: None, prospect: None };
    for body in [notice, recovered, opened, Body::ByHand { what: String::new() }] {
        assert!(!advances(&body), "{body:?}");
    }
    let suspended = Body::Suspended { cause: Cause::new("user"), reason: String::new(), until: None };
    for body in [Body::Claimed, Body::WorkspaceReady, suspended, Body::Settled] {
        assert!(advances(&body), "{body:?}");
    }
}

proptest! {
    #[test]
    fn no_signature_of_chance_is_good_and_none_breaks_it(header in ".{0,90}", body in proptest::collection::vec(any::<u8>(), 0..60)) {
        prop_assert!(!verify(SECRET, &body, &header) || header == sign(SECRET, &body));
    }

    /// Whatever comes in whatever order: at most one untold incident a host, and no panic.
    #[test]
    fn any_order_of_beats_is_survived(steps in proptest::collection::vec((0i64..40, 0u8..6, -700i64..700), 0..60)) {
        let mut play = Play::new();
        for (wait, kind, skew) in steps {
            play.now += minutes(wait);
            play.skew = TimeDelta::seconds(skew);
            let state = [Standing::Advancing, Standing::Idle, Standing::Suspended, Standing::Closed][usize::from(kind % 4)];
            let beat = Beat { next_by: (kind != 5).then(|| play.now + minutes(wait)), ..play.beat(state) };
            let _ = play.watchman.hear(&beat, play.now, Rules::default());
            prop_assert!(play.watchman.look(play.now, Rules::default()).len() <= 1);
            play.look();
            prop_assert!(play.watchman.look(play.now, Rules::default()).is_empty());
        }
    }
}
