//! What only a working engine needs: a container engine, the agent's dialect, the upstream and the key.
//!
//! Owns how these are found and the refusals where one is missing, each with what to do next (exit 3, F15).
//! Reading commands never come here. Start with [`Machine`] and [`Engine::settings`].

use std::path::Path;
use std::sync::Arc;

use super::engine::Engine;
use super::error::EngineError;
use super::house::House;
use super::refusal::Refusal;
use super::spending::Spending;
use crate::agent::{CredentialKind, Dialect};
use crate::config::ConfigError;
use crate::config::effective::{Effective, Flags};
use crate::config::project::{self, Project};
use crate::config::user::User;
use crate::domain::event::Order;
use crate::domain::ids::Oid;
use crate::executor::spec::RunUser;
use crate::executor::{Executor, Image};
use crate::gateway::credential::{self, Credential, CredentialError};
use crate::gateway::standing::Standing;
use crate::gateway::upstream::Upstream;
use crate::gateway::{Gateways, Owner, Sockets};

/// No bead.yaml is longer; the parser refuses longer ones by itself.
pub(super) const CONFIG_CAP: u64 = 1 << 20;
/// The unprivileged user of sandboxes when the caller is root.
const SANDBOX_UID: u32 = 64_000;

/// The working parts beside house and site.
#[derive(Clone)]
pub struct Machine {
    pub executor: Arc<dyn Executor>,
    pub dialect: Arc<dyn Dialect>,
    pub gateways: Arc<dyn Gateways>,
    /// One upstream and one account for all runs of this process.
    pub standing: Arc<Standing>,
    pub spending: Spending,
    pub upstream: Upstream,
    pub credential: Option<Credential>,
    /// Why there is no credential; told when a run would need one, after cheaper refusals.
    no_key: Refusal,
    /// The user's own config; a project may only narrow it.
    pub user: User,
    pub run_user: RunUser,
}

impl Machine {
    /// Everything but the executor comes from the house's environment.
    pub fn new(
        house: &House,
        executor: Arc<dyn Executor>,
        dialect: Arc<dyn Dialect>,
    ) -> Result<Self, EngineError> {
        let refused = |text: String| EngineError::from(Refusal::new(text));
        let user = User::read(&house.places.config_file()).map_err(|e| {
            Refusal::new(e.to_string()).hint("correct it, or move the file away to have the built-in limits")
        })?;
        let upstream =
            Upstream::parse(house.environment.base_url.as_deref()).map_err(|e| refused(e.to_string()))?;
        let key = house.environment.api_key.as_ref().map(|s| s.expose().to_owned());
        let token = house.environment.oauth_token.as_ref().map(|s| s.expose().to_owned());
        let file = house.places.config_file().with_file_name("credential");
        let (credential, no_key) = match Credential::find(key, token, &file) {
            Ok(credential) => (Some(credential), Refusal::new("")),
            Err(CredentialError::Missing { .. }) => (None, keyless(&file)),
            Err(error) => (None, Refusal::new(error.to_string())),
        };
        let gid = rustix::process::getgid().as_raw();
        let run_user = match house.uid {
            0 => RunUser { uid: SANDBOX_UID, gid: SANDBOX_UID },
            uid => RunUser { uid, gid },
        };
        let gateways = Arc::new(Sockets);
        let standing = Arc::new(Standing::new(Arc::clone(&house.clock), Arc::clone(&house.ids)));
        let spending = Spending::default();
        Ok(Self {
            executor,
            dialect,
            gateways,
            standing,
            spending,
            upstream,
            credential,
            no_key,
            user,
            run_user,
        })
    }

    /// The same machine with the user's config as it stands now.
    #[must_use]
    pub fn with_user(&self, user: User) -> Self {
        Self { user, ..self.clone() }
    }

    /// Whom folders for the sandbox must be given to; nobody when the caller runs it under its own uid.
    pub fn owner(&self) -> Option<(u32, u32)> {
        (self.run_user.uid == SANDBOX_UID).then_some((self.run_user.uid, self.run_user.gid))
    }

    pub fn socket_owner(&self) -> Option<Owner> {
        self.owner().map(|(uid, gid)| Owner { uid, gid })
    }

    pub fn credential_kind(&self) -> CredentialKind {
        match self.credential.as_ref().map(Credential::kind) {
            Some(credential::CredentialKind::OAuthToken) => CredentialKind::OAuth,
            _ => CredentialKind::ApiKey,
        }
    }
}

/// An image of ours is built; any other is the user's own.
pub(super) fn how_to_get(image: &str) -> String {
    if image.split([':', '/']).any(|part| part == crate::executor::image::WORKER) {
        format!("build it: `bead image build {}`", crate::executor::image::WORKER)
    } else {
        format!("get it (`docker pull {image}`), or use the built-in one: `image: worker` in bead.yaml")
    }
}

fn keyless(file: &Path) -> Refusal {
    Refusal::new("there is no key for the model")
        .hint("set ANTHROPIC_API_KEY, or CLAUDE_CODE_OAUTH_TOKEN for a subscription")
        .hint(format!("or put it into `{}` (chmod 600)", file.display()))
        .hint("without a key: `bead rehearse SCRIPT -- work ID` runs everything else for real")
}

/// What is wrong in a committed bead.yaml. A newer one in the checkout changes nothing (rules 9).
pub(super) fn bad_project(error: &ConfigError) -> Refusal {
    Refusal::new(error.to_string())
        .hint("correct it and commit it: a run reads the committed bead.yaml, not the one in the checkout")
}

impl Engine {
    /// The settings of a run: `bead.yaml` of its base commit and nothing newer (rules 9).
    pub(super) async fn settings(&self, order: &Order) -> Result<Effective, EngineError> {
        let flags = Flags { target: Some(order.target.clone()), model: order.model.clone() };
        self.settings_at(&order.base, &flags).await
    }

    pub(super) async fn settings_at(&self, commit: &Oid, flags: &Flags) -> Result<Effective, EngineError> {
        let name = format!("{}:{}", commit.short(), project::FILE);
        let Some(bytes) = self.site.repo.file_at(commit, project::FILE, CONFIG_CAP)? else {
            let there = self.site.root().join(project::FILE).exists();
            return Err(if there {
                Refusal::new(format!("`{}` is not committed on the target", project::FILE)).hint(format!(
                    "commit bead.yaml first: `git add {0} && git commit -m \"Add {0}\"`",
                    project::FILE
                ))
            } else {
                Refusal::new(format!("this project has no `{}`", project::FILE))
                    .hint("`bead init` writes one; look at it, then commit it")
            }
            .into());
        };
        let project = Project::parse(&bytes, &name).map_err(|e| bad_project(&e))?;
        let merged = Effective::merge(&self.machine.user, &project, flags);
        Ok(merged.map_err(|e| Refusal::new(e.to_string()))?)
    }

    /// Refuses what would fail after the claim: no engine, no image, no key (F15).
    pub(super) async fn preflight_engine(&self, order: &Order) -> Result<(), EngineError> {
        let settings = self.settings(order).await?;
        if self.machine.credential.is_none() {
            return Err(self.machine.no_key.clone().into());
        }
        self.image(&settings).await?;
        Ok(())
    }

    /// The image by digest.
    pub(super) async fn image(&self, settings: &Effective) -> Result<Image, EngineError> {
        let name = &settings.image.value;
        let reference = crate::executor::image::reference(name);
        match self.machine.executor.find_image(&reference).await? {
            Some(image) => Ok(image),
            None => Err(Refusal::new(format!("image `{name}` is not there")).hint(how_to_get(name)).into()),
        }
    }
}
