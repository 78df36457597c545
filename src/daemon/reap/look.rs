//! Gathers what a plan rests on.
//!
//! Owns the order of the questions: things first, the journal last, so that whatever was found and is alive
//! has its open story in the answer. It reads names, sizes and dates, never what an agent wrote. Trackers and
//! branches are asked only about what could go. Start with [`Reaper::look`].

mod disk;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::{
    BeadFacts, Closed, Content, Facts, Item, Kind, Known, LANDED, QuarantineFacts, Reaper, Ref, Sizes,
    Standing,
};
use crate::daemon::error::EngineError;
use crate::daemon::house::Site;
use crate::daemon::outside::is_held;
use crate::domain::bead::Status;
use crate::domain::ids::{BeadId, ProjectId, RunId};
use crate::domain::run::{Outcome, RunKind, RunState};
use crate::journal::read::Filter;
use crate::lifecycle::Story;
use crate::workspace::clone::whose;
use disk::{bytes, folders, is_hidden, logs, of_beads};

/// Stories of the beads that were asked about.
type Told = BTreeMap<(ProjectId, BeadId), Vec<(Story, DateTime<Utc>)>>;

impl Reaper<'_> {
    /// Looks at everything.
    pub async fn look(&self, sizes: Sizes) -> Result<Facts, EngineError> {
        let places = &self.house.places;
        let state = places.state();
        let mut facts = Facts {
            now: self.house.clock.now(),
            instance: self.house.instance.clone(),
            containers: None,
            volumes: Vec::new(),
            clones: folders(&state.join("clones"), sizes),
            landings: folders(&state.join("landing"), sizes),
            sockets: folders(&places.sockets_root(), sizes).into_iter().filter(|f| f.path.is_dir()).collect(),
            conversations: of_beads(&state.join("conversations"), sizes),
            logs: logs(&state.join("logs")),
            refs: Vec::new(),
            quarantines: Vec::new(),
            unfinished: folders(&places.backups(), sizes).into_iter().filter(is_hidden).collect(),
            shown: if sizes == Sizes::Counted { self.shown() } else { Vec::new() },
            runs: BTreeMap::new(),
            beads: BTreeMap::new(),
        };
        self.ask_engine(&mut facts).await?;
        self.ask_repositories(&mut facts, sizes);
        self.ask_journal(&mut facts).await?;
        Ok(facts)
    }

    /// An engine that is away is no error: what its containers may use then stays.
    async fn ask_engine(&self, facts: &mut Facts) -> Result<(), EngineError> {
        let Some(executor) = self.executor else { return Ok(()) };
        match executor.list(&self.house.instance).await {
            Ok(found) => {
                facts.containers = Some(found);
                facts.volumes = executor.list_volumes(&self.house.instance).await?;
            }
            Err(error) => tracing::debug!(%error, "containers are not looked at"),
        }
        Ok(())
    }

    fn ask_repositories(&self, facts: &mut Facts, sizes: Sizes) {
        for (name, site) in self.sites {
            let to_ref = |(name, tip)| Ref { project: site.id.clone(), name, tip, on_target: false };
            match site.repo.kept() {
                Ok(refs) => facts.refs.extend(refs.into_iter().map(to_ref)),
                Err(error) => tracing::warn!(project = %name, %error, "its refs cannot be read"),
            }
        }
        let dir = self.house.places.state().join("quarantine");
        for folder in folders(&dir, sizes) {
            let name = folder.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let site = self.sites.iter().map(|(_, site)| site).find(|s| name == format!("{}.git", s.id));
            let refs = site.map(|site| (site, site.repo.quarantined()));
            let refs = match refs {
                Some((site, Ok(refs))) => Some((site, refs)),
                _ => None,
            };
            let packs = std::fs::read_dir(folder.path.join("objects/pack")).into_iter().flatten().flatten();
            let packs = packs.filter(|entry| entry.path().extension().is_some_and(|e| e == "pack")).count();
            let tips = refs.as_ref().and_then(|(site, _)| site.repo.branch_tips().ok());
            facts.quarantines.push(QuarantineFacts {
                name,
                project: refs.as_ref().filter(|_| tips.is_some()).map(|(site, _)| site.id.clone()),
                packs,
                bytes: folder.bytes,
                tips: tips.unwrap_or_default(),
                busy: false,
                refs: refs.map_or_else(Vec::new, |(site, refs)| {
                    let to_ref = |(name, tip)| Ref { project: site.id.clone(), name, tip, on_target: false };
                    refs.into_iter().map(to_ref).collect()
                }),
            });
        }
    }

    async fn ask_journal(&self, facts: &mut Facts) -> Result<(), EngineError> {
        let open = self.house.journal.open_stories(None)?;
        let mut told = Told::new();
        for run in runs_named(facts) {
            if let Some(known) = self.known(&run, &open, &mut told)? {
                facts.runs.insert(run, known);
            }
        }
        self.ask_targets(facts, &told).await?;
        for quarantine in &mut facts.quarantines {
            quarantine.busy = open.iter().any(|s| Some(&s.project) == quarantine.project.as_ref());
        }
        self.ask_beads(facts, &open).await
    }

    fn known(&self, run: &RunId, open: &[Story], told: &mut Told) -> Result<Option<Known>, EngineError> {
        let journal = &self.house.journal;
        let nonces = || journal.nonces_of(run);
        if let Some(story) = open.iter().find(|story| story.uses(run.as_str())) {
            let standing = Standing::Open(story.phase.name());
            let (project, bead) = (story.project.clone(), story.bead.clone());
            return Ok(Some(Known { project, bead, standing, nonces: nonces()?, clone: Content::Copied }));
        }
        let Some((project, bead)) = journal.owner_of(run)? else { return Ok(None) };
        let key = (project.clone(), bead.clone());
        if !told.contains_key(&key) {
            told.insert(key.clone(), journal.told_of(&project, &bead)?);
        }
        let of_run = told[&key].iter().find(|(story, _)| story.runs.contains(run));
        let Some((story, at)) = of_run else { return self.outside_a_story(run, (project, bead), told) };
        // It may have been opened since `open` was read.
        let standing = if story.is_open() { Standing::Open(story.phase.name()) } else { Standing::Over(*at) };
        Ok(Some(Known { project, bead, standing, nonces: nonces()?, clone: Content::Copied }))
    }

    /// What nobody claimed lives as long as its lock is held. A shell's work counts from its bead's last story.
    fn outside_a_story(
        &self,
        run: &RunId,
        (project, bead): (ProjectId, BeadId),
        told: &Told,
    ) -> Result<Option<Known>, EngineError> {
        let journal = &self.house.journal;
        let filter = Filter { run: Some(run.clone()), ..Filter::default() };
        let Some(row) = journal.runs(&filter, 1)?.pop() else { return Ok(None) };
        let kinds = [RunKind::Review, RunKind::Gate, RunKind::Shell];
        let Some(kind) = kinds.into_iter().find(|kind| kind.as_str() == row.kind) else { return Ok(None) };
        let ended = match kind {
            RunKind::Shell => {
                let last = told.get(&(project.clone(), bead.clone())).and_then(|all| all.last());
                let Some((_, at)) = last else { return Ok(None) };
                *at
            }
            _ => self.house.clock.now(),
        };
        let standing = match is_held(self.house, &project, (kind, run)) {
            true => Standing::Open(kind.as_str()),
            false => Standing::Over(ended),
        };
        let taken = kind != RunKind::Shell || row.state == RunState::Completed.as_str();
        let clone = if taken { Content::Copied } else { Content::Only };
        Ok(Some(Known { project, bead, standing, nonces: journal.nonces_of(run)?, clone }))
    }

    /// Whether landed work still is on its target. Git is asked only where the answer decides something.
    async fn ask_targets(&self, facts: &mut Facts, told: &Told) -> Result<(), EngineError> {
        let (now, runs) = (facts.now, &facts.runs);
        let old = |at: &DateTime<Utc>| now - *at > LANDED;
        for one in &mut facts.refs {
            let Some((story, at)) = landed(one, runs, told) else { continue };
            one.on_target = !old(at) || self.is_on_target(one, story).await;
        }
        for quarantine in &mut facts.quarantines {
            for one in &mut quarantine.refs {
                let Some((story, _)) = landed(one, runs, told) else { continue };
                one.on_target = self.is_on_target(one, story).await;
            }
        }
        Ok(())
    }

    /// A commit that cannot be found is not on the target: its ref stays.
    async fn is_on_target(&self, one: &Ref, story: &Story) -> bool {
        let (Some(site), Some(commit)) = (self.site(&one.project), &story.finish.commit) else {
            return false;
        };
        let whole = one.tip == *commit || site.repo.is_ancestor(&one.tip, commit).unwrap_or(false);
        whole && site.repo.is_reachable(commit, &story.order.target).await.unwrap_or(false)
    }

    pub(super) fn site(&self, project: &ProjectId) -> Option<&Site> {
        self.sites.iter().map(|(_, site)| &**site).find(|site| &site.id == project)
    }

    async fn ask_beads(&self, facts: &mut Facts, open: &[Story]) -> Result<(), EngineError> {
        let mut asked: BTreeSet<ProjectId> = BTreeSet::new();
        let mut beads: BTreeMap<(ProjectId, String), BeadId> = BTreeMap::new();
        let folders = facts.conversations.iter().chain(&facts.logs);
        for name in folders.map(|files| files.project.as_str()).collect::<BTreeSet<_>>() {
            let Ok(project) = serde_json::from_value::<ProjectId>(name.into()) else { continue };
            for bead in self.house.journal.beads_of(&project)? {
                beads.insert((project.clone(), bead.slug()), bead);
            }
        }
        for files in &facts.conversations {
            asked.extend(beads.keys().map(|(p, _)| p).find(|p| p.as_str() == files.project).cloned());
        }
        for known in facts.runs.values().filter(|known| known.clone == Content::Only) {
            beads.insert((known.project.clone(), known.bead.slug()), known.bead.clone());
            asked.insert(known.project.clone());
        }
        let refs = facts.refs.iter().chain(facts.quarantines.iter().flat_map(|q| &q.refs));
        for one in refs {
            let known = run_of(&one.name).and_then(|run| facts.runs.get(&run));
            let Some(Known { project, bead, standing: Standing::Over(_), .. }) = known else { continue };
            beads.insert((project.clone(), bead.slug()), bead.clone());
            if !one.on_target {
                asked.insert(project.clone());
            }
        }
        let mut closed: BTreeMap<(ProjectId, BeadId), Closed> = BTreeMap::new();
        for project in asked {
            let Some(site) = self.site(&project) else { continue };
            let Ok(snapshot) = site.tracker.snapshot().await else { continue };
            for bead in snapshot.beads {
                let when = match (&bead.status, bead.closed_at) {
                    (Status::Closed | Status::Tombstone, Some(at)) => Closed::At(at),
                    (Status::Closed | Status::Tombstone, None) => Closed::Unknown,
                    _ => Closed::No,
                };
                closed.insert((project.clone(), bead.id), when);
            }
        }
        facts.beads = beads
            .into_iter()
            .map(|((project, slug), id)| {
                let open = open.iter().find(|s| s.project == project && s.bead == id);
                let key = (project.clone(), id.clone());
                let closed = closed.get(&key).copied().unwrap_or(Closed::Unknown);
                let open = open.map(|story| story.phase.name());
                ((project, slug), BeadFacts { id, open, closed })
            })
            .collect();
        Ok(())
    }

    /// What no reaping takes, for the eye.
    fn shown(&self) -> Vec<Item> {
        let places = &self.house.places;
        let journal = places.journal();
        let files = ["db", "db-wal", "db-shm", "head"].map(|ending| journal.with_extension(ending));
        let backups = folders(&places.backups(), Sizes::Counted).into_iter().filter(|f| !is_hidden(f));
        vec![
            Item::shown(
                Kind::Journal,
                "journal",
                files.iter().map(|f| bytes(f)).sum(),
                "the story of everything",
            ),
            Item::shown(
                Kind::Backup,
                "backups",
                backups.map(|f| f.bytes).sum(),
                "seven days, and one for each change of format",
            ),
            Item::shown(Kind::Cache, "cache", bytes(places.cache()), "downloads; may be removed at any time"),
        ]
    }
}

