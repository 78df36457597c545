//! Power is lost: what was synced stays, what was being written may be there in part.

use super::*;

/// The three files as they were after an acknowledged event.
struct Synced {
    acknowledged: u64,
    database: Vec<u8>,
    wal: Vec<u8>,
    head: Vec<u8>,
}

impl Synced {
    fn of(path: &Path, acknowledged: u64) -> Self {
        let read = |path: PathBuf| std::fs::read(path).unwrap_or_default();
        Self {
            acknowledged,
            database: read(path.to_owned()),
            wal: read(path.with_file_name("journal.db-wal")),
            head: read(path.with_extension("head")),
        }
    }
}

/// The same numbers for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit.max(1)
    }
}

fn history() -> Vec<Synced> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let journal = Journal::open(&path, clock()).unwrap();
    let mut dice = Dice(7);
    let mut all = vec![Synced::of(&path, 0)];
    for n in 0..20 {
        let (_, mut story) = journal.open_story(claiming(&format!("a-{n}"))).unwrap();
        all.push(Synced::of(&path, journal.last_seq().unwrap()));
        journal.record(&mut story, Body::Claimed).unwrap();
        all.push(Synced::of(&path, journal.last_seq().unwrap()));
        journal.tell(note(&"long ".repeat(dice.below(3000)))).unwrap();
        all.push(Synced::of(&path, journal.last_seq().unwrap()));
    }
    all
}

/// Opens the journal from these files, and counts its events; `None` where it refuses.
fn reopened(database: &[u8], wal: &[u8], head: &[u8]) -> Option<u64> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    std::fs::write(&path, database).unwrap();
    std::fs::write(dir.path().join("journal.db-wal"), wal).unwrap();
    std::fs::write(path.with_extension("head"), head).unwrap();
    let journal = match Journal::open(&path, clock()) {
        Ok(journal) => journal,
        Err(JournalError::Damaged { .. }) => return None,
        Err(other) => panic!("{other}"),
    };
    let (events, stories) = journal.whole(&project()).unwrap();
    let seqs: Vec<u64> = events.iter().map(|e| e.seq).collect();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>());
    for story in &stories {
        assert!(events.iter().any(|e| e.seq == story.id), "a story without its beginning");
    }
    Some(seqs.len() as u64)
}

#[test]
fn f33_power_that_fails_at_200_points_loses_no_acknowledged_event() {
    let all = history();
    let mut dice = Dice(33);
    for trial in 0..200 {
        let at = dice.below(all.len() - 1);
        let (now, next) = (&all[at], &all[at + 1]);
        // The next transaction had begun: a part of it is there, pages of it perhaps as zeros or not at all.
        let mut wal = now.wal.clone();
        let rest = next.wal.get(now.wal.len()..).unwrap_or_default();
        wal.extend_from_slice(&rest[..dice.below(rest.len() + 1)]);
        for page in wal[now.wal.len()..].chunks_mut(512) {
            if dice.below(4) == 0 {
                page.fill(0);
            }
        }
        let found = reopened(&now.database, &wal, &now.head);
        let found =
            found.unwrap_or_else(|| panic!("trial {trial}: refused after event {}", now.acknowledged));
        assert!(
            found == now.acknowledged || found == next.acknowledged,
            "trial {trial}: {found} events, {} acknowledged",
            now.acknowledged
        );
    }
}

#[test]
fn f33_a_disk_that_lied_about_syncing_is_noticed_and_not_believed() {
    let all = history();
    let mut dice = Dice(34);
    let mut refused = 0;
    for trial in 0..100 {
        let now = &all[1 + dice.below(all.len() - 1)];
        let cut = dice.below(now.wal.len());
        match reopened(&now.database, &now.wal[..cut], &now.head) {
            None => refused += 1,
            Some(found) => assert_eq!(found, now.acknowledged, "trial {trial}: silently lost"),
        }
    }
    assert!(refused > 50, "only {refused} of 100");
}
