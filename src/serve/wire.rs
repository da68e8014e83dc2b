//! Answers on their way to a client, as far as it takes them: nothing here waits.
//!
//! The head and the beginning of the body are one write. As two, the second would wait for the receipt of the first, some 40 ms.

use std::fs::File;
use std::io::{self, ErrorKind, IoSlice, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::time::SystemTime;

use tiny_http::StatusCode;

use super::answer::Answer;
use super::site::Body;

/// Bytes that are read from a file at once.
const CHUNK: usize = 64 * 1024;

/// Bytes after which others have their turn: a thousand clients that come for large files must not keep one waiting that comes for a
/// page.
const TURN: u64 = 256 * 1024;

/// How far an answer has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// All of it was taken.
    Done,
    /// The client takes no more at the moment, after so many bytes of this time.
    Blocked(u64),
    /// It would take more, but so many bytes were enough for one turn.
    Enough(u64),
}

/// An answer that is being written. It holds no bytes of a file.
#[derive(Debug)]
pub(super) struct Sending {
    head: Vec<u8>,
    /// Bytes of the head that were taken.
    taken: usize,
    body: Body,
    /// What of the body was not taken yet.
    part: Range<u64>,
}

impl Sending {
    /// An answer at its beginning; `last` says that the connection ends with it.
    pub(super) fn new(answer: Answer, last: bool, now: SystemTime) -> io::Result<Self> {
        Ok(Self { head: head(&answer, last, now)?, taken: 0, body: answer.body, part: answer.part })
    }

    /// Writes as much as the client takes, and ends soon after [`TURN`] bytes. `chunk` is room for bytes of a file.
    pub(super) fn go_on(&mut self, writer: &mut dyn Write, chunk: &mut Vec<u8>) -> io::Result<Progress> {
        let mut sum = 0;
        while self.taken < self.head.len() || !self.part.is_empty() {
            if sum >= TURN {
                return Ok(Progress::Enough(sum));
            }
            match self.write_once(writer, chunk) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => {
                    sum += written as u64;
                    let of_head = written.min(self.head.len() - self.taken);
                    self.taken += of_head;
                    self.part.start += (written - of_head) as u64;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Progress::Blocked(sum)),
                Err(error) => return Err(error),
            }
        }
        Ok(Progress::Done)
    }

    fn write_once(&mut self, writer: &mut dyn Write, chunk: &mut Vec<u8>) -> io::Result<usize> {
        let body = match &mut self.body {
            Body::Bytes(bytes) => {
                let rest = bytes.get(self.part.start as usize..self.part.end as usize).unwrap_or_default();
                &rest[..rest.len().min(TURN as usize)]
            }
            Body::File(file) => read(file, &self.part, chunk)?,
        };
        writer.write_vectored(&[IoSlice::new(&self.head[self.taken..]), IoSlice::new(body)])
    }
}

fn read<'a>(file: &mut File, part: &Range<u64>, chunk: &'a mut Vec<u8>) -> io::Result<&'a [u8]> {
    chunk.clear();
    if part.is_empty() {
        return Ok(chunk);
    }
    let wanted = (part.end - part.start).min(CHUNK as u64);
    file.seek(SeekFrom::Start(part.start))?;
    if (file.take(wanted).read_to_end(chunk)? as u64) < wanted {
        return Err(io::Error::new(ErrorKind::UnexpectedEof, "the file became shorter while it was sent"));
    }
    Ok(chunk)
}

fn head(answer: &Answer, last: bool, now: SystemTime) -> io::Result<Vec<u8>> {
    let status = StatusCode(answer.status);
    let mut head = Vec::with_capacity(1024);
    write!(head, "HTTP/1.1 {} {}\r\n", status.0, status.default_reason_phrase())?;
    write!(head, "Date: {}\r\n", httpdate::HttpDate::from(now))?;
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
            self.write_vectored(&[IoSlice::new(bytes)])
        }

        fn write_vectored(&mut self, slices: &[IoSlice]) -> io::Result<usize> {
            self.calls += 1;
            if self.at_once < usize::MAX && self.calls.is_multiple_of(2) {
                return Err(ErrorKind::WouldBlock.into());
            }
            let all: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
            let taken = all.len().min(self.at_once);
            self.taken.extend_from_slice(&all[..taken]);
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

    /// Writes until all is taken; says how often it was stopped.
    fn written(answer: Answer, slow: &mut Slow) -> io::Result<usize> {
        let mut sending = Sending::new(answer, false, UNIX_EPOCH + Duration::from_secs(1))?;
        let mut stops = 0;
        loop {
            match sending.go_on(slow, &mut Vec::new())? {
                Progress::Done => return Ok(stops),
                Progress::Blocked(taken) => {
                    assert!(taken <= slow.at_once as u64);
                    stops += 1;
                }
                Progress::Enough(taken) => assert!(taken >= TURN),
            }
        }
    }

    fn body(wire: &[u8]) -> &[u8] {
        let end = wire.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        &wire[end + 4..]
    }

    #[test]
    fn a_small_answer_is_one_write() {
        let mut slow = Slow::new(usize::MAX);
        written(answer(Body::Bytes(Bytes::from_static(b"0123456789")), 2..5), &mut slow).unwrap();
        let expected = "HTTP/1.1 206 Partial Content\r\nDate: Thu, 01 Jan 1970 00:00:01 GMT\r\nETag: \"a\"\r\n\
                        Content-Length: 3\r\n\r\n234";
        assert_eq!(String::from_utf8(slow.taken).unwrap(), expected);
        assert_eq!(slow.calls, 1);
    }

    #[test]
    fn slow_clients_get_every_byte_once_and_are_waited_for_elsewhere() {
        let bytes: Vec<u8> = (0..300_000_u32).map(|at| (at % 251) as u8).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        for part in [0..300_000, 1..299_999, 65_536..131_072, 7..8, 0..0] {
            let bodies = [Body::Bytes(bytes.clone().into()), Body::File(file.try_clone().unwrap())];
            for of in bodies {
                let mut slow = Slow::new(1000);
                let stops = written(answer(of, part.clone()), &mut slow).unwrap();
                let range = part.start as usize..part.end as usize;
                assert!(body(&slow.taken) == &bytes[range], "{part:?}");
                assert_eq!(stops, slow.taken.len().div_ceil(1000) - 1, "{part:?}");
            }
        }
    }

    #[test]
    fn a_large_answer_lets_others_have_their_turn() {
        let bytes = Bytes::from(vec![b'x'; 1_000_000]);
        let mut sending = Sending::new(answer(Body::Bytes(bytes), 0..1_000_000), false, UNIX_EPOCH).unwrap();
        let (mut wide, mut turns) = (Slow::new(usize::MAX), 1);
        while let Progress::Enough(taken) = sending.go_on(&mut wide, &mut Vec::new()).unwrap() {
            assert!((TURN..2 * TURN + 1000).contains(&taken), "{taken}");
            turns += 1;
        }
        assert_eq!((body(&wide.taken).len(), turns), (1_000_000, 4));
    }

    #[test]
    fn a_file_that_became_shorter_is_an_error() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(10).unwrap();
        let error = written(answer(Body::File(file), 5..20), &mut Slow::new(usize::MAX)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    }
}
