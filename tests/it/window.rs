//! The API over TCP: who may ask, from where, in which form; against the real daemon on loopback.

use std::process::Child;
use std::time::Duration;

use serde_json::Value;

use crate::harness::engine::Engine;
use crate::harness::http::{Answer, Ask};
use crate::harness::{BeadEnv, Ran, finish, signal, until};

const SOON: Duration = Duration::from_secs(30);

pub(crate) struct Window {
    pub(crate) env: BeadEnv,
    _engine: Engine,
    daemon: Option<Child>,
    pub(crate) port: u16,
    token: String,
}

impl Window {
    pub(crate) fn open() -> Self {
        Self::with(&[], &[])
    }

    pub(crate) fn with(config: &[&str], vars: &[(&str, &str)]) -> Self {
        let mut env = BeadEnv::python();
        let engine = Engine::new(env.dir.path());
        env.set("DOCKER_HOST", &engine.host()).set("ANTHROPIC_API_KEY", "k");
        for (name, value) in vars {
            env.set(name, value);
        }
        env.bead(&["project", "add"]).expect(0);
        std::fs::write(env.dir.path().join("config/config.yaml"), config.join("\n")).unwrap();
        let daemon = env.start(&["serve", "--listen", "127.0.0.1:0"]);
        let mut told = Value::Null;
        until("the daemon listens", SOON, || {
            let ran = env.bead(&["token", "--json"]);
            told = serde_json::from_str(&ran.out).unwrap_or_default();
            told["url"].is_string()
        });
        let url = told["url"].as_str().unwrap();
        let port = url.rsplit(':').next().unwrap().parse().unwrap();
        assert_eq!(url, format!("http://127.0.0.1:{port}"));
        let token = told["token"].as_str().unwrap().to_owned();
        let this = Self { env, _engine: engine, daemon: Some(daemon), port, token };
        until("the daemon's first look", SOON, || this.get("/readyz").send(this.port).status == 200);
        this
    }

    fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.host())
    }

    /// Well addressed, by nobody.
    pub(crate) fn ask(&self, method: &str, path: &str) -> Ask {
        Ask::new(method, path).with("host", &self.host())
    }

    /// By whoever has the token.
    pub(crate) fn get(&self, path: &str) -> Ask {
        self.ask("GET", path).with("authorization", &format!("Bearer {}", self.token))
    }

    fn code(&self) -> String {
        let ran = self.env.bead(&["login"]).expect(0);
        let link = ran.out.lines().next().unwrap();
        let (page, code) = link.split_once('#').expect("the code stands behind the #");
        assert_eq!(page, format!("{}/login", self.origin()));
        code.to_owned()
    }

    /// What the login page does with the link's code.
    fn redeem(&self, code: &str) -> Answer {
        let body = serde_json::json!({ "code": code }).to_string();
        let ask = self.ask("POST", "/api/session").with("origin", &self.origin());
        ask.with("sec-fetch-site", "same-origin").json(&body).send(self.port)
    }

    fn cookie(&self) -> String {
        let answer = self.redeem(&self.code());
        assert_eq!(answer.status, 204, "{answer:?}");
        answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned()
    }

    fn events(&self) -> usize {
        self.env.bead(&["events", "--json"]).expect(0).out.lines().count()
    }

    fn close(mut self) -> Ran {
        self.leave()
    }

    /// Ends the daemon; what it leaves can still be looked at.
    pub(crate) fn leave(&mut self) -> Ran {
        let daemon = self.daemon.take().unwrap();
        signal(&daemon, "TERM");
        finish(daemon, SOON)
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }
}

