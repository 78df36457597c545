//! Hostile agents in real containers: what they plant must not run, be followed, or land.

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::harness::BeadEnv;

/// A conversation that runs each of these shell scripts, then says it is done.
fn script(steps: &[&str]) -> String {
    let turns: String = steps
        .iter()
        .map(|s| {
            let command = serde_json::to_string(s).unwrap();
            format!("      - tools: [{{ name: Bash, input: {{ command: {command}, description: Step }} }}]\n")
        })
        .collect();
    format!("conversations:\n  - turns:\n{turns}      - text: \"Done.\"\n")
}

const FIX: &str = "sed -i 's/a - b/a + b/' calc.py";

/// Rehearses one bead with these steps; gives the result line.
#[track_caller]
fn work(env: &BeadEnv, steps: &[&str], code: i32) -> serde_json::Value {
    let id = env.add("Adding subtracts", &[]);
    env.rehearse(&script(steps), &["work", &id, "--json"]).expect(code).last()
}

/// Every file of the work tree but the tracker's, with its mode and content; the index, stashes and refs.
fn snapshot(env: &BeadEnv) -> BTreeMap<String, String> {
    fn walk(at: &Path, root: &Path, into: &mut BTreeMap<String, String>) {
        for entry in std::fs::read_dir(at).unwrap().flatten() {
            let path = entry.path();
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            let meta = entry.metadata().unwrap();
            if name == ".git" || name == ".beads" {
                continue;
            } else if meta.is_dir() {
                walk(&path, root, into);
            } else {
                let content = std::fs::read(&path).unwrap_or_default();
                into.insert(name, format!("{:o} {}", meta.mode(), String::from_utf8_lossy(&content)));
            }
        }
    }
    let mut all = BTreeMap::new();
    walk(&env.repo(), &env.repo(), &mut all);
    for line in env.git(&["for-each-ref", "--format=%(refname) %(objectname)"]).lines() {
        let (name, oid) = line.split_once(' ').unwrap();
        if name != "refs/heads/main" && !name.starts_with("refs/bead/") {
            all.insert(name.to_owned(), oid.to_owned());
        }
    }
    all.insert("stash".into(), env.git(&["stash", "list"]));
    all.insert("HEAD".into(), std::fs::read_to_string(env.repo().join(".git/HEAD")).unwrap());
    let config = std::fs::read_to_string(env.repo().join(".git/config")).unwrap();
    all.insert("config".into(), config);
    all.insert("fetch head".into(), env.repo().join(".git/FETCH_HEAD").exists().to_string());
    all
}

