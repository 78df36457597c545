# shellcheck shell=bash
# What every script here needs on a machine. Source it; each need_* function
# looks first and does nothing when the thing is already there, and says in one
# line what it is about to install otherwise.
#
# Exit code 3 everywhere means: a person has to do something, and the text says what.

# Outside the clone, so that a fresh clone starts warm and `git clean` costs nothing.
export BEADWORK_CACHE="${BEADWORK_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/beadwork}"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$BEADWORK_CACHE/target}"
mkdir -p "$BEADWORK_CACHE"

BEADWORK_ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
DOCKER_SOCKET=/var/run/docker.sock

# at_exit COMMAND: run when the script ends, beside what was asked for before. It cannot change how the script ended.
AT_EXIT=:
at_exit() {
    AT_EXIT="$AT_EXIT; $1"
    # shellcheck disable=SC2064  # the commands of now
    trap "{ $AT_EXIT; } || true" EXIT
}

say() { printf 'setup: %s\n' "$*" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }

# stop LINE...: the reason and what to do about it, then exit 3.
stop() {
    printf 'setup: %s\n' "$@" >&2
    exit 3
}

# --- root ------------------------------------------------------------------

# Runs a command as root. Where that cannot be had, it prints the command and stops.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif have sudo && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
        sudo "$@"
    else
        stop "this needs root; run it yourself, then start again:" "    $(printf '%q ' "$@")"
    fi
}

can_root() {
    [ "$(id -u)" = 0 ] || { have sudo && { [ -t 0 ] || sudo -n true 2>/dev/null; }; }
}

# --- a folder in memory ------------------------------------------------------

# Gives what follows a TMPDIR in memory, and takes it away with the script. The tests write some hundred thousand
# small things durably; they die and come back as processes do, never as machines, so a disk proves nothing more,
# and waiting for it is most of their time. Only as root, and where it cannot be had all stays as it is.
use_memory_tmp() {
    local dir
    [ "$(id -u)" = 0 ] || return 0
    dir="$(mktemp -d "${TMPDIR:-/tmp}/bw.XXXX")" || return 0
    if ! mount -t tmpfs -o size=50%,mode=1777 tmpfs "$dir" 2>/dev/null; then
        rmdir "$dir"
        return 0
    fi
    # Lazily: a process that a test left may still stand in it.
    at_exit "umount -l '$dir'; rmdir '$dir'"
    export TMPDIR="$dir"
}

# --- packages --------------------------------------------------------------

APT_UPDATED=

