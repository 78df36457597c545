//! Questions to the engine, read with tolerance.
//!
//! Owns plain GET requests on the engine's socket and the few fields of the answers that we use; unknown words
//! stay text, so Podman's extra states and future ones are no errors. It changes nothing in the engine. Every
//! question has its own connection and deadline, so a restarted engine is met fresh. Start with [`Ask`].

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{CALL, root_cause};
use crate::executor::spec::Labels;
use crate::executor::{ExecutorError, Exit, Found, Image, SandboxId, SandboxState};

/// Far more than 10,000 containers need; an answer beyond it is no answer.
const LARGEST_ANSWER: usize = 64 << 20;
/// The oldest API of the engines we support (20.10); newer ones still serve it or name their own minimum.
const FLOOR: &str = "/v1.41";

#[derive(Debug, Clone)]
pub(super) struct Ask {
    socket: PathBuf,
    pub(super) at: String,
    limit: Duration,
}

impl Ask {
    pub(super) fn new(socket: PathBuf, at: String) -> Self {
        Self { socket, at, limit: CALL }
    }

    /// `None` where the engine says 404. `path` without a version.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, ExecutorError> {
        let slow = || ExecutorError::Slow { what: short(path), seconds: self.limit.as_secs() };
        let (mut status, mut body) = tokio::time::timeout(self.limit, self.fetch(&format!("{FLOOR}{path}")))
            .await
            .map_err(|_| slow())??;
        if status == 400 && body.windows(15).any(|words| words == b"client version ") {
            // A far newer engine: without a version it answers with its own.
            (status, body) =
                tokio::time::timeout(self.limit, self.fetch(path)).await.map_err(|_| slow())??;
        }
        if status == 404 {
            return Ok(None);
        }
        let refused = |why: String| ExecutorError::Refused { what: format!("answer {}", short(path)), why };
        if status != 200 {
            return Err(refused(String::from_utf8_lossy(&body[..body.len().min(500)]).into_owned()));
        }
        serde_json::from_slice(&body)
            .map(Some)
            .map_err(|error| refused(format!("unreadable answer: {error}")))
    }

    async fn fetch(&self, path: &str) -> Result<(u16, Bytes), ExecutorError> {
        let broken = |error: &dyn std::error::Error| ExecutorError::Unreachable {
            at: self.at.clone(),
            why: root_cause(error),
        };
        let stream = tokio::net::UnixStream::connect(&self.socket).await.map_err(|e| broken(&e))?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|e| broken(&e))?;
        let driver = tokio_util::task::AbortOnDropHandle::new(tokio::spawn(connection));
        let request = hyper::Request::get(path)
            .header("host", "docker")
            .body(Empty::<Bytes>::new())
            .map_err(|e| broken(&e))?;
        let answer = sender.send_request(request).await.map_err(|e| broken(&e))?;
        let status = answer.status().as_u16();
        let body =
            Limited::new(answer.into_body(), LARGEST_ANSWER).collect().await.map_err(|e| broken(&*e))?;
        drop(driver);
        Ok((status, body.to_bytes()))
    }

    pub(super) async fn inspect(&self, id: &str) -> Result<Option<Inspected>, ExecutorError> {
        self.get(&format!("/containers/{}/json", escape(id))).await
    }

    pub(super) async fn image(&self, reference: &str) -> Result<Option<Image>, ExecutorError> {
        let found: Option<InspectedImage> = self.get(&format!("/images/{}/json", escape(reference))).await?;
        Ok(found.map(|image| Image { reference: reference.to_owned(), digest: with_algorithm(image.id) }))
    }

    pub(super) async fn containers(&self, instance: &str) -> Result<Vec<Found>, ExecutorError> {
        let path = format!(
            "/containers/json?all=true&filters={}",
            label_filter("beadwork.instance", Some(instance))
        );
        let all: Vec<Listed> = self.get(&path).await?.unwrap_or_default();
        Ok(all.into_iter().map(Listed::found).collect())
    }

    pub(super) async fn volumes(&self, instance: &str) -> Result<Vec<String>, ExecutorError> {
        let path = format!("/volumes?filters={}", label_filter("beadwork.instance", Some(instance)));
        let all: Volumes = self.get(&path).await?.unwrap_or_default();
        Ok(all.volumes.unwrap_or_default().into_iter().map(|volume| volume.name).collect())
    }
}

/// What inspect says of a container, as far as we care.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Inspected {
    state: State,
    #[serde(default)]
    config: Config,
    #[serde(default)]
    host_config: Host,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct State {
    #[serde(default)]
    status: String,
    #[serde(default)]
    running: bool,
    #[serde(default)]
    exit_code: i64,
    #[serde(default, rename = "OOMKilled")]
    oom_killed: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Config {
    open_stdin: bool,
    labels: Option<HashMap<String, String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Host {
    log_config: LogConfig,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct LogConfig {
    #[serde(rename = "Type")]
    kind: String,
}

impl Inspected {
    pub(super) fn state(&self) -> SandboxState {
        match self.state.status.as_str() {
            "created" | "configured" | "initialized" => SandboxState::Created,
            "running" | "paused" | "restarting" => SandboxState::Running,
            // `stopped` is Podman's word; `dead` is a container whose removal failed.
            "exited" | "stopped" | "dead" if !self.state.running => SandboxState::Exited(Exit {
                code: self.state.exit_code,
                out_of_memory: self.state.oom_killed,
            }),
            other => SandboxState::Unknown(other.chars().take(40).collect()),
        }
    }

    pub(super) fn nonce(&self) -> Option<&str> {
        self.config.labels.as_ref()?.get("beadwork.nonce").map(String::as_str)
    }

    pub(super) fn takes_stdin(&self) -> bool {
        self.config.open_stdin
    }

    pub(super) fn keeps_log(&self) -> bool {
        self.host_config.log_config.kind != "none"
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    id: String,
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    labels: Option<HashMap<String, String>>,
    #[serde(default)]
    state: String,
}

impl Listed {
    fn found(self) -> Found {
        let mut labels = self.labels.unwrap_or_default();
        let mut take = |key: &str| labels.remove(&format!("beadwork.{key}")).unwrap_or_default();
        let labels = Labels {
            instance: take("instance"),
            project: take("project"),
            bead: take("bead"),
            run: take("run"),
            attempt: take("attempt").parse().unwrap_or_default(),
            nonce: take("nonce"),
        };
        let name = self.names.first().map(|name| name.trim_start_matches('/').to_owned()).unwrap_or_default();
        let running = matches!(self.state.as_str(), "running" | "paused" | "restarting");
        Found { id: SandboxId(self.id), name, labels, running }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InspectedImage {
    id: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Volumes {
    volumes: Option<Vec<Volume>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Volume {
    name: String,
}

/// A `filters` value, already escaped. Without a value any container that has the label at all.
pub(super) fn label_filter(key: &str, value: Option<&str>) -> String {
    let label = value.map_or_else(|| key.to_owned(), |value| format!("{key}={value}"));
    escape(&serde_json::json!({ "label": [label] }).to_string())
}

/// Podman leaves the algorithm out.
pub(super) fn with_algorithm(id: String) -> String {
    if id.contains(':') { id } else { format!("sha256:{id}") }
}

/// Everything but unreserved characters and the slash of image names.
fn escape(text: &str) -> String {
    text.bytes()
        .map(|b| match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' | b':' => {
                char::from(b).to_string()
            }
            _ => format!("%{b:02X}"),
        })
        .collect()
}

fn short(path: &str) -> String {
    path.split('?').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
