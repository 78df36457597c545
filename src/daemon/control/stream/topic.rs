//! One reading of journal and logs, shared by all who listen to the same.
//!
//! Owns the pump: it wakes when there is news, gathers it for a moment, encodes it once, and hands the same bytes to every
//! reader (F45). Whoever lies too far behind is told so by the channel; what one reader is sent is `reading`'s. Start with
//! [`Topics::subscribe`].

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::broadcast;

use super::cursor::{Bound, Cursor, Subject, frame};
use super::place::Place;
use super::{Streams, result};
use crate::daemon::control::hub::{Said, Told};
use crate::daemon::error::EngineError;

/// How long news is gathered before it is sent.
const GATHER: Duration = Duration::from_millis(20);
/// Other processes write the journal too, and nobody tells us.
const LOOK: Duration = Duration::from_secs(1);
/// How many batches a reader may lie behind: ten seconds of a flood, and 16 MB at the very most.
const BEHIND: usize = if cfg!(test) { 16 } else { 512 };
/// How many looks a topic outlives its last reader, who often comes back at once.
const LINGER: u32 = 5;

/// What all readers of a topic are sent next.
#[derive(Debug, Clone)]
pub(super) struct Batch {
    /// Whole frames.
    pub bytes: Bytes,
    /// The place behind them.
    pub last: Place,
    /// The subject is over, and nothing follows.
    pub over: bool,
}

#[derive(Default)]
pub(super) struct Topics {
    all: Mutex<HashMap<Subject, Arc<Topic>>>,
    /// Finding the end of a long log takes a while, and is done once.
    opening: tokio::sync::Mutex<()>,
}

struct Topic {
    sender: broadcast::Sender<Batch>,
    /// Where the pump stands. Held while it publishes, so that whoever joins knows exactly what is still to come.
    cursor: Mutex<Cursor>,
}

/// A seat in a topic: everything behind `from` comes through `batches`.
pub(super) struct Seat {
    pub batches: broadcast::Receiver<Batch>,
    pub from: Bound,
    pub place: Place,
}

impl Topics {
    fn all(&self) -> MutexGuard<'_, HashMap<Subject, Arc<Topic>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn count(&self) -> usize {
        self.all().values().map(|topic| topic.sender.receiver_count()).sum()
    }

    /// `reader` has all up to where it stands. The pump looks only so often: what the reader has before it would come a second
    /// time, so that the pump first goes on to the end of the journal.
    fn join(&self, subject: &Subject, reader: Option<&Bound>) -> Result<Option<Seat>, EngineError> {
        let all = self.all();
        let Some(topic) = all.get(subject) else { return Ok(None) };
        let mut cursor = topic.cursor();
        if reader.is_some_and(|reader| cursor.is_behind(reader)) {
            while topic.pump(&mut cursor)? {}
        }
        let batches = topic.sender.subscribe();
        Ok(Some(Seat { batches, from: cursor.bound(), place: cursor.place() }))
    }

    /// Takes a seat for somebody who begins now, or where `reader` stands; the first one starts the pump.
    pub(super) async fn subscribe(
        streams: &Streams,
        subject: &Subject,
        reader: Option<&Bound>,
    ) -> Result<Seat, EngineError> {
        let topics = &streams.topics;
        if let Some(seat) = topics.join(subject, reader)? {
            return Ok(seat);
        }
        let _one = topics.opening.lock().await;
        if let Some(seat) = topics.join(subject, reader)? {
            return Ok(seat);
        }
        let told = streams.hub.listen();
        let (house, dialect, named) =
            (Arc::clone(&streams.house), Arc::clone(&streams.dialect), subject.clone());
        let opened = tokio::task::spawn_blocking(move || Cursor::at_end(house, dialect, named)).await;
        let cursor = opened.map_err(|_| EngineError::Left)??;
        let topic = Arc::new(Topic { sender: broadcast::Sender::new(BEHIND), cursor: Mutex::new(cursor) });
        topics.all().insert(subject.clone(), Arc::clone(&topic));
        let seat = topics.join(subject, reader)?.ok_or(EngineError::Left)?;
        tokio::spawn(pump(streams.clone(), subject.clone(), topic, told));
        Ok(seat)
    }
}

