//! What the API shows and refuses of one project, asked as scripts and browsers ask.

use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::Response;
use serde_json::{Value, json};

use super::world::World;

const SOON: Duration = Duration::from_secs(20);

fn client() -> reqwest::Client {
    crate::gateway::upstream::install_tls();
    reqwest::Client::builder().no_proxy().tls_certs_only([]).timeout(SOON).build().unwrap()
}

async fn get(world: &World, path: &str) -> Response {
    client().get(format!("{}{path}", world.url)).bearer_auth(&world.token).send().await.unwrap()
}

async fn post(world: &World, path: &str, body: String) -> Response {
    let ask = client().post(format!("{}{path}", world.url)).bearer_auth(&world.token);
    ask.header("content-type", "application/json").body(body).send().await.unwrap()
}

async fn json_of(answer: Response) -> Value {
    serde_json::from_str(&answer.text().await.unwrap()).unwrap()
}

#[tokio::test]
async fn t15_a_log_is_a_file_of_clean_text_in_bounded_pieces() {
    let world = World::open().await;
    let run = world.run();
    let line = "\u{1b}]0;owned\u{7}\u{202e}<script>alert(1)</script>\n";
    let page = line.repeat((5 << 20) / line.len());
    std::fs::write(run.log.with_extension("log"), &page).unwrap();
    let mut offset = 0;
    while offset < page.len() {
        let path = format!("/api/projects/repo/logs/{}?offset={offset}", run.id);
        let answer = get(&world, &path).await;
        assert_eq!(answer.status(), 200);
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("content-type"), "text/plain; charset=utf-8");
        assert!(header("content-disposition").starts_with("attachment;"), "never shown as a page");
        let next: usize = header("x-next-offset").parse().unwrap();
        assert!(next > offset && next - offset <= 4 << 20, "{offset} to {next}");
        let text = answer.text().await.unwrap();
        assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}']) && !text.contains("owned"));
        offset = next;
    }
    assert_eq!(offset, page.len(), "nothing is left out");
}

#[tokio::test]
async fn a_run_is_shown_and_handled_in_its_own_project_alone() {
    let world = World::open().await;
    let run = world.run();
    std::fs::write(run.log.with_extension("log"), "» words\n").unwrap();
    // Another project, with a bead of the same id.
    let dir = tempfile::tempdir().unwrap();
    let repo = super::world::repo(dir.path());
    world.house.journal.add_project("other", &repo).unwrap().unwrap();
    for path in
        ["/api/projects/PROJECT/runs/RUN", "/api/projects/PROJECT/logs/RUN", "/projects/PROJECT/runs/RUN/log"]
    {
        for (project, expected) in [("repo", 200), ("other", 404)] {
            let at = path.replace("PROJECT", project).replace("RUN", run.id.as_str());
            assert_eq!(get(&world, &at).await.status(), expected, "{at}");
        }
    }
    let at = format!("/api/projects/other/runs/{}/cancel", run.id);
    assert_eq!(post(&world, &at, "{}".to_owned()).await.status(), 404, "not the other one's bead");
}

#[tokio::test]
async fn work_that_is_asked_for_twice_is_one_work() {
    let world = World::open().await;
    let mut started = Vec::new();
    for _ in 0..2 {
        let answer = post(&world, "/api/projects/repo/work/t-1", "{}".to_owned()).await;
        assert_eq!(answer.status(), 202);
        started.push(json_of(answer).await["started"].clone());
    }
    assert_eq!(started, [true, false]);
}

#[tokio::test]
async fn what_is_sent_is_bounded() {
    let world = World::open().await;
    let body = json!({ "title": "x", "description": "y".repeat(2 << 20) }).to_string();
    assert_eq!(post(&world, "/api/projects/repo/beads", body).await.status(), 413);
}

