//! The same containers as `bead work` makes, driven by plain calls of the engine's API and nothing else.
//!
//! Owns the replay: bodies recorded from a real run, with fresh names, in the same order. What `bead` does
//! around them (claim, journal, import, merge, landing, checks) is missing on purpose: that is what the ratio
//! shows. The clone and the folders are made before the clock starts. Start with [`Raw::run`].

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use beadwork::clock::{Ids as _, RandomIds, SystemClock};
use beadwork::domain::ids::{Oid, RunId};
use beadwork::domain::prices::list_prices;
use beadwork::gateway::credential::{Credential, CredentialKind};
use beadwork::gateway::meter::Limits;
use beadwork::gateway::standing::Standing;
use beadwork::gateway::upstream::Upstream;
use beadwork::gateway::{Gateway, GatewaySpec, Owner};
use beadwork::workspace::clone::{self, CloneRequest};
use beadwork::workspace::program::Git;
use beadwork::workspace::quarantine::Quarantine;
use bollard::container::{AttachContainerResults, LogOutput};
use bollard::models::{ContainerCreateBody, VolumeCreateRequest};
use bollard::query_parameters::{
    AttachContainerOptionsBuilder, CreateContainerOptionsBuilder, RemoveContainerOptionsBuilder,
    RemoveVolumeOptions, StartContainerOptions, WaitContainerOptionsBuilder,
};
use chrono::{DateTime, Utc};
use futures_util::StreamExt as _;
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;

use crate::project::{Model, Project};
use crate::recorder::Asked;

/// What `bead work` asked the engine for, as text in which names can be exchanged.
pub(crate) struct Raw {
    /// Agent, export, checkout, gate.
    containers: Vec<String>,
    volume: String,
    /// The two lines on the agent's stdin: the task and the farewell.
    lines: Vec<String>,
    run: String,
    session: String,
    instance: String,
    base: Oid,
}

/// One run's figures.
pub(crate) struct Driven {
    pub wall: Duration,
    pub began: DateTime<Utc>,
    pub first_request: DateTime<Utc>,
    /// Agent, export, gate with its checkout; each with the removal.
    pub parts: [Duration; 3],
}

impl Raw {
    /// Takes the four containers, the volume and the agent's stdin out of a recorded run.
    pub(crate) fn of(asked: &[Asked], events: &[Value], instance: &str) -> anyhow::Result<Self> {
        let bodies = |path: &str| {
            let posts = asked.iter().filter(|a| a.method == "POST" && a.path.starts_with(path));
            posts.map(|a| String::from_utf8_lossy(&a.body).into_owned()).collect::<Vec<_>>()
        };
        let containers = bodies("/containers/create");
        ensure!(containers.len() == 4, "expected 4 containers, found {}", containers.len());
        let volume = bodies("/volumes/create").pop().context("no volume was made")?;
        let talk = asked.iter().find(|a| a.path.contains("/attach") && a.body.starts_with(b"{"));
        let talk = String::from_utf8_lossy(&talk.context("nothing was said to the agent")?.body).into_owned();
        let lines: Vec<String> = talk.lines().map(|line| format!("{line}\n")).collect();
        ensure!(lines.len() == 2, "expected a task and a farewell, found {}", lines.len());
        let started = events.iter().find(|e| e["type"] == "attempt_started").context("no attempt")?;
        let text = |field: &str| started[field].as_str().unwrap_or_default().to_owned();
        let base = Oid::parse(&text("from"))?;
        let (run, session) = (text("run"), text("session"));
        Ok(Self { containers, volume, lines, run, session, instance: instance.to_owned(), base })
    }