#[test]
fn t14_only_requests_to_our_own_names_are_answered() {
    let window = Window::open();
    let port = window.port;
    let asked = |hosts: &[&str]| {
        let ask = Ask::new("GET", "/healthz").with("authorization", &format!("Bearer {}", window.token));
        hosts.iter().fold(ask, |ask, host| ask.with("host", host)).send(port).status
    };
    let own = format!("127.0.0.1:{port}");
    for right in [&own, &format!("localhost:{port}"), &format!("LocalHost:{port}"), &format!("[::1]:{port}")]
    {
        assert_eq!(asked(&[right]), 200, "{right}");
    }
    for wrong in [
        format!("evil.example:{port}"),
        format!("127.0.0.1.evil.example:{port}"),
        format!("localhost.:{port}"),
        format!("127.0.0.1.:{port}"),
        format!("127.0.0.2:{port}"),
        format!("127.1:{port}"),
        format!("0.0.0.0:{port}"),
        format!("localhost.evil:{port}"),
        format!("user@127.0.0.1:{port}"),
        "127.0.0.1".to_owned(),
        "127.0.0.1:1".to_owned(),
        "localhost".to_owned(),
        String::new(),
    ] {
        let status = asked(&[&wrong]);
        // The server itself refuses what is no host at all.
        assert!(
            status == 421 || status == 400 && (wrong.is_empty() || wrong.contains('@')),
            "{wrong}: {status}"
        );
    }
    assert_eq!(asked(&[]), 421, "none");
    assert_eq!(asked(&[&own, &own]), 421, "two");
    assert_eq!(asked(&[&own, "evil.example"]), 421, "two");
    let elsewhere = window.get(&format!("http://evil.example:{port}/healthz")).send(port);
    assert_eq!(elsewhere.status, 421, "an absolute target of another name");
    window.close().expect(0);
}

