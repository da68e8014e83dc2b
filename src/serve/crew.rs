//! The threads that answer. One that is long at it, be it a large page, a slow disk or a password, is replaced, so that there are
//! always so many for the others.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;

/// Threads that may be replaced at the same time, in all.
const HELD: usize = 512;

/// One thread's state, shared with the crew.
#[derive(Debug)]
pub(super) struct Worker {
    /// Answers begun and ended together: odd while it answers.
    steps: AtomicU64,
    replaced: AtomicBool,
    held: Arc<AtomicUsize>,
}

impl Worker {
    /// Does one answer's work.
    pub(super) fn answering(&self, work: impl FnOnce()) {
        self.steps.fetch_add(1, Ordering::Relaxed);
        work();
        self.steps.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether another has taken its place, so that it should end.
    pub(super) fn is_replaced(&self) -> bool {
        self.replaced.load(Ordering::Relaxed)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if self.is_replaced() {
            self.held.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Starts threads and looks after them.
pub(super) struct Crew<S> {
    start: S,
    members: Vec<Member>,
    held: Arc<AtomicUsize>,
}

struct Member {
    worker: Arc<Worker>,
    /// Its steps at the last look.
    steps: u64,
}

impl<S: Fn(Arc<Worker>) -> io::Result<()>> Crew<S> {
    /// A crew of so many threads, at least one; `start` makes a thread for a worker.
    pub(super) fn new(threads: usize, start: S) -> io::Result<Self> {
        let mut crew = Self { start, members: Vec::new(), held: Arc::default() };
        for _ in 0..threads.max(1) {
            let member = crew.hire()?;
            crew.members.push(member);
        }
        Ok(crew)
    }

    fn hire(&self) -> io::Result<Member> {
        let held = Arc::clone(&self.held);
        let worker = Arc::new(Worker { steps: AtomicU64::new(0), replaced: AtomicBool::new(false), held });
        (self.start)(Arc::clone(&worker))?;
        Ok(Member { worker, steps: 0 })
    }

    /// Replaces whoever is at the same answer as at the last look.
    pub(super) fn look_after(&mut self) {
        for at in 0..self.members.len() {
            let member = &mut self.members[at];
            let steps = member.worker.steps.load(Ordering::Relaxed);
            let stuck = steps % 2 == 1 && steps == member.steps;
            member.steps = steps;
            if !stuck || self.held.load(Ordering::Relaxed) >= HELD {
                continue;
            }
            match self.hire() {
                Ok(new) => {
                    let old = std::mem::replace(&mut self.members[at], new);
                    self.held.fetch_add(1, Ordering::Relaxed);
                    old.worker.replaced.store(true, Ordering::Relaxed);
                }
                Err(error) => tracing::debug!("a long answer is waited for: {error}"),
            }
        }
    }
}

/// A thread of a scope with a name.
pub(super) fn spawn<'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    work: impl FnOnce() + Send + 'scope,
) -> io::Result<()> {
    thread::Builder::new().name("answers".to_owned()).spawn_scoped(scope, work).map(drop)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn whoever_is_held_is_replaced_once_and_ends_when_it_is_free() {
        let all = RefCell::new(Vec::new());
        let start = |worker| {
            all.borrow_mut().push(worker);
            Ok(())
        };
        let mut crew = Crew::new(2, start).unwrap();
        let first = Arc::clone(&all.borrow()[0]);
        crew.look_after();
        first.answering(|| {
            crew.look_after();
            assert_eq!(all.borrow().len(), 2, "an answer may take a moment");
            for _ in 0..3 {
                crew.look_after();
                assert_eq!((all.borrow().len(), first.is_replaced()), (3, true));
            }
            assert_eq!(crew.held.load(Ordering::Relaxed), 1);
        });
        all.borrow_mut().remove(0);
        drop(first);
        assert_eq!(crew.held.load(Ordering::Relaxed), 0);
        let last = Arc::clone(&all.borrow()[1]);
        for _ in 0..3 {
            last.answering(|| ());
            crew.look_after();
        }
        assert!(!last.is_replaced(), "many short answers are no long one");
    }

    #[test]
    fn not_more_than_so_many_are_replaced() {
        let all = RefCell::new(Vec::new());
        let mut crew = Crew::new(1, |worker| {
            all.borrow_mut().push(worker);
            Ok(())
        })
        .unwrap();
        for _ in 0..2 * HELD {
            // As if it had begun an answer that never ends.
            all.borrow().last().unwrap().steps.store(1, Ordering::Relaxed);
            crew.look_after();
            crew.look_after();
        }
        assert_eq!(all.borrow().len(), HELD + 1);
    }
}
