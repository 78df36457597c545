//! Turns a sandbox spec into the engine's create request: every isolation flag stands here and nowhere else.
//!
//! Owns the hardening that a golden test holds still. It sends nothing. Start with [`create_body`].

use std::collections::HashMap;

use bollard::models::{
    ContainerCreateBody, HealthConfig, HostConfig, HostConfigLogConfig, Mount as EngineMount,
    MountBindOptions, MountBindOptionsPropagationEnum, MountType, MountVolumeOptions, ResourcesUlimits,
    RestartPolicy, RestartPolicyNameEnum, VolumeCreateRequest,
};

use super::Dialect;
use crate::executor::ExecutorError;
use crate::executor::mounts::{self, MountRules, real_directory};
use crate::executor::spec::{Labels, Limits, Mount, RunUser, SandboxSpec, VolumeSpec};

/// After TERM the first process waits this long before it kills (seconds).
const GRACE: &str = "15";
/// Four times a shell's usual limit, and the kernel's own hard limit: an engine without the right to raise limits
/// (rootless, or itself in a container) refuses to start anything with more.
const OPEN_FILES: i64 = 4096;
/// Room for the engine's own file header and for what was printed between our reading and our kill.
const LOG_SLACK: u64 = 4 << 20;

/// The whole request. Refuses what must not be mounted, and root.
pub(super) fn create_body(
    spec: &SandboxSpec,
    rules: &MountRules,
    dialect: Dialect,
) -> Result<ContainerCreateBody, ExecutorError> {
    if spec.user.uid == 0 || spec.user.gid == 0 {
        let why = "a sandbox never runs as root".to_owned();
        return Err(ExecutorError::Refused { what: "create the sandbox".into(), why });
    }
    Ok(ContainerCreateBody {
        hostname: Some("sandbox".into()),
        user: Some(format!("{}:{}", spec.user.uid, spec.user.gid)),
        attach_stdin: Some(spec.stdin),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        tty: Some(false),
        open_stdin: Some(spec.stdin),
        // Another attach must still find it open.
        stdin_once: Some(false),
        env: Some(spec.env.iter().map(|(key, value)| format!("{key}={value}")).collect()),
        // An entry point of the image would come before ours and could ignore it.
        entrypoint: Some(time_limit(spec)),
        cmd: Some(spec.argv.clone()),
        // An image's health check would run commands nobody timed.
        healthcheck: Some(HealthConfig { test: Some(vec!["NONE".into()]), ..HealthConfig::default() }),
        image: Some(spec.image.clone()),
        working_dir: Some(spec.workdir.clone()),
        labels: Some(labels(&spec.labels, spec.purpose.as_str())),
        host_config: Some(host_config(spec, rules, dialect)?),
        ..ContainerCreateBody::default()
    })
}

/// GNU `timeout` as the first process. It passes TERM and the exit code on; 124 or 137 at the limit (measured,
/// with and without an init process in front).
fn time_limit(spec: &SandboxSpec) -> Vec<String> {
    let seconds = spec.time_limit.as_secs().max(1).to_string();
    ["timeout", "--foreground", "-k", GRACE, &seconds].map(str::to_owned).to_vec()
}

fn host_config(
    spec: &SandboxSpec,
    rules: &MountRules,
    dialect: Dialect,
) -> Result<HostConfig, ExecutorError> {
    let Limits { memory, pids, cpus } = spec.limits;
    let memory = Some(i64::try_from(memory).unwrap_or(i64::MAX));
    let (tmpfs, mounts) = mounts(&spec.mounts, spec.user, rules)?;
    Ok(HostConfig {
        network_mode: Some("none".into()),
        readonly_rootfs: Some(true),
        cap_drop: Some(vec!["ALL".into()]),
        security_opt: Some(vec!["no-new-privileges:true".into()]),
        privileged: Some(false),
        ipc_mode: Some("private".into()),
        pids_limit: Some(pids),
        memory,
        // The same as memory: no swap.
        memory_swap: memory,
        nano_cpus: Some(nano_cpus(cpus)),
        ulimits: Some(vec![ulimit("core", 0), ulimit("nofile", OPEN_FILES)]),
        init: Some(dialect == Dialect::Docker { init: true }),
        restart_policy: Some(RestartPolicy {
            name: Some(RestartPolicyNameEnum::NO),
            ..RestartPolicy::default()
        }),
        auto_remove: Some(false),
        log_config: Some(log_config(spec.log_cap, dialect)),
        tmpfs: Some(tmpfs),
        mounts: Some(mounts),
        ..HostConfig::default()
    })
}

#[expect(clippy::cast_possible_truncation, reason = "a float-to-int cast saturates, and cpus are few")]
fn nano_cpus(cpus: f64) -> i64 {
    (cpus * 1e9) as i64
}

