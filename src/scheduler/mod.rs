//! What the night starts next, and in one true sentence why it does not start something else.
//!
//! Owns the calendar of windows, the caps on money, the order and the limits of starting, backoff and
//! the forecast: all as pure functions of a snapshot. It holds no clock, no chance and no state, starts nothing
//! and knows no tracker; `daemon` takes the snapshot and acts. Start with [`plan::plan`] and [`plan::Night`].

pub mod backoff;
pub mod budget;
pub mod filter;
pub mod forecast;
pub mod plan;
pub mod reason;
pub mod window;
