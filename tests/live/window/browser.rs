//! A real Chromium, driven over WebDriver and the DevTools protocol behind it.
//!
//! Owns its processes and profile, the size and colours of its screen, and what it was seen to ask for. Start with
//! [`Browser::open`].

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use reqwest::{Method, Url};
use serde_json::{Value, json};

/// Nothing on a page of ours takes longer.
const SOON: Duration = Duration::from_secs(15);

pub(super) struct Browser {
    pub(super) client: Client,
    driver: Child,
    profile: Option<tempfile::TempDir>,
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver does not take its Chromium along, but the lock of the profile names it.
        let lock = self.profile.as_ref().map(|dir| dir.path().join("data/SingletonLock"));
        let owner = lock.and_then(|lock| std::fs::read_link(lock).ok());
        let pid = owner.and_then(|owner| Some(owner.to_string_lossy().rsplit_once('-')?.1.to_owned()));
        for pid in pid.into_iter().chain([self.driver.id().to_string()]) {
            let _ = Command::new("kill").arg(pid).status();
        }
        let _ = self.driver.wait();
    }
}

/// A command of the driver's own, or a DevTools command.
#[derive(Debug)]
struct Own(&'static str, Value);

impl WebDriverCompatibleCommand for Own {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, <Url as std::str::FromStr>::Err> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.0))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.1.to_string()))
    }
}

/// Whether this machine has one; says so in one line where it does not.
pub(super) fn there_is_one() -> bool {
    let there = |name: &str| Command::new(name).arg("--version").output().is_ok_and(|o| o.status.success());
    let there = there("chromium") && there("chromedriver");
    if !there {
        eprintln!("skipped: this machine has no chromium and chromedriver");
    }
    there
}

impl Browser {
    /// `size` is that of the page in CSS pixels.
    pub(super) async fn open(size: (u32, u32), dark: bool) -> Self {
        let profile = tempfile::Builder::new().prefix("bead-chromium-").tempdir().unwrap();
        Self::with(profile, size, dark).await
    }

    /// Closes the whole browser and opens it again later, as the same person.
    pub(super) async fn reopened(mut self, size: (u32, u32), away: Duration) -> Self {
        let profile = self.profile.take().unwrap();
        // Cookies are written to disk within moments, and at a proper end.
        self.client.clone().close().await.unwrap();
        drop(self);
        tokio::time::sleep(away).await;
        Self::with(profile, size, false).await
    }

