//! `bead rehearse`: a command with everything real but the model.
//!
//! Owns the temporary copy of repository, tracker and state that a rehearsal works on (or none, with
//! `--in-place`), and its removal. The model that answers is the `model` room's. Start with [`run`].

use std::path::{Path, PathBuf};

use clap::{Args as ClapArgs, Parser as _};

use super::arguments::Arguments;
use super::desk::{Desk, engine_error};
use super::{CliError, Exit};
use crate::clock::SystemClock;
use crate::config::environment::{Environment, Secret};
use crate::daemon::house::House;
use crate::model::script::Script;
use crate::model::{ModelServer, ModelServerSpec};
use crate::workspace::program::Git;
use crate::workspace::repo::UserRepo;

/// What a rehearsal's gateway injects: no real key is near it.
const PLACEHOLDER: &str = "rehearsal-no-key";
/// The same where the script rehearses a subscription: the agent's client tells usage limits only of these.
const TOKEN: &str = "sk-ant-oat01-rehearsal-no-token";

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// On the real repository, tracker and state instead of a copy
    #[arg(long)]
    in_place: bool,
    /// What the model answers (docs/rehearsal.md)
    script: PathBuf,
    /// The command, as you would type it after `bead`
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<String>,
}

pub(super) async fn run(desk: &Desk, args: Args) -> Result<Exit, CliError> {
    let script = read(&args.script)?;
    let words = std::iter::once("bead".to_owned()).chain(args.command);
    let inner = match Arguments::try_parse_from(words) {
        Ok(inner) => inner,
        Err(refused) => {
            let _ = refused.print();
            return Ok(if refused.exit_code() == 0 { Exit::Done } else { Exit::Usage });
        }
    };
    if matches!(inner.command, super::arguments::Command::Rehearse(_)) {
        return Err(CliError::new(Exit::Usage, "a rehearsal cannot rehearse a rehearsal"));
    }
    if inner.project.is_some() || inner.profile.is_some() {
        return Err(CliError::new(Exit::Usage, "`--project` and `--profile` come before `rehearse`")
            .hint("such as: `bead --project PATH rehearse SCRIPT -- work ID`"));
    }
    let (api_key, oauth_token) = match script.subscription {
        false => (Some(Secret::new(PLACEHOLDER)), None),
        true => (None, Some(Secret::new(TOKEN))),
    };
    let clock = std::sync::Arc::new(SystemClock::default());
    let spec = ModelServerSpec { script, bind: ([127, 0, 0, 1], 0).into(), record: None, clock };
    let server = ModelServer::start(spec).await.map_err(|e| CliError::from_error(Exit::Failed, &e))?;
    let project = desk.project_path()?;
    let mut environment =
        Environment { base_url: Some(server.url()), api_key, oauth_token, ..desk.environment.clone() };
    let stage = stage(desk, &inner.command, (&project, args.in_place), &mut environment).await?;
    let mut output = desk.output;
    output.json |= inner.json;
    output.quiet |= inner.quiet;
    let rehearsed = Desk { environment, output, project: stage.at };
    let exit = Box::pin(super::execute(&rehearsed, inner.command)).await;
    server.close().await;
    if let Some(copy) = stage.copy {
        desk.output.say(&format!("rehearsed on a copy of {}; nothing of it is kept", stage.what));
        drop(copy);
    }
    exit
}

/// Where a rehearsal plays.
struct Stage {
    /// The project of the rehearsed command; none where it goes by the registry.
    at: Option<PathBuf>,
    copy: Option<Copy>,
    /// What was copied, in words.
    what: String,
}

/// A night rehearses all registered projects, any other command the one around it.
async fn stage(
    desk: &Desk,
    command: &super::arguments::Command,
    (project, in_place): (&Path, bool),
    environment: &mut Environment,
) -> Result<Stage, CliError> {
    let night = matches!(command, super::arguments::Command::Night(_) | super::arguments::Command::Serve(_));
    let others = if night && desk.project.is_none() { registered(desk)? } else { Vec::new() };
    if in_place {
        let at = if night { desk.project.clone() } else { Some(project.to_owned()) };
        return Ok(Stage { at, copy: None, what: String::new() });
    }
    if others.is_empty() {
        let copy = copy(&[(None, project.to_owned())], environment).await?;
        let at = Some(copy.project.clone());
        return Ok(Stage { at, copy: Some(copy), what: project.display().to_string() });
    }
    let copy = copy(&others, environment).await?;
    register(environment, &copy).await?;
    let what = format!("{} registered projects", others.len());
    Ok(Stage { at: desk.project.clone(), copy: Some(copy), what })
}

