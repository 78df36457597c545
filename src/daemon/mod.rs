//! placeholder
pub mod locks;
pub mod stop;
pub mod watch;
