//! Lines of bounded length from a client.

use tokio::io::{AsyncBufRead, AsyncBufReadExt};

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A line is in the buffer, without its end.
    Whole,
    /// A line longer than the bound was skipped.
    TooLong,
    /// The client is gone; an unfinished line is lost.
    End,
}

/// Reads one line into `line`, at most `max` bytes.
pub(crate) async fn next_line<R>(
    reader: &mut R,
    line: &mut Vec<u8>,
    max: usize,
) -> std::io::Result<Line>
where
    R: AsyncBufRead + Unpin,
{
    line.clear();
    let mut too_long = false;
    loop {
        let read = reader.fill_buf().await?;
        if read.is_empty() {
            return Ok(Line::End);
        }
        let end = read.iter().position(|byte| *byte == b'\n');
        let part = &read[..end.unwrap_or(read.len())];
        too_long |= line.len() + part.len() > max;
        if too_long {
            line.clear();
        } else {
            line.extend_from_slice(part);
        }
        let used = part.len() + usize::from(end.is_some());
        reader.consume(used);
        if end.is_some() {
            return Ok(if too_long { Line::TooLong } else { Line::Whole });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_long_line_is_skipped_whole() {
        let mut reader = tokio::io::BufReader::with_capacity(3, &b"abcd\nabcdefgh\n\nxy"[..]);
        let mut line = Vec::new();
        assert_eq!(
            next_line(&mut reader, &mut line, 4).await.unwrap(),
            Line::Whole
        );
        assert_eq!(line, b"abcd");
        assert_eq!(
            next_line(&mut reader, &mut line, 4).await.unwrap(),
            Line::TooLong
        );
        assert_eq!(
            next_line(&mut reader, &mut line, 4).await.unwrap(),
            Line::Whole
        );
        assert_eq!(line, b"");
        assert_eq!(
            next_line(&mut reader, &mut line, 4).await.unwrap(),
            Line::End
        );
    }
}
