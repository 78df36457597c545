//! What the engine is, and what about it a careful user should know.
//!
//! Owns the list of versions with known escapes (T11) and of limits an engine may lack. It refuses nothing:
//! the caller shows the warnings, or stops in strict mode. Start with [`warnings`].

use serde::Deserialize;

use super::Dialect;
use super::ask::Ask;
use crate::executor::{EngineInfo, ExecutorError};

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Version {
    version: String,
    api_version: String,
    components: Option<Vec<Component>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Component {
    name: String,
    #[serde(default)]
    version: String,
}

/// A limit the engine does not mention is taken as there: Podman's answer lacks some of the fields.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Info {
    memory_limit: Option<bool>,
    swap_limit: Option<bool>,
    pids_limit: Option<bool>,
    cpu_cfs_quota: Option<bool>,
    security_options: Option<Vec<String>>,
}

impl Version {
    pub(super) async fn read(ask: &Ask) -> Result<Self, ExecutorError> {
        ask.get("/version").await?.ok_or_else(|| ExecutorError::Unreachable {
            at: ask.at.clone(),
            why: "it does not answer like a container engine".into(),
        })
    }

    fn component(&self, name: &str) -> Option<&str> {
        let all = self.components.as_deref().unwrap_or_default();
        all.iter().find(|c| c.name.eq_ignore_ascii_case(name)).map(|c| c.version.as_str())
    }

    pub(super) fn dialect(&self) -> Dialect {
        if self.component("Podman Engine").is_some() {
            return Dialect::Podman;
        }
        Dialect::Docker { init: self.component("docker-init").is_some() }
    }
}

pub(super) async fn describe(ask: &Ask) -> Result<EngineInfo, ExecutorError> {
    let version = Version::read(ask).await?;
    let info: Info = ask.get("/info").await?.unwrap_or_default();
    let name = match version.dialect() {
        Dialect::Podman => "Podman",
        Dialect::Docker { .. } => "Docker Engine",
    };
    let warnings = warnings(&version, &info);
    Ok(EngineInfo { name: name.into(), version: version.version, api_version: version.api_version, warnings })
}

/// One sentence per thing that weakens the isolation.
pub(super) fn warnings(version: &Version, info: &Info) -> Vec<String> {
    let mut all = Vec::new();
    if let Some(runc) = version.component("runc")
        && let Some(cves) = runc_escapes(runc)
    {
        all.push(format!(
            "runc {runc} has known container escapes ({}): update to 1.2.8, 1.3.3 or newer, \
             unless your distribution has backported the fixes",
            cves.join(", ")
        ));
    }
    let limits = [
        (info.memory_limit, "memory"),
        (info.swap_limit, "swap"),
        (info.pids_limit, "process count"),
        (info.cpu_cfs_quota, "CPU"),
    ];
    for (there, what) in limits {
        if there == Some(false) {
            all.push(format!("the engine cannot limit {what}: a sandbox may use all the machine has"));
        }
    }
    if let Some(options) = &info.security_options
        && !options.iter().any(|option| option.contains("name=seccomp") || option == "seccomp")
    {
        all.push("the engine has no seccomp: system calls are not filtered".into());
    }
    all
}

/// The escapes this version of runc is open to, by its upstream number.
fn runc_escapes(version: &str) -> Option<Vec<&'static str>> {
    let mut parts = version.split(|c: char| !c.is_ascii_digit()).map(str::parse::<u32>);
    let mut next = || parts.next().and_then(Result::ok).unwrap_or(0);
    let number = (next(), next(), next());
    let mut cves = Vec::new();
    if number < (1, 1, 12) {
        cves.push("CVE-2024-21626");
    }
    // 1.4.0-rc.3 carries the fixes too; earlier candidates do not.
    let early_candidate = number == (1, 4, 0) && (version.contains("rc.1") || version.contains("rc.2"));
    if number < (1, 2, 8) || (number >= (1, 3, 0) && number < (1, 3, 3)) || early_candidate {
        cves.extend(["CVE-2025-31133", "CVE-2025-52565", "CVE-2025-52881"]);
    }
    (!cves.is_empty()).then_some(cves)
}

#[cfg(test)]
mod tests;
