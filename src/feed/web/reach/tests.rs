use axum::http::HeaderValue;

use super::*;

fn asked(reach: &Reach, host: &str) -> Option<String> {
    let mut headers = HeaderMap::new();
    headers.insert(header::HOST, HeaderValue::from_str(host).unwrap());
    reach.site(&headers).map(|site| site.origin.clone())
}

#[test]
fn t14_the_usual_port_is_left_out_and_localhost_is_ours_only_where_both_addresses_are() {
    let v4: SocketAddr = "127.0.0.1:80".parse().unwrap();
    let v6: SocketAddr = "[::1]:80".parse().unwrap();
    let reach = Reach::new(&[v4, v6], true, false, None);
    assert_eq!(asked(&reach, "127.0.0.1").as_deref(), Some("http://127.0.0.1"));
    assert_eq!(asked(&reach, "[::1]").as_deref(), Some("http://[::1]"));
    assert_eq!(asked(&reach, "localhost").as_deref(), Some("http://localhost"));
    assert_eq!(asked(&reach, "127.0.0.1:80"), None, "as browsers write it, and no other way");
    assert_eq!(asked(&Reach::new(&[v4], false, false, None), "localhost"), None);
    assert_eq!(asked(&Reach::default(), "127.0.0.1"), None);
    let any: SocketAddr = "0.0.0.0:443".parse().unwrap();
    let public = PublicUrl::parse("https://bead.example.org").unwrap();
    let reach = Reach::new(&[any], false, true, Some(&public));
    assert_eq!(asked(&reach, "0.0.0.0"), None);
    assert_eq!(asked(&reach, "bead.example.org").as_deref(), Some("https://bead.example.org"));
    assert_eq!((reach.url(), reach.public_url()), (None, Some("https://bead.example.org")));
}
