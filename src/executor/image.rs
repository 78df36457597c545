//! The images that are part of this program: what they are made of, and how they are built.
//!
//! Owns the embedded `images/` folder, the recipe's fingerprint by which an image is known to be up to date,
//! and the order base, CLI, build. The scripts of `images/` run here and nowhere else. Start with [`build`].

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::docker::{Archive, Build, Docker, LabelledImage};
use super::{Executor, ExecutorError};

/// The one image we make.
pub const WORKER: &str = "worker";
/// Carries the fingerprint of everything the image was made of.
pub const RECIPE: &str = "beadwork.recipe";
const CLI_VERSION: &str = "2.1.329";
const BASE: (&str, &str) = ("beadwork/base", "bookworm");
const PUBLIC_BASE: (&str, &str) = ("debian", "bookworm-slim");
/// A registry that is out of reach is noticed after this; a slow one gets its time once it answers.
const PULL: Duration = Duration::from_secs(60);

/// Every file of `images/`: name, content, executable.
const FILES: &[(&str, &str, bool)] = &[
    ("base/README.md", include_str!("../../images/base/README.md"), false),
    ("base/rootfs", include_str!("../../images/base/rootfs"), true),
    ("worker/Dockerfile", include_str!("../../images/worker/Dockerfile"), false),
    ("worker/README.md", include_str!("../../images/worker/README.md"), false),
    ("worker/fetch-cli", include_str!("../../images/worker/fetch-cli"), true),
    ("worker/packages", include_str!("../../images/worker/packages"), true),
];

#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    #[error("there is no image `{0}` in this program, expected `{WORKER}`")]
    Unknown(String),
    #[error(transparent)]
    Engine(#[from] ExecutorError),
    /// The script said on stderr what a person must do; code 3 is its refusal.
    #[error("`images/{script}` ended with {code}: {said}")]
    Script { script: &'static str, code: i32, said: String },
    #[error("`{path}`: {source}")]
    Io { path: PathBuf, source: std::io::Error },
}

/// Where downloads go and what the scripts may see of the environment.
#[derive(Debug)]
pub struct Kitchen<'a> {
    pub cache: &'a Path,
    pub variables: &'a [(OsString, OsString)],
}

/// What a build came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Built {
    UpToDate(LabelledImage),
    New(LabelledImage),
}

/// The reference under which an image of `bead.yaml` is looked for.
pub fn reference(name: &str) -> String {
    if name == WORKER { format!("beadwork/{WORKER}:latest") } else { name.to_owned() }
}

/// Everything the worker image is made of, in one hash.
pub fn recipe() -> String {
    let mut hash = Sha256::new();
    for (name, content, executable) in FILES {
        hash.update(format!("{name} {} {executable}\n", content.len()));
        hash.update(content);
    }
    hash.update(CLI_VERSION);
    hash.finalize().iter().take(16).map(|b| format!("{b:02x}")).collect()
}

/// Our images, newest first; the flag says whether this program would build the same.
pub async fn list(docker: &Docker) -> Result<Vec<(LabelledImage, bool)>, ImageError> {
    let mut found = docker.labelled_images(RECIPE).await?;
    found.sort_by_key(|image| std::cmp::Reverse(image.created));
    let recipe = recipe();
    Ok(found
        .into_iter()
        .map(|i| {
            let current = i.labels.get(RECIPE) == Some(&recipe);
            (i, current)
        })
        .collect())
}

/// Builds an image, or finds that it is up to date. `progress` gets one line after the other.
pub async fn build(
    docker: &Docker,
    name: &str,
    kitchen: &Kitchen<'_>,
    progress: &mut (dyn FnMut(&str) + Send),
) -> Result<Built, ImageError> {
    if name != WORKER {
        return Err(ImageError::Unknown(name.to_owned()));
    }
    if let Some(image) = current(docker).await? {
        return Ok(Built::UpToDate(image));
    }
    let folder =
        tempfile::tempdir().map_err(|source| ImageError::Io { path: std::env::temp_dir(), source })?;
    unpack(folder.path())?;
    let base = base(docker, kitchen, folder.path(), progress).await?;
    let cli = kitchen.cache.join("claude").join(CLI_VERSION).join("claude");
    make_parent(&cli)?;
    run(folder.path(), "worker/fetch-cli", &cli, kitchen, progress).await?;
    let (recipe, tag) = (recipe(), reference(WORKER));
    docker
        .build_image(
            Build {
                tag: &tag,
                arguments: HashMap::from([("BASE", base.as_str())]),
                labels: HashMap::from([(RECIPE, recipe.as_str())]),
                context: context(folder.path(), &cli)?,
            },
            progress,
        )
        .await?;
    match current(docker).await? {
        Some(image) => Ok(Built::New(image)),
        None => Err(ExecutorError::NoImage(tag).into()),
    }
}

async fn current(docker: &Docker) -> Result<Option<LabelledImage>, ImageError> {
    let tag = reference(WORKER);
    Ok(list(docker).await?.into_iter().find(|(i, current)| *current && i.tags.contains(&tag)).map(|(i, _)| i))
}