#[tokio::test]
async fn a_stranger_gets_a_page_only_where_there_are_pages() {
    let world = World::open().await;
    let ask = |path: &str| client().get(format!("{}{path}", world.url)).header("accept", "text/html").send();
    let page = ask("/projects/repo/beads/t-1").await.unwrap();
    assert_eq!(
        (page.status(), page.headers().contains_key("www-authenticate")),
        (401.try_into().unwrap(), false)
    );
    for path in ["/api/status", "/metrics"] {
        let answer = ask(path).await.unwrap();
        assert_eq!(answer.headers()["content-type"], "application/problem+json", "{path}");
        assert_eq!(answer.headers()["www-authenticate"], "Bearer", "{path}");
    }
}

#[tokio::test]
async fn t56_a_stream_ends_with_the_login_that_opened_it() {
    let world = World::open().await;
    let run = world.run();
    run.start(&world.house, &world.site, &world.bead);
    run.say(&["a word"]);
    let code = json_of(post(&world, "/api/login-links", "{}".to_owned()).await).await["code"].clone();
    let session = format!("{}/api/session", world.url);
    let login =
        client().post(&session).header("origin", &world.url).header("content-type", "application/json");
    let login = login.body(json!({ "code": code }).to_string()).send().await.unwrap();
    assert_eq!(login.status(), 204);
    let cookie = login.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let stream = client().get(format!("{}/api/projects/repo/work/t-1/stream?since=0", world.url));
    let answer = stream.header("cookie", &cookie).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let mut stream = answer.bytes_stream();
    stream.next().await.unwrap().unwrap();
    let logout = client().delete(&session).header("cookie", &cookie).header("origin", &world.url);
    assert_eq!(logout.send().await.unwrap().status(), 204);
    let end =
        tokio::time::timeout(SOON / 2, async { while stream.next().await.is_some_and(|c| c.is_ok()) {} });
    end.await.expect("whoever logged out hears no more");
}

#[tokio::test]
async fn t56_a_web_socket_ends_with_the_login_that_opened_it() {
    use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
    let world = World::open().await;
    let code = json_of(post(&world, "/api/login-links", "{}".to_owned()).await).await["code"].clone();
    let session = format!("{}/api/session", world.url);
    let login =
        client().post(&session).header("origin", &world.url).header("content-type", "application/json");
    let login = login.body(json!({ "code": code }).to_string()).send().await.unwrap();
    let cookie = login.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let mut ask = format!("{}/api/ws", world.url.replace("http:", "ws:")).into_client_request().unwrap();
    ask.headers_mut().insert("cookie", cookie.parse().unwrap());
    ask.headers_mut().insert("origin", world.url.parse().unwrap());
    let (mut peer, _) = tokio_tungstenite::connect_async(ask).await.unwrap();
    let logout = client().delete(&session).header("cookie", &cookie).header("origin", &world.url);
    assert_eq!(logout.send().await.unwrap().status(), 204);
    let end = async { while peer.next().await.is_some_and(|heard| heard.is_ok()) {} };
    tokio::time::timeout(SOON / 2, end).await.expect("whoever logged out hears no more");
}

#[tokio::test]
async fn a_message_over_a_web_socket_is_bounded() {
    use futures_util::SinkExt as _;
    use tokio_tungstenite::tungstenite::Message;
    use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
    let world = World::open().await;
    let mut ask = format!("{}/api/ws", world.url.replace("http:", "ws:")).into_client_request().unwrap();
    ask.headers_mut().insert("authorization", format!("Bearer {}", world.token).parse().unwrap());
    let (mut peer, _) = tokio_tungstenite::connect_async(ask).await.unwrap();
    peer.send(Message::text("no JSON")).await.unwrap();
    let answer = peer.next().await.unwrap().unwrap();
    assert!(answer.to_text().unwrap().contains("problem"), "{answer:?}");
    // Cut off while it is being sent, perhaps.
    let _ = peer.send(Message::text("x".repeat(300 << 10))).await;
    let heard = async {
        while let Some(Ok(message)) = peer.next().await {
            assert!(!message.is_text(), "it was read");
        }
    };
    tokio::time::timeout(SOON, heard).await.expect("cut off");
}
