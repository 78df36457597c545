//! The composition root: the only room that knows every other one.
//!
//! Owns the engine loop and its effects, the supervision of an agent's run, recovery, the checks before work,
//! and the checker after it. It decides nothing about a bead's life (`lifecycle`) and prints nothing (`cli`).
//! Start with [`engine::Engine`] and [`work`].

mod attempt;
mod beside;
pub mod control;
pub mod dispatch;
mod effects;
pub mod engine;
pub mod error;
pub mod house;
pub mod lazy;
pub mod locks;
pub mod machine;
mod preflight;
pub mod progress;
pub mod projects;
pub mod queue;
pub mod reap;
pub mod refusal;
pub mod repository;
pub mod simulate;
pub mod spending;
pub mod stop;
pub mod tell;
pub mod verify;
pub mod watch;
pub mod work;

#[cfg(test)]
mod tests;
