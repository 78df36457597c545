//! The description of the API: made from the routes themselves, so that the two cannot differ.
//!
//! Owns what holds for every route alike (how one is let in, which refusals may come) and `/api/openapi.json`. Each
//! route describes itself beside its handler. Start with [`describe`].

use std::sync::Arc;

use axum::Extension;
use axum::http::header;
use axum::response::IntoResponse;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, Info, OpenApi, Ref, ResponseBuilder, SecurityRequirement,
};
use utoipa::{PartialSchema, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Desk;
use crate::feed::web::problem::ProblemBody;

/// The text of the description, made once.
#[derive(Clone)]
pub(super) struct Description(Arc<str>);

pub(super) fn routes() -> OpenApiRouter<Desk> {
    OpenApiRouter::new().routes(routes!(openapi))
}

/// This description
#[utoipa::path(get, path = "/api/openapi.json", tag = "about",
    responses((status = OK, description = "OpenAPI 3.1", body = Object)))]
async fn openapi(Extension(text): Extension<Description>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], text.0.to_string())
}

/// What may come back from any route: who asked, from where and how is looked at before the route is.
const ANY: &[(&str, &str)] = &[
    ("400", "The request cannot be read"),
    ("401", "Neither a valid token nor a login"),
    ("403", "Sent by another site's page"),
    ("404", "There is no such thing"),
    ("421", "Not addressed to this daemon"),
    ("422", "The request cannot be meant as it is written"),
    ("500", "Something failed inside"),
    ("503", "The daemon is stopping"),
];

/// What may come back from a route that changes something.
const WRITES: &[(&str, &str)] = &[
    ("408", "The body did not come in time"),
    ("409", "Refused; `force_key` names the member of the body with which it would go on"),
    ("413", "The body is too large"),
    ("415", "The body is not JSON"),
];

/// Adds what all routes share to what they say of themselves.
pub(super) fn describe(mut api: OpenApi) -> OpenApi {
    api.info = Info::new("Beadwork", env!("CARGO_PKG_VERSION"));
    api.info.description = Some(
        "What `bead serve` shows and takes. Every event has a number; streams repeat what was missed."
            .to_owned(),
    );
    let bearer = Http::new(HttpAuthScheme::Bearer);
    let cookie = ApiKey::Cookie(ApiKeyValue::with_description("bead", "as the login page sets it"));
    let mut components = api.components.take().unwrap_or_default();
    components.schemas.insert(ProblemBody::name().into_owned(), ProblemBody::schema());
    let security = ComponentsBuilder::new()
        .security_scheme("token", SecurityScheme::Http(bearer))
        .security_scheme("login", SecurityScheme::ApiKey(cookie));
    components.security_schemes = security.build().security_schemes;
    api.components = Some(components);
    api.security = Some(["token", "login"].map(|name| SecurityRequirement::new(name, [""; 0])).into());
    for (path, item) in &mut api.paths.paths {
        let verbs = [
            ("get", &mut item.get),
            ("post", &mut item.post),
            ("put", &mut item.put),
            ("delete", &mut item.delete),
        ];
        for (verb, operation) in verbs {
            let Some(operation) = operation else { continue };
            // The names of functions repeat from file to file.
            operation.operation_id =
                Some(format!("{verb}{}", path.replace(['/', '-', '.'], "_").replace(['{', '}'], "")));
            if path.starts_with("/api/") {
                refusals(operation, ANY);
            }
            if verb != "get" {
                refusals(operation, WRITES);
            }
        }
    }
    api
}

pub(super) fn text(api: &OpenApi) -> Description {
    Description(serde_json::to_string(api).unwrap_or_default().into())
}

fn refusals(operation: &mut Operation, all: &[(&str, &str)]) {
    for (status, description) in all {
        let schema = Ref::from_schema_name(ProblemBody::name());
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let response = ResponseBuilder::new()
            .description(*description)
            .content("application/problem+json", content)
            .build();
        operation.responses.responses.entry((*status).to_owned()).or_insert_with(|| response.into());
    }
}