    async fn with(profile: tempfile::TempDir, size: (u32, u32), dark: bool) -> Self {
        let mut driver = Command::new("chromedriver")
            .args(["--port=0"])
            .env("HOME", profile.path())
            .env("TZ", "UTC")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines().map_while(Result::ok);
        let port = lines.find_map(|line| {
            let (_, port) = line.split_once("successfully on port ")?;
            Some(port.trim_end_matches('.').to_owned())
        });
        // Reads on, so that the driver never waits for its own pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let data = profile.path().join("data");
        let capabilities = json!({
            "unhandledPromptBehavior": "ignore",
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
            "goog:chromeOptions": { "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--lang=en-GB",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--disable-dev-shm-usage", "--hide-scrollbars",
                format!("--user-data-dir={}", data.display()),
            ] },
        });
        let Value::Object(capabilities) = capabilities else { unreachable!() };
        let connector = hyper_util::client::legacy::connect::HttpConnector::new();
        let client = ClientBuilder::new(connector)
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{}", port.unwrap()))
            .await
            .unwrap();
        let browser = Self { client, driver, profile: Some(profile) };
        browser.screen(size).await;
        browser.colours(dark).await;
        browser
    }

    pub(super) async fn screen(&self, (width, height): (u32, u32)) {
        let phone = width < 600;
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    pub(super) async fn colours(&self, dark: bool) {
        let value = if dark { "dark" } else { "light" };
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": value }] });
        self.devtools("Emulation.setEmulatedMedia", features).await;
    }

    pub(super) async fn devtools(&self, command: &str, params: Value) -> Value {
        let body = json!({ "cmd": command, "params": params });
        self.client.issue_cmd(Own("goog/cdp/execute", body)).await.unwrap()
    }

    pub(super) async fn go(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    pub(super) async fn run(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    /// The value of a script that gives a promise.
    pub(super) async fn wait_for(&self, script: &str) -> Value {
        let whole = format!(
            "const done = arguments[0]; (async () => {{ {script} }})().then(done, (e) => done('error: ' + e));"
        );
        self.client.execute_async(&whole, Vec::new()).await.unwrap()
    }

    /// Waits until a script's value is true.
    #[track_caller]
    pub(super) fn until(&self, what: &str, script: &str) -> impl Future<Output = ()> {
        let (what, script, client) = (what.to_owned(), script.to_owned(), self.client.clone());
        let place = std::panic::Location::caller();
        async move {
            let begin = Instant::now();
            loop {
                let value = client.execute(&script, Vec::new()).await;
                if matches!(value, Ok(Value::Bool(true))) {
                    return;
                }
                if begin.elapsed() > SOON {
                    let text = client.execute("return document.body.innerText", Vec::new()).await;
                    panic!("{place}: {what} did not happen ({value:?}); the page says\n{text:?}");
                }
                tokio::time::sleep(Duration::from_millis(60)).await;
            }
        }
    }

    pub(super) async fn click(&self, css: &str) {
        let found = self.client.wait().at_most(SOON).for_element(Locator::Css(css)).await;
        let found = found.unwrap_or_else(|e| panic!("{css}: {e}"));
        self.run(&format!("document.querySelector({}).scrollIntoView({{ block: 'center' }})", json!(css)))
            .await;
        found.click().await.unwrap_or_else(|e| panic!("{css}: {e}"));
    }

    pub(super) async fn fill(&self, css: &str, text: &str) {
        let found = self.client.wait().at_most(SOON).for_element(Locator::Css(css)).await;
        found.unwrap_or_else(|e| panic!("{css}: {e}")).send_keys(text).await.unwrap();
    }

    /// Presses keys wherever the focus is, as WebDriver names them (`\u{e004}` is Tab, `\u{e007}` Enter).
    pub(super) async fn press(&self, keys: &str) {
        let found = self.client.active_element().await.unwrap();
        found.send_keys(keys).await.unwrap();
    }

    pub(super) async fn text(&self) -> String {
        self.run("return document.body.innerText").await.as_str().unwrap_or_default().to_owned()
    }

    /// What was said on the console since the last time.
    pub(super) async fn console(&self) -> Vec<String> {
        let log = self.client.issue_cmd(Own("se/log", json!({ "type": "browser" }))).await.unwrap();
        let lines = log.as_array().cloned().unwrap_or_default();
        lines.iter().map(|line| format!("{} {}", line["level"], line["message"])).collect()
    }

    /// Every address that was asked for since the last time.
    pub(super) async fn requests(&self) -> Vec<String> {
        let log = self.client.issue_cmd(Own("se/log", json!({ "type": "performance" }))).await.unwrap();
        let lines = log.as_array().cloned().unwrap_or_default();
        let asked = lines.iter().filter_map(|line| {
            let message: Value = serde_json::from_str(line["message"].as_str()?).ok()?;
            let message = &message["message"];
            (message["method"] == "Network.requestWillBeSent")
                .then(|| message["params"]["request"]["url"].as_str().unwrap_or_default().to_owned())
        });
        asked.collect()
    }

    /// No dialog is open.
    pub(super) async fn no_dialog(&self) {
        let dialog = self.client.get_alert_text().await;
        assert!(dialog.is_err(), "a dialog: {dialog:?}");
    }

    /// Keeps a picture of the whole page where `BEAD_SHOTS` names a folder.
    pub(super) async fn shot(&self, name: &str) {
        let Ok(folder) = std::env::var("BEAD_SHOTS") else { return };
        let shot = self
            .devtools("Page.captureScreenshot", json!({ "captureBeyondViewport": true, "format": "png" }))
            .await;
        use base64::Engine as _;
        let bytes = base64::engine::general_purpose::STANDARD.decode(shot["data"].as_str().unwrap()).unwrap();
        std::fs::write(std::path::Path::new(&folder).join(format!("{name}.png")), bytes).unwrap();
    }

    /// The page is no wider than the screen.
    pub(super) async fn fits(&self, name: &str) {
        let wide = self
            .run(
                "const most = document.documentElement.clientWidth; \
                 const over = [...document.querySelectorAll('body *')].filter((e) => { \
                   const box = e.getBoundingClientRect(); \
                   return box.width > 0 && box.right > most + 1 && !e.closest('.diff, pre, .log, .hidden, .skip, .plot-runs svg'); }); \
                 return [document.documentElement.scrollWidth > most, over.slice(0, 5).map((e) => e.outerHTML.slice(0, 120))]",
            )
            .await;
        assert_eq!(wide, json!([false, []]), "{name} scrolls sideways");
    }
}
