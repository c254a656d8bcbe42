//! The same work on many things, by all cores.

use std::num::NonZero;
use std::panic::resume_unwind;
use std::thread;

/// So few things are done faster by one thread than by several.
const SHARE: usize = 64;

/// Does the work on each item; the results are in the order of the items.
pub(crate) fn map<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let one = |items: &[T]| -> Vec<R> { items.iter().map(&work).collect() };
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let share = items.len().div_ceil(threads).max(SHARE);
    if items.len() <= share {
        return one(items);
    }
    thread::scope(|scope| {
        let one = &one;
        let workers: Vec<_> = items
            .chunks(share)
            .map(|items| {
                let worker = thread::Builder::new().spawn_scoped(scope, move || one(items));
                (items, worker)
            })
            .collect();
        workers
            .into_iter()
            .flat_map(|(items, worker)| match worker {
                Ok(worker) => worker.join().unwrap_or_else(|panic| resume_unwind(panic)),
                // The system provides no more threads: this one does the rest.
                Err(_) => one(items),
            })
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_items() {
        let items: Vec<usize> = (0..1_000).collect();
        assert_eq!(map(&items, |item| *item), items);
    }

    #[test]
    #[should_panic(expected = "the reason")]
    fn a_panic_is_passed_on() {
        map(&[0; 1_000], |_| panic!("the reason"));
    }
}
