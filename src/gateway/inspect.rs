//! What a request body asks the provider to do on its side.
//!
//! Owns the reading of a Messages request for features that reach beyond the conversation (T09): remote MCP
//! servers, sources the provider would fetch, stored files, containers, tools that run at the provider. The
//! body is read in one pass without building a tree, so 32 MB of hostile JSON cost no memory of ours. It
//! changes nothing. Start with [`inspect`].

use std::fmt;

use hyper::StatusCode;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::answer::{ErrorKind, Refusal};
use super::rules::malformed;

/// What the meter wants to know of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) model: String,
    pub(crate) stream: bool,
}

pub(crate) fn inspect(body: &[u8]) -> Result<Asked, Refusal> {
    let seen: Body = serde_json::from_slice(body)
        .map_err(|error| malformed(&format!("the body is no request for the Messages API: {error}")))?;
    match seen.found.0 {
        None => Ok(seen.asked),
        Some(feature) => Err(Refusal::new(
            StatusCode::FORBIDDEN,
            ErrorKind::Permission,
            feature,
            &format!(
                "{feature} is not allowed here: it lets the provider reach or keep something on its side"
            ),
        )),
    }
}

const MCP: &str = "`mcp_servers`";
const CONTAINER: &str = "`container`";
const URL: &str = "a `url` source";
const FILE: &str = "a `file_id`";
const WEB_SEARCH: &str = "the server tool `web_search`";
const WEB_FETCH: &str = "the server tool `web_fetch`";
const CODE: &str = "the server tool `code_execution`";
const SERVER_TOOL: &str = "an unknown server tool";
const SPEED: &str = "`speed`";
const GEO: &str = "`inference_geo`";

/// The first feature met that is not allowed.
#[derive(Debug, Default, Clone, Copy)]
struct Found(Option<&'static str>);

impl Found {
    fn note(&mut self, feature: &'static str) {
        self.0.get_or_insert(feature);
    }

    fn add(&mut self, other: Self) {
        self.0 = self.0.or(other.0);
    }
}

#[derive(Debug, Default)]
struct Body {
    asked: Asked,
    found: Found,
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        // `deserialize_map` alone would take other things than an object in other formats; JSON has no such.
        from.deserialize_map(BodyVisitor)
    }
}

struct BodyVisitor;

