//! How people are reached: devices for push, and the outbox.
//!
//! Owns these routes. A device's endpoint and keys are nobody's to read, not even a logged-in person's. What people
//! answer comes in by `links`. Start with [`routes`].

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Desk;
use super::hand::Taken;
use super::problem::Problem;
use super::view::{Accepted, Nothing};
use crate::config::user::User;
use crate::daemon::alerts;
use crate::feed::notify::push::vapid::Vapid;
use crate::feed::notify::push::{Wish, accept};
use crate::feed::web::extract::Json;
use crate::journal::reach::{Device, MOST_DEVICES};

pub(super) fn routes() -> OpenApiRouter<Desk> {
    OpenApiRouter::new()
        .routes(routes!(key))
        .routes(routes!(devices, subscribe, unsubscribe))
        .routes(routes!(known))
        .routes(routes!(test))
        .routes(routes!(outbox))
}

/// The key that a browser subscribes with.
#[derive(Debug, Serialize, ToSchema)]
struct Key {
    /// 65 bytes of a point on P-256, base64url without padding.
    key: String,
}

/// The public key for push
#[utoipa::path(get, path = "/api/push/key", tag = "alerts",
    responses((status = OK, description = "Made at its first use", body = Key)))]
async fn key(State(desk): State<Desk>) -> Result<Json<Key>, Problem> {
    let house = &desk.house;
    let vapid = Vapid::open(&house.places.push_key(), house.ids.as_ref());
    let vapid = vapid.map_err(|e| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, e.to_string()))?;
    Ok(Json(Key { key: vapid.public() }))
}

/// A device that subscribed. Its endpoint and keys are nobody's to read.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Device)]
struct DeviceView {
    id: String,
    name: String,
    created: DateTime<Utc>,
    /// When it last took an alert.
    last_ok: Option<DateTime<Utc>>,
}

impl From<Device> for DeviceView {
    fn from(device: Device) -> Self {
        let Device { id, name, created, last_ok, .. } = device;
        Self { id, name, created, last_ok }
    }
}

/// The devices that subscribed
#[utoipa::path(get, path = "/api/push/subscriptions", tag = "alerts",
    responses((status = OK, description = "Oldest first", body = [DeviceView])))]
async fn devices(State(desk): State<Desk>) -> Result<Json<Vec<DeviceView>>, Problem> {
    Ok(Json(desk.house.journal.devices()?.into_iter().map(DeviceView::from).collect()))
}

/// A `PushSubscription` as browsers write it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Subscription {
    endpoint: String,
    #[serde(default, rename = "expirationTime")]
    #[schema(value_type = Option<f64>)]
    _expires: Option<serde_json::Value>,
    keys: Keys,
    /// What its owner calls the device; the browser's own words where it is left out.
    name: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Keys {
    p256dh: String,
    auth: String,
}

/// Send alerts to a device
#[utoipa::path(post, path = "/api/push/subscriptions", tag = "alerts", request_body = Subscription,
    responses((status = CREATED, description = "It will be told", body = DeviceView)))]
async fn subscribe(
    State(desk): State<Desk>,
    headers: HeaderMap,
    Json(asked): Json<Subscription>,
) -> Result<impl IntoResponse, Problem> {
    let house = &desk.house;
    let settings = User::read(&house.places.config_file())
        .map_err(|e| Problem::new(StatusCode::CONFLICT, e.to_string()))?
        .notify
        .push;
    if !settings.enabled {
        return Err(Problem::new(StatusCode::CONFLICT, "push is off: `notify.push.enabled` in your config"));
    }
    let agent = headers.get(header::USER_AGENT).map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned());
    let Subscription { endpoint, keys: Keys { p256dh, auth }, name, .. } = asked;
    let wish = Wish { name: name.or(agent).unwrap_or_default(), endpoint, p256dh, auth };
    let id = crate::domain::ids::base36(house.ids.bytes(), 12);
    let device = accept(wish, &settings.extra_origins, id, house.clock.now());
    let device = device.map_err(|error| Problem::wrong(error.to_string()))?;
    if !house.journal.keep_device(&device)? {
        let full = format!("{MOST_DEVICES} devices are subscribed already");
        return Err(
            Problem::new(StatusCode::CONFLICT, full).hint("`bead push list` and `bead push remove ID`")
        );
    }
    // One that was known keeps its id.
    let all = house.journal.devices()?;
    let kept = all.into_iter().find(|d| d.endpoint == device.endpoint).unwrap_or(device);
    Ok((StatusCode::CREATED, Json(DeviceView::from(kept))))
}

