//! Reviews converge: a seeded repository with twenty planted defects, a scripted reviewer that finds some of them each
//! round, tells them again in other words and invents others, and a scripted author who fixes what it is told,
//! fails now and then, and sometimes breaks something else. Reading, judging and filing are the real ones.

mod world;

use super::filing::{Caps, What, plan};
use super::judge::{Round, holding, judge};
use super::origin::{Changed, Fix};
use super::reply;
use super::similar::Words;
use crate::domain::bead::Bead;
use crate::domain::finding::Severity;
use crate::domain::verdict::{Entry, Review, Standing, Verdict};
use world::{Chance, Defect, World};

const SEEDS: u64 = 40;

/// What one claim came to.
struct Claim {
    rounds: u32,
    verdict: Verdict,
    /// Severe planted defects that were reported, are still in the code, and that nobody will hear of.
    lost: Vec<String>,
    reported: usize,
}

/// One claim: work, and rounds of review until it is accepted or a person is asked.
fn claim(world: &mut World, chance: &mut Chance, beads: &mut Vec<Bead>, most: u32) -> Claim {
    let source = beads[0].clone();
    let base = world.files.clone();
    world.work(chance);
    let (mut ledger, mut tips): (Vec<Entry>, Vec<world::Files>) = (Vec::new(), Vec::new());
    let (mut round, mut repeated) = (1, false);
    loop {
        let mut trees = tips.clone();
        trees.push(world.files.clone());
        let fix = |pair: &[world::Files]| Fix { change: world::diff(&pair[0], &pair[1]), on_new_base: None };
        let fixes: Vec<Fix> = trees.windows(2).map(fix).collect();
        let mut changed = Changed::from_diffs(&world::diff(&base, &world.files), &fixes);
        changed.before = base.keys().cloned().collect();
        let said = world.review(chance, &ledger);
        let reply = reply::read(None, &[&said]);
        let review = judge(
            &reply,
            &Round { number: round, rounds: most, repeated, earlier: &ledger, changed: &changed },
        );
        ledger.clone_from(&review.ledger);
        if review.verdict == Verdict::Again {
            repeated = true;
            continue;
        }
        repeated = false;
        if review.verdict != Verdict::Revise {
            if review.verdict == Verdict::Accept {
                file(&mut ledger, &source, beads);
            }
            return ended(world, &review, &ledger, beads, round);
        }
        tips.push(world.files.clone());
        for entry in holding(&ledger) {
            world.fix(chance, &entry.finding);
        }
        round += 1;
    }
}

/// As `daemon::filing` does, without a tracker.
fn file(ledger: &mut [Entry], source: &Bead, beads: &mut Vec<Bead>) {
    let open: Vec<Entry> = ledger.iter().filter(|entry| entry.standing == Standing::Open).cloned().collect();
    // No cap, lest a defect be "lost" to it: what is beyond stays open in the ledger.
    let caps = Caps { review: usize::MAX, night: usize::MAX, ..Caps::default() };
    for item in plan(&open, source, beads, &caps, &Words).items {
        let bead = match item.what {
            What::File { bead, .. } => bead,
            What::Known { bead, remark, .. } => {
                let known = beads.iter_mut().find(|known| known.id == bead).unwrap();
                known.description.insert_str(0, &remark.unwrap_or_default());
                continue;
            }
            What::Twin { .. } | What::LeftOut { .. } => continue,
        };
        let json = serde_json::json!({
            "id": format!("t-{}", beads.len() + 1), "title": bead.title, "description": bead.description,
        });
        beads.push(serde_json::from_value(json).unwrap());
    }
}

fn ended(world: &World, review: &Review, ledger: &[Entry], beads: &[Bead], rounds: u32) -> Claim {
    let told =
        |defect: &Defect, text: &str| defect.wordings.iter().any(|words| text.contains(words.as_str()));
    let in_a_bead = |defect: &Defect| {
        beads.iter().any(|bead| told(defect, &bead.title) || told(defect, &bead.description))
    };
    let in_the_ask = |defect: &Defect| {
        let open = ledger.iter().filter(|entry| entry.standing == Standing::Open);
        review.verdict == Verdict::Ask
            && open
                .into_iter()
                .any(|entry| told(defect, &entry.finding.title) || told(defect, &entry.finding.detail))
    };
    let severe = |defect: &&Defect| defect.reported && defect.severity.is_material();
    let lost = world.there().filter(severe).filter(|defect| !in_a_bead(defect) && !in_the_ask(defect));
    Claim {
        rounds,
        verdict: review.verdict,
        lost: lost.map(|defect| defect.wordings[0].clone()).collect(),
        reported: world.planted.iter().filter(|defect| defect.reported).count(),
    }
}

/// Planted defects that more than one bead is about.
fn duplicates(world: &World, beads: &[Bead]) -> Vec<String> {
    let about = |defect: &Defect| beads.iter().filter(|bead| defect.wordings.contains(&bead.title)).count();
    world.planted.iter().filter(|defect| about(defect) > 1).map(|defect| defect.wordings[0].clone()).collect()
}

#[derive(Debug, Default)]
struct Measured {
    rounds: Vec<u32>,
    accepted: usize,
    asked: usize,
    reported: usize,
    beads: usize,
    lost: Vec<String>,
    duplicates: Vec<String>,
}

impl Measured {
    fn median(&mut self) -> u32 {
        self.rounds.sort_unstable();
        self.rounds[self.rounds.len() / 2]
    }
}

/// Two claims on each repository: the second meets the beads of the first.
fn measure(most: u32) -> Measured {
    let mut measured = Measured::default();
    for seed in 0..SEEDS {
        let mut chance = Chance(seed);
        let mut world = World::new(&mut chance);
        let first = serde_json::json!({"id": "t-1", "title": "The work"});
        let mut beads: Vec<Bead> = vec![serde_json::from_value(first).unwrap()];
        for _ in 0..2 {
            let claim = claim(&mut world, &mut chance, &mut beads, most);
            measured.rounds.push(claim.rounds);
            match claim.verdict {
                Verdict::Accept => measured.accepted += 1,
                _ => measured.asked += 1,
            }
            measured.lost.extend(claim.lost.into_iter().map(|lost| format!("seed {seed}: {lost}")));
            measured.reported += claim.reported;
            world.planted.iter_mut().for_each(|defect| defect.reported = false);
        }
        measured.beads += beads.len() - 1;
        measured
            .duplicates
            .extend(duplicates(&world, &beads).into_iter().map(|twice| format!("seed {seed}: {twice}")));
    }
    measured
}

#[test]
fn twenty_planted_defects_converge_and_none_is_lost() {
    // With the default bound, and with one so wide that it is the ledger that stops the rounds.
    for most in [3, 10] {
        let mut measured = measure(most);
        let median = measured.median();
        let (count, longest) = (measured.rounds.len(), measured.rounds.last().copied().unwrap_or(0));
        let Measured { accepted, asked, reported, beads, lost, duplicates, .. } = &measured;
        let told = format!(
            "at most {most} rounds, {count} claims: median {median}, longest {longest}, accepted {accepted}, asked {asked}, \
             defects reported {reported}, beads {beads}, lost {lost:?}, twice {duplicates:?}"
        );
        assert!(median <= 3 && lost.is_empty() && duplicates.is_empty() && asked * 3 < count * 2, "{told}");
        println!("{told}");
    }
}