fn run_of(name: &str) -> Option<RunId> {
    let plain = name.strip_prefix("refs/bead/").or_else(|| name.strip_prefix("refs/heads/"))?;
    RunId::parse(plain)
}

/// The landed story behind a ref, and when it ended.
fn landed<'a>(
    one: &Ref,
    runs: &BTreeMap<RunId, Known>,
    told: &'a Told,
) -> Option<&'a (Story, DateTime<Utc>)> {
    let run = run_of(&one.name)?;
    let known = runs.get(&run)?;
    let told = told.get(&(known.project.clone(), known.bead.clone()))?;
    let story = told.iter().find(|(story, _)| story.runs.contains(&run))?;
    (!story.0.is_open() && story.0.finish.outcome == Outcome::Landed).then_some(story)
}

/// Every run that something found is named for.
fn runs_named(facts: &Facts) -> BTreeSet<RunId> {
    let mut names: Vec<String> = facts.containers.iter().flatten().map(|f| f.labels.run.clone()).collect();
    let second = |name: &String| name.split('-').nth(1).map(str::to_owned);
    names.extend(facts.volumes.iter().filter_map(second));
    for folder in facts.clones.iter().chain(&facts.landings).chain(&facts.sockets) {
        let name = folder.path.file_name().unwrap_or_default().to_string_lossy();
        names.push(whose(&name).0.to_owned());
    }
    let refs = facts.refs.iter().chain(facts.quarantines.iter().flat_map(|q| &q.refs));
    let of_refs = refs.filter_map(|one| run_of(&one.name));
    names.iter().filter_map(|name| RunId::parse(name)).chain(of_refs).collect()
}