fn ulimit(name: &str, value: i64) -> ResourcesUlimits {
    ResourcesUlimits { name: Some(name.into()), soft: Some(value), hard: Some(value) }
}

/// One file, never compressed: with rotation the oldest lines would go.
fn log_config(cap: u64, dialect: Dialect) -> HostConfigLogConfig {
    let kind = match (cap, dialect) {
        (0, _) => return HostConfigLogConfig { typ: Some("none".into()), config: None },
        (_, Dialect::Docker { .. }) => "local",
        (_, Dialect::Podman) => "k8s-file",
    };
    let size = (cap.saturating_add(LOG_SLACK).max(cap.saturating_mul(2))).to_string();
    let options = match dialect {
        Dialect::Docker { .. } => {
            vec![("max-file", "1".to_owned()), ("max-size", size), ("compress", "false".into())]
        }
        Dialect::Podman => vec![("max-size", size)],
    };
    let config = options.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    HostConfigLogConfig { typ: Some(kind.into()), config: Some(config) }
}

type Mounts = (HashMap<String, String>, Vec<EngineMount>);

fn mounts(all: &[Mount], user: RunUser, rules: &MountRules) -> Result<Mounts, ExecutorError> {
    let (mut tmpfs, mut mounts, mut targets) = (HashMap::new(), Vec::new(), Vec::new());
    for mount in all {
        let (Mount::Bind { target, .. } | Mount::Tmpfs { target, .. } | Mount::Volume { target, .. }) = mount;
        mounts::target(target)?;
        if targets.contains(&target) {
            return Err(ExecutorError::UnsafeMount(format!("target `{target}` is mounted twice")));
        }
        targets.push(target);
        match mount {
            Mount::Bind { source, read_only, .. } => {
                let source = rules.source(source, &real_directory)?;
                let source = source.to_str().ok_or_else(|| {
                    ExecutorError::UnsafeMount(format!("`{}`: expected a path in UTF-8", source.display()))
                })?;
                mounts.push(bind(source, target, *read_only));
            }
            Mount::Volume { name, read_only, .. } => mounts.push(volume(name, target, *read_only)),
            Mount::Tmpfs { bytes, exec, private, .. } => {
                let exec = if *exec { "exec" } else { "noexec" };
                let owner = if *private {
                    format!("mode=0700,uid={},gid={}", user.uid, user.gid)
                } else {
                    "mode=1777".to_owned()
                };
                tmpfs.insert(target.clone(), format!("rw,nosuid,nodev,{exec},size={bytes},{owner}"));
            }
        }
    }
    Ok((tmpfs, mounts))
}

fn bind(source: &str, target: &str, read_only: bool) -> EngineMount {
    EngineMount {
        typ: Some(MountType::BIND),
        source: Some(source.to_owned()),
        target: Some(target.to_owned()),
        read_only: Some(read_only),
        bind_options: Some(MountBindOptions {
            propagation: Some(MountBindOptionsPropagationEnum::RPRIVATE),
            ..MountBindOptions::default()
        }),
        ..EngineMount::default()
    }
}

fn volume(name: &str, target: &str, read_only: bool) -> EngineMount {
    EngineMount {
        typ: Some(MountType::VOLUME),
        source: Some(name.to_owned()),
        target: Some(target.to_owned()),
        read_only: Some(read_only),
        // What the image has at the target does not belong into a checkout.
        volume_options: Some(MountVolumeOptions { no_copy: Some(true), ..MountVolumeOptions::default() }),
        ..EngineMount::default()
    }
}

fn labels(labels: &Labels, purpose: &str) -> HashMap<String, String> {
    let Labels { instance, project, bead, run, attempt, nonce } = labels;
    let attempt = attempt.to_string();
    [
        ("instance", instance),
        ("project", project),
        ("bead", bead),
        ("run", run),
        ("attempt", &attempt),
        ("nonce", nonce),
        ("purpose", &purpose.to_owned()),
    ]
    .map(|(key, value)| (format!("beadwork.{key}"), value.clone()))
    .into()
}

/// A volume in memory: it lives while a running sandbox uses it, and it counts to nobody's disk.
pub(super) fn volume_body(spec: &VolumeSpec) -> VolumeCreateRequest {
    let VolumeSpec { name, bytes, user, labels: marks } = spec;
    let options = format!("size={bytes},uid={},gid={},mode=0700,nosuid,nodev", user.uid, user.gid);
    let driver_opts = [("type", "tmpfs"), ("device", "tmpfs"), ("o", &options)];
    VolumeCreateRequest {
        name: Some(name.clone()),
        driver: Some("local".into()),
        driver_opts: Some(driver_opts.map(|(key, value)| (key.to_owned(), value.to_owned())).into()),
        labels: Some(labels(marks, "volume")),
        ..VolumeCreateRequest::default()
    }
}

#[cfg(test)]
mod tests;
