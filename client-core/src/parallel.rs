//! Pure work on many things at once, while the caller takes in what is ready, in order.
//!
//! The one place of the engine that has threads. Where there are none the same happens one after the other.

#[cfg(not(target_family = "wasm"))]
use std::sync::atomic::{AtomicUsize, Ordering};

/// Things handed to a thread at once: enough that handing over costs nothing beside the work.
#[cfg(not(target_family = "wasm"))]
const AT_ONCE: usize = 8;
/// More threads than this only wait for the one that takes in.
#[cfg(not(target_family = "wasm"))]
const THREADS_MAX: usize = 4;

/// Does `work` on every item and hands what comes of it to `take`, in the order of the items, on the caller's thread.
/// An error of `take` ends everything; a panic of `work` goes on in the caller.
pub(crate) fn in_order<T: Sync, R: Send, E>(
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
    mut take: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    #[cfg(not(target_family = "wasm"))]
    if items.len() > AT_ONCE {
        return on_threads(items, &work, take);
    }
    items.iter().try_for_each(|item| take(work(item)))
}

/// Runs `body` on the caller's thread and does `work` on the items on others meanwhile, and waits for both. Gives what came of
/// those that were worked on: all of them, none where there are no threads, and not those of a thread that panicked.
pub(crate) fn beside<T: Sync, R: Send, B>(
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
    body: impl FnOnce() -> B,
) -> (B, Vec<R>) {
    #[cfg(not(target_family = "wasm"))]
    if !items.is_empty() {
        return beside_threads(items, &work, body);
    }
    let _ = (items, work);
    (body(), Vec::new())
}

#[cfg(not(target_family = "wasm"))]
fn beside_threads<T: Sync, R: Send, B>(
    items: &[T],
    work: &(impl Fn(&T) -> R + Sync),
    body: impl FnOnce() -> B,
) -> (B, Vec<R>) {
    let next = AtomicUsize::new(0);
    let chunks: Vec<&[T]> = items.chunks(AT_ONCE).collect();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads_for(&chunks))
            .map(|_| {
                scope.spawn(|| {
                    let mut done = Vec::new();
                    while let Some(chunk) = chunks.get(next.fetch_add(1, Ordering::Relaxed)) {
                        done.extend(chunk.iter().map(work));
                    }
                    done
                })
            })
            .collect();
        let value = body();
        let done = threads.into_iter().flat_map(|thread| thread.join());
        (value, done.flatten().collect())
    })
}

/// As many threads as there are processors and something to do.
#[cfg(not(target_family = "wasm"))]
fn threads_for<T>(chunks: &[&[T]]) -> usize {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    processors.min(THREADS_MAX).min(chunks.len())
}

#[cfg(not(target_family = "wasm"))]
fn on_threads<T: Sync, R: Send, E>(
    items: &[T],
    work: &(impl Fn(&T) -> R + Sync),
    mut take: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    use std::collections::BTreeMap;
    use std::sync::mpsc;

    let chunks: Vec<&[T]> = items.chunks(AT_ONCE).collect();
    let threads = threads_for(&chunks);
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let (send, receive) = mpsc::sync_channel(4 * threads);
        for _ in 0..threads {
            let (send, next, chunks) = (send.clone(), &next, &chunks);
            scope.spawn(move || {
                while let at = next.fetch_add(1, Ordering::Relaxed)
                    && let Some(chunk) = chunks.get(at)
                {
                    let done: Vec<R> = chunk.iter().map(work).collect();
                    if send.send((at, done)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(send);
        let mut early = BTreeMap::new();
        let mut awaited = 0;
        for (at, done) in receive {
            early.insert(at, done);
            while let Some(done) = early.remove(&awaited) {
                awaited += 1;
                done.into_iter().try_for_each(&mut take)?;
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_arrives_in_order() {
        for count in [0, 1, 8, 9, 1000] {
            let items: Vec<usize> = (0..count).collect();
            let mut taken = Vec::new();
            let done: Result<(), ()> = in_order(
                &items,
                |item| item * 2,
                |double| {
                    taken.push(double);
                    Ok(())
                },
            );
            assert_eq!(done, Ok(()));
            assert_eq!(taken, items.iter().map(|item| item * 2).collect::<Vec<_>>());
        }
    }

    #[test]
    fn work_beside_another_is_all_there_or_left_out_by_a_panic() {
        for count in [0, 1, 8, 9, 1000] {
            let items: Vec<usize> = (0..count).collect();
            let (value, mut done) = beside(&items, |item| item * 2, || 7);
            done.sort_unstable();
            assert_eq!(value, 7);
            assert_eq!(done, items.iter().map(|item| item * 2).collect::<Vec<_>>());
        }
        let items: Vec<usize> = (0..1000).collect();
        let ((), done) = beside(
            &items,
            |item| {
                assert_ne!(*item, 500);
                *item
            },
            || (),
        );
        assert!(done.len() < 1000 && !done.contains(&500));
    }

    #[test]
    fn an_error_ends_it_and_a_panic_goes_on_in_the_caller() {
        let items: Vec<usize> = (0..1000).collect();
        let mut taken = 0;
        let ended = in_order(
            &items,
            |item| *item,
            |item| {
                taken += 1;
                if item == 100 { Err(item) } else { Ok(()) }
            },
        );
        assert_eq!((ended, taken), (Err(100), 101));
        let panicked = std::panic::catch_unwind(|| {
            in_order(&items, |item| assert_ne!(*item, 500), |()| Ok::<_, ()>(()))
        });
        assert!(panicked.is_err());
    }
}
