//! Threads that wait for work without falling asleep.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::exec::kernels::pieces::MOST_PIECES;

/// Runs `work` on the pool while the other threads that can have a piece of a batch look for parts of it, awake until the end.
///
/// A training step is some dozen short parallel sections one after the other. A thread that finds nothing to do for some
/// ten microseconds goes to sleep, and waking it takes longer than that: with two threads a tenth of the time of a step
/// was lost. The price is that the threads are busy while a step computes alone.
pub fn awake<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    let flag = AtomicBool::new(false);
    let done = &flag;
    rayon::scope(|scope| {
        let own = rayon::current_thread_index();
        for _ in 1..rayon::current_num_threads().min(MOST_PIECES) {
            scope.spawn(move |_| {
                // No circle of threads that wait for one another: rayon's thieves take the oldest job first, so these are gone
                // from their owner before any part of its work is, and a circle would need each to be older than the next.
                // The working thread may come across this while it waits for others: it must not wait for itself.
                if rayon::current_thread_index() == own {
                    return;
                }
                while !done.load(Ordering::Acquire) {
                    if rayon::yield_now() != Some(rayon::Yield::Executed) {
                        std::thread::yield_now();
                    }
                }
            });
        }
        let _guard = Finish(done);
        work()
    })
}

/// Lets the others go, also when the work panics.
struct Finish<'a>(&'a AtomicBool);

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use rayon::prelude::*;

    use super::*;

    #[test]
    fn work_is_done_and_returned_at_any_number_of_threads_and_inside_itself() {
        for threads in [1, 2, 5] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let sum = || (0..1000u64).into_par_iter().map(|i| i * i).sum::<u64>();
            let run = || (0..200).map(|_| awake(|| sum() + awake(sum))).sum::<u64>();
            assert_eq!(pool.install(run), 200 * 2 * 332_833_500);
            // Several at once on the same threads.
            let all: Vec<u64> = pool.install(|| (0..8).into_par_iter().map(|_| awake(sum)).collect());
            assert_eq!(all, [332_833_500; 8]);
        }
        assert_eq!(awake(|| 3), 3, "from a thread outside");
    }

    #[test]
    fn a_panic_of_the_work_ends_it() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        let result =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| pool.install(|| awake(|| panic!("on purpose")))));
        assert!(result.is_err());
    }
}
