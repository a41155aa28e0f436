//! Pure work on many things at once, while the caller takes in what is ready, in order.
//!
//! The one place of the engine that has threads. Where there are none the same happens one after the other.

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

#[cfg(not(target_family = "wasm"))]
fn on_threads<T: Sync, R: Send, E>(
    items: &[T],
    work: &(impl Fn(&T) -> R + Sync),
    mut take: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    use std::collections::BTreeMap;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    let chunks: Vec<&[T]> = items.chunks(AT_ONCE).collect();
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = processors.min(THREADS_MAX).min(chunks.len());
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
