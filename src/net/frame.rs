//! Frames on a QUIC stream: a 4-byte big-endian length and that many bytes.

use quinn::RecvStream;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};

use crate::limits::{FRAME_BYTES_MAX, WRITE_BYTES};
use crate::wire::fault::Fault;

/// Bytes of the length.
const LENGTH: usize = 4;

/// Puts the length in front of a message's bytes.
pub(super) fn framed(body: &[u8]) -> Vec<u8> {
    debug_assert!(
        body.len() <= FRAME_BYTES_MAX,
        "what is sent keeps the bounds"
    );
    let length = u32::try_from(body.len()).expect("a frame is far shorter than 4 GiB");
    [&length.to_be_bytes(), body].concat()
}

/// Why there is no further frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The sender finished the stream after a whole frame.
    Finished,
    /// The stream or its connection broke, perhaps within a frame.
    Lost,
    /// The sender broke the rules.
    Fault(Fault),
}

/// The frames of one stream.
#[derive(Debug)]
pub(super) struct Frames {
    from: BufReader<RecvStream>,
    bytes_max: usize,
}

impl Frames {
    /// Reads frames of at most `bytes_max` bytes.
    pub(super) fn new(from: RecvStream, bytes_max: usize) -> Self {
        Self {
            from: BufReader::with_capacity(WRITE_BYTES, from),
            bytes_max,
        }
    }

    /// From here on frames may have other lengths.
    pub(super) fn limit(&mut self, bytes_max: usize) {
        self.bytes_max = bytes_max;
    }

    /// Waits for the next frame, without its length. Not cancel safe.
    pub(super) async fn next(&mut self) -> Result<Vec<u8>, End> {
        if self
            .from
            .fill_buf()
            .await
            .map_err(|_| End::Lost)?
            .is_empty()
        {
            return Err(End::Finished);
        }
        let mut length = [0; LENGTH];
        self.from
            .read_exact(&mut length)
            .await
            .map_err(|_| End::Lost)?;
        let length = u32::from_be_bytes(length) as usize;
        if !(1..=self.bytes_max).contains(&length) {
            return Err(End::Fault(Fault::FrameLength));
        }
        let mut frame = vec![0; length];
        self.from
            .read_exact(&mut frame)
            .await
            .map_err(|_| End::Lost)?;
        Ok(frame)
    }
}
