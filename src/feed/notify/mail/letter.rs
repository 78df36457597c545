//! The letter itself.
//!
//! Owns its headers and parts. Text gets CRLF line ends and base64 from us before the library sees it; a
//! subject is one clean line (T38). The same alert has the same Message-ID, so a mailbox that gets it twice can
//! tell. Start with [`write`].

use askama::Template;
use lettre::Address;
use lettre::message::header::{ContentTransferEncoding, ContentType, ContentTypeErr};
use lettre::message::{Attachment, Body, Mailbox, MultiPart, SinglePart};
use sha2::{Digest as _, Sha256};

use super::super::texts::Message;
use crate::config::notify;
use crate::domain::clean::{clean, ellipsis};

#[derive(Debug, thiserror::Error)]
pub(super) enum LetterError {
    #[error("`{0}` is no mail address")]
    Address(String),
    #[error("the letter could not be put together: {0}")]
    Parts(#[from] lettre::error::Error),
    #[error("the page could not be written: {0}")]
    Page(#[from] askama::Error),
    #[error("a kind of part could not be named: {0}")]
    Kind(#[from] ContentTypeErr),
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<!doctype html><html><body style="font:15px/1.5 sans-serif;max-width:40em">
<h1 style="font-size:1.2em">{{ title }}</h1>
{% for line in lines %}<p style="margin:.3em 0">{{ line }}</p>
{% endfor %}{% for (words, url) in links %}<p><a href="{{ url }}">{{ words }}</a></p>
{% endfor %}<p style="color:#777;font-size:.85em">Sent by Beadwork on your own machine.</p>
</body></html>
"#
)]
struct Html<'a> {
    title: &'a str,
    lines: Vec<&'a str>,
    links: Vec<(&'a str, &'a str)>,
}

pub(super) fn write(settings: &notify::Mail, message: &Message) -> Result<lettre::Message, LetterError> {
    let mailbox = |text: &str, name: Option<&str>| {
        let address: Address = text.parse().map_err(|_| LetterError::Address(text.to_owned()))?;
        Ok::<_, LetterError>(Mailbox::new(name.map(str::to_owned), address))
    };
    let mut letter = lettre::Message::builder()
        .from(mailbox(&settings.from, Some("Beadwork"))?)
        .subject(ellipsis(&message.title, 150))
        .date(message.at.into())
        .message_id(Some(id(settings, message)));
    for to in &settings.to {
        letter = letter.to(mailbox(to, None)?);
    }
    let (text, html) = match &message.page {
        Some(page) => (page.text.clone(), page.html.clone()),
        None => (plain(message), page(message)?),
    };
    let html = part(&html, ContentType::TEXT_HTML);
    let images = message.page.iter().flat_map(|page| &page.images);
    let mut related = MultiPart::related().singlepart(html);
    let kind = ContentType::parse("image/png")?;
    for image in images {
        let picture = Attachment::new_inline_with_name(image.cid(), format!("{}.png", image.name));
        related = related.singlepart(picture.body(encoded(image.png.clone()), kind.clone()));
    }
    let both = MultiPart::alternative().singlepart(part(&text, ContentType::TEXT_PLAIN)).multipart(related);
    Ok(letter.multipart(both)?)
}

/// One part whose bytes on the wire are letters and digits only.
fn part(text: &str, kind: ContentType) -> SinglePart {
    let lines = clean(text).replace('\n', "\r\n").into_bytes();
    SinglePart::builder().header(kind).body(encoded(lines))
}

fn encoded(bytes: Vec<u8>) -> Body {
    // Base64 takes any bytes; what the library would choose by itself need not be base64.
    Body::new_with_encoding(bytes, ContentTransferEncoding::Base64).unwrap_or_else(Body::new)
}

fn plain(message: &Message) -> String {
    let mut text = format!("{}\n\n{}\n", message.title, message.body);
    let look = message.link.as_deref().map(|url| ("See it", url));
    for (words, url) in look.into_iter().chain(message.actions.iter().map(|l| (l.title, l.url.as_str()))) {
        text.push_str(&format!("\n{words}: {url}"));
    }
    text.push_str("\n\n-- \nSent by Beadwork on your own machine.\n");
    text
}

fn page(message: &Message) -> Result<String, LetterError> {
    let look = message.link.as_deref().map(|url| ("See it", url));
    let answers = message.actions.iter().map(|link| (link.title, link.url.as_str()));
    let links = look.into_iter().chain(answers).collect();
    Ok(Html { title: &message.title, lines: message.body.lines().collect(), links }.render()?)
}

fn id(settings: &notify::Mail, message: &Message) -> String {
    let domain = settings.from.rsplit('@').next().unwrap_or("localhost");
    let hash = Sha256::digest(format!("{} {}", message.at.timestamp(), message.key));
    let hash: String = hash[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("<{hash}@{domain}>")
}
