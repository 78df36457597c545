//! `bead night --dry-run`: what would be started, in order, and how far the night would get.
//!
//! Owns the table and the words; the plan and the forecast are the scheduler's. Nothing is claimed or started.
//! Start with [`run`].

use std::sync::Arc;

use super::desk::{Desk, engine_error};
use super::output::{DIM, GOOD, STRONG, WARN, paint};
use super::{CliError, Exit};
use crate::daemon::dispatch::preview::{Preview, preview};
use crate::daemon::dispatch::{Dispatcher, Hours, Outfit, resources};
use crate::daemon::house::{House, Site};
use crate::daemon::progress::Silent;
use crate::daemon::stop::Stop;
use crate::domain::clean::clean_line;

pub(super) async fn run(
    desk: &Desk,
    house: Arc<House>,
    sites: Vec<(String, Arc<Site>)>,
    hours: Hours,
) -> Result<Exit, CliError> {
    let machine = desk.machine(&house)?;
    let dispatcher = Dispatcher::new(Outfit {
        house: Arc::clone(&house),
        machine,
        hours,
        zone: desk.zone(),
        resources: Arc::new(resources::Machine { state: house.places.state().to_owned() }),
        listeners: Arc::new(|_, _| Arc::new(Silent)),
        stop: Stop::default(),
        sites,
    });
    let preview = preview(dispatcher).await.map_err(engine_error)?;
    if desk.output.json {
        desk.output.document(&preview);
    } else {
        show(desk, &preview);
    }
    Ok(Exit::Done)
}

fn show(desk: &Desk, preview: &Preview) {
    let line = |text: &str| desk.output.line(text);
    for (place, start) in (1..).zip(&preview.starts) {
        let title = clean_line(&start.title);
        let head = format!("{place:>3}  {}", paint(GOOD, &clean_line(start.bead.as_str())));
        let more = if start.goes_on { "goes on: " } else { "" };
        line(&format!("{head}  {more}{title}  {}", paint(DIM, &start.project_name)));
    }
    for waiting in &preview.waiting {
        let bead = clean_line(waiting.bead.as_str());
        line(&format!("     {}  {}", paint(WARN, &bead), clean_line(&waiting.reason)));
    }
    for warning in &preview.warnings {
        desk.output.warn(&clean_line(warning));
    }
    line(&paint(STRONG, &clean_line(&preview.forecast)));
}
