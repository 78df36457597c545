use super::*;
use crate::clock::{Seeded, SystemClock};

fn standing() -> Arc<Standing> {
    Arc::new(Standing::new(Arc::new(SystemClock::default()), Arc::new(Seeded::new(1))))
}

fn headers(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(k, v)| (format!("anthropic-ratelimit-unified-{k}"), (*v).to_owned())).collect()
}

#[test]
fn the_fullest_limit_counts_with_its_own_reset() {
    let all = headers(&[
        ("status", "allowed_warning"),
        ("5h-utilization", "0.5"),
        ("5h-reset", "1800000000"),
        ("7d-utilization", "0.93"),
        ("7d-reset", "1800500000"),
    ]);
    let account = read_account(&all).unwrap();
    assert_eq!(account.utilization, Some(0.93));
    assert_eq!(account.resets_at.unwrap().timestamp(), 1_800_500_000);
    assert!(!account.rejected);
    assert_eq!(read_account(&headers(&[("5h-utilization", "NaN")])), None);
    assert_eq!(read_account(&BTreeMap::new()), None);
}

#[test]
fn f20_a_retry_after_is_seconds_or_a_date() {
    let now = DateTime::parse_from_rfc3339("2026-11-21T03:00:00Z").unwrap().with_timezone(&Utc);
    assert_eq!(retry_after(" 5 ", now), Some(Duration::from_secs(5)));
    assert_eq!(retry_after("Sat, 21 Nov 2026 03:01:00 GMT", now), Some(Duration::from_mins(1)));
    assert_eq!(retry_after("Sat, 21 Nov 2026 02:00:00 GMT", now), Some(Duration::ZERO));
    assert_eq!(retry_after("soon", now), None);
}

#[tokio::test(start_paused = true)]
async fn f21_while_it_is_down_one_request_tries_and_the_others_hear_it_at_once() {
    let standing =
        Arc::new(Standing::new(Arc::new(Paused(tokio::time::Instant::now())), Arc::new(Seeded::new(1))));
    for _ in 0..4 {
        let mut permit = standing.admit().await.unwrap();
        permit.heard(Answer::Down(Last { status: Some(529), class: "status" }));
    }
    // Within the hold: everybody waits, one goes, the rest follow its success.
    let asked = (0..8).map(|_| {
        tokio::spawn({
            let standing = Arc::clone(&standing);
            async move {
                let permit = standing.admit().await;
                let probe = permit.as_ref().is_ok_and(|p| p.open);
                tokio::time::sleep(Duration::from_secs(1)).await;
                if let Ok(mut permit) = permit {
                    permit.heard(Answer::Alive);
                    Some(probe)
                } else {
                    None
                }
            }
        })
    });
    let asked: Vec<_> = asked.collect();
    let mut probes = 0;
    for one in asked {
        probes += usize::from(one.await.unwrap().expect("it recovered within the hold"));
    }
    assert_eq!(probes, 1);
    // A long pause is told at once.
    let mut permit = standing.admit().await.unwrap();
    permit.heard(Answer::Throttled { retry_after: Some(Duration::from_mins(30)) });
    let before = tokio::time::Instant::now();
    assert_eq!(standing.admit().await.unwrap_err().status, Some(429));
    assert_eq!(before.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn a_request_left_by_its_client_lets_another_try() {
    let standing = standing();
    standing.with(|b| b.heard(Duration::ZERO, Answer::Throttled { retry_after: None }, [0; 16]));
    standing.with(|b| assert_eq!(b.ask(Duration::from_secs(9)), Pass::Probe));
    drop(Permit { standing: Arc::clone(&standing), open: true });
    assert!(matches!(standing.subscribe().borrow().upstream, State::Open { .. }));
}

struct Paused(tokio::time::Instant);

impl Clock for Paused {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap() + self.elapsed()
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
