//! The pages in a real Chromium: looks, live updates, hostile words, the keyboard, the service worker.
//!
//! Most run over a journal that was told beforehand; the walk of a person with a phone runs over a rehearsed night.

mod browser;
mod closing;
mod hostile;
mod keyboard;
mod looks;
mod stream;
mod told;
mod walk;
mod worker;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// One Chromium at a time: several on a small machine only wait for each other.
static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a test with a browser, where there is one.
fn with_browser(test: impl AsyncFnOnce()) {
    if browser::there_is_one() {
        let _turn = turn();
        tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(test());
    }
}

const PHONE: (u32, u32) = (360, 740);
const DESK: (u32, u32) = (1280, 800);