    /// Everything once more, under fresh names.
    pub(crate) async fn run(
        &self,
        project: &Project,
        number: usize,
        engine: &bollard::Docker,
    ) -> anyhow::Result<Driven> {
        let run = RunId::from_bytes(RandomIds.bytes());
        let session = uuid::Builder::from_random_bytes(RandomIds.bytes()).into_uuid().to_string();
        // Not the project's label: `bead` would take these for its own strays.
        let stranger: String = self.instance.chars().rev().collect();
        let fresh = |text: &String| {
            let text = text.replace(&self.run, run.as_str()).replace(&self.session, &session);
            text.replace(&self.instance, &stranger)
        };
        let bodies: Vec<ContainerCreateBody> = self
            .containers
            .iter()
            .map(|text| serde_json::from_str(&fresh(text)))
            .collect::<Result<_, _>>()?;
        let volume: VolumeCreateRequest = serde_json::from_str(&fresh(&self.volume))?;
        let places = Places::of(&bodies[0])?;
        places.prepare(project, &run, &self.base).await?;
        let model = Model::start(project.dir.path(), number).await?;
        let gateway = gateway(&places, &model.url())?;

        let (clock, began) = (Instant::now(), Utc::now());
        agent(engine, &bodies[0], &self.lines).await?;
        let worked = clock.elapsed();
        let (id, attached) = start(engine, &bodies[1]).await?;
        drain(attached).await?;
        end(engine, &id).await?;
        let exported = clock.elapsed();
        gate(engine, &volume, &bodies[2..]).await?;
        let wall = clock.elapsed();

        gateway.close().await;
        let first_request = model.first_request().await?;
        places.remove()?;
        let parts = [worked, exported - worked, wall - exported];
        Ok(Driven { wall, began, first_request, parts })
    }
}

async fn agent(engine: &bollard::Docker, body: &ContainerCreateBody, lines: &[String]) -> anyhow::Result<()> {
    let (id, mut attached) = start(engine, body).await?;
    attached.input.write_all(lines[0].as_bytes()).await?;
    attached.input.flush().await?;
    let (mut line, mut settled) = (Vec::new(), false);
    while let Some(piece) = attached.output.next().await {
        let LogOutput::StdOut { message } = piece? else { continue };
        line.extend_from_slice(&message);
        let Some(whole) = line.iter().rposition(|byte| *byte == b'\n') else { continue };
        let rest = line.split_off(whole + 1);
        let text = String::from_utf8_lossy(&std::mem::replace(&mut line, rest)).into_owned();
        if !settled && text.lines().any(is_result) {
            settled = true;
            attached.input.write_all(lines[1].as_bytes()).await?;
            attached.input.flush().await?;
        }
    }
    ensure!(settled, "the agent ended without a result");
    end(engine, &id).await
}

fn is_result(line: &str) -> bool {
    serde_json::from_str::<Value>(line).is_ok_and(|event| event["type"] == "result")
}

async fn gate(
    engine: &bollard::Docker,
    volume: &VolumeCreateRequest,
    bodies: &[ContainerCreateBody],
) -> anyhow::Result<()> {
    let name = volume.name.clone().context("a volume without a name")?;
    engine.create_volume(volume.clone()).await?;
    let (checkout, mut waiting) = start(engine, &bodies[0]).await?;
    let mut said = Vec::new();
    while !said.ends_with(b"ready\n") {
        let piece = waiting.output.next().await.context("the checkout ended early")??;
        said.extend_from_slice(&piece.into_bytes());
    }
    let (gate, attached) = start(engine, &bodies[1]).await?;
    drain(attached).await?;
    end(engine, &gate).await?;
    remove(engine, &checkout).await?;
    engine.remove_volume(&name, None::<RemoveVolumeOptions>).await?;
    Ok(())
}

/// What `docker run` does: create, attach, start.
async fn start(
    engine: &bollard::Docker,
    body: &ContainerCreateBody,
) -> anyhow::Result<(String, AttachContainerResults)> {
    let options = CreateContainerOptionsBuilder::default().build();
    let id = engine.create_container(Some(options), body.clone()).await?.id;
    let stdin = body.open_stdin == Some(true);
    let options =
        AttachContainerOptionsBuilder::default().stdin(stdin).stdout(true).stderr(true).stream(true);
    let attached = engine.attach_container(&id, Some(options.build())).await?;
    engine.start_container(&id, None::<StartContainerOptions>).await?;
    Ok((id, attached))
}

