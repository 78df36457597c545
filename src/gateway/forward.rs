//! One request's way through the gateway, and its answer's way back.
//!
//! Owns the order of the checks and the streaming: chunk by chunk, a break passed on as a break and never
//! replayed (F23), the upstream request dropped when the client leaves. Decides nothing itself: `rules`,
//! `inspect`, `headers` and `meter` do. Start with [`Forward::answer`].

mod failure;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Frame, Incoming};
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Request, Response, StatusCode};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::answer::{ErrorKind, Refusal};
use super::breaker::{self, Last};
use super::credential::Credential;
use super::inspect::{Asked, inspect};
use super::meter::{Bill, Ending, Meter, UpstreamFailure};
use super::rules::{self, Allowed, Endpoint, Head};
use super::standing::{self, Permit, Standing};
use super::upstream::Upstream;
use super::usage_stream::{Form, UsageStream};
use super::{MAX_BODY, headers};
use crate::clock::Clock;
use crate::scheduler::backoff::{Action, Signal};
use failure::{classify, down, local, unavailable};

/// How long a client may take to send a body.
const BODY: Duration = Duration::from_mins(2);

/// The account's own verdict among the headers of a limit.
const UNIFIED: &str = "anthropic-ratelimit-unified-status";

type Answer = Response<UnsyncBoxBody<Bytes, std::io::Error>>;

pub(super) struct Forward {
    pub(super) client: reqwest::Client,
    pub(super) upstream: Upstream,
    pub(super) credential: Credential,
    pub(super) meter: Arc<Meter>,
    pub(super) standing: Arc<Standing>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) turns: Arc<Semaphore>,
}

impl Forward {
    pub(super) async fn answer(&self, request: Request<Incoming>) -> Answer {
        match self.pass(request).await {
            Ok(answer) => answer,
            Err(refusal) => {
                self.meter.refused(refusal.what);
                local(&refusal)
            }
        }
    }

    async fn pass(&self, request: Request<Incoming>) -> Result<Answer, Refusal> {
        let (head, body) = request.into_parts();
        let allowed = rules::check(Head {
            method: &head.method,
            uri: &head.uri,
            version: head.version,
            headers: &head.headers,
        })?;
        self.meter.admit()?;
        // The turn is taken before the body is read: bodies in memory are bounded by it too.
        let turn = Arc::clone(&self.turns)
            .acquire_owned()
            .await
            .map_err(|_| unavailable("the gateway is closing"))?;
        let body = read(body, allowed.length).await?;
        let asked = inspect(&body)?;
        self.meter.admit()?;
        let permit = self.standing.admit().await.map_err(|last| down(&last))?;
        let mut ticket = Ticket::new(Arc::clone(&self.meter), (allowed, asked), body.len() as u64, turn);
        ticket.permit = Some(permit);
        let request = self.client.post(self.upstream.url(allowed.path()));
        let request = request.headers(headers::outgoing(&head.headers, &self.credential)).body(body);
        match request.send().await {
            Ok(answer) => self.respond(answer, ticket),
            Err(error) => Err(ticket.no_answer(&error)),
        }
    }
}

async fn read(body: Incoming, length: u64) -> Result<Bytes, Refusal> {
    let limit = usize::try_from(MAX_BODY).unwrap_or(usize::MAX);
    let collected = tokio::time::timeout(BODY, Limited::new(body, limit).collect()).await;
    let slow = |_| {
        let status = StatusCode::REQUEST_TIMEOUT;
        Refusal::new(status, ErrorKind::Timeout, "a slow body", "the request's body did not arrive in time")
    };
    let bytes = collected.map_err(slow)?.map_err(|_| rules::malformed("the body broke off"))?.to_bytes();
    if bytes.len() as u64 != length {
        return Err(rules::malformed("the body has another length than announced"));
    }
    Ok(bytes)
}

impl Forward {
    /// What one answer says about the upstream and the account, for all runs.
    fn hear(&self, answer: &reqwest::Response, ticket: &mut Ticket) {
        let limits = headers::limits(answer.headers());
        self.standing.account(&limits);
        let status = answer.status().as_u16();
        let limited = limits.get(UNIFIED).is_some_and(|status| status == "rejected");
        let signal = match status {
            429 if limited => Some(Signal::UsageLimit),
            429 => Some(Signal::Throttled),
            529 => Some(Signal::Overloaded),
            500.. => Some(Signal::ServerError),
            _ => None,
        };
        let heard = match signal.map(|signal| signal.class().action()) {
            Some(Action::SharedPause) => {
                let header = limits.get(RETRY_AFTER.as_str());
                let retry_after = header.and_then(|text| standing::retry_after(text, self.clock.now()));
                breaker::Answer::Throttled { retry_after }
            }
            Some(Action::Breaker) => breaker::Answer::Down(Last { status: Some(status), class: "status" }),
            _ => breaker::Answer::Alive,
        };
        ticket.heard(heard);
        ticket.meter.limits(limits);
    }