# need_packages PROGRAM:PACKAGE[,PACKAGE]...: installs what provides the missing programs.
need_packages() {
    local pair missing=() packages=()
    for pair in "$@"; do
        have_program "${pair%%:*}" && continue
        missing+=("${pair%%:*}")
        # shellcheck disable=SC2206  # a comma list on purpose
        packages+=(${pair#*:})
    done
    [ "${#missing[@]}" = 0 ] && return
    packages=("${packages[@]//,/ }")
    read -ra packages <<<"${packages[*]}"
    have apt-get || stop "missing programs: ${missing[*]}" \
        "install them with your system's package manager (Debian calls them: ${packages[*]})"
    can_root || stop "missing programs: ${missing[*]}; this needs root, run:" \
        "    apt-get update" \
        "    apt-get install -y --no-install-recommends ${packages[*]}"
    say "installing Debian packages: ${packages[*]}"
    # Lists on a machine image are old, and an old list names files that are gone.
    [ -n "$APT_UPDATED" ] || quietly "$BEADWORK_CACHE/apt.log" apt-get update
    APT_UPDATED=1
    quietly "$BEADWORK_CACHE/apt.log" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends "${packages[@]}"
}

# Daemons live in sbin, which is often not on a user's PATH.
have_program() {
    have "$1" || [ -x "/usr/sbin/$1" ] || [ -x "/sbin/$1" ]
}

# quietly LOG COMMAND...: as root, output to a log, shown only when it fails.
quietly() {
    local log="$1" rc=0
    shift
    as_root "$@" </dev/null >"$log" 2>&1 || rc=$?
    [ "$rc" = 0 ] && return
    tail -n 20 "$log" >&2
    stop "failed with code $rc: $*"
}

# What building this program takes: the C compiler is for SQLite, libgit2 and ring.
need_build_tools() {
    need_packages git:git cc:gcc,libc6-dev
}

# --- rust ------------------------------------------------------------------

need_rust() {
    local want has
    want="$(sed -n 's/^rust-version *= *"\(.*\)".*/\1/p' "$BEADWORK_ROOT/Cargo.toml")"
    # rustup's directory is on PATH only in shells that read its profile lines.
    have cargo || PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"
    have cargo || stop "Rust is missing: install Rust $want or newer with rustup, then start again"
    has="$(cargo --version | cut -d' ' -f2)"
    [ "$(printf '%s\n' "$want" "$has" | sort -V | head -n 1)" = "$want" ] ||
        stop "cargo is $has, and $want or newer is needed: rustup update stable"
}

# --- docker ----------------------------------------------------------------

docker_endpoint() { printf '%s' "${DOCKER_HOST:-unix://$DOCKER_SOCKET}"; }

# The endpoint is named on purpose: a client context of the user may point elsewhere,
# while Beadwork itself reads only DOCKER_HOST.
engine_answers() {
    have docker && docker -H "$(docker_endpoint)" version >/dev/null 2>&1
}

# A tcp:// or ssh:// engine cannot see our files and sockets.
local_endpoint() {
    case "$(docker_endpoint)" in
    unix://*) ;;
    *) stop "DOCKER_HOST=$DOCKER_HOST is not a local engine: unset it, or point it to unix://..." ;;
    esac
}

need_docker() {
    local_endpoint
    engine_answers && return
    need_packages dockerd:docker.io,iptables docker:docker.io
    (
        # Two scripts at once must not start two engines.
        have flock && exec 9>"$BEADWORK_CACHE/dockerd.lock" && flock 9
        engine_answers || start_engine
    ) || exit $?
}

start_engine() {
    local log="$BEADWORK_CACHE/dockerd.log"
    [ -z "${DOCKER_HOST:-}" ] || stop "no engine answers at DOCKER_HOST=$DOCKER_HOST: start it, or unset DOCKER_HOST"
    if [ "$(id -u)" != 0 ] && [ -S "$DOCKER_SOCKET" ] && ! [ -w "$DOCKER_SOCKET" ]; then
        stop "you may not use $DOCKER_SOCKET; run this, log in again and start again:" \
            "    sudo usermod -aG docker $(id -un)"
    fi
    say "starting the Docker engine (log: $log)"
    if [ -d /run/systemd/system ]; then
        as_root systemctl start docker
        wait_for_engine "" && return
        stop "docker.service does not answer: journalctl -u docker"
    fi
    # The first try is the engine's own way. The second is for kernels without
    # netfilter or bridges: our containers have no network, so they lose nothing.
    run_dockerd "$log" && return
    mv "$log" "$log.first"
    say "the engine did not start ($log.first); trying once more without bridge and iptables"
    run_dockerd "$log" --iptables=false --ip6tables=false --bridge=none && return
    tail -n 25 "$log" >&2
    stop "the Docker engine does not start; the end of its log is above ($log)"
}

# run_dockerd LOG FLAGS...: in the background, in a session of its own, so that it
# outlives this script and its terminal.
run_dockerd() {
    local log="$1" pid
    shift
    forget_dead_pid dockerd /var/run/docker.pid
    forget_dead_pid containerd /var/run/docker/containerd/containerd.pid
    # shellcheck disable=SC2016  # expanded by the inner shell
    as_root sh -c 'PATH="$PATH:/usr/sbin:/sbin"; log="$1"; shift
        setsid dockerd "$@" </dev/null >"$log" 2>&1 9>&- & echo $!' sh "$log" "$@" \
        >"$BEADWORK_CACHE/dockerd.pid"
    pid="$(cat "$BEADWORK_CACHE/dockerd.pid")"
    wait_for_engine "$pid"
}

# After a crash the pid may belong to another process by now, and dockerd then
# refuses to start, or waits for a containerd that is not there.
forget_dead_pid() {
    local pid
    pid="$(cat "$2" 2>/dev/null)" || return 0
    runs "$pid" "$1" || as_root rm -f "$2"
}

# runs PID NAME: by the command line, which is empty for a zombie; where nobody
# reaps (PID 1 of many containers), a dead engine stays one.
runs() {
    tr '\0' ' ' <"/proc/$1/cmdline" | grep -q "$2"
} 2>/dev/null

# wait_for_engine PID: until it answers; false when it ended or 60 s are over.
wait_for_engine() {
    local pid="$1" end=$((SECONDS + 60))
    while [ "$SECONDS" -lt "$end" ]; do
        engine_answers && return 0
        [ -z "$pid" ] || runs "$pid" dockerd || return 1
        sleep 0.2
    done
    return 1
}

# --- a browser ----------------------------------------------------------------

# Chromium with its driver, for the tests of the pages. False where it cannot be had: they are then skipped.
need_browser() {
    have chromium && have chromedriver && return
    (need_packages chromium:chromium,fonts-dejavu-core chromedriver:chromium-driver) || return 1
}

# --- the agent -------------------------------------------------------------

# The pinned Claude Code CLI; the version stands in images/worker/fetch-cli only.
need_cli() {
    local fetch="$BEADWORK_ROOT/images/worker/fetch-cli"
    "$fetch" "$(cli_path)"
}

cli_path() {
    printf '%s/claude/%s/claude' "$BEADWORK_CACHE" \
        "$(sed -n 's/^version=//p' "$BEADWORK_ROOT/images/worker/fetch-cli")"
}

# Only where no registry can give debian:bookworm-slim, the base image is made here.
need_base_tools() {
    have apt-get || return 0
    need_packages debootstrap:debootstrap
}
