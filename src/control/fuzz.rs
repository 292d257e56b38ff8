//! Fuzz target: lines of the control protocol, from either side.

use crate::control::{ReplyLine, RequestLine};

/// Reads `line` as a request and as a reply; returns whether any of it was accepted.
///
/// # Panics
/// When what is accepted cannot be written and read again. That is a bug.
pub fn read_line(line: &[u8]) -> bool {
    let request = serde_json::from_slice::<RequestLine>(line);
    if let Ok(request) = &request {
        let written = serde_json::to_vec(request).expect("what was read can be written");
        let again = serde_json::from_slice::<RequestLine>(&written);
        assert!(
            again.is_ok_and(|again| again.id == request.id),
            "{written:?}"
        );
    }
    let reply = serde_json::from_slice::<ReplyLine>(line);
    request.is_ok() || reply.is_ok()
}
