//! `bead config`: the settings in force, each with where it comes from, and the table of prices.
//!
//! Owns the shape of that list; merging and checking are the config room's. Nothing is written. Start with
//! [`run`].

use clap::{Args as ClapArgs, Subcommand};
use serde_json::{Value, json};

use super::desk::{Desk, engine_error};
use super::output::{DIM, STRONG, paint};
use super::{CliError, Exit};
use crate::config::effective::{Effective, Flags};
use crate::config::project::Project;
use crate::config::user::User;
use crate::daemon::error::EngineError;
use crate::feed::view::settings::{Row, project_rows, user_rows};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// What holds for the project around you and for the night, and where each value comes from
    Show,
    /// Read your own config and the project's bead.yaml, and say what is wrong
    Check,
}

pub(super) async fn run(desk: &Desk, args: Args) -> Result<Exit, CliError> {
    let house = desk.house()?;
    let refused = |e: crate::config::ConfigError| CliError::refused(e.to_string());
    let user = User::read(&house.places.config_file()).map_err(refused)?;
    let project = project(desk, &house).await?;
    let named = project.is_some();
    let effective =
        Effective::merge(&user, &project.unwrap_or_default(), &Flags::default()).map_err(refused)?;
    if let Action::Check = args.action {
        let text = if named { "your config and bead.yaml are in order" } else { "your config is in order" };
        desk.output.say(text);
        if desk.output.json {
            desk.output.document(&json!({ "ok": true, "project": named }));
        }
        return Ok(Exit::Done);
    }
    let mut rows = user_rows(&user);
    rows.extend(project_rows(&effective));
    if desk.output.json {
        let settings: Vec<Value> = rows
            .iter()
            .map(|row| json!({ "key": row.key, "value": row.value, "origin": row.origin }))
            .collect();
        desk.output.document(&json!({
            "settings": settings,
            "prices": effective.prices.value,
            "prices_origin": effective.prices.origin.to_string(),
        }));
        return Ok(Exit::Done);
    }
    show(desk, &rows, &effective);
    Ok(Exit::Done)
}

/// The committed bead.yaml of the project around us, if there is one.
async fn project(desk: &Desk, house: &crate::daemon::house::House) -> Result<Option<Project>, CliError> {
    let site = match desk.site_in(house).await {
        Ok(site) => site,
        Err(error) if desk.project.is_some() => return Err(error),
        Err(_) => return Ok(None),
    };
    let read = crate::daemon::queue::project(&site).await;
    match read {
        Ok(project) => Ok(project),
        Err(error @ EngineError::Refused(_)) => Err(engine_error(error)),
        Err(error) => Err(engine_error(error)),
    }
}

fn show(desk: &Desk, rows: &[Row], effective: &Effective) {
    let clean = crate::domain::clean::clean_line;
    let wide = rows.iter().map(|row| row.key.len()).max().unwrap_or_default();
    let value = rows.iter().map(|row| row.value.chars().count()).max().unwrap_or_default().min(40);
    for row in rows {
        let text = format!("{:<wide$}  {:<value$}", clean(&row.key), clean(&row.value));
        desk.output.line(&format!("{text}  {}", paint(DIM, &clean(&row.origin))));
    }
    let prices = &effective.prices;
    let head =
        format!("prices of {} ({}), US dollars for a million tokens", prices.value.as_of, prices.origin);
    desk.output.line("");
    desk.output.line(&paint(STRONG, &clean(&head)));
    let wide = prices.value.models.keys().map(String::len).max().unwrap_or_default().max(5);
    let titles = ["input", "output", "cache read", "cache write"];
    desk.output.line(&format!("{:<wide$}{}", "model", titles.map(|title| format!("{title:>13}")).concat()));
    for (model, price) in &prices.value.models {
        let figures = [price.input, price.output, price.cache_read, price.cache_write];
        let figures = figures.map(|figure| format!("{figure:>13.2}")).concat();
        desk.output.line(&format!("{:<wide$}{figures}", clean(model)));
    }
    desk.output.line("an unknown model is charged at the highest price of each column");
}
