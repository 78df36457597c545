//! Speaking to a container's stdin, and telling that its agent lost the gateway.
//!
//! Owns two small judgements about the connection of a sitting; the sitting decides what follows.

use tokio::io::AsyncWriteExt as _;

use crate::agent::summary::Summary;
use crate::executor::Attached;

/// The last turn ended because nobody listened at the gateway.
pub(super) fn lost_connection(summary: &Summary) -> bool {
    let failed = summary.last_turn.as_ref().is_some_and(|t| t.is_error && t.api_status.is_none());
    failed && summary.is_settled() && summary.failure().is_some_and(|f| !f.overcome)
}

/// A process that is gone takes no line: its exit says more than our failure to write.
pub(in crate::daemon) async fn write(attached: &mut Attached, line: &str) {
    if let Some(stdin) = &mut attached.stdin {
        let _ = stdin.write_all(line.as_bytes()).await;
        let _ = stdin.flush().await;
    }
}
