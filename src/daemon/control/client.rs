//! The other end of the control socket, for commands of the same user.
//!
//! Owns finding a running daemon, asking it, and reading its streams. A daemon that does not answer is as good
//! as none: the command works by itself. Start with [`Client::find`].

use std::time::Duration;

use futures_util::StreamExt as _;
use serde_json::Value;

use crate::config::places::Places;
use crate::daemon::refusal::Refusal;

/// A daemon on this machine answers within this time, or something is wrong with it.
const ANSWER: Duration = Duration::from_secs(20);

/// Between two tries to go on with a stream, and how many may bring nothing.
const AGAIN: Duration = Duration::from_millis(200);
const PATIENCE: u32 = 5;

/// A daemon that answers.
pub struct Client {
    http: reqwest::Client,
}

/// Why an order was not taken, or the daemon could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("the daemon does not answer as expected: {0}")]
    Odd(String),
    #[error("the connection to the daemon broke: {0}")]
    Broken(#[from] reqwest::Error),
}

/// One frame of a stream: its kind, and what it says.
pub type Frame = (String, Value);

impl Client {
    /// The daemon of this state directory, if one answers.
    pub async fn find(places: &Places) -> Option<Self> {
        let path = places.control_socket();
        if !path.exists() {
            return None;
        }
        // No connection of it is encrypted, but it is not built without a provider.
        crate::gateway::upstream::install_tls();
        let http = reqwest::Client::builder().unix_socket(path).no_proxy().tls_certs_only([]).build().ok()?;
        let asked = http.get("http://daemon/healthz").timeout(Duration::from_secs(5)).send().await.ok()?;
        asked.status().is_success().then_some(Self { http })
    }

    pub async fn get(&self, path: &str) -> Result<Value, ClientError> {
        let answer = self.http.get(url(path)).timeout(ANSWER).send().await?;
        body(answer).await
    }

    pub async fn post(&self, path: &str, wish: &Value) -> Result<Value, ClientError> {
        let asked = self.http.post(url(path)).header("content-type", "application/json");
        body(asked.body(wish.to_string()).timeout(ANSWER).send().await?).await
    }

    /// Asks, and stays for the end, which may be hours away: hears the frames of the answer until it ends or `hear` says that
    /// it heard enough. It is not taken up again: with the connection goes what was asked for.
    pub async fn stay(
        &self,
        path: &str,
        wish: &Value,
        mut hear: impl FnMut(Frame) -> bool,
    ) -> Result<(), ClientError> {
        let asked = self.http.post(url(path)).header("content-type", "application/json");
        let asked = asked.header("accept", "text/event-stream").body(wish.to_string()).send();
        // Its head comes before anything is done.
        let answer = tokio::time::timeout(ANSWER, asked).await;
        let answer = answer.map_err(|_| ClientError::Odd(format!("nothing within {ANSWER:?}")))??;
        if !answer.status().is_success() {
            return body(answer).await.map(|_| ());
        }
        self.read_on(answer, &mut None, &mut hear).await;
        Ok(())
    }

    pub async fn delete(&self, path: &str) -> Result<Value, ClientError> {
        body(self.http.delete(url(path)).timeout(ANSWER).send().await?).await
    }

    /// Reads a stream of events until it ends or `hear` says that it heard enough. One that breaks, or that lies too far
    /// behind, is taken up again behind the last frame; the daemon's end is the stream's.
    pub async fn follow(&self, path: &str, mut hear: impl FnMut(Frame) -> bool) -> Result<(), ClientError> {
        let (mut last, mut tries) = (None, 0);
        loop {
            let mut asked = self.http.get(url(path));
            if let Some(last) = &last {
                asked = asked.header("last-event-id", last);
            }
            let answer = match asked.send().await {
                Ok(answer) => answer,
                Err(_) if tries > 0 => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            if !answer.status().is_success() {
                return body(answer).await.map(|_| ());
            }
            let before = last.clone();
            if self.read_on(answer, &mut last, &mut hear).await {
                return Ok(());
            }
            tries = if last == before { tries + 1 } else { 1 };
            if tries > PATIENCE {
                return Ok(());
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// True when it was heard enough; false when the stream broke or ended.
    async fn read_on(
        &self,
        answer: reqwest::Response,
        last: &mut Option<String>,
        hear: &mut impl FnMut(Frame) -> bool,
    ) -> bool {
        let mut bytes = answer.bytes_stream();
        let mut text = Vec::new();
        while let Some(Ok(chunk)) = bytes.next().await {
            text.extend_from_slice(&chunk);
            while let Some(end) = text.windows(2).position(|w| w == b"\n\n") {
                let rest = text.split_off(end + 2);
                let frame = String::from_utf8_lossy(&std::mem::replace(&mut text, rest)).into_owned();
                let Some((kind, data)) = read(&frame) else { continue };
                *last = field(&frame, "id:").map(str::to_owned).or(last.take());
                if kind != "resync" && !hear((kind, data)) {
                    return true;
                }
            }
        }
        false
    }
}

fn url(path: &str) -> String {
    format!("http://daemon{path}")
}

/// A part of a path that stands for itself whatever it holds.
pub fn segment(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~".contains(&b);
    text.bytes().map(|b| if plain(b) { (b as char).to_string() } else { format!("%{b:02X}") }).collect()
}

fn field<'a>(frame: &'a str, name: &str) -> Option<&'a str> {
    frame.lines().find_map(|line| line.strip_prefix(name)).map(str::trim_start)
}

fn read(frame: &str) -> Option<Frame> {
    let data = serde_json::from_str(field(frame, "data:")?).ok()?;
    Some((field(frame, "event:").unwrap_or("message").to_owned(), data))
}

async fn body(answer: reqwest::Response) -> Result<Value, ClientError> {
    let status = answer.status();
    let text = answer.text().await?;
    if text.is_empty() && status.is_success() {
        return Ok(Value::Null);
    }
    let value: Value =
        serde_json::from_str(&text).map_err(|_| ClientError::Odd(format!("{status}, and no JSON")))?;
    if status.is_success() {
        return Ok(value);
    }
    Err(problem(status.is_client_error(), &value))
}

/// What a problem says, in the words of a refusal or of a failure.
pub fn problem(refused: bool, value: &Value) -> ClientError {
    let mut refusal = Refusal::new(value["detail"].as_str().unwrap_or("refused").to_owned());
    for hint in value["hints"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        refusal = refusal.hint(hint);
    }
    refusal.can_force = value["can_force"].as_bool().unwrap_or_default();
    if refused { refusal.into() } else { ClientError::Odd(refusal.message) }
}
