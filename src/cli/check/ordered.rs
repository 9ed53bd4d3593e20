//! Work on several cores with results in the order of the input, of which only a few are held at one time.

use crate::cli::exit::Failure;
use std::collections::VecDeque;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// How many results may wait for each thread. Small, because a result may be as large as a file.
const WAITING: usize = 8;

/// Calls `work` on several threads, and `each` with the results in the order of `items`.
///
/// # Errors
/// The first error of `each`, and a fault in `work`.
pub fn ordered<T: Send, R: Send>(
    items: Vec<T>,
    work: impl Fn(T) -> R + Sync,
    mut each: impl FnMut(R) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(items.len());
    if threads < 2 {
        return items.into_iter().try_for_each(|item| each(work(item)));
    }
    let (jobs, queue) = sync_channel::<(T, SyncSender<R>)>(threads);
    let queue = Mutex::new(queue);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| worker(&queue, &work));
        }
        let mut waiting: VecDeque<Receiver<R>> = VecDeque::new();
        let mut take = |waiting: &mut VecDeque<Receiver<R>>| match waiting.pop_front().map(|result| result.recv()) {
            None => Ok(false),
            Some(Ok(result)) => each(result).map(|()| true),
            Some(Err(_)) => Err(Failure::internal("a file could not be judged because of a bug; please report it")),
        };
        // Dropped at the end of this block, also after an error, and the threads end.
        let jobs = jobs;
        for item in items {
            if waiting.len() >= threads * WAITING {
                take(&mut waiting)?;
            }
            let (answer, result) = sync_channel(1);
            // The queue outlives the threads, so that this cannot fail.
            let _ = jobs.send((item, answer));
            waiting.push_back(result);
        }
        while take(&mut waiting)? {}
        Ok(())
    })
}

fn worker<T, R>(queue: &Mutex<Receiver<(T, SyncSender<R>)>>, work: &(impl Fn(T) -> R + Sync)) {
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((item, answer)) = next else { return };
        // After a panic no answer is sent, and the thread goes on, so that no job waits forever.
        if let Ok(result) = catch_unwind(AssertUnwindSafe(|| work(item))) {
            // Nothing waits for the answer after an error.
            let _ = answer.send(result);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn results_are_in_the_order_of_the_items(items in proptest::collection::vec(0u32..1000, 0..200)) {
            let mut found = Vec::new();
            let expected: Vec<u32> = items.iter().map(|item| item + 1).collect();
            ordered(items, |item| item + 1, |result| { found.push(result); Ok(()) }).unwrap();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn an_error_ends_the_work() {
        let mut seen = 0;
        let ended = ordered(
            (0..1000).collect(),
            |item: u32| item,
            |_| {
                seen += 1;
                if seen == 3 { Err(Failure::input("enough")) } else { Ok(()) }
            },
        );
        assert!(matches!(ended, Err(Failure::Input(text)) if text == "enough"));
        assert_eq!(seen, 3);
    }

    #[test]
    fn a_panic_is_an_error_and_not_a_deadlock() {
        let ended = ordered((0..1000).collect(), |item: u32| assert_ne!(item % 3, 2), |()| Ok(()));
        assert!(matches!(ended, Err(Failure::Internal(_))));
    }
}
