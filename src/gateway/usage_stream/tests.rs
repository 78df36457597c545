use proptest::prelude::*;

use super::*;

const ANSWER: &str = "event: message_start\n\
data: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"model\":\"claude-opus-5-5\",\"usage\":{\"input_tokens\":30,\"cache_creation_input_tokens\":2000,\"cache_read_input_tokens\":5000,\"cache_creation\":{\"ephemeral_5m_input_tokens\":500,\"ephemeral_1h_input_tokens\":1500},\"output_tokens\":1}}}\n\n\
event: ping\ndata: {\"type\": \"ping\"}\n\n\
event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n\
event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Gr\u{fc}\u{df}e \u{1f600}\"}}\n\n\
: a comment\r\n\
event: content_block_delta\r\ndata:{\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"a\\\":\"}}\r\n\r\n\
event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"},\"usage\":{\"output_tokens\":120}}\n\n\
event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{},\"usage\":{\"input_tokens\":0,\"output_tokens\":125}}\n\n\
event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

fn read(form: Form, chunks: &[&[u8]]) -> Seen {
    let mut stream = UsageStream::new(form);
    chunks.iter().for_each(|chunk| stream.push(chunk));
    stream.end();
    stream.seen().clone()
}

#[test]
fn a_whole_stream_gives_its_last_figures() {
    let seen = read(Form::Events, &[ANSWER.as_bytes()]);
    let usage = Usage { input: 30, output: 125, cache_read: 5000, cache_write: 2000 };
    assert_eq!((seen.usage, seen.hour_writes, seen.complete), (Some(usage), 1500, true));
    assert_eq!(seen.model.as_deref(), Some("claude-opus-5-5"));
    assert_eq!(seen.content, 12 + 5);
}

#[test]
fn a_cut_stream_keeps_what_was_seen() {
    let at = ANSWER.find("event: message_delta").unwrap();
    let seen = read(Form::Events, &[&ANSWER.as_bytes()[..at]]);
    assert_eq!((seen.usage.unwrap().input, seen.usage.unwrap().output, seen.complete), (30, 1, false));
    assert_eq!(seen.content, 17);
}

#[test]
fn a_plain_answer_is_read_at_its_end() {
    let body = br#"{"type":"message","model":"m","content":[],"usage":{"input_tokens":3,"output_tokens":4}}"#;
    let seen = read(Form::Plain, &[&body[..20], &body[20..]]);
    assert_eq!(seen.usage, Some(Usage { input: 3, output: 4, ..Usage::default() }));
    assert!(seen.complete);
    for other in [&b"{\"input_tokens\":7}"[..], b"<html>", b"", b"[1]"] {
        assert_eq!(read(Form::Plain, &[other]).usage, None);
    }
}

#[test]
fn f24_pings_and_single_bytes_are_no_progress() {
    let mut stream = UsageStream::new(Form::Events);
    stream.push(b"event: ping\ndata: {\"type\": \"ping\"}\n\n: keep-alive\n\n");
    for byte in b"data: {\"type\":\"content_block_del" {
        stream.push(&[*byte]);
    }
    assert_eq!(stream.seen().progress, 0);
    stream.push(b"ta\",\"delta\":{\"text\":\"x\"}}\n");
    assert_eq!(stream.seen().progress, 1);
}

#[test]
fn an_endless_line_costs_no_memory_and_spoils_nothing() {
    let mut stream = UsageStream::new(Form::Events);
    stream.push(b"data: {\"type\":\"content_block_delta\",\"delta\":{\"text\":\"");
    let megabyte = vec![b'x'; 1024 * 1024];
    for _ in 0..20 {
        stream.push(&megabyte);
        assert!(stream.buffer.capacity() <= 2 * MAX_LINE);
    }
    assert!(stream.seen().content >= 20 * 1024 * 1024);
    stream.push(b"\"}}\n");
    stream.push(ANSWER.as_bytes());
    assert_eq!(stream.seen().usage.unwrap().output, 125);
}

proptest! {
    #[test]
    fn however_the_network_cuts_it(cuts in prop::collection::vec(0..ANSWER.len(), 0..30)) {
        let mut at: Vec<usize> = cuts;
        at.extend([0, ANSWER.len()]);
        at.sort_unstable();
        let chunks: Vec<&[u8]> = at.windows(2).map(|pair| &ANSWER.as_bytes()[pair[0]..pair[1]]).collect();
        prop_assert_eq!(read(Form::Events, &chunks), read(Form::Events, &[ANSWER.as_bytes()]));
    }

    #[test]
    fn any_bytes_are_survived(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..20)) {
        let chunks: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
        read(Form::Events, &chunks);
        read(Form::Plain, &chunks);
    }
}
