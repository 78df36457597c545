use proptest::prelude::*;

use super::*;

async fn read(mut bytes: &[u8]) -> Result<Header, ImportError> {
    Header::read(&mut bytes, 1 << 20).await
}

fn check(result: Result<Header, ImportError>) -> String {
    match result.unwrap_err() {
        ImportError::Rejected { check, .. } => check,
        other => panic!("{other:?}"),
    }
}

const TIP: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

#[tokio::test]
async fn both_headers_are_read_to_the_first_byte_of_the_pack() {
    let text =
        format!("BEADEXPORT1 ok {TIP} 1\n# v2 git bundle\n-{TIP} base\n{TIP} refs/heads/export\n\nPACK");
    let mut bytes = text.as_bytes();
    let header = Header::read(&mut bytes, 1 << 20).await.unwrap();
    assert_eq!(header, Header::Work { tip: Oid::parse(TIP).unwrap(), wip: true });
    assert_eq!(bytes, b"PACK");
    let unchanged = format!("BEADEXPORT1 unchanged {TIP} 0\n");
    assert_eq!(read(unchanged.as_bytes()).await.unwrap(), Header::Unchanged);
}

#[tokio::test]
async fn what_is_not_a_header_is_refused_by_name() {
    assert!(matches!(read(b"").await, Err(ImportError::Silent)));
    assert_eq!(check(read(b"BEADEXPORT1 alternates - 0\n").await), "alternates");
    let ok = format!("BEADEXPORT1 ok {TIP} 0\n");
    for bad in [
        "hello\n".to_owned(),
        "BEADEXPORT1 ok".to_owned(),
        "BEADEXPORT1 ok --upload-pack=x 0\n".to_owned(),
        format!("BEADEXPORT1 ok {TIP} 2\n"),
        format!("BEADEXPORT1 Bad! {TIP} 0\n"),
        ok.clone(),
        format!("{ok}# v9 git bundle\n\n"),
        format!("{ok}# v3 git bundle\n@filter=blob:none\n{TIP} x\n\n"),
        format!("{ok}# v2 git bundle\n\nPACK"),
        format!("{ok}# v2 git bundle\n{TIP} refs/x\n"),
        "x".repeat(100_000),
        format!("{ok}# v2 git bundle\n{}", format!("{TIP} refs/tags/t\n").repeat(20_000)),
    ] {
        assert_eq!(check(read(bad.as_bytes()).await), "header", "{}", &bad[..bad.len().min(80)]);
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), lead in 0..3_usize) {
        let mut text = match lead {
            0 => Vec::new(),
            1 => b"BEADEXPORT1 ".to_vec(),
            _ => format!("BEADEXPORT1 ok {TIP} 0\n# v2 git bundle\n").into_bytes(),
        };
        text.extend(bytes);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let _ = runtime.block_on(read(&text));
    }
}