#[test]
fn t13_without_token_or_with_a_foreign_origin_nothing_is_read_or_done() {
    let window = Window::open();
    let id = window.env.add("Adding subtracts", &[]);
    let before = window.events();
    let work = format!("/api/projects/repo/work/{id}");
    let cookie = window.cookie();
    let evil = "http://evil.example";
    let bearer = format!("Bearer {}", window.token);
    let own = window.origin();
    let (get, post) = (|path: &str| window.ask("GET", path), || window.ask("POST", &work));
    let upgrade = |ask: Ask| {
        ask.with("connection", "upgrade")
            .with("upgrade", "websocket")
            .with("sec-websocket-version", "13")
            .with("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
    };
    let cases: Vec<(&str, Ask, u16)> = vec![
        ("no token", get("/api/status"), 401),
        ("no token, stream", get("/api/events").with("accept", "text/event-stream"), 401),
        ("no token, description", get("/api/openapi.json"), 401),
        ("no token, page", get("/"), 401),
        ("no token, no such page", get("/static/../x"), 401),
        ("no token, metrics", get("/metrics"), 401),
        ("no token, write", post().json("{}"), 401),
        ("no token, upgrade", upgrade(get("/api/ws")), 401),
        ("token in the query", get(&format!("/api/status?token={}", window.token)), 401),
        ("another scheme", get("/api/status").with("authorization", &format!("Basic {}", window.token)), 401),
        ("half a token", get("/api/status").with("authorization", &bearer[..40]), 401),
        ("a cookie of another name", get("/api/status").with("cookie", &format!("x{cookie}")), 401),
        ("a wrong cookie", get("/api/status").with("cookie", &format!("{cookie}0")), 401),
        ("token, evil origin", window.get("/api/status").with("origin", evil), 403),
        ("token, null origin", window.get("/api/status").with("origin", "null"), 403),
        ("token, two origins", window.get("/api/status").with("origin", &own).with("origin", evil), 403),
        (
            "token, origin of another port",
            window.get("/api/status").with("origin", "http://127.0.0.1:1"),
            403,
        ),
        ("token, https origin", window.get("/api/status").with("origin", &own.replace("http", "https")), 403),
        ("token, evil write", post().with("authorization", &bearer).with("origin", evil).json("{}"), 403),
        ("cookie, evil write", post().with("cookie", &cookie).with("origin", evil).json("{}"), 403),
        ("cookie, silent write", post().with("cookie", &cookie).json("{}"), 403),
        (
            "cookie, same site only",
            post()
                .with("cookie", &cookie)
                .with("origin", &own)
                .with("sec-fetch-site", "same-site")
                .json("{}"),
            403,
        ),
        (
            "cookie, another port's page reads",
            get("/api/status").with("cookie", &cookie).with("sec-fetch-site", "same-site"),
            403,
        ),
        (
            "cookie, an image elsewhere",
            get("/")
                .with("cookie", &cookie)
                .with("sec-fetch-site", "cross-site")
                .with("sec-fetch-mode", "no-cors"),
            403,
        ),
        (
            "cookie, a frame elsewhere",
            get("/")
                .with("cookie", &cookie)
                .with("sec-fetch-site", "cross-site")
                .with("sec-fetch-mode", "navigate")
                .with("sec-fetch-dest", "iframe"),
            403,
        ),
        (
            "cookie, a link elsewhere into the API",
            get("/api/status")
                .with("cookie", &cookie)
                .with("sec-fetch-site", "cross-site")
                .with("sec-fetch-mode", "navigate")
                .with("sec-fetch-dest", "document"),
            403,
        ),
        (
            "token, a form elsewhere to a page",
            window
                .ask("POST", "/")
                .with("authorization", &bearer)
                .with("sec-fetch-site", "cross-site")
                .with("sec-fetch-mode", "navigate")
                .with("sec-fetch-dest", "document")
                .json("{}"),
            403,
        ),
        (
            "token, a write that nobody's page sent",
            post().with("authorization", &bearer).with("sec-fetch-site", "none").json("{}"),
            403,
        ),
        (
            "token, an upgrade that nobody's page sent",
            upgrade(window.get("/api/ws")).with("sec-fetch-site", "none"),
            403,
        ),
        ("token, evil upgrade", upgrade(window.get("/api/ws")).with("origin", evil), 403),
        ("cookie, silent upgrade", upgrade(get("/api/ws")).with("cookie", &cookie), 403),
        ("text/plain", post().with("authorization", &bearer).with("content-type", "text/plain"), 415),
        ("no type", post().with("authorization", &bearer), 415),
        (
            "a form",
            post().with("authorization", &bearer).with("content-type", "application/x-www-form-urlencoded"),
            415,
        ),
        (
            "multipart",
            post().with("authorization", &bearer).with("content-type", "multipart/form-data; boundary=x"),
            415,
        ),
        (
            "JSON in disguise",
            post().with("authorization", &bearer).with("content-type", "text/plain; application/json"),
            415,
        ),
        (
            "plain text without anything to read",
            window
                .ask("DELETE", "/api/projects/repo")
                .with("authorization", &bearer)
                .with("content-type", "text/plain"),
            415,
        ),
        ("a GET that would act", window.get(&work), 405),
        (
            "preflight",
            window.ask("OPTIONS", &work).with("origin", evil).with("access-control-request-method", "POST"),
            403,
        ),
    ];
    for (name, ask, expected) in cases {
        let answer = ask.send(window.port);
        assert_eq!(answer.status, expected, "{name}: {answer:?}");
        assert!(
            !answer.headers.iter().any(|(key, _)| key.starts_with("access-control")),
            "{name}: {answer:?}"
        );
        assert!(answer.status != 401 || !answer.body.contains("repo"), "{name}: {answer:?}");
    }
    assert_eq!(window.events(), before, "nothing happened");
    // What is right goes through: a script without an origin, a page of ours with its cookie.
    assert_eq!(window.get("/api/status").send(window.port).status, 200);
    let ours = || get("/api/status").with("cookie", &cookie).with("sec-fetch-site", "same-origin");
    assert_eq!(ours().send(window.port).status, 200);
    let poke = window.ask("POST", "/api/poke").with("cookie", &cookie).with("origin", &own);
    assert_eq!(poke.json("{}").send(window.port).status, 204);
    window.close().expect(0);
}

#[test]
fn t56_a_login_link_works_once_by_a_post_and_is_nowhere_in_the_log() {
    let window = Window::with(&[], &[("BEAD_LOG", "debug")]);
    let code = window.code();
    // A mail scanner fetches: the page is the same for everybody and uses up nothing.
    for path in ["/login".to_owned(), format!("/login?code={code}")] {
        let page = window.ask("GET", &path).send(window.port);
        assert_eq!(page.status, 200);
        assert!(page.header("set-cookie").is_none() && !page.body.contains(&code));
    }
    let evil = window.ask("POST", "/api/session").with("origin", "http://evil.example");
    assert_eq!(evil.json(&format!("{{\"code\":\"{code}\"}}")).send(window.port).status, 403);
    let first = window.redeem(&code);
    assert_eq!(first.status, 204, "{first:?}");
    let set = first.header("set-cookie").unwrap();
    assert!(set.contains("HttpOnly") && set.contains("SameSite=Strict") && set.contains("Path=/"), "{set}");
    assert!(!set.contains("Secure") && set.starts_with(&format!("bead-{}=", window.port)), "{set}");
    let asked = std::time::Instant::now();
    let second = window.redeem(&code);
    assert!(asked.elapsed() >= Duration::from_millis(100), "t60: guessing gets no faster by haste");
    assert_eq!((second.status, second.header("set-cookie")), (401, None), "{second:?}");
    let cookie = set.split(';').next().unwrap().to_owned();
    let read = || window.ask("GET", "/api/session").with("cookie", &cookie).send(window.port);
    assert_eq!(read().json()["by"], "browser");
    let secret = cookie.split_once('=').unwrap().1;
    assert!(window.env.files_with(secret).is_empty(), "a cookie is stored as a hash");
    // Logged out, it is worth nothing.
    let logout =
        window.ask("DELETE", "/api/session").with("cookie", &cookie).with("origin", &window.origin());
    assert_eq!(logout.send(window.port).status, 204);
    assert_eq!(read().status, 401);
    // A new token voids the old one, every login and every link.
    let (cookie, open) = (window.cookie(), window.code());
    window.env.bead(&["token", "--rotate"]).expect(0);
    assert_eq!(window.ask("GET", "/api/session").with("cookie", &cookie).send(window.port).status, 401);
    assert_eq!(window.get("/api/status").send(window.port).status, 401);
    assert_eq!(window.redeem(&open).status, 401);
    let token = window.env.bead(&["token"]).expect(0).out.trim().to_owned();
    assert_ne!(token, window.token);
    let fresh = window.ask("GET", "/api/status").with("authorization", &format!("Bearer {token}"));
    assert_eq!(fresh.send(window.port).status, 200);
    // The path of a one-time link is its secret.
    let in_the_path = "a-secret-that-stands-in-a-path".to_owned();
    assert_eq!(window.ask("GET", &format!("/act/{in_the_path}")).send(window.port).status, 404);
    let old = window.token.clone();
    let log = window.close().expect(0).err;
    assert!(log.contains("beadwork::access") && log.contains("/api/session"), "{log}");
    for secret in [&code, &open, &old, &token, &secret.to_owned(), &in_the_path] {
        assert!(!log.contains(secret.as_str()), "in the log");
    }
}

#[test]
fn t57_every_answer_of_every_route_wears_the_same_headers() {
    let window = Window::open();
    let golden = [
        ("cache-control", "no-store"),
        (
            "content-security-policy",
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
             manifest-src 'self'; worker-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
        ),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
    ];
    let check = |name: &str, answer: &Answer| {
        for (header, value) in golden {
            let found: Vec<_> =
                answer.headers.iter().filter(|(key, _)| key == header).map(|(_, v)| v).collect();
            assert_eq!(found, [value], "{name}: {header}: {answer:?}");
        }
        assert!(!answer.headers.iter().any(|(key, _)| key.starts_with("access-control")), "{name}");
    };
    let api = window.get("/api/openapi.json").send(window.port).json();
    let mut routes: Vec<(String, String)> = vec![];
    for (path, item) in api["paths"].as_object().unwrap() {
        routes.extend(item.as_object().unwrap().keys().map(|verb| (verb.to_uppercase(), path.clone())));
    }
    assert!(routes.len() > 15, "{routes:?}");
    let bead = format!("/projects/repo/beads/{}", window.env.add("Adding subtracts", &[]));
    let pages = [
        "/",
        "/history",
        "/findings",
        "/brief",
        "/settings",
        "/offline",
        &bead,
        "/nowhere",
        "/api/nowhere",
        "/projects/repo/beads/t-none",
        "/projects/repo/runs/r00000000000000",
        "/projects/repo/runs/r00000000000000/log",
        "/assets/app.js",
        "/assets/style.css",
        "/assets/nothing.js",
        "/sw.js",
        "/manifest.webmanifest",
        "/icon.svg",
        "/icon-192.png",
    ];
    let open = [
        "/healthz",
        "/readyz",
        "/login",
        "/login/page.js",
        "/login/page.css",
        "/login/again.js",
        "/act/x",
        "/act/page.js",
    ];
    for path in pages.iter().chain(open.iter().filter(|path| !path.ends_with('z'))) {
        routes.push(("GET".to_owned(), (*path).to_owned()));
    }
    let login = window.ask("GET", "/login").send(window.port).body;
    assert!(
        login.contains("<noscript>") && !login.contains("name=\"code\""),
        "no code in an address: {login}"
    );
    assert!(login.contains("method=\"post\"") && login.contains("disabled"), "{login}");
    for (verb, path) in &routes {
        let at = path.replace("{project}", "repo").replace(['{', '}'], "");
        let name = format!("{verb} {at}");
        // Without a type a write is refused before it acts, and wears the same as any other answer.
        let bearer = format!("Bearer {}", window.token);
        let known = window.ask(verb, &at).with("authorization", &bearer).send(window.port);
        check(&name, &known);
        assert_ne!(known.status, 401, "{name}");
        let stranger = window.ask(verb, &at).send(window.port);
        check(&name, &stranger);
        let free = open.contains(&at.as_str())
            || ["POST /api/session", "POST /api/capabilities"].contains(&name.as_str());
        assert_eq!(stranger.status == 401, !free, "{name}: {stranger:?}");
        check(&name, &Ask::new(verb, &at).with("host", "evil.example").send(window.port));
        if free && verb == "GET" {
            assert!(
                !stranger.body.contains("repo") && !stranger.body.contains(env!("CARGO_PKG_VERSION")),
                "{name}: bare"
            );
        }
    }
    window.close().expect(0);
}

#[test]
fn t60_ten_thousand_guesses_are_refused_and_the_daemon_answers_all_the_while() {
    let window = Window::open();
    let (port, host) = (window.port, window.host());
    let one = std::time::Instant::now();
    let guess = window.ask("GET", "/api/status").with("authorization", "Bearer 0").send(port);
    assert_eq!(guess.status, 401);
    assert!(one.elapsed() >= Duration::from_millis(100), "a wrong one waits: {:?}", one.elapsed());
    let guesses: Vec<_> = (0..100)
        .map(|thread: u32| {
            let host = host.clone();
            std::thread::spawn(move || {
                for n in 0..100_u32 {
                    let guess = format!("{:064x}", u64::from(thread) << 32 | u64::from(n));
                    let ask = Ask::new("GET", "/api/status").with("host", &host);
                    let answer = ask.with("authorization", &format!("Bearer {guess}")).send(port);
                    assert_eq!(answer.status, 401);
                }
            })
        })
        .collect();
    let mut slowest = Duration::ZERO;
    while !guesses.iter().all(std::thread::JoinHandle::is_finished) {
        let asked = std::time::Instant::now();
        assert_eq!(window.get("/api/status").send(port).status, 200);
        slowest = slowest.max(asked.elapsed());
        std::thread::sleep(Duration::from_millis(100));
    }
    for guess in guesses {
        guess.join().unwrap();
    }
    assert!(slowest < Duration::from_secs(20), "the daemon answered within {slowest:?}");
    window.close().expect(0);
}

#[test]
fn t36_a_token_that_others_may_read_keeps_the_daemon_from_starting() {
    use std::os::unix::fs::PermissionsExt as _;
    let window = Window::open();
    let file = window.env.state().join("token");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let env = BeadEnv::python();
    let engine = Engine::new(env.dir.path());
    let mut env = env;
    env.set("DOCKER_HOST", &engine.host()).set("ANTHROPIC_API_KEY", "k");
    env.bead(&["token"]).expect(0);
    std::fs::set_permissions(env.state().join("token"), std::fs::Permissions::from_mode(0o644)).unwrap();
    for command in [&["serve", "--listen", "0"][..], &["token"]] {
        let ran = env.bead(command).expect(3);
        assert!(ran.err.contains("0644") && ran.err.contains("chmod 600"), "{}", ran.err);
    }
    window.close().expect(0);
}

#[test]
fn a_public_url_adds_one_name_and_an_address_for_others_needs_tls() {
    let window = Window::with(&["server: { public_url: 'https://bead.example.org' }"], &[]);
    let public = |host: &str| Ask::new("GET", "/api/session").with("host", host);
    let bearer = format!("Bearer {}", window.token);
    for (host, origin, expected) in [
        ("bead.example.org", "https://bead.example.org", 200),
        ("bead.example.org", "http://bead.example.org", 403),
        ("bead.example.org", &window.origin(), 403),
        ("bead.example.org:443", "https://bead.example.org", 421),
        ("x.bead.example.org", "https://x.bead.example.org", 421),
        (&window.host(), "https://bead.example.org", 403),
    ] {
        let answer = public(host).with("authorization", &bearer).with("origin", origin).send(window.port);
        assert_eq!(answer.status, expected, "{host} {origin}");
    }
    let ran = window.env.bead(&["login", "--json"]).expect(0).json();
    assert!(ran["public_link"].as_str().unwrap().starts_with("https://bead.example.org/login#"), "{ran}");
    let body = format!("{{\"code\":{}}}", ran["code"]);
    let login = Ask::new("POST", "/api/session").with("host", "bead.example.org");
    let answer = login.with("origin", "https://bead.example.org").json(&body).send(window.port);
    let set = answer.header("set-cookie").unwrap();
    assert!(set.contains("Secure") && set.starts_with("__Host-bead="), "{set}");
    // From webmail a browser brings no cookie: the bare page says nothing and tries once more.
    let bare =
        window.ask("GET", "/runs/r1").with("accept", "text/html,*/*").with("sec-fetch-site", "cross-site");
    let bare = bare.with("sec-fetch-mode", "navigate").with("sec-fetch-dest", "document").send(window.port);
    assert_eq!(bare.status, 401);
    assert!(bare.body.contains("/login/again.js") && !bare.body.contains("<script>"), "{}", bare.body);
    let env = &window.env;
    let other = BeadEnv::python();
    let engine = Engine::new(other.dir.path());
    let mut other = other;
    other.set("DOCKER_HOST", &engine.host()).set("ANTHROPIC_API_KEY", "k");
    let ran = other.bead(&["serve", "--listen", "0.0.0.0:0"]).expect(3);
    assert!(ran.err.contains("server.tls"), "{}", ran.err);
    let taken = window.host();
    let ran = other.bead(&["serve", "--listen", &taken]).expect(3);
    assert!(ran.err.contains(&taken) && ran.err.contains("hint:"), "{}", ran.err);
    other.bead(&["login"]).expect(3);
    other.bead(&["serve", "--listen", "nowhere"]).expect(2);
    env.bead(&["login"]).expect(0);
    window.close().expect(0);
}

#[test]
fn beads_are_added_closed_and_opened_as_by_commands() {
    let window = Window::open();
    let bearer = format!("Bearer {}", window.token);
    let post = |path: &str, body: &str| {
        let ask = window.ask("POST", &format!("/api/projects/repo/{path}")).with("authorization", &bearer);
        ask.json(body).send(window.port)
    };
    let first = window.env.add("First", &[]);
    let body = format!("{{\"title\":\"Second\",\"priority\":1,\"deps\":[\"{first}\"],\"labels\":[\"x\"]}}");
    let added = post("beads", &body);
    assert_eq!(added.status, 201, "{added:?}");
    let second = added.json()["id"].as_str().unwrap().to_owned();
    let shown = window.get(&format!("/api/projects/repo/beads/{second}")).send(window.port).json();
    assert_eq!((&shown["title"], &shown["priority"]), (&"Second".into(), &1.into()), "{shown}");
    let why = window.get(&format!("/api/projects/repo/beads/{second}/why")).send(window.port).json();
    assert_eq!(why["state"], "blocked", "{why}");
    // A refusal of work is there with the answer, where whoever pressed a button looks.
    let refused = post(&format!("work/{second}"), "{}");
    assert_eq!((refused.status, &refused.json()["force_key"]), (409, &"force".into()), "{refused:?}");
    assert!(refused.json()["detail"].as_str().unwrap().contains(&first), "{refused:?}");
    for wrong in [
        "{\"title\":\"\"}",
        "{\"title\":\"a\\nb\"}",
        "{\"title\":\"a\",\"priority\":9}",
        "{\"title\":\"a\",\"deps\":[\"blocks:t-1\"]}",
        "{\"title\":\"a\",\"colour\":\"red\"}",
        "{}",
    ] {
        let refused = post("beads", wrong);
        assert_eq!(refused.status, 422, "{wrong}: {refused:?}");
        assert_eq!(refused.header("content-type"), Some("application/problem+json"));
    }
    assert_eq!(post("beads", "{").status, 400);
    // Nothing could run the gates: closing is refused, and says that it can be forced.
    let close = format!("beads/{first}/close");
    let refused = post(&close, "{\"reason\":\"done by hand\"}");
    assert_eq!((refused.status, &refused.json()["can_force"]), (409, &true.into()), "{refused:?}");
    // The page sends what the refusal names, and nothing that it guessed.
    assert_eq!(refused.json()["force_key"], "skip_gates", "{refused:?}");
    assert_eq!(post(&close, "{\"reason\":\"done by hand\",\"force\":true}").status, 422);
    assert_eq!(post(&close, "{\"reason\":\" \",\"skip_gates\":true}").status, 422);
    let closed = post(&close, "{\"reason\":\"done by hand\",\"skip_gates\":true}");
    assert_eq!((closed.status, &closed.json()["status"]), (200, &"closed".into()), "{closed:?}");
    assert_eq!(post(&close, "{\"reason\":\"again\",\"skip_gates\":true}").status, 409);
    assert_eq!(post(&format!("beads/{first}/reopen"), "{}").status, 200);
    assert_eq!(post(&format!("beads/{first}/reopen"), "{}").status, 409);
    assert_eq!(post("beads/t-none/close", "{\"reason\":\"x\"}").status, 404);
    for path in ["/api/nights", "/api/config", "/api/projects/repo/findings", "/api/projects/repo/logs"] {
        let answer = window.get(path).send(window.port);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        assert!(answer.json().is_array(), "{path}");
        assert!(!answer.body.contains(&window.token), "{path}");
    }
    let figures = window.get("/metrics").send(window.port);
    assert!(figures.body.contains("bead_slots ") && figures.body.ends_with("# EOF\n"), "{}", figures.body);
    for gone in ["logs/r00000000000000", "runs/r00000000000000", "runs/x", "beads/t-none"] {
        assert_eq!(window.get(&format!("/api/projects/repo/{gone}")).send(window.port).status, 404, "{gone}");
    }
    let large = format!("{{\"title\":\"{}\"}}", "x".repeat(2 << 20));
    assert_eq!(post("beads", &large).status, 413);
    let upgrade = window.get("/api/ws").with("connection", "upgrade").with("upgrade", "websocket");
    let upgrade =
        upgrade.with("sec-websocket-version", "13").with("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    assert_eq!(upgrade.send(window.port).status, 101);
    window.close().expect(0);
}
