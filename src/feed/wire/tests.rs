use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

/// A server that answers everything with `head`, and counts who came.
async fn server(head: String) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/secret-path", listener.local_addr().unwrap());
    let came = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&came);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let head = head.clone();
            tokio::spawn(async move {
                let mut read = [0; 4096];
                let _ = stream.read(&mut read).await;
                let _ = stream.write_all(head.as_bytes()).await;
            });
        }
    });
    (url, came)
}

#[tokio::test]
async fn t35_whatever_is_sent_follows_no_redirect_and_is_not_sent_twice() {
    let (elsewhere, reached) = server("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_owned()).await;
    for status in ["301 Moved", "302 Found", "307 Again", "308 There"] {
        let head = format!("HTTP/1.1 {status}\r\nlocation: {elsewhere}\r\ncontent-length: 0\r\n\r\n");
        let (url, came) = server(head).await;
        for encrypted in [true, false] {
            let answer = client(encrypted).build().unwrap().post(&url).body("x").send().await.unwrap();
            assert!(answer.status().is_redirection(), "{status}");
        }
        assert_eq!(came.load(Ordering::SeqCst), 2, "one connection for each send");
    }
    assert_eq!(reached.load(Ordering::SeqCst), 0, "a redirect was followed");
    // One that hangs up is not asked again, and what is said of it names no path.
    let (url, came) = server(String::new()).await;
    let error = client(true).build().unwrap().post(&url).send().await.unwrap_err();
    assert!(!innermost(&error).contains("secret-path"), "{error}");
    assert_eq!(came.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_costs_a_few_seconds() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let held = tokio::spawn(async move {
        let _stream = listener.accept().await;
        std::future::pending::<()>().await;
    });
    let begin = tokio::time::Instant::now();
    let error = client(false).build().unwrap().get(&url).send().await.unwrap_err();
    assert!(error.is_timeout() && begin.elapsed() <= BUDGET * 2, "{error}: {:?}", begin.elapsed());
    held.abort();
}