const WHICH: &str = "which device: expected `endpoint` or `id`";

/// Which device: one of the two.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Which {
    endpoint: Option<String>,
    id: Option<String>,
}

/// Tell a device nothing any more
#[utoipa::path(delete, path = "/api/push/subscriptions", tag = "alerts", request_body = Which,
    responses((status = NO_CONTENT, description = "It is forgotten, or was never known")))]
async fn unsubscribe(State(desk): State<Desk>, Json(which): Json<Which>) -> Result<StatusCode, Problem> {
    let Some(which) = which.id.or(which.endpoint) else {
        return Err(Problem::wrong(WHICH));
    };
    desk.house.journal.forget_device(&which)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whether a device would be told.
#[derive(Debug, Serialize, ToSchema)]
struct IsKnown {
    known: bool,
}

/// Say whether a device is told anything
#[utoipa::path(post, path = "/api/push/known", tag = "alerts", request_body = Which,
    responses((status = OK, description = "For the device itself: nobody else knows its endpoint", body = IsKnown)))]
async fn known(State(desk): State<Desk>, Json(which): Json<Which>) -> Result<Json<IsKnown>, Problem> {
    let Which { id, endpoint } = which;
    let Some(which) = id.or(endpoint) else { return Err(Problem::wrong(WHICH)) };
    let devices = desk.house.journal.devices()?;
    Ok(Json(IsKnown { known: devices.iter().any(|device| device.id == which || device.endpoint == which) }))
}

/// Send a test to every device
#[utoipa::path(post, path = "/api/push/test", tag = "alerts", request_body = Nothing,
    responses((status = ACCEPTED, description = "It is on its way", body = Accepted)))]
async fn test(State(desk): State<Desk>, Json(Nothing {}): Json<Nothing>) -> Taken {
    let user = User::read(&desk.house.places.config_file())
        .map_err(|e| Problem::new(StatusCode::CONFLICT, e.to_string()))?;
    let sent = alerts::post_test(&desk.house, &user, |channel| channel.starts_with("push/"))?;
    if sent == 0 {
        return Err(Problem::new(StatusCode::CONFLICT, "no device is subscribed")
            .hint("a browser subscribes on its settings page"));
    }
    let accepted = format!("a test is on its way to {}", crate::feed::tell::count(sent, "device"));
    Ok((StatusCode::ACCEPTED, Json(Accepted { accepted })))
}

/// What was sent and what waits.
#[derive(Debug, Serialize, ToSchema)]
struct Outbox {
    waiting: u32,
    /// In the last seven days.
    given_up: u32,
    failing: Vec<Failing>,
    /// The newest deliveries first.
    deliveries: Vec<DeliveryView>,
}

/// A channel that does not work now.
#[derive(Debug, Serialize, ToSchema)]
struct Failing {
    channel: String,
    why: String,
}

/// One alert on one channel.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Delivery)]
struct DeliveryView {
    key: String,
    at: DateTime<Utc>,
    /// `needs_you`, `failure`, `completion`, `summary`, `test`
    kind: String,
    channel: String,
    /// `waiting`, `sent`, `given_up`
    state: String,
    tries: u32,
    /// Why the last try failed.
    last: String,
}

/// What was sent to whom, and what waits
#[utoipa::path(get, path = "/api/alerts", tag = "alerts",
    responses((status = OK, description = "The outbox", body = Outbox)))]
async fn outbox(State(desk): State<Desk>) -> Result<Json<Outbox>, Problem> {
    let standing = desk.house.journal.outbox_standing()?;
    let failing = standing.failing.into_iter().map(|(channel, why)| Failing { channel, why });
    let lines = desk.house.journal.outbox_lines(100)?.into_iter().map(|line| DeliveryView {
        key: line.key,
        at: line.at,
        kind: line.kind,
        channel: line.channel,
        state: line.state,
        tries: line.tries,
        last: line.last,
    });
    let (failing, deliveries) = (failing.collect(), lines.collect());
    Ok(Json(Outbox { waiting: standing.waiting, given_up: standing.given_up, failing, deliveries }))
}