/// Reads and checks a rehearsal script.
pub(super) fn read(path: &Path) -> Result<Script, CliError> {
    let text = std::fs::read_to_string(path)
        .map_err(|e| CliError::refused(format!("cannot read the script `{}`: {e}", path.display())))?;
    Script::parse(&text).map_err(|e| {
        CliError::refused(format!("`{}`: {e}", path.display())).hint("docs/rehearsal.md explains the format")
    })
}

/// A temporary copy; it is removed when this is dropped.
struct Copy {
    _folder: tempfile::TempDir,
    /// The first of them.
    project: PathBuf,
    all: Vec<(Option<String>, PathBuf)>,
}

/// The projects that a night would work through.
fn registered(desk: &Desk) -> Result<Vec<(Option<String>, PathBuf)>, CliError> {
    let all = desk.house()?.journal.projects().map_err(super::desk::journal_error)?;
    Ok(all.into_iter().map(|p| (Some(p.name), p.path)).collect())
}

/// The copies, under the names that their originals have.
async fn register(environment: &Environment, copy: &Copy) -> Result<(), CliError> {
    let clock = std::sync::Arc::new(SystemClock::default());
    let ids = std::sync::Arc::new(crate::clock::RandomIds);
    let house = House::open(environment.clone(), clock, ids).map_err(engine_error)?;
    for (name, path) in &copy.all {
        crate::daemon::projects::add(&house, path, name.as_deref()).await.map_err(engine_error)?;
    }
    Ok(())
}

async fn copy(
    projects: &[(Option<String>, PathBuf)],
    environment: &mut Environment,
) -> Result<Copy, CliError> {
    let failed = |e: std::io::Error| CliError::failed(format!("cannot make a temporary folder: {e}"));
    let folder = tempfile::Builder::new().prefix("bead-rehearsal-").tempdir().map_err(failed)?;
    let mut all = Vec::new();
    for (place, (name, path)) in projects.iter().enumerate() {
        // Two projects may have folders of the same name.
        let to = if place == 0 { folder.path().to_owned() } else { folder.path().join(place.to_string()) };
        all.push((name.clone(), copy_one(path, &to, environment).await?));
    }
    environment.state_dir = Some(folder.path().join("state"));
    environment.rehearsal = true;
    let project = all[0].1.clone();
    Ok(Copy { _folder: folder, project, all })
}

/// Copies one repository into a folder, under its own name.
async fn copy_one(project: &Path, into: &Path, environment: &Environment) -> Result<PathBuf, CliError> {
    let git = Git::new(environment.inherited.0.iter().cloned());
    let root = UserRepo::open(&git, project)
        .await
        .map_err(|e| CliError::from_error(Exit::Refused, &e))?
        .root()
        .to_owned();
    if !root.join(".git").is_dir() {
        return Err(CliError::refused(format!(
            "`{}` is a linked work tree: a copy of it would share its refs",
            root.display()
        ))
        .hint("rehearse in the main work tree, or with `--in-place`"));
    }
    let failed = |e: std::io::Error| CliError::failed(format!("cannot copy `{}`: {e}", root.display()));
    let name = root.file_name().map_or_else(|| "project".into(), std::ffi::OsStr::to_owned);
    let to = into.join(name);
    copy_tree(&root, &to).map_err(failed)?;
    Ok(to)
}

/// Files, folders and links as they are; sockets and pipes are left out.
fn copy_tree(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let target = to.join(entry.file_name());
        if kind.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(std::fs::read_link(entry.path())?, target)?;
        } else if kind.is_file() {
            std::fs::copy(entry.path(), &target)?;
        }
    }
    std::fs::set_permissions(to, std::fs::metadata(from)?.permissions())
}
