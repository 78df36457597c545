use super::super::shell::LeftThere;
use super::*;

/// A shell in which somebody writes a file, or nothing.
fn person(write: bool) -> impl Fn(Stage) -> std::pin::Pin<Box<dyn Future<Output = Ending> + Send>> {
    move |stage: Stage| {
        Box::pin(async move {
            if write {
                std::fs::write(stage.host("/work").join("mine.txt"), "by hand\n").unwrap();
            }
            stage.stdout("pipe\n");
            Ending::Code(0)
        })
    }
}

async fn sit(world: &World) -> LeftThere {
    let engine = world.engine();
    let (shell, mut attached) = engine.open_shell(&world.bead, None, "ann").await.unwrap();
    refused(world.lay(Ask::Retry { fresh: false }).await);
    while attached.output.recv().await.is_some() {}
    engine.close_shell(shell, "ann").await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_person_leaves_in_a_shell_goes_on_to_the_gates() {
    let world = World::new("PROTECTED, then FINISH").await;
    refused(world.engine().open_shell(&world.bead, None, "ann").await.map(|_| ()));
    world.ended(world.work()).await;
    world.executor.set(Purpose::Shell, person(false));
    assert_eq!(sit(&world).await, LeftThere::Nothing);
    let specs: Vec<_> =
        world.executor.started().into_iter().filter(|s| s.purpose == Purpose::Shell).collect();
    let [spec] = &specs[..] else { panic!("{specs:?}") };
    assert!(!format!("{spec:?}").contains("scripted-key"), "no credential");
    assert!(spec.mounts.iter().all(|m| !format!("{m:?}").contains("conversations")), "{:?}", spec.mounts);
    world.executor.set(Purpose::Shell, person(true));
    let LeftThere::Work(tip) = sit(&world).await else { panic!("nothing was kept") };
    assert_eq!(git(&world.repo(), &["show", &format!("{tip}:mine.txt")]), "by hand");
    assert_eq!(
        git(&world.repo(), &["show", &format!("{tip}:Dockerfile")]),
        "FROM scratch",
        "on the kept work"
    );
    world.check().await;
    // What is kept now is what a review reads, by the bead or by the shell's run.
    world.executor.set(Purpose::Review, crate::daemon::tests::reviewer);
    let (shell, _) = again::kept(&world.house, &world.site, &world.bead).unwrap().unwrap();
    for name in ["t-1", shell.as_str()] {
        assert_eq!(world.engine().opinion(name, None).await.unwrap().tip, tip, "{name}");
    }
    // Held as before: what was changed by hand is approved by hand too.
    world.lay(Ask::Retry { fresh: false }).await.unwrap();
    let again = again::of(&world.house, &world.site, &world.bead).unwrap().unwrap();
    assert!(again.straight && again.tip == tip && again.approved.is_none());
    let ended = world.ended(world.work()).await;
    assert_eq!((ended.finish.outcome, world.agents()), (Outcome::Parked, 1), "{}", ended.finish.reason);
    world.approved_lands_by_hand().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rework_after_an_approval_makes_it_void() {
    let world = World::new("PROTECTED, then FINISH").await;
    world.ended(world.work()).await;
    world.executor.set(Purpose::Shell, person(true));
    let hand = Hand { house: &world.house, site: &world.site, by: "ann" };
    hand.lay(&world.bead, &Ask::Approve).await.unwrap();
    // Parked again before anything was begun, as if the approval had been a mistake.
    world.lay(Ask::Park { reason: "wait".into() }).await.unwrap();
    let LeftThere::Work(tip) = sit(&world).await else { panic!("nothing was kept") };
    let again = again::of(&world.house, &world.site, &world.bead).unwrap().unwrap();
    assert!(again.approved.is_none() && again.tip == tip, "{again:?}");
}
