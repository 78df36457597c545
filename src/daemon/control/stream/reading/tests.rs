use super::*;
use crate::agent::claude::Claude;
use crate::daemon::control::Hub;
use crate::daemon::control::tests::world::{self, Run};
use crate::daemon::control::work::Works;
use crate::daemon::house::{House, Site};
use crate::domain::event::Body;
use crate::domain::ids::BeadId;

struct Scene {
    _dir: tempfile::TempDir,
    house: Arc<House>,
    site: Site,
    bead: BeadId,
    run: Run,
    streams: Streams,
    voided: watch::Sender<u64>,
}

impl Scene {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let house = world::house(dir.path());
        let site = Site::open(&house, &world::repo(dir.path())).await.unwrap();
        let bead = BeadId::new("t-1");
        let run = Run::begin(&house, &site, &bead);
        run.start(&house, &site, &bead);
        let streams = Streams::new(Arc::clone(&house), Arc::new(Claude), Hub::default(), Works::default());
        Self { _dir: dir, house, site, bead, run, streams, voided: watch::Sender::new(0) }
    }

    async fn read(&self, from: &str) -> Reading {
        let subject =
            Subject { project: Some(self.site.id.clone()), bead: Some(self.bead.clone()), run: None };
        Reading::begin(&self.streams, subject, Place::parse(from), self.voided.subscribe()).await.unwrap()
    }

    fn notice(&self) -> u64 {
        let body = Body::Notice { text: "n".to_owned() };
        world::tell(&self.house, &self.site, &self.bead, (None, body)).seq
    }
}

/// The ids of the frames that come until one of that number is there.
async fn ids(reading: &mut Reading, until: u64) -> Vec<Place> {
    let mut ids: Vec<Place> = Vec::new();
    while ids.last().is_none_or(|id| id.seq < until) {
        let Some(Next::Frames(bytes)) = reading.next().await else { panic!("it ended: {ids:?}") };
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        ids.extend(text.lines().filter_map(|line| Place::parse(line.strip_prefix("id: ")?)));
    }
    ids
}

/// The pump looks only so often; who comes back with more than it has must not hear that again.
#[tokio::test]
async fn f45_a_reader_that_is_ahead_of_the_shared_reading_hears_nothing_twice() {
    let stage = Scene::new().await;
    tokio::time::pause();
    // Somebody listens, so that there is a shared reading.
    let mut first = stage.read("0").await;
    ids(&mut first, 2).await;
    stage.run.say(&["one"]);
    let known = stage.notice();
    let mut ahead = stage.read(&format!("{known}.1")).await;
    let fresh = stage.notice();
    let heard = ids(&mut ahead, fresh).await;
    assert_eq!(heard.iter().map(|id| id.seq).collect::<Vec<_>>(), [fresh], "only what came after");
    let all = ids(&mut first, fresh).await;
    let all: Vec<String> = all.iter().map(Place::to_string).collect();
    assert_eq!(all, ["3.0", "3.1", "4.1"], "and nobody else misses it, nor hears it twice");
}

#[tokio::test]
async fn t56_a_stream_that_still_repeats_the_past_ends_with_its_login() {
    let stage = Scene::new().await;
    let long = "x".repeat(4000);
    for _ in 0..60 {
        stage.run.say(&[&long]);
    }
    let mut reading = stage.read("0").await;
    assert!(matches!(reading.next().await, Some(Next::Frames(_))));
    stage.voided.send_modify(|count| *count += 1);
    assert!(reading.next().await.is_none(), "there is more, and it is not for a stranger");
}

#[tokio::test]
async fn a_silent_stream_says_that_it_lives() {
    let stage = Scene::new().await;
    tokio::time::pause();
    let mut reading = stage.read("0").await;
    ids(&mut reading, 2).await;
    let begun = tokio::time::Instant::now();
    assert!(matches!(reading.next().await, Some(Next::Beat)));
    assert_eq!(begun.elapsed().as_secs(), BEAT.as_secs());
}
