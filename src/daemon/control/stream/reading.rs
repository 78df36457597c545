//! What one reader of a stream is sent: first what it missed, then what comes, or that it lies too far behind.
//!
//! Owns the seam between the two, where nothing is lost and nothing comes twice, the comments that keep a silent connection
//! open, and `resync`. A reader that does not read costs its place in a shared channel and no more (F45). Start with
//! [`Reading::next`].

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use tokio::sync::{broadcast, watch};

use super::cursor::{Bound, Cursor, Subject, frame};
use super::place::Place;
use super::topic::{Batch, Topics};
use super::{Streams, result};
use crate::daemon::error::EngineError;

/// A connection is not silent for longer than this.
const BEAT: Duration = Duration::from_secs(15);

pub(super) struct Reading {
    stage: Stage,
    /// Everything up to here was given.
    place: Place,
    /// Ends the stream when its login does.
    voided: watch::Receiver<u64>,
}

enum Stage {
    /// What was missed, up to where the seat begins.
    Missed {
        cursor: Box<Cursor>,
        until: Bound,
        then: broadcast::Receiver<Batch>,
    },
    /// The subject is over: the rest, and how it ended.
    Last {
        cursor: Box<Cursor>,
        end: serde_json::Value,
    },
    Live(broadcast::Receiver<Batch>),
    Over,
}

/// What there is for a reader now.
#[derive(Debug)]
pub(super) enum Next {
    /// Whole frames.
    Frames(Bytes),
    /// Nothing happened for a while.
    Beat,
}

impl Reading {
    /// From a place on; without one: from now on.
    pub(super) async fn begin(
        streams: &Streams,
        subject: Subject,
        from: Option<Place>,
        voided: watch::Receiver<u64>,
    ) -> Result<Self, EngineError> {
        let cursor = |place: Place, subject: Subject| {
            let (house, dialect) = (Arc::clone(&streams.house), Arc::clone(&streams.dialect));
            let opened = tokio::task::spawn_blocking(move || Cursor::at(house, dialect, subject, place));
            async { opened.await.map_err(|_| EngineError::Left)?.map(Box::new) }
        };
        // Asked before the journal is read, so that nothing written before the end is left out.
        if let Some(end) = result(streams, &subject) {
            let now = Place { seq: streams.house.journal.last_seq()?, lines: None };
            let cursor = cursor(from.unwrap_or(now), subject).await?;
            return Ok(Self { place: cursor.place(), stage: Stage::Last { cursor, end }, voided });
        }
        let Some(from) = from else {
            let seat = Topics::subscribe(streams, &subject, None).await?;
            return Ok(Self { place: seat.place, stage: Stage::Live(seat.batches), voided });
        };
        let cursor = cursor(from, subject.clone()).await?;
        let seat = Topics::subscribe(streams, &subject, Some(&cursor.bound())).await?;
        let stage = Stage::Missed { cursor, until: seat.from, then: seat.batches };
        Ok(Self { place: from, stage, voided })
    }

    /// The next frames, or a sign of life; none when the stream is over.
    pub(super) async fn next(&mut self) -> Option<Next> {
        loop {
            // Whoever was logged out hears no more, however much there is still to repeat.
            if self.voided.has_changed().unwrap_or(true) {
                return None;
            }
            match &mut self.stage {
                Stage::Missed { cursor, until, .. } => {
                    if let Some(piece) = cursor.step(Some(until)).ok()? {
                        self.place = piece.last;
                        return Some(Next::Frames(piece.bytes.into()));
                    }
                    let place = cursor.place();
                    let Stage::Missed { then, .. } = std::mem::replace(&mut self.stage, Stage::Over) else {
                        return None;
                    };
                    self.place = place;
                    self.stage = Stage::Live(then);
                }
                Stage::Last { cursor, end } => {
                    if let Some(piece) = cursor.step(None).ok()? {
                        self.place = piece.last;
                        return Some(Next::Frames(piece.bytes.into()));
                    }
                    let mut bytes = Vec::new();
                    frame("result", self.place, end, &mut bytes);
                    self.stage = Stage::Over;
                    return Some(Next::Frames(bytes.into()));
                }
                Stage::Live(batches) => {
                    let batch = tokio::select! {
                        biased;
                        // An error means that the guard is gone with the daemon.
                        _ = self.voided.changed() => return None,
                        batch = batches.recv() => batch,
                        () = tokio::time::sleep(BEAT) => return Some(Next::Beat),
                    };
                    return self.take(batch);
                }
                Stage::Over => return None,
            }
        }
    }

    fn take(&mut self, batch: Result<Batch, broadcast::error::RecvError>) -> Option<Next> {
        match batch {
            Ok(batch) => {
                self.place = batch.last;
                if batch.over {
                    self.stage = Stage::Over;
                }
                Some(Next::Frames(batch.bytes))
            }
            Err(broadcast::error::RecvError::Lagged(_)) => {
                self.stage = Stage::Over;
                let (mut bytes, since) = (Vec::new(), self.place.to_string());
                frame("resync", self.place, &json!({ "since": since }), &mut bytes);
                Some(Next::Frames(bytes.into()))
            }
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}

#[cfg(test)]
mod tests;