impl Topic {
    fn cursor(&self) -> MutexGuard<'_, Cursor> {
        self.cursor.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next piece to everybody; false when there is none now.
    fn pump(&self, cursor: &mut Cursor) -> Result<bool, EngineError> {
        let Some(piece) = cursor.step(None)? else { return Ok(false) };
        let _ = self.sender.send(Batch { bytes: piece.bytes.into(), last: piece.last, over: false });
        Ok(true)
    }

    /// Everything that is new, to everybody.
    fn publish(&self, end: Option<&Value>) -> Result<(), EngineError> {
        while self.pump(&mut self.cursor())? {}
        if let Some(end) = end {
            let cursor = self.cursor();
            let (mut bytes, last) = (Vec::new(), cursor.place());
            frame("result", last, end, &mut bytes);
            let _ = self.sender.send(Batch { bytes: bytes.into(), last, over: true });
        }
        Ok(())
    }
}

async fn pump(
    streams: Streams,
    subject: Subject,
    topic: Arc<Topic>,
    mut told: broadcast::Receiver<Arc<Told>>,
) {
    let (mut alone, mut only_lines) = (0, false);
    loop {
        // How the work ended is asked before the journal is read, so that nothing written before is left out.
        let end = if only_lines { None } else { result(&streams, &subject) };
        if let Err(error) = topic.publish(end.as_ref()) {
            tracing::warn!(%error, "a stream cannot be read on");
        }
        only_lines = match news(&subject, &mut told).await {
            News::Said(said) => said == Said::Line,
            News::Nothing => {
                alone = if topic.sender.receiver_count() == 0 { alone + 1 } else { 0 };
                if alone >= LINGER && leave(&streams, &subject, &topic) {
                    return;
                }
                false
            }
            News::Over => return,
        };
    }
}

/// Takes the topic out, unless somebody came in the meantime.
fn leave(streams: &Streams, subject: &Subject, topic: &Topic) -> bool {
    let mut all = streams.topics.all();
    let empty = topic.sender.receiver_count() == 0;
    if empty {
        all.remove(subject);
    }
    empty
}

enum News {
    Said(Said),
    Nothing,
    Over,
}

/// Waits for news of the subject, and then a moment for what comes right behind it.
async fn news(subject: &Subject, told: &mut broadcast::Receiver<Arc<Told>>) -> News {
    let until = tokio::time::Instant::now() + LOOK;
    let first = loop {
        let heard = match tokio::time::timeout_at(until, told.recv()).await {
            Err(_) => return News::Nothing,
            Ok(heard) => heard,
        };
        match heard {
            Ok(told) if concerns(subject, &told) => break told.said,
            Ok(_) => {}
            Err(broadcast::error::RecvError::Lagged(_)) => break Said::Event,
            Err(broadcast::error::RecvError::Closed) => return News::Over,
        }
    };
    if first == Said::Outcome {
        return News::Said(first);
    }
    tokio::time::sleep(GATHER).await;
    let mut most = first;
    loop {
        match told.try_recv() {
            Ok(told) if concerns(subject, &told) && told.said != Said::Line => most = told.said,
            Ok(_) => {}
            Err(broadcast::error::TryRecvError::Lagged(_)) => most = Said::Event,
            Err(_) => return News::Said(most),
        }
    }
}

fn concerns(subject: &Subject, told: &Told) -> bool {
    let same = subject.project.as_ref().is_none_or(|project| *project == told.project)
        && subject.bead.as_ref().is_none_or(|bead| *bead == told.bead);
    same && (subject.has_lines() || told.said == Said::Event)
}
