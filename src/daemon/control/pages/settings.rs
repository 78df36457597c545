//! The page of settings: what holds, and where it comes from.
//!
//! Owns the reading of the user's and each project's files; it changes none. Start with [`page`].

use axum::extract::State;
use axum::response::Html;

use super::Page;
use crate::config::effective::{Effective, Flags};
use crate::config::user::User;
use crate::daemon::alerts;
use crate::daemon::control::Desk;
use crate::daemon::error::EngineError;
use crate::daemon::house::Site;
use crate::daemon::queue;
use crate::domain::clean::clean_line;
use crate::feed::notify::ready::ways;
use crate::feed::view::settings::{Row, Section, Told, project_rows, user_rows};
use crate::feed::web::pages::{SettingsHtml, Shell, html};

pub(super) async fn page(State(desk): State<Desk>) -> Page {
    let (sections, told) = (sections(&desk).await?, told(&desk)?);
    let shell = Shell { nav: true, ..Shell::bare("settings", "Settings") };
    Ok(Html(html(&SettingsHtml { shell, sections: &sections, told: told.as_ref() })))
}

/// Where alerts go; nothing while the config cannot be read, which its own section says.
fn told(desk: &Desk) -> Result<Option<Told>, EngineError> {
    let house = &desk.house;
    let Ok(User { notify, .. }) = User::read(&house.places.config_file()) else { return Ok(None) };
    let ways = ways(&notify, &alerts::vault(house));
    let (devices, standing) = (house.journal.devices()?, house.journal.outbox_standing()?);
    Ok(Some(Told::of(ways, notify.push.enabled, devices, &standing)))
}

/// The user's own settings, then each project's.
pub(in crate::daemon::control) async fn sections(desk: &Desk) -> Result<Vec<Section>, EngineError> {
    let user = User::read(&desk.house.places.config_file());
    let own = match &user {
        Ok(user) => section::<String>("Yours", Ok(user_rows(user))),
        Err(error) => section("Yours", Err(error.to_string())),
    };
    let mut sections = vec![own];
    for project in desk.house.journal.projects()? {
        let rows = match (&user, Site::open(&desk.house, &project.path).await) {
            (_, Err(error)) => Err(error.to_string()),
            (Err(_), _) => Err("your own config cannot be read".to_owned()),
            (Ok(user), Ok(site)) => rows(user, &site).await.map_err(|error| error.to_string()),
        };
        sections.push(section(&project.name, rows));
    }
    Ok(sections)
}

async fn rows(user: &User, site: &Site) -> Result<Vec<Row>, EngineError> {
    let project = queue::project(site).await?.unwrap_or_default();
    let refused = |e: crate::config::ConfigError| crate::daemon::refusal::Refusal::new(e.to_string());
    Ok(project_rows(&Effective::merge(user, &project, &Flags::default()).map_err(refused)?))
}

fn section<E: AsRef<str>>(name: &str, rows: Result<Vec<Row>, E>) -> Section {
    let clean = |row: Row| Row {
        key: clean_line(&row.key),
        value: clean_line(&row.value),
        origin: clean_line(&row.origin),
    };
    match rows {
        Ok(rows) => {
            Section { name: clean_line(name), trouble: None, rows: rows.into_iter().map(clean).collect() }
        }
        Err(why) => {
            Section { name: clean_line(name), trouble: Some(clean_line(why.as_ref())), rows: Vec::new() }
        }
    }
}