/// A `git` in front of the real one that writes down how and where it was called.
fn spy_on_git(env: &mut BeadEnv) -> std::path::PathBuf {
    let dir = env.dir.path().join("spy");
    std::fs::create_dir(&dir).unwrap();
    let log = dir.join("calls");
    let real = std::process::Command::new("sh").args(["-c", "command -v git"]).output().unwrap();
    let real = String::from_utf8(real.stdout).unwrap();
    let text = format!(
        "#!/bin/sh\necho \"$(date +%s%N) cwd=$PWD GIT_DIR=$GIT_DIR GIT_WORK_TREE=$GIT_WORK_TREE argv=$*\" >> '{}'\nexec {} \"$@\"\n",
        log.display(),
        real.trim()
    );
    std::fs::write(dir.join("git"), text).unwrap();
    std::fs::set_permissions(dir.join("git"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", dir.display(), env.vars["PATH"]);
    env.set("PATH", &path);
    log
}

#[test]
fn t02_t04_t29_nothing_an_agent_plants_runs_and_nothing_of_the_users_changes() {
    let mut env = BeadEnv::python();
    let canary = env.dir.path().join("CANARY");
    env.write(".gitignore", "ignored.txt\n");
    env.write("stashed.txt", "one\n");
    env.commit("more");
    env.write("stashed.txt", "two\n");
    env.git(&["stash", "-q"]);
    env.git(&["branch", "other"]);
    env.git(&["tag", "v1"]);
    env.write("ignored.txt", "ignored\n");
    env.write("untracked.txt", "untracked\n");
    let log = spy_on_git(&mut env);
    let touch = format!("touch {0}; touch /work/CANARY", canary.display());
    let plant = format!(
        r#"cat > /tmp/evil <<'X'
#!/bin/sh
{touch}
cat
X
chmod +x /tmp/evil; cp /tmp/evil .git/evil
E=.git/evil
for k in core.fsmonitor core.pager core.editor core.sshCommand core.askPass diff.external gpg.program \
  filter.x.clean filter.x.smudge filter.x.process merge.x.driver diff.x.textconv diff.x.command \
  sequence.editor credential.helper alias.status uploadpack.packObjectsHook core.alternateRefsCommand; do
  git config $k "$E"; done
git config core.hooksPath .git/hooks
printf '[core]\n\tfsmonitor = %s\n' $E > .git/inc; git config include.path inc
git config extensions.worktreeConfig true; cp .git/inc .git/config.worktree
for h in post-checkout post-commit pre-commit post-merge post-index-change reference-transaction \
  pre-push post-update pre-receive update post-rewrite; do cp $E .git/hooks/$h; done
mkdir -p .git/info; echo '* filter=x merge=x diff=x' > .git/info/attributes
mv .git .git2; cp -r .git2 .git; rm -rf .git2; ls .git"#
    );
    let before = snapshot(&env);
    let result = work(&env, &[FIX, &plant], 0);
    assert_eq!(result["outcome"], "landed", "{result}");
    assert!(!canary.exists(), "something planted ran on the host");
    assert_eq!(
        env.git(&["ls-tree", "--name-only", "main", "CANARY"]),
        "",
        "something planted ran in the export"
    );
    let mut after = snapshot(&env);
    // The landing is the one thing that may have changed.
    assert!(after.remove("calc.py").unwrap().contains("a + b"));
    let mut before = before;
    before.remove("calc.py");
    assert_eq!(after, before);
    let calls = std::fs::read_to_string(log).unwrap();
    assert!(calls.lines().count() > 10, "the spy saw the calls");
    let clones = env.state().join("clones");
    // The clone is made with git; once an agent has it, no call names it.
    let events = env.bead(&["events", "--json"]).expect(0).out;
    let handed = events.lines().find(|l| l.contains("\"workspace_ready\"")).unwrap();
    let handed: serde_json::Value = serde_json::from_str(handed).unwrap();
    let handed = chrono::DateTime::parse_from_rfc3339(handed["at"].as_str().unwrap()).unwrap();
    let clones = clones.to_string_lossy().into_owned();
    let (mut before, mut after) = (0, 0);
    for line in calls.lines() {
        let at: i64 = line.split(' ').next().unwrap().parse().unwrap();
        if at < handed.timestamp_nanos_opt().unwrap() {
            before += usize::from(line.contains(&clones));
        } else {
            after += 1;
            assert!(!line.contains(&clones), "git on the host, in what an agent could write: {line}");
        }
    }
    assert!(before > 0 && after > 5, "the spy saw the clone being made, and the landing: {calls}");
    env.nothing_left();
}

#[test]
fn t01_t12_t20_t34_t49_a_vandal_harms_only_its_own_clone() {
    let env = BeadEnv::python();
    let noise = r#"printf 'A\033]52;c;ZXZpbA==\007B\033[2J\033]0;title\007C\302\233D\342\200\256E\n'"#;
    let probe = r#"exec 2>&1
(curl -sS -m 3 https://example.com || echo no-curl) | head -1
(timeout 3 sh -c 'exec 3<>/dev/tcp/1.1.1.1/53' || timeout 3 bash -c 'exec 3<>/dev/tcp/1.1.1.1/53') && echo REACHED
ls /sys/class/net | tr '\n' ' '
cp /bin/sh suid; chmod 6755 suid; chown 0:0 suid && echo CHOWNED
mknod dev b 8 0 && echo MADE-DEVICE; rm -f suid
touch /usr/x && echo WROTE-ROOT
grep -E 'CapEff|NoNewPrivs' /proc/self/status; id -u"#;
    let vandal = "mkfifo pipe; rm pipe; echo leftover > left.txt; find .git/objects -type f | while read f; do chmod u+w $f; done; ls -la .git/objects | head -3";
    // The clone's own objects are needed for the export, so the vandal works on what is shared, if anything is.
    let links = "find . -type f -links +1 | head -1 | grep . && echo SHARED; find . -name alternates | grep . && echo ALTERNATES; git remote; git branch -a | wc -l";
    let result = work(&env, &[noise, probe, vandal, links, FIX], 0);
    assert_eq!(result["outcome"], "landed", "{result}");
    let run = result["run"].as_str().unwrap();
    let raw = env.whole_log(run);
    for bad in ["REACHED", "CHOWNED", "MADE-DEVICE", "WROTE-ROOT", "SHARED", "ALTERNATES"] {
        let said = raw.lines().filter(|l| l.contains("tool_result")).any(|l| l.contains(bad));
        assert!(!said, "the agent managed {bad}");
    }
    assert!(raw.contains("CapEff:\\t0000000000000000") && raw.contains("NoNewPrivs:\\t1"), "capabilities");
    let page = env.bead(&["logs", run]).expect(0).out;
    let shown = env.bead(&["events"]).expect(0);
    for text in [&page, &shown.out] {
        let bad = text.chars().find(|c| (c.is_control() && *c != '\n' && *c != '\t') || *c == '\u{202e}');
        assert_eq!(bad, None, "a control character reaches the terminal");
    }
    assert_eq!(env.git(&["show", "main:left.txt"]), "leftover", "uncommitted work is committed for it");
    assert!(env.git(&["log", "--format=%s", "main"]).contains("WIP"), "and marked");
    env.git(&["fsck", "--strict"]);
    env.nothing_left();
}

#[test]
fn t01_junk_in_the_clones_objects_is_refused_and_the_users_stay_whole() {
    let env = BeadEnv::python();
    let junk =
        "find .git/objects -type f | while read f; do chmod u+w $f; echo junk > $f; done; echo x >> calc.py";
    let result = work(&env, &[junk], 4);
    assert_eq!(
        (result["outcome"].as_str(), result["cause"].as_str()),
        (Some("parked"), Some("export_rejected")),
        "{result}"
    );
    env.git(&["fsck", "--strict"]);
    env.nothing_left();
}

/// One clone made hostile by the agent's last step: it must be refused, quickly, and nothing may come in.
fn refused(step: &str, forbidden: &[&str]) {
    let env = BeadEnv::python();
    let tip = env.git(&["rev-parse", "main"]);
    let begin = Instant::now();
    let result = work(&env, &[FIX, step], 4);
    assert!(begin.elapsed() < Duration::from_secs(60), "took {:?}", begin.elapsed());
    assert_eq!(
        (result["outcome"].as_str(), result["cause"].as_str()),
        (Some("parked"), Some("export_rejected")),
        "{step}: {result}"
    );
    assert_eq!(env.git(&["rev-parse", "main"]), tip);
    assert_eq!(env.git(&["for-each-ref", "refs/bead"]), "", "nothing of it is kept");
    for path in forbidden {
        assert_eq!(env.files_with(path), Vec::<std::path::PathBuf>::new());
    }
    env.git(&["fsck", "--strict"]);
    env.nothing_left();
}

#[test]
fn t25_pipes_in_the_clone_hold_nothing_up() {
    refused("rm .git/HEAD; mkfifo .git/HEAD", &[]);
    // The clone's own config is not read at all, so this one does not even matter.
    let env = BeadEnv::python();
    let begin = Instant::now();
    let result =
        work(&env, &[FIX, "rm .git/config; mkfifo .git/config; mkfifo .git/packed-refs; mkfifo pipe"], 0);
    assert!(begin.elapsed() < Duration::from_secs(60), "took {:?}", begin.elapsed());
    assert_eq!(result["outcome"], "landed", "{result}");
    assert_eq!(env.git(&["diff", "--name-only", "main^1", "main"]), "calc.py");
    env.nothing_left();
}

#[test]
fn t26_t27_a_history_of_its_own_is_refused() {
    refused(
        "git checkout -q --orphan fresh; git add -A; git commit -qm fresh; git branch -M \"$(git for-each-ref --format='%(refname:short)' refs/heads | head -1)\"",
        &[],
    );
}

#[test]
fn t24_a_tree_with_a_git_folder_is_refused() {
    refused(
        "b=$(echo evil | git hash-object -w --stdin); i=$(printf '100644 blob %s\\tconfig\\n' $b | git mktree); python3 - $i <<'X'\nimport sys,subprocess,hashlib,zlib,os\nold=subprocess.run(['git','cat-file','tree','HEAD^{tree}'],capture_output=True).stdout\ndata=b'40000 .git\\0'+bytes.fromhex(sys.argv[1])+old\nraw=b'tree %d\\0'%len(data)+data\nh=hashlib.sha1(raw).hexdigest()\nos.makedirs('.git/objects/'+h[:2],exist_ok=True)\nopen('.git/objects/'+h[:2]+'/'+h[2:],'wb').write(zlib.compress(raw))\nc=subprocess.run(['git','commit-tree',h,'-p','HEAD','-m','sly'],capture_output=True,text=True).stdout.strip()\nopen('.git/'+subprocess.run(['git','symbolic-ref','HEAD'],capture_output=True,text=True).stdout.strip(),'w').write(c+'\\n')\nX\ngit rev-parse HEAD",
        &[],
    );
}

#[test]
fn t24_a_link_out_of_the_tree_and_a_submodule_do_not_land() {
    let env = BeadEnv::python();
    let tip = env.git(&["rev-parse", "main"]);
    let links = "ln -s /etc/passwd escape; ln -s ../../../outside up; git add -A; git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),sub; git commit -qm links";
    let result = work(&env, &[FIX, links], 4);
    assert_eq!(result["outcome"], "parked", "{result}");
    assert!(["export_rejected", "protected"].contains(&result["cause"].as_str().unwrap()), "{result}");
    assert_eq!(env.git(&["rev-parse", "main"]), tip);
    env.nothing_left();
}

#[test]
fn t03_a_clone_that_points_at_another_repository_brings_nothing_of_it() {
    // The target lies on the host: inside the containers it does not exist.
    let other = BeadEnv::new();
    other.write("secret.txt", "CANARY-OTHER-REPOSITORY\n");
    other.commit("secret");
    let git = other.repo().join(".git");
    let secret = other.git(&["rev-parse", "HEAD"]);
    let git = git.to_string_lossy();
    for step in [
        format!("rm -rf .git; echo 'gitdir: {git}' > .git"),
        format!("rm -rf .git; ln -s {git} .git"),
        format!(
            "rm -rf .git/objects; ln -s {git}/objects .git/objects; b=$(cat .git/HEAD | cut -c6-); echo {secret} > .git/$b"
        ),
    ] {
        refused(&step, &["CANARY-OTHER-REPOSITORY"]);
    }
    let env = BeadEnv::python();
    let step = format!(
        "echo {git}/objects > .git/objects/info/alternates; echo {secret} > .git/$(cut -c6- .git/HEAD)"
    );
    let result = work(&env, &[FIX, &step], 4);
    assert_eq!(result["cause"], "export_rejected", "{result}");
    env.nothing_left();
}

#[test]
fn t05_a_gate_has_no_socket_no_key_no_network_and_its_command_is_the_bases() {
    let env = BeadEnv::python();
    let canary = env.dir.path().join("CANARY");
    env.write("Makefile", "test:\n\tpython3 -m unittest -q\n");
    env.write("bead.yaml", "gates:\n  - { name: test, run: make test, timeout: 2m }\n");
    env.commit("make");
    let env_dump = format!(
        "sed -i 's/a - b/a + b/' calc.py; printf 'test:\\n\\ttouch {}\\n\\tenv; ls -la /run/beadwork; ls /sys/class/net; cat /proc/net/route; python3 -m unittest -q\\n' > Makefile; sed -i 's/make test/true/' bead.yaml",
        canary.display()
    );
    let result = work(&env, &[&env_dump], 4);
    assert!(!canary.exists(), "a gate ran on the host");
    let events = env.bead(&["events", "--json"]).expect(0).out;
    // bead.yaml is the project's word about its gates: a change of it waits for a person.
    assert_eq!(
        (result["outcome"].as_str(), result["cause"].as_str()),
        (Some("parked"), Some("protected")),
        "{result}"
    );
    assert!(!events.contains("gate_started"));
    let only_make = format!(
        "sed -i 's/a - b/a + b/' calc.py; printf 'test:\\n\\t-touch {}\\n\\tenv; ls -la /run/beadwork; ls /sys/class/net; true\\n\\tpython3 -m unittest -q\\n' > Makefile",
        canary.display()
    );
    let result = work(&env, &[&only_make], 0);
    assert_eq!(result["outcome"], "landed", "{result}");
    assert!(!canary.exists(), "a gate ran on the host");
    let events = env.bead(&["events", "--json"]).expect(0).out;
    assert!(events.contains("\"command\":\"make test\""), "the base's command");
    let runs = env.bead(&["runs", "--json"]).expect(0).json();
    let gate = runs.as_array().unwrap().iter().find(|r| r["kind"] == "gate").unwrap();
    let dump = env.bead(&["logs", gate["run"].as_str().unwrap()]).expect(0).out;
    assert!(dump.contains("PATH="), "the gate did print its environment: {dump}");
    for word in ["ANTHROPIC", "CLAUDE_CODE", "API_KEY", "TOKEN", "gateway.sock", "eth0"] {
        assert!(!dump.contains(word), "{word} in a gate: {dump}");
    }
    assert!(dump.contains("cannot access '/run/beadwork'"), "{dump}");
    env.nothing_left();
}

#[test]
fn t16_no_test_that_runs_is_no_proof() {
    let env = BeadEnv::python();
    env.write(
        "bead.yaml",
        "gates:\n  - { name: test, run: python3 -m unittest -q, timeout: 2m }\nlimits: { attempts: 1 }\n",
    );
    env.commit("one attempt");
    let tip = env.git(&["rev-parse", "main"]);
    let result = work(&env, &["git rm -q test_calc.py; echo x > done.txt"], 4);
    assert_eq!(result["outcome"], "parked", "{result}");
    assert_eq!(env.git(&["rev-parse", "main"]), tip);
    env.nothing_left();
}

#[test]
fn t44_a_flood_ends_the_run_and_keeps_the_work() {
    let env = BeadEnv::python();
    env.write(
        "bead.yaml",
        "gates:\n  - { name: test, run: python3 -m unittest -q, timeout: 2m }\nlimits: { output: 1m }\n",
    );
    env.commit("little output");
    let id = env.add("Floods", &[]);
    let text = "flood ".repeat(4000);
    let turn = format!(
        "      - text: \"{text}\"\n        tools: [{{ name: Bash, input: {{ command: \"echo half > half.txt\", description: Half }} }}]\n"
    );
    let flood = format!("conversations:\n  - turns:\n{}", turn.repeat(60));
    let ran = env.rehearse(&flood, &["work", &id, "--json"]).expect(4);
    let result = ran.last();
    assert_eq!(
        (result["outcome"].as_str(), result["cause"].as_str()),
        (Some("failed"), Some("output")),
        "{result}"
    );
    let run = result["run"].as_str().unwrap();
    assert_eq!(env.git(&["show", &format!("refs/bead/{run}:half.txt")]), "half");
    let stored = env.bead(&["logs", run, "--raw"]).expect(0).out.len();
    assert!(stored <= (1 << 20) + 1, "{stored} bytes stored");
    env.nothing_left();
}
