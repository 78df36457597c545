use proptest::prelude::*;

use super::*;
use crate::agent::claude::Claude;
use crate::daemon::control::tests::world::{self, Run};
use crate::daemon::house::Site;

/// A place to write events and lines in, and to read them from anywhere.
struct Book {
    _dir: tempfile::TempDir,
    house: Arc<House>,
    site: Site,
    bead: BeadId,
    subject: Subject,
}

/// One frame, by what it tells: an event's number or an agent's words.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Frame {
    id: Place,
    event: Option<u64>,
    text: String,
}

impl Book {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let house = world::house(dir.path());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let site = runtime.block_on(Site::open(&house, &world::repo(dir.path()))).unwrap();
        let bead = BeadId::new("t-1");
        let subject = Subject { project: Some(site.id.clone()), bead: Some(bead.clone()), run: None };
        Self { _dir: dir, house, site, bead, subject }
    }

    fn at(&self, place: Place) -> Cursor {
        Cursor::at(Arc::clone(&self.house), Arc::new(Claude), self.subject.clone(), place).unwrap()
    }

    fn rest(&self, place: Place) -> Vec<Frame> {
        read(&mut self.at(place), None)
    }

    fn begin(&self) -> Run {
        Run::begin(&self.house, &self.site, &self.bead)
    }

    fn notice(&self) {
        let body = Body::Notice { text: "n".to_owned() };
        world::tell(&self.house, &self.site, &self.bead, (None, body));
    }
}

fn read(cursor: &mut Cursor, bound: Option<&Bound>) -> Vec<Frame> {
    let mut all = Vec::new();
    while let Some(piece) = cursor.step(bound).unwrap() {
        assert_eq!(piece.last, cursor.place());
        for frame in String::from_utf8(piece.bytes).unwrap().split("\n\n").filter(|f| !f.is_empty()) {
            let field = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            let data: serde_json::Value = serde_json::from_str(field("data: ")).unwrap();
            let text = data["text"].as_str().unwrap_or_default().to_owned();
            all.push(Frame { id: Place::parse(field("id: ")).unwrap(), event: data["seq"].as_u64(), text });
        }
    }
    all
}

/// The two orders that count: events by number, words as they were said.
fn orders(frames: &[Frame]) -> (Vec<u64>, Vec<String>) {
    let words = frames.iter().filter(|f| f.event.is_none() && !f.text.is_empty()).map(|f| f.text.clone());
    (frames.iter().filter_map(|f| f.event).collect(), words.collect())
}

#[test]
fn f45_from_every_id_the_rest_follows_once_and_in_order() {
    let book = Book::new();
    let (house, site, bead) = (&book.house, &book.site, &book.bead);
    book.notice();
    let first = book.begin();
    first.start(house, site, bead);
    first.say(&["one", "two", "three"]);
    first.say(&["four"]);
    // The container died inside a line, and its log went on in the next one.
    first.print("{\"type\":\"assist");
    first.end(house, site, bead);
    first.print("\n");
    first.start(house, site, bead);
    first.say(&["five"]);
    first.end(house, site, bead);
    book.notice();
    let second = book.begin();
    second.start(house, site, bead);
    second.say(&["six", "seven"]);
    second.say(&["eight"]);
    let all = book.rest(Place::default());
    let (events, words) = orders(&all);
    assert_eq!(words, ["one", "two", "three", "four", "five", "six", "seven", "eight"]);
    assert_eq!(events, (1..=u64::try_from(events.len()).unwrap()).collect::<Vec<_>>());
    let at = |text: &str| all.iter().position(|f| f.text == text).unwrap();
    let ended = all.iter().rposition(|f| f.event == Some(6)).unwrap();
    assert!(at("four") < at("five") && at("five") < ended || ended < at("five"), "{all:?}");
    for (place, frame) in all.iter().enumerate() {
        assert_eq!(book.rest(frame.id), all[place + 1..], "after {}", frame.id);
    }
    // A number that was never given out hides nothing that comes.
    let mut beyond = book.at(Place { seq: 1 << 40, lines: Some(Lines { whole: 1 << 40, part: 3 }) });
    assert_eq!(read(&mut beyond, None), []);
    book.notice();
    assert_eq!(read(&mut beyond, None).len(), 1);
}

