use chrono::DateTime;
use futures_util::{FutureExt, stream};

use super::super::meter::Limits;
use super::*;
use crate::clock::Manual;
use crate::domain::prices::list_prices;

/// A server that polls again before it flushes would drop the chunk: the break must come one poll later.
#[tokio::test]
async fn f23_a_break_leaves_time_to_flush_what_came_before() {
    let upstream = Upstream::parse(Some("http://127.0.0.1:1")).unwrap();
    let client = super::super::upstream::client(&upstream).unwrap();
    let error = client.get(upstream.url("/")).send().await.unwrap_err();
    let clock = Arc::new(Manual::at(DateTime::UNIX_EPOCH));
    let meter = Arc::new(Meter::new(Limits::default(), list_prices(), 0.0, clock));
    let turn = Arc::new(Semaphore::new(1)).acquire_owned().await.unwrap();
    let allowed = Allowed { endpoint: Endpoint::Messages, beta: false, length: 0 };
    let ticket = Ticket::new(meter, (allowed, Asked::default()), 0, turn);
    let inner = Box::pin(stream::iter([Ok(Bytes::from_static(b"said")), Err(error)]));
    let mut body = Metered { inner, ticket, broken: None };
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "said");
    assert!(body.frame().now_or_never().is_none(), "the break came at once");
    assert!(body.frame().await.unwrap().is_err());
}
