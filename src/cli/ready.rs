//! `bead ready`: what could run now, in the order in which it would be taken.
//!
//! Owns the listing only; the rules are the tracker's, seen together with the journal by the daemon's `queue`.

use clap::Args as ClapArgs;

use super::desk::{Desk, engine_error};
use super::{CliError, Exit, list};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// At most this many (0: all)
    #[arg(long, short = 'n', default_value_t = 0, value_name = "N")]
    limit: usize,
}

pub(super) async fn run(desk: &Desk, args: Args) -> Result<Exit, CliError> {
    let (house, site) = desk.open().await?;
    let queue = crate::daemon::queue::read(&house, &site).await.map_err(engine_error)?;
    let limit = if args.limit == 0 { usize::MAX } else { args.limit };
    for refused in &queue.refused {
        desk.output.warn(refused);
    }
    if desk.output.json {
        let values: Vec<_> =
            queue.ready.iter().take(limit).filter_map(|b| queue.snapshot.json(&b.id)).collect();
        desk.output.document(&values);
        return Ok(Exit::Done);
    }
    if queue.ready.is_empty() {
        desk.output.say("nothing is ready; `bead list` shows what there is, `bead why ID` says why it waits");
    }
    for bead in queue.ready.iter().take(limit) {
        desk.output.line(&list::line(desk.output, bead));
    }
    Ok(Exit::Done)
}
