//! Figures for Prometheus, read when they are asked for.
//!
//! Owns names and labels. Nothing is counted beside the journal and the dispatcher's own status, so the figures cannot drift
//! from what happened. Start with [`routes`].

use std::sync::atomic::AtomicU64;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Desk;
use super::problem::Problem;

type Figure = Gauge<f64, AtomicU64>;
type Figures = Family<Vec<(&'static str, String)>, Figure>;

pub(super) fn routes() -> OpenApiRouter<Desk> {
    OpenApiRouter::new().routes(routes!(metrics))
}

/// Figures for Prometheus
#[utoipa::path(get, path = "/metrics", tag = "about",
    responses((status = OK, description = "OpenMetrics text", body = String, content_type = "application/openmetrics-text")))]
async fn metrics(State(desk): State<Desk>) -> Result<impl IntoResponse, Problem> {
    let mut registry = Registry::with_prefix("bead");
    let status = super::night::now(&desk);
    let mut one = |name: &str, help: &str, value: f64| {
        let figure = Figure::default();
        figure.set(value);
        registry.register(name, help, figure);
    };
    one("slots", "Beads that may be worked on at once", f64::from(status.slots));
    one("running", "Beads that are worked on", whole(status.running.len()));
    one("waiting", "Beads that are ready and wait", whole(status.waiting.len()));
    one("night_open", "Whether beads may be started", f64::from(u8::from(status.state == "open")));
    one("night_spend_usd", "Spent in this night", status.night_usd);
    one("week_spend_usd", "Spent in the last seven days", status.week_usd);
    one("stream_clients", "Readers of streams", whole(desk.streams.readers()));
    one("journal_events", "Number of the newest event", desk.house.journal.last_seq()? as f64);
    let (runs, spend) = (Figures::default(), Figures::default());
    for count in desk.house.journal.count_runs()? {
        let labels = vec![("kind", count.kind.clone()), ("state", count.state)];
        runs.get_or_create(&labels).set(whole(count.runs));
        spend.get_or_create(&vec![("kind", count.kind)]).inc_by(count.cost_usd);
    }
    registry.register("runs", "Runs by kind and state", runs);
    registry.register("spend_usd", "Spent on runs by kind", spend);
    let (outbox, failing) = (Figures::default(), Figures::default());
    alerts(&desk, &outbox, &failing)?;
    registry.register(
        "alerts",
        "Alerts that wait to be sent, or were given up in seven days, by channel",
        outbox,
    );
    registry.register("alert_channels_failing", "Channels, or devices, whose last try failed", failing);
    let tonight = Figures::default();
    let tally = status.tally;
    for (outcome, count) in [
        ("landed", tally.landed),
        ("no_change", tally.no_change),
        ("blocked", tally.blocked),
        ("parked", tally.parked),
        ("failed", tally.failed),
        ("cancelled", tally.cancelled),
    ] {
        tonight.get_or_create(&vec![("outcome", outcome.to_owned())]).set(f64::from(count));
    }
    registry.register("night_beads", "Beads that ended in this night, by how", tonight);
    let mut text = String::new();
    encode(&mut text, &registry).map_err(|_| Problem::gone("the figures cannot be written"))?;
    Ok(([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text))
}

/// The kinds of channels; all devices for push are one, so that no label grows with them.
const KINDS: [&str; 4] = ["mail", "webhook", "topic", "push"];

fn alerts(desk: &Desk, outbox: &Figures, failing: &Figures) -> Result<(), Problem> {
    let kinds = desk.house.journal.outbox_kinds()?;
    let standing = desk.house.journal.outbox_standing()?;
    for channel in KINDS {
        let label = ("channel", channel.to_owned());
        let of = kinds.iter().find(|kind| kind.channel == channel).cloned().unwrap_or_default();
        for (state, n) in [("waiting", of.waiting), ("given_up", of.given_up)] {
            outbox.get_or_create(&vec![label.clone(), ("state", state.to_owned())]).set(f64::from(n));
        }
        let same = |(name, _): &&(String, String)| name.split('/').next() == Some(channel);
        failing.get_or_create(&vec![label]).set(whole(standing.failing.iter().filter(same).count()));
    }
    Ok(())
}

/// Figures stay far below where a float would round them.
#[expect(clippy::cast_precision_loss, reason = "counts of runs and beads")]
fn whole(count: usize) -> f64 {
    count as f64
}
