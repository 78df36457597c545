//! One HTTP request, byte by byte as a test wants it, over TCP.
//!
//! Owns sending exactly what it is told: no header is added, so that hosts and origins can be left out, doubled or wrong. It
//! keeps no connection. Start with [`Ask`].

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

#[derive(Debug, Clone)]
pub struct Ask {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Ask {
    pub fn new(method: &str, path: &str) -> Self {
        Self { method: method.into(), path: path.into(), headers: Vec::new(), body: String::new() }
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn json(self, body: &str) -> Self {
        let mut this = self.with("content-type", "application/json");
        body.clone_into(&mut this.body);
        this
    }

    pub fn text(&self) -> String {
        let mut text = format!("{} {} HTTP/1.1\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if !self.body.is_empty() || self.method != "GET" {
            text.push_str(&format!("content-length: {}\r\n", self.body.len()));
        }
        format!("{text}\r\n{}", self.body)
    }

    /// The whole answer; of one that has no end, what came within a short while.
    #[track_caller]
    pub fn send(&self, port: u16) -> Answer {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(self.text().as_bytes()).unwrap();
        let (mut bytes, mut chunk) = (Vec::new(), [0; 64 << 10]);
        loop {
            if let Some(answer) = Answer::read(&bytes) {
                return answer;
            }
            match stream.read(&mut chunk) {
                Ok(0) => panic!("cut off: {self:?}: {}", String::from_utf8_lossy(&bytes)),
                Ok(count) => bytes.extend_from_slice(&chunk[..count]),
                Err(error) => panic!("{error}: {self:?}: {}", String::from_utf8_lossy(&bytes)),
            }
        }
    }
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// None until it is whole; a stream counts as whole after its head.
    fn read(bytes: &[u8]) -> Option<Self> {
        let head = bytes.windows(4).position(|w| w == b"\r\n\r\n")?;
        let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
        let mut lines = text.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let split = |line: &str| line.split_once(':').map(|(k, v)| (k.to_lowercase(), v.trim().to_owned()));
        let headers: Vec<(String, String)> = lines.filter_map(split).collect();
        let answer = Self { status, headers, body: String::from_utf8_lossy(&bytes[head + 4..]).into_owned() };
        let length = answer.header("content-length").and_then(|n| n.parse::<usize>().ok());
        match length {
            Some(length) => (bytes.len() >= head + 4 + length).then_some(answer),
            None => Some(answer),
        }
    }
}