/// The base image: our own if it is there, else the public one, else our own made now.
async fn base(
    docker: &Docker,
    kitchen: &Kitchen<'_>,
    folder: &Path,
    progress: &mut (dyn FnMut(&str) + Send),
) -> Result<String, ImageError> {
    let ours = format!("{}:{}", BASE.0, BASE.1);
    let public = format!("{}:{}", PUBLIC_BASE.0, PUBLIC_BASE.1);
    for known in [&ours, &public] {
        if docker.find_image(known).await?.is_some() {
            return Ok(known.clone());
        }
    }
    progress(&format!("pulling {public}"));
    match docker.pull_image(PUBLIC_BASE.0, PUBLIC_BASE.1, PULL).await {
        Ok(()) => return Ok(public),
        Err(error) => {
            progress(&format!("no image registry answers ({error}); making a base with debootstrap"))
        }
    }
    let archive = kitchen.cache.join("base").join("bookworm.tar");
    make_parent(&archive)?;
    if !archive.exists() {
        run(folder, "base/rootfs", &archive, kitchen, progress).await?;
    }
    progress("importing the base");
    docker.import_image(file(&archive)?, BASE.0, BASE.1).await?;
    Ok(ours)
}

fn unpack(folder: &Path) -> Result<(), ImageError> {
    use std::os::unix::fs::PermissionsExt as _;
    for (name, content, executable) in FILES {
        let path = folder.join(name);
        make_parent(&path)?;
        let io = |source| ImageError::Io { path: path.clone(), source };
        std::fs::write(&path, content).map_err(io)?;
        let mode = if *executable { 0o755 } else { 0o644 };
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).map_err(io)?;
    }
    Ok(())
}

/// Runs one script of `images/` with the file it shall make as its argument.
async fn run(
    folder: &Path,
    script: &'static str,
    argument: &Path,
    kitchen: &Kitchen<'_>,
    progress: &mut (dyn FnMut(&str) + Send),
) -> Result<(), ImageError> {
    let path = folder.join(script);
    let io = |source| ImageError::Io { path: path.clone(), source };
    #[expect(clippy::disallowed_methods, reason = "this file is the one that runs the scripts of images/")]
    let mut child = tokio::process::Command::new("bash")
        // Not run directly: the folder may be mounted noexec.
        .arg(&path)
        .arg(argument)
        .env_clear()
        .envs(kitchen.variables.iter().cloned())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(io)?;
    let mut said = String::new();
    if let Some(stderr) = child.stderr.take() {
        let mut lines = BufReader::new(stderr).lines();
        while let Some(line) = lines.next_line().await.map_err(io)? {
            progress(&line);
            if !line.trim().is_empty() {
                said = line;
            }
        }
    }
    let status = child.wait().await.map_err(io)?;
    match status.code() {
        Some(0) => Ok(()),
        code => Err(ImageError::Script { script, code: code.unwrap_or(-1), said }),
    }
}

/// The build context, streamed: the CLI alone has hundreds of megabytes.
fn context(folder: &Path, cli: &Path) -> Result<Archive, ImageError> {
    let (folder, cli) = (folder.to_owned(), cli.to_owned());
    stream(move |out| {
        let mut tar = tar::Builder::new(out);
        tar.mode(tar::HeaderMode::Deterministic);
        for name in ["Dockerfile", "packages"] {
            tar.append_path_with_name(folder.join("worker").join(name), name)?;
        }
        tar.append_path_with_name(&cli, "claude")?;
        tar.finish()
    })
}

fn file(path: &Path) -> Result<Archive, ImageError> {
    let mut file =
        std::fs::File::open(path).map_err(|source| ImageError::Io { path: path.to_owned(), source })?;
    stream(move |out| std::io::copy(&mut file, out).map(|_| ()))
}

/// What a blocking writer writes, as a stream with a few megabytes in flight.
fn stream(
    write: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()> + Send + 'static,
) -> Result<Archive, ImageError> {
    let (sender, receiver) = tokio::sync::mpsc::channel(16);
    tokio::task::spawn_blocking(move || {
        // tar and copy write in small pieces; the engine's connection takes larger ones better.
        let mut pieces = std::io::BufWriter::with_capacity(256 << 10, Pieces { sender: sender.clone() });
        let written = write(&mut pieces).and_then(|()| std::io::Write::flush(&mut pieces));
        if let Err(error) = written {
            let _ = sender.blocking_send(Err(error));
        }
    });
    Ok(Box::pin(futures_util::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|piece| (piece, receiver))
    })))
}

struct Pieces {
    sender: tokio::sync::mpsc::Sender<std::io::Result<Bytes>>,
}

impl std::io::Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self.sender.blocking_send(Ok(Bytes::copy_from_slice(bytes))) {
            Ok(()) => Ok(bytes.len()),
            Err(_) => Err(std::io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn make_parent(path: &Path) -> Result<(), ImageError> {
    let parent = path.parent().unwrap_or(path);
    std::fs::create_dir_all(parent).map_err(|source| ImageError::Io { path: parent.to_owned(), source })
}

#[cfg(test)]
mod tests;