impl<'de> Visitor<'de> for BodyVisitor {
    type Value = Body;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Body, A::Error> {
        let mut body = Body::default();
        let mut named = [false; 2];
        while let Some(key) = map.next_key::<Key>()? {
            // Two values for one key could be read differently here and there.
            let mut once = |at: usize| {
                if std::mem::replace(&mut named[at], true) {
                    Err(A::Error::custom("a key twice"))
                } else {
                    Ok(())
                }
            };
            match key.0.as_str() {
                "model" => {
                    once(0)?;
                    body.asked.model = map.next_value()?;
                }
                "stream" => {
                    once(1)?;
                    body.asked.stream = map.next_value::<Option<bool>>()?.unwrap_or(false);
                }
                "mcp_servers" => present(&mut map, &mut body.found, MCP)?,
                "container" => present(&mut map, &mut body.found, CONTAINER)?,
                "inference_geo" => present(&mut map, &mut body.found, GEO)?,
                "speed" => match map.next_value::<Option<Text>>()? {
                    Some(speed) if speed.0.as_deref() != Some("standard") => body.found.note(SPEED),
                    _ => {}
                },
                "tools" => body.found.add(map.next_value::<Each<Tool>>()?.0),
                "messages" | "system" => body.found.add(map.next_value::<Each<Block>>()?.0),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(body)
    }
}

/// Notes the feature unless its value is `null`.
fn present<'de, A: MapAccess<'de>>(
    map: &mut A,
    found: &mut Found,
    feature: &'static str,
) -> Result<(), A::Error> {
    if map.next_value::<Option<IgnoredAny>>()?.is_some() {
        found.note(feature);
    }
    Ok(())
}

/// A part of the body that is looked at key by key.
trait Part {
    fn key<'de, A: MapAccess<'de>>(key: &str, map: &mut A, found: &mut Found) -> Result<(), A::Error>;
}

/// A message, or a content block at any depth.
struct Block;

impl Part for Block {
    fn key<'de, A: MapAccess<'de>>(key: &str, map: &mut A, found: &mut Found) -> Result<(), A::Error> {
        match key {
            "content" => found.add(map.next_value::<Each<Block>>()?.0),
            "source" => found.add(map.next_value::<Each<Source>>()?.0),
            "tools" => found.add(map.next_value::<Each<Tool>>()?.0),
            "tool" => found.add(map.next_value::<Each<ToolChange>>()?.0),
            "file_id" => present(map, found, FILE)?,
            // What our own tools were given (`input`) and all text is data, not a request to the provider.
            _ => drop(map.next_value::<IgnoredAny>()?),
        }
        Ok(())
    }
}

/// Where an image or a document comes from. Whatever else it says, one `url` is enough.
struct Source;

impl Part for Source {
    fn key<'de, A: MapAccess<'de>>(key: &str, map: &mut A, found: &mut Found) -> Result<(), A::Error> {
        match key {
            "type" => match map.next_value::<Text>()?.0.as_deref() {
                Some("url") => found.note(URL),
                Some("file") => found.note(FILE),
                _ => {}
            },
            "url" => present(map, found, URL)?,
            "file_id" => present(map, found, FILE)?,
            "content" => found.add(map.next_value::<Each<Block>>()?.0),
            _ => drop(map.next_value::<IgnoredAny>()?),
        }
        Ok(())
    }
}

/// A tool's definition: one without type, or `custom`, runs in the sandbox.
struct Tool;

impl Part for Tool {
    fn key<'de, A: MapAccess<'de>>(key: &str, map: &mut A, found: &mut Found) -> Result<(), A::Error> {
        if key == "type" {
            found.add(tool_type(&map.next_value::<Option<Text>>()?));
        } else {
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

/// A tool added or removed in mid-conversation: `{"type":"tool_definition","definition":{..}}`.
struct ToolChange;

impl Part for ToolChange {
    fn key<'de, A: MapAccess<'de>>(key: &str, map: &mut A, found: &mut Found) -> Result<(), A::Error> {
        match key {
            "definition" => found.add(map.next_value::<Each<Tool>>()?.0),
            "type" => {
                let kind = map.next_value::<Option<Text>>()?;
                let name = kind.as_ref().and_then(|text| text.0.as_deref());
                if !matches!(name, Some("tool_definition" | "tool_reference")) {
                    found.add(tool_type(&kind));
                }
            }
            _ => drop(map.next_value::<IgnoredAny>()?),
        }
        Ok(())
    }
}

/// Tools whose calls come back to the client, whatever their name says.
const CLIENT_TOOLS: &[&str] = &["bash_", "text_editor_", "computer_", "memory_", "tool_search_tool_"];

fn tool_type(kind: &Option<Text>) -> Found {
    let Some(kind) = kind else { return Found(None) };
    let feature = match kind.0.as_deref() {
        Some("custom") => None,
        Some(name) if CLIENT_TOOLS.iter().any(|tool| name.starts_with(tool)) => None,
        Some(name) if name.starts_with("web_search") => Some(WEB_SEARCH),
        Some(name) if name.starts_with("web_fetch") => Some(WEB_FETCH),
        Some(name) if name.starts_with("code_execution") => Some(CODE),
        Some(name) if name.starts_with("mcp") => Some(MCP),
        _ => Some(SERVER_TOOL),
    };
    Found(feature)
}

/// One part, or a list of them, or anything else that cannot hold a feature (text, numbers, null).
struct Each<P>(Found, std::marker::PhantomData<P>);

impl<'de, P: Part> Deserialize<'de> for Each<P> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let found = from.deserialize_any(EachVisitor::<P>(std::marker::PhantomData))?;
        Ok(Self(found, std::marker::PhantomData))
    }
}

struct EachVisitor<P>(std::marker::PhantomData<P>);

impl<'de, P: Part> Visitor<'de> for EachVisitor<P> {
    type Value = Found;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("content")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Found, A::Error> {
        let mut found = Found::default();
        while let Some(each) = seq.next_element::<Each<P>>()? {
            found.add(each.0);
        }
        Ok(found)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Found, A::Error> {
        let mut found = Found::default();
        while let Some(key) = map.next_key::<Key>()? {
            P::key(&key.0, &mut map, &mut found)?;
        }
        Ok(found)
    }

    fn visit_str<E>(self, _: &str) -> Result<Found, E> {
        Ok(Found::default())
    }

    fn visit_unit<E>(self) -> Result<Found, E> {
        Ok(Found::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Found, E> {
        Ok(Found::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Found, E> {
        Ok(Found::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Found, E> {
        Ok(Found::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Found, E> {
        Ok(Found::default())
    }
}

/// A key, kept only as far as our own words are long.
struct Key(String);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self(short(from)?.unwrap_or_default()))
    }
}

/// A string of reasonable length; anything else is `None`.
struct Text(Option<String>);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self(short(from)?))
    }
}

fn short<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    struct Short;
    impl<'de> Visitor<'de> for Short {
        type Value = Option<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }

        fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
            Ok((text.len() <= 64).then(|| text.to_owned()))
        }
    }
    from.deserialize_str(Short)
}

#[cfg(test)]
mod tests;
