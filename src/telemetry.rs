//! The program's own log, for those who look inside: `BEAD_LOG` in `tracing` syntax, to stderr.
//!
//! Owns the subscriber. Nothing is logged by default; credentials, prompts, model answers and agents' output
//! are never logged at all. Start with [`start`].

use tracing_subscriber::EnvFilter;

/// Installs the subscriber when a filter is given. A filter that cannot be read is told, not obeyed.
pub fn start(filter: Option<&str>) {
    let Some(filter) = filter else { return };
    match EnvFilter::try_new(filter) {
        Ok(filter) => tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init(),
        Err(error) => {
            use std::io::Write as _;
            let _ = writeln!(std::io::stderr(), "warning: BEAD_LOG is not a log filter: {error}");
        }
    }
}