    fn respond(&self, answer: reqwest::Response, mut ticket: Ticket) -> Result<Answer, Refusal> {
        self.hear(&answer, &mut ticket);
        pass_on(answer, ticket)
    }
}

fn pass_on(answer: reqwest::Response, mut ticket: Ticket) -> Result<Answer, Refusal> {
    let status = answer.status();
    if status.is_redirection() || status.is_informational() {
        return Err(ticket.unusable(status, "the upstream redirects, which the gateway does not follow"));
    }
    let plain = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
    if !answer.headers().get_all(CONTENT_ENCODING).iter().all(plain) {
        return Err(ticket.unusable(status, "the upstream compressed its answer, which could not be metered"));
    }
    if status.is_success() {
        let kind =
            answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let form = if kind.starts_with("text/event-stream") { Form::Events } else { Form::Plain };
        ticket.reader = Some(UsageStream::new(form));
    } else {
        ticket.ending = Ending::Failed;
        ticket.meter.failed(UpstreamFailure { status: Some(status.as_u16()), class: "status" });
    }
    let headers = headers::incoming(answer.headers());
    let body = Metered { inner: Box::pin(answer.bytes_stream()), ticket, broken: None };
    let mut response = Response::new(UnsyncBoxBody::new(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

/// One request at the upstream: counted when made, settled once when dropped, whoever drops it.
struct Ticket {
    meter: Arc<Meter>,
    reader: Option<UsageStream>,
    ending: Ending,
    asked: Asked,
    request: u64,
    charged: bool,
    permit: Option<Permit>,
    _turn: OwnedSemaphorePermit,
}

impl Ticket {
    fn new(
        meter: Arc<Meter>,
        (allowed, asked): (Allowed, Asked),
        request: u64,
        turn: OwnedSemaphorePermit,
    ) -> Self {
        meter.sent();
        let charged = allowed.endpoint == Endpoint::Messages;
        let ending = Ending::Abandoned;
        Self { meter, reader: None, ending, asked, request, charged, permit: None, _turn: turn }
    }

    fn heard(&mut self, answer: breaker::Answer) {
        if let Some(mut permit) = self.permit.take() {
            permit.heard(answer);
        }
    }

    fn chunk(&mut self, chunk: &[u8]) {
        if let Some(reader) = &mut self.reader {
            let before = reader.seen().progress;
            reader.push(chunk);
            if reader.seen().progress > before {
                self.meter.progress();
            }
        }
    }

    fn over(&mut self, ending: Ending) {
        if let Some(reader) = &mut self.reader {
            reader.end();
        }
        if self.ending == Ending::Abandoned {
            self.ending = ending;
        }
    }

    fn no_answer(mut self, error: &reqwest::Error) -> Refusal {
        self.over(Ending::Failed);
        let (class, message) = classify(error);
        self.heard(breaker::Answer::Down(Last { status: None, class }));
        self.meter.failed(UpstreamFailure { status: None, class });
        unavailable(message)
    }

    fn unusable(mut self, status: StatusCode, message: &str) -> Refusal {
        self.over(Ending::Failed);
        self.meter.failed(UpstreamFailure { status: Some(status.as_u16()), class: "status" });
        unavailable(message)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let unread = UsageStream::new(Form::Plain);
        let seen = self.reader.as_ref().unwrap_or(&unread).seen();
        let (asked, request) = (self.asked.model.as_str(), self.request);
        self.meter.settle(&Bill { seen, ending: self.ending, asked, request, charged: self.charged });
    }
}

/// The upstream's body, passed on as it comes and read along the way.
struct Metered<S> {
    inner: Pin<Box<S>>,
    ticket: Ticket,
    /// A break that is told at the next poll.
    broken: Option<std::io::Error>,
}

impl<S: Stream<Item = reqwest::Result<Bytes>>> Body for Metered<S> {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        if let Some(error) = self.broken.take() {
            return Poll::Ready(Some(Err(error)));
        }
        let next = ready!(self.inner.as_mut().poll_next(context));
        Poll::Ready(match next {
            Some(Ok(chunk)) => {
                self.ticket.chunk(&chunk);
                Some(Ok(Frame::data(chunk)))
            }
            Some(Err(error)) => {
                let (class, message) = classify(&error);
                self.ticket.over(Ending::Broken);
                self.ticket.meter.failed(UpstreamFailure { status: None, class });
                // The server drops what it has not flushed when a body fails; being pending once makes it flush.
                self.broken = Some(std::io::Error::other(message));
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            None => {
                self.ticket.over(Ending::Whole);
                None
            }
        })
    }
}

#[cfg(test)]
mod tests;
