//! Answers on their way to a client.
//!
//! tiny_http would write every header on its own, in packets that wait for each other's receipt: some 40 ms per answer.
//! Here the head and the beginning of the body are one write.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use super::answer::Answer;
use super::site::Body;

/// Bytes that are read from a file at once.
const CHUNK: usize = 64 * 1024;

/// Writes an answer to a connection; ends with an error when `stop` is set while the client takes nothing.
pub(super) fn write(
    writer: &mut dyn Write,
    answer: Answer,
    last: bool,
    now: SystemTime,
    stop: &AtomicBool,
) -> io::Result<()> {
    let mut wire = Wire { writer, stop };
    let mut begin = head(&answer, last, now)?;
    match answer.body {
        Body::Bytes(bytes) => {
            let body = bytes.get(as_usize(&answer.part)).unwrap_or_default();
            let (first, rest) = body.split_at(body.len().min(CHUNK));
            begin.extend_from_slice(first);
            wire.send(&begin)?;
            wire.send(rest)?;
        }
        Body::File(file) => stream(&mut wire, begin, file, &answer.part)?,
    }
    wire.flush()
}

fn as_usize(range: &Range<u64>) -> Range<usize> {
    range.start as usize..range.end as usize
}

fn stream(wire: &mut Wire, begin: Vec<u8>, mut file: File, part: &Range<u64>) -> io::Result<()> {
    let mut left = part.end - part.start;
    let mut chunk = begin;
    if left > 0 {
        file.seek(SeekFrom::Start(part.start))?;
    }
    loop {
        let wanted = left.min(CHUNK as u64);
        let read = (&mut file).take(wanted).read_to_end(&mut chunk)? as u64;
        wire.send(&chunk)?;
        left -= read;
        if left == 0 {
            return Ok(());
        }
        if read < wanted {
            return Err(io::Error::new(
                ErrorKind::UnexpectedEof,
                "the file became shorter while it was sent",
            ));
        }
        chunk.clear();
    }
}

fn head(answer: &Answer, last: bool, now: SystemTime) -> io::Result<Vec<u8>> {
    let status = answer.status;
    let mut head = Vec::with_capacity(1024);
    write!(head, "HTTP/1.1 {status} {}\r\nDate: {}\r\n", reason(status), httpdate::HttpDate::from(now))?;
    for (name, value) in &answer.headers {
        write!(head, "{name}: {value}\r\n")?;
    }
    if let Some(length) = answer.length {
        write!(head, "Content-Length: {length}\r\n")?;
    }
    if last {
        head.extend_from_slice(b"Connection: close\r\n");
    }
    head.extend_from_slice(b"\r\n");
    Ok(head)
}

fn reason(status: u16) -> &'static str {
    tiny_http::StatusCode(status).default_reason_phrase()
}

struct Wire<'a> {
    writer: &'a mut dyn Write,
    stop: &'a AtomicBool,
}

impl Wire<'_> {
    fn send(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.writer.write(bytes) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => bytes = &bytes[written..],
                Err(error) => self.go_on(error)?,
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        while let Err(error) = self.writer.flush() {
            self.go_on(error)?;
        }
        Ok(())
    }

    /// Whether an error only says that the client took nothing for a while.
    fn go_on(&self, error: io::Error) -> io::Result<()> {
        match error.kind() {
            ErrorKind::Interrupted => Ok(()),
            ErrorKind::WouldBlock if !self.stop.load(Ordering::Relaxed) => Ok(()),
            _ => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use bytes::Bytes;

    use super::*;

    /// Takes so many bytes at a time, and refuses every other time; counts what it was asked to take.
    struct Slow {
        taken: Vec<u8>,
        at_once: usize,
        calls: usize,
    }

    impl Slow {
        fn new(at_once: usize) -> Self {
            Self { taken: Vec::new(), at_once, calls: 0 }
        }
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.calls += 1;
            if self.at_once < usize::MAX && self.calls.is_multiple_of(2) {
                return Err(ErrorKind::WouldBlock.into());
            }
            let taken = bytes.len().min(self.at_once);
            self.taken.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn answer(body: Body, part: Range<u64>) -> Answer {
        let headers = vec![("ETag", "\"a\"".to_owned())];
        Answer { status: 206, headers, length: Some(part.end - part.start), body, part }
    }

    fn written(answer: Answer, slow: &mut Slow, stop: bool) -> io::Result<()> {
        write(slow, answer, false, UNIX_EPOCH + Duration::from_secs(1), &AtomicBool::new(stop))
    }

    fn body(wire: &[u8]) -> &[u8] {
        let end = wire.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        &wire[end + 4..]
    }

    #[test]
    fn a_small_answer_is_one_write() {
        let mut slow = Slow::new(usize::MAX);
        written(answer(Body::Bytes(Bytes::from_static(b"0123456789")), 2..5), &mut slow, false).unwrap();
        let expected = "HTTP/1.1 206 Partial Content\r\nDate: Thu, 01 Jan 1970 00:00:01 GMT\r\nETag: \"a\"\r\n\
                        Content-Length: 3\r\n\r\n234";
        assert_eq!(String::from_utf8(slow.taken).unwrap(), expected);
        assert_eq!(slow.calls, 1);
    }

    #[test]
    fn slow_clients_get_every_byte_once() {
        let bytes: Vec<u8> = (0..300_000_u32).map(|at| (at % 251) as u8).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        for part in [0..300_000, 1..299_999, 65_536..131_072, 7..8, 0..0] {
            let bodies = [Body::Bytes(bytes.clone().into()), Body::File(file.try_clone().unwrap())];
            for of in bodies {
                let mut slow = Slow::new(1000);
                written(answer(of, part.clone()), &mut slow, false).unwrap();
                assert!(body(&slow.taken) == &bytes[as_usize(&part)], "{part:?}");
            }
        }
    }

    #[test]
    fn a_client_that_takes_nothing_is_left_at_the_end() {
        let answer = answer(Body::Bytes(Bytes::from_static(b"0123456789")), 0..10);
        let error = written(answer, &mut Slow::new(1), true).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
    }

    #[test]
    fn a_file_that_became_shorter_is_an_error() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(10).unwrap();
        let error = written(answer(Body::File(file), 5..20), &mut Slow::new(usize::MAX), false).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    }
}