#[test]
fn a_stream_of_everything_has_numbers_alone() {
    let book = Book::new();
    book.begin().start(&book.house, &book.site, &book.bead);
    let mut all =
        Cursor::at(Arc::clone(&book.house), Arc::new(Claude), Subject::default(), Place::default()).unwrap();
    let frames = read(&mut all, None);
    assert_eq!(frames.iter().map(|f| f.id.to_string()).collect::<Vec<_>>(), ["1", "2"]);
}

#[derive(Debug, Clone)]
enum Deed {
    Say(usize),
    Half,
    Notice,
    Restart,
    NewRun,
    Look,
    /// A reader that was here before and has more than the live reading joins it.
    Ahead,
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let one = prop_oneof![
        4 => (1..4usize).prop_map(Deed::Say),
        1 => Just(Deed::Half),
        2 => Just(Deed::Notice),
        1 => Just(Deed::Restart),
        1 => Just(Deed::NewRun),
        3 => Just(Deed::Look),
        2 => Just(Deed::Ahead),
    ];
    proptest::collection::vec(one, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// However what happens and a live reading interleave: the reading has everything once, and so has a reader that comes back
    /// with any id it gave, or that joins it where it stands.
    #[test]
    fn f45_a_live_reading_and_every_return_to_it_have_each_event_once(deeds in deeds()) {
        let book = Book::new();
        let (house, site, bead) = (&book.house, &book.site, &book.bead);
        let mut run = book.begin();
        run.start(house, site, bead);
        let mut live = book.at(Place::default());
        let (mut told, mut said, mut half) = (Vec::new(), 0, false);
        for deed in deeds {
            match deed {
                Deed::Say(count) => {
                    if std::mem::take(&mut half) {
                        run.print("\n");
                    }
                    let texts: Vec<String> = (0..count).map(|n| format!("w{}", said + n)).collect();
                    run.say(&texts.iter().map(String::as_str).collect::<Vec<_>>());
                    said += count;
                }
                Deed::Half => {
                    run.print("{\"torn");
                    half = true;
                }
                Deed::Notice => book.notice(),
                Deed::Restart | Deed::NewRun => {
                    run.end(house, site, bead);
                    if matches!(deed, Deed::NewRun) {
                        run = book.begin();
                    } else if half {
                        run.print("\n");
                    }
                    half = false;
                    run.start(house, site, bead);
                }
                Deed::Look => {
                    told.extend(read(&mut live, None));
                    // Whoever joins here reads up to exactly here.
                    let mut joins = book.at(Place::default());
                    let before = read(&mut joins, Some(&live.bound()));
                    prop_assert_eq!(orders(&before), orders(&told));
                    prop_assert_eq!(joins.place(), live.place());
                }
                Deed::Ahead => {
                    let mut reader = book.at(Place::default());
                    let has = orders(&read(&mut reader, None));
                    let behind = live.is_behind(&reader.bound());
                    prop_assert!(behind || has == orders(&told), "{:?}", live.bound());
                    // The live reading goes on first; then nothing that comes is what the reader has.
                    told.extend(read(&mut live, None));
                    prop_assert!(!live.is_behind(&reader.bound()));
                    prop_assert_eq!(&has, &orders(&told));
                    prop_assert_eq!(read(&mut reader, Some(&live.bound())), []);
                }
            }
        }
        told.extend(read(&mut live, None));
        let (events, words) = orders(&told);
        prop_assert_eq!(&words, &(0..said).map(|n| format!("w{n}")).collect::<Vec<_>>());
        prop_assert_eq!(&events, &(1..=house.journal.last_seq().unwrap()).collect::<Vec<_>>());
        for (place, frame) in told.iter().enumerate() {
            prop_assert_eq!(orders(&book.rest(frame.id)), orders(&told[place + 1..]), "after {}", frame.id);
        }
    }
}

#[test]
fn of_long_words_the_beginning_and_the_end_are_shown() {
    let long = AgentEvent::Text { text: format!("first {} last", "x".repeat(100_000)), nested: false };
    let AgentEvent::Text { text, .. } = &*shown(&long) else { panic!("{long:?}") };
    assert!(text.len() < SHOWN + 100 && text.starts_with("first ") && text.ends_with(" last"));
    let short = AgentEvent::Text { text: "x".repeat(SHOWN), nested: true };
    assert_eq!(*shown(&short), short);
}
