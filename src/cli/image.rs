//! `bead image`: what agents and gates run in.
//!
//! Owns the words around building and listing; recipes and the engine belong to the executor's room. Start
//! with [`run`].

use clap::{Args as ClapArgs, Subcommand};

use serde_json::json;

use super::desk::{Desk, engine_error};
use super::output::{DIM, GOOD, WARN, paint};
use super::{CliError, Exit};
use crate::domain::clean;
use crate::executor::docker::LabelledImage;
use crate::executor::image::{self, Built, ImageError, Kitchen};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build one of the images that are part of this program; does nothing when it is up to date
    Build {
        /// `worker` is the one there is
        name: String,
    },
    /// List our images
    List,
}

pub(super) async fn run(desk: &Desk, args: Args) -> Result<Exit, CliError> {
    let house = desk.house()?;
    let docker = desk.docker(&house).await?;
    match args.command {
        Command::Build { name } => {
            let kitchen = Kitchen { cache: house.places.cache(), variables: &desk.environment.inherited.0 };
            let output = desk.output;
            let mut progress = |line: &str| output.say(&paint(DIM, &clean::clean_line(line)));
            let built = image::build(&docker, &name, &kitchen, &mut progress).await.map_err(image_error)?;
            let (word, image) = match &built {
                Built::UpToDate(image) => ("up to date", image),
                Built::New(image) => ("built", image),
            };
            if desk.output.json {
                desk.output.document(&describe(image, true));
            } else {
                desk.output.line(&format!("{} {name} {}", paint(GOOD, word), short(&image.digest)));
            }
        }
        Command::List => {
            let images = image::list(&docker).await.map_err(image_error)?;
            if desk.output.json {
                desk.output
                    .document(&images.iter().map(|(i, current)| describe(i, *current)).collect::<Vec<_>>());
                return Ok(Exit::Done);
            }
            if images.is_empty() {
                desk.output
                    .say("no images yet; `bead image build worker` builds the one agents and gates run in");
            }
            for (image, current) in &images {
                let state = if *current { paint(GOOD, "current") } else { paint(WARN, "outdated") };
                let tags = if image.tags.is_empty() { "-".to_owned() } else { image.tags.join(", ") };
                desk.output.line(&format!(
                    "{tags}  {}  {}  {} MB  {state}",
                    short(&image.digest),
                    image.created.format("%Y-%m-%d %H:%M"),
                    image.bytes >> 20
                ));
            }
        }
    }
    Ok(Exit::Done)
}

fn describe(image: &LabelledImage, current: bool) -> serde_json::Value {
    json!({
        "tags": image.tags, "digest": image.digest, "created": image.created, "bytes": image.bytes,
        "current": current, "cli": image.labels.get("beadwork.cli"),
    })
}

fn short(digest: &str) -> &str {
    digest.get(..19).unwrap_or(digest)
}

fn image_error(error: ImageError) -> CliError {
    match error {
        ImageError::Engine(error) => engine_error(error.into()),
        ImageError::Unknown(_) => CliError::from_error(Exit::Refused, &error),
        ImageError::Script { code: 3, .. } => CliError::from_error(Exit::Refused, &error)
            .hint("the lines above say what a person has to do first"),
        other => CliError::from_error(Exit::Failed, &other),
    }
}
