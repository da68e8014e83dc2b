//! A connection that is not waited for without end.
//!
//! The library waits for the server as long as the socket is open, and so would whoever drops a connection that still has to
//! say something. So each connection has a thread that waits, and others wait for that thread: if the server falls silent it
//! is left behind, and ends with the socket or the program.

use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::thread;
use std::time::Duration;

use postgres::Client;

/// How many bytes of rows are handed over at once, at least, but for the last ones.
const BLOCK: usize = 1 << 16;

/// How many blocks may lie ready.
const BLOCKS: usize = 2;

/// Nothing came for as long as was allowed.
#[derive(Debug, thiserror::Error)]
#[error("the server is silent")]
pub(super) struct Silence;

type Order = Box<dyn FnOnce(&mut Client) + Send>;

/// A connection and the thread that waits for it.
pub(super) struct Link {
    /// None once the connection is to be closed.
    orders: Option<Sender<Order>>,
    /// Messages that came, so that one who comes slowly is not taken for one who is silent.
    heard: Arc<AtomicU64>,
    /// Ends with the thread.
    open: Receiver<()>,
    patience: Option<Duration>,
}

impl Link {
    /// Takes over a connection, whose server may be silent for so long, or for ever.
    pub(super) fn new(mut client: Client, patience: Option<Duration>) -> Self {
        let (orders, taken) = mpsc::channel::<Order>();
        let (end, open) = mpsc::channel();
        thread::spawn(move || {
            let _end = end;
            for order in taken {
                order(&mut client);
            }
            drop(client);
        });
        Self { orders: Some(orders), heard: Arc::default(), open, patience }
    }

    /// Does something with the connection, and waits for what comes of it.
    pub(super) fn ask<T: Send + 'static>(
        &mut self,
        order: impl FnOnce(&mut Client) -> T + Send + 'static,
    ) -> Result<T, Silence> {
        let (sender, answer) = mpsc::sync_channel(1);
        self.order(Box::new(move |client| drop(sender.send(order(client)))));
        self.wait(&answer)?.ok_or(Silence)
    }

    /// Streams the rows of a query.
    pub(super) fn copy(&mut self, query: String) -> Rows<'_> {
        let (sender, blocks) = mpsc::sync_channel(BLOCKS);
        let heard = Arc::clone(&self.heard);
        self.order(Box::new(move |client| {
            if let Err(error) = stream(client, &query, &sender, &heard) {
                drop(sender.send(Err(error)));
            }
        }));
        Rows { link: self, blocks, block: Vec::new(), used: 0 }
    }

    /// The next of what the thread hands over; none if nothing more will come.
    fn wait<T>(&mut self, from: &Receiver<T>) -> Result<Option<T>, Silence> {
        let Some(patience) = self.patience else { return Ok(from.recv().ok()) };
        loop {
            let before = self.heard.load(Ordering::Relaxed);
            match from.recv_timeout(patience) {
                Ok(next) => return Ok(Some(next)),
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
                Err(RecvTimeoutError::Timeout) if self.heard.load(Ordering::Relaxed) != before => {}
                Err(RecvTimeoutError::Timeout) => {
                    // Nor is it waited for when the connection is closed.
                    self.patience = Some(Duration::ZERO);
                    return Err(Silence);
                }
            }
        }
    }

    fn order(&self, order: Order) {
        // The thread ends only when it is told to.
        drop(self.orders.as_ref().map(|orders| orders.send(order)));
    }
}

impl Drop for Link {
    /// Waits until the connection is closed.
    fn drop(&mut self) {
        self.orders = None;
        let open = std::mem::replace(&mut self.open, mpsc::channel().1);
        drop(self.wait(&open));
    }
}

/// Rows of a query, as bytes.
pub(super) struct Rows<'l> {
    link: &'l mut Link,
    blocks: Receiver<io::Result<Vec<u8>>>,
    block: Vec<u8>,
    used: usize,
}

impl Read for Rows<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(into)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Rows<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.used == self.block.len() {
            let next = self.link.wait(&self.blocks).map_err(io::Error::other)?;
            self.block = next.transpose()?.unwrap_or_default();
            self.used = 0;
        }
        Ok(&self.block[self.used..])
    }

    fn consume(&mut self, count: usize) {
        self.used += count;
    }
}

/// Hands over all rows of a query; ends early if nobody wants them any more.
fn stream(
    client: &mut Client,
    query: &str,
    blocks: &SyncSender<io::Result<Vec<u8>>>,
    heard: &AtomicU64,
) -> io::Result<()> {
    let mut rows = client.copy_out(query).map_err(io::Error::other)?;
    // Twice the size, so that the last message seldom makes it grow.
    let mut block = Vec::with_capacity(2 * BLOCK);
    loop {
        let message = rows.fill_buf()?;
        let length = message.len();
        heard.fetch_add(1, Ordering::Relaxed);
        block.extend_from_slice(message);
        rows.consume(length);
        let is_last = length == 0;
        if (is_last || block.len() >= BLOCK) && !block.is_empty() {
            let whole = std::mem::replace(&mut block, Vec::with_capacity(2 * BLOCK));
            if blocks.send(Ok(whole)).is_err() {
                return Ok(());
            }
        }
        if is_last {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(patience: Duration) -> Link {
        Link { orders: None, heard: Arc::default(), open: mpsc::channel().1, patience: Some(patience) }
    }

    #[test]
    fn one_who_is_silent_is_given_up_once_and_for_all_but_not_one_who_is_slow() {
        let mut slow = link(Duration::from_millis(400));
        let (sender, receiver) = mpsc::channel();
        let heard = Arc::clone(&slow.heard);
        let speaking = thread::spawn(move || {
            for _ in 0..100 {
                heard.fetch_add(1, Ordering::Relaxed);
                thread::sleep(Duration::from_millis(10));
            }
            sender.send(7).unwrap();
        });
        assert_eq!(slow.wait(&receiver).unwrap(), Some(7));
        speaking.join().unwrap();
        assert_eq!(slow.wait(&receiver).unwrap(), None, "nothing more will come");

        let mut silent = link(Duration::from_millis(10));
        let (_sender, receiver) = mpsc::channel::<()>();
        assert!(silent.wait(&receiver).is_err());
        assert_eq!(silent.patience, Some(Duration::ZERO), "nor is the end of the connection waited for");
    }
}
