//! Hearing that a person may have asked something of a bead, whichever process wrote it down.
//!
//! Owns the waiting alone: what was asked stands in the journal, and whoever wakes reads it there. Start with
//! [`Ear`].

use std::path::Path;
use std::time::Duration;

use tokio::sync::watch;

use super::{Journal, schema};

/// Nobody tells us what other processes write.
const LOOK: Duration = Duration::from_millis(250);

/// One listener. It may wake although nothing was asked, and never sleeps through anything.
#[derive(Debug)]
pub struct Ear {
    asked: watch::Receiver<u64>,
    /// Other processes write this journal too.
    shared: bool,
}

impl Journal {
    /// Hears everything that is asked from now on.
    pub fn ear(&self) -> Ear {
        Ear { asked: self.asked.subscribe(), shared: self.path() != Path::new(schema::MEMORY) }
    }
}

impl Ear {
    /// Returns at once for what this process wrote, within a quarter of a second for what others did.
    pub async fn heard(&mut self) {
        let changed = async {
            if self.asked.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        if self.shared {
            let _ = tokio::time::timeout(LOOK, changed).await;
        } else {
            changed.await;
        }
    }
}
