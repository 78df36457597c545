//! Images: pull, import, build and list.
//!
//! Owns the engine calls that make or find an image; which image is made of what is `executor::image`'s. Start
//! with [`Docker::build_image`].

use std::collections::HashMap;
use std::time::Duration;

use bollard::query_parameters::{BuildImageOptionsBuilder, CreateImageOptionsBuilder};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::{Stream, StreamExt};
use serde::Deserialize;

use super::ask::{label_filter, with_algorithm};
use super::{Docker, within};
use crate::executor::ExecutorError;

/// An engine that says nothing for so long while it builds or pulls is not working.
const SILENCE: Duration = Duration::from_secs(600);

/// A tar archive in pieces.
pub type Archive = std::pin::Pin<Box<dyn Stream<Item = Result<Bytes, std::io::Error>> + Send>>;

/// An image that carries one of our labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelledImage {
    pub tags: Vec<String>,
    /// `sha256:...`
    pub digest: String,
    pub created: DateTime<Utc>,
    pub bytes: u64,
    pub labels: HashMap<String, String>,
}

/// What to build.
pub struct Build<'a> {
    pub tag: &'a str,
    pub arguments: HashMap<&'a str, &'a str>,
    pub labels: HashMap<&'a str, &'a str>,
    /// With `Dockerfile` at its top.
    pub context: Archive,
}

impl Docker {
    /// Pulls from the registry the engine knows. `patience` is for its first answer.
    pub async fn pull_image(&self, name: &str, tag: &str, patience: Duration) -> Result<(), ExecutorError> {
        let options = CreateImageOptionsBuilder::default().from_image(name).tag(tag).build();
        let mut steps = std::pin::pin!(self.api.create_image(Some(options), None, None));
        let first = async { steps.next().await.transpose() };
        within(&self.ask.at, "pull the image", patience, first).await?;
        self.follow("pull the image", steps, |_| {}).await
    }

    /// Makes an image of one layer out of a root file system.
    pub async fn import_image(&self, archive: Archive, name: &str, tag: &str) -> Result<(), ExecutorError> {
        let options = CreateImageOptionsBuilder::default().from_src("-").repo(name).tag(tag).build();
        let body = bollard::body_try_stream(archive);
        self.follow("import the image", self.api.create_image(Some(options), Some(body), None), |_| {}).await
    }

    /// Builds with the classic builder; `progress` gets its lines.
    pub async fn build_image(
        &self,
        build: Build<'_>,
        progress: &mut (dyn FnMut(&str) + Send),
    ) -> Result<(), ExecutorError> {
        let options = BuildImageOptionsBuilder::default()
            .t(build.tag)
            .buildargs(&build.arguments)
            .labels(&build.labels)
            .rm(true)
            .forcerm(true)
            .build();
        let lines = self.api.build_image(options, None, Some(bollard::body_try_stream(build.context)));
        self.follow("build the image", lines, |info: bollard::models::BuildInfo| {
            let text = info.stream.unwrap_or_default();
            text.lines().filter(|line| !line.trim().is_empty()).for_each(&mut *progress);
        })
        .await
    }

    /// Images that have the label at all.
    pub async fn labelled_images(&self, label: &str) -> Result<Vec<LabelledImage>, ExecutorError> {
        let path = format!("/images/json?filters={}", label_filter(label, None));
        let all: Vec<Listed> = self.ask.get(&path).await?.unwrap_or_default();
        Ok(all.into_iter().map(Listed::image).collect())
    }

    async fn follow<T>(
        &self,
        what: &str,
        steps: impl Stream<Item = Result<T, bollard::errors::Error>>,
        mut each: impl FnMut(T),
    ) -> Result<(), ExecutorError> {
        let mut steps = std::pin::pin!(steps);
        loop {
            let step = async { steps.next().await.transpose() };
            match within(&self.ask.at, what, SILENCE, step).await? {
                Some(step) => each(step),
                None => return Ok(()),
            }
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    id: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    created: i64,
    #[serde(default)]
    size: u64,
    #[serde(default)]
    labels: Option<HashMap<String, String>>,
}

impl Listed {
    fn image(self) -> LabelledImage {
        let tags = self.repo_tags.unwrap_or_default();
        LabelledImage {
            tags: tags.into_iter().filter(|tag| !tag.starts_with("<none>")).collect(),
            digest: with_algorithm(self.id),
            created: DateTime::from_timestamp(self.created, 0).unwrap_or_default(),
            bytes: self.size,
            labels: self.labels.unwrap_or_default(),
        }
    }
}