async fn drain(mut attached: AttachContainerResults) -> anyhow::Result<()> {
    while let Some(piece) = attached.output.next().await {
        piece?;
    }
    Ok(())
}

/// Waits for the end, which must be a good one, and removes the container.
async fn end(engine: &bollard::Docker, id: &str) -> anyhow::Result<()> {
    let options = WaitContainerOptionsBuilder::default().condition("not-running").build();
    while let Some(answer) = engine.wait_container(id, Some(options.clone())).next().await {
        if answer?.status_code == 0 {
            break;
        }
    }
    remove(engine, id).await
}

async fn remove(engine: &bollard::Docker, id: &str) -> anyhow::Result<()> {
    let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
    Ok(engine.remove_container(id, Some(options)).await?)
}

/// The host folders that the agent's container has mounted, and who owns them.
struct Places {
    clone: PathBuf,
    sockets: PathBuf,
    conversation: PathBuf,
    owner: Option<(u32, u32)>,
}

impl Places {
    fn of(agent: &ContainerCreateBody) -> anyhow::Result<Self> {
        let mounts = agent.host_config.as_ref().and_then(|host| host.mounts.as_ref()).context("no mounts")?;
        let source = |target: &str| {
            let found = mounts.iter().find(|m| m.target.as_deref() == Some(target));
            found.and_then(|m| m.source.clone()).map(PathBuf::from).with_context(|| format!("no `{target}`"))
        };
        let user = agent.user.as_deref().and_then(|user| user.split_once(':')).context("no user")?;
        let owner = (user.0.parse()?, user.1.parse()?);
        let root = rustix::process::getuid().is_root();
        Ok(Self {
            clone: source("/work")?,
            sockets: source("/run/beadwork")?,
            conversation: source("/home/agent/.claude/projects")?,
            owner: root.then_some(owner),
        })
    }

    async fn prepare(&self, project: &Project, run: &RunId, base: &Oid) -> anyhow::Result<()> {
        let git = Git::new(project.variables());
        let mut all = std::fs::read_dir(project.state().join("quarantine"))?;
        let quarantine = all.next().context("no quarantine")??.path();
        let quarantine = Quarantine::open(&git, &quarantine).await?;
        // Opening it closes it to others; a gate's user reads it, and the folder above keeps everybody else out.
        std::fs::set_permissions(quarantine.path(), std::fs::Permissions::from_mode(0o755))?;
        let request = CloneRequest { path: &self.clone, run, tip: base, owner: self.owner };
        clone::make(&quarantine, &request).await?;
        private(&self.conversation, self.owner)?;
        private(&self.sockets, self.owner)
    }

    fn remove(&self) -> anyhow::Result<()> {
        for dir in [&self.clone, &self.sockets, &self.conversation] {
            std::fs::remove_dir_all(dir)?;
        }
        Ok(())
    }
}

fn private(dir: &Path, owner: Option<(u32, u32)>) -> anyhow::Result<()> {
    std::fs::create_dir_all(dir)?;
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o700))?;
    if let Some((uid, gid)) = owner {
        std::os::unix::fs::chown(dir, Some(uid), Some(gid))?;
    }
    Ok(())
}

fn gateway(places: &Places, url: &str) -> anyhow::Result<Gateway> {
    Ok(Gateway::open(GatewaySpec {
        dir: places.sockets.clone(),
        owner: places.owner.map(|(uid, gid)| Owner { uid, gid }),
        allowed_uids: Vec::new(),
        upstream: Upstream::parse(Some(url))?,
        credential: Credential::placeholder(CredentialKind::ApiKey),
        limits: Limits::default(),
        prices: list_prices(),
        already_spent_usd: 0.0,
        standing: Arc::new(Standing::new(Arc::new(SystemClock::default()), Arc::new(RandomIds))),
        clock: Arc::new(SystemClock::default()),
    })?)
}
