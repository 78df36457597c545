//! The composition root: the only room that knows every other one.
//!
//! Owns the engine loop and its effects, the supervision of an agent's run, recovery, the checks before work,
//! and the checker after it. It decides nothing about a bead's life (`lifecycle`) and prints nothing (`cli`).
//! Start with [`engine::Engine`] and [`work`].

pub mod alerts;
mod attempt;
mod beside;
pub mod closing;
pub mod control;
pub mod dispatch;
pub mod doctor;
mod effects;
pub mod engine;
pub mod error;
pub mod filing;
pub mod findings;
pub mod hand;
pub mod heartbeat;
pub mod house;
pub mod lazy;
pub mod locks;
pub mod machine;
mod next;
pub mod opinion;
mod outside;
mod preflight;
pub mod preview;
pub mod progress;
pub mod projects;
pub mod queue;
pub mod reap;
pub mod refusal;
pub mod repository;
pub mod simulate;
pub mod spending;
pub mod stop;
pub mod verify;
pub mod watch;
pub mod work;

#[cfg(test)]
pub(crate) mod tests;
