//! Serving: binds, answers until told to stop, lets requests finish, folds the log into the database.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;

use crate::api;
use crate::config::Config;
use crate::connections;
use crate::duplicates;
use crate::pages::preparer;
use crate::search;
use crate::state::{AppState, StartError};
use crate::store::{Store, StoreError};

/// How often counters that nobody reads are tidied.
const METRICS_UPKEEP: Duration = Duration::from_secs(5);
/// Households of a database from before that are read in one transaction: others who write wait so long.
const FAMILIES_AT_ONCE: usize = 8;

/// A server that listens but does not answer yet.
#[derive(Debug)]
pub struct Server {
    state: Arc<AppState>,
    listener: TcpListener,
    address: SocketAddr,
}

impl Server {
    /// Opens the data folder and binds.
    pub async fn bind(dir: &Path, config: &Config) -> Result<Server, StartError> {
        let state = AppState::open(dir, config)?;
        let bound = async {
            let listener = TcpListener::bind(config.listen).await?;
            let address = listener.local_addr()?;
            Ok((listener, address))
        };
        let (listener, address) = bound.await.map_err(|error| StartError::Io {
            what: "the listening socket",
            error,
        })?;
        Ok(Server {
            state,
            listener,
            address,
        })
    }

    /// Where it listens: the port is the one that the system chose when the configuration says 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What its requests share.
    pub fn state(&self) -> &Arc<AppState> {
        &self.state
    }

    /// Answers until `stop` is done, then lets requests in hand finish within their time and closes the store.
    pub async fn run(self, stop: impl Future<Output = ()> + Send + 'static) {
        let Server {
            state, listener, ..
        } = self;
        let upkeep = tokio::spawn(keep_metrics(state.metrics.clone()));
        let preparing = tokio::spawn(prepare_pages(Arc::clone(&state)));
        let reading = tokio::spawn(read_families(state.store.clone()));
        let told = Arc::clone(&state);
        let stopping = async move {
            stop.await;
            tracing::info!("stopping");
            told.stopping.send_replace(true);
        };
        let mut heard = state.stopping.subscribe();
        let drain = state.limits.drain();
        let overdue = async move {
            // An error means that the state is gone, and the server with it.
            let _ = heard.wait_for(|stopping| *stopping).await;
            tokio::time::sleep(drain).await;
        };
        let router = api::router(Arc::clone(&state));
        tokio::select! {
            () = connections::serve(listener, router, state.limits.head(), stopping) => {}
            () = overdue => tracing::warn!("some requests did not finish in time"),
        }
        upkeep.abort();
        preparing.abort();
        reading.abort();
        state.store.close().await;
        tracing::info!("stopped");
    }
}

async fn prepare_pages(state: Arc<AppState>) {
    let moved = state.live.listen();
    let stopping = state.stopping.subscribe();
    let (store, clock) = (state.store.clone(), state.clock.clone());
    preparer::run(&state.preparing, store, clock, moved, stopping).await;
}

/// Reads the households of a database from before they were searched and compared, a few at a time.
async fn read_families(store: Store) {
    loop {
        let some = store.write("families", |tx| {
            let found = search::read_some(tx, FAMILIES_AT_ONCE)?;
            let compared = duplicates::read_some(tx, FAMILIES_AT_ONCE)?;
            Ok::<_, StoreError>(found + compared)
        });
        match some.await {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "households could not be read for search and duplicates");
                return;
            }
        }
    }
}

async fn keep_metrics(metrics: metrics_exporter_prometheus::PrometheusHandle) {
    let mut every = tokio::time::interval(METRICS_UPKEEP);
    loop {
        every.tick().await;
        metrics.run_upkeep();
    }
}

/// Starts to listen for SIGINT and SIGTERM, and gives what is done when one of them comes.
#[cfg(unix)]
pub fn asked_to_stop() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Gives what is done when the process is asked to end.
#[cfg(not(unix))]
pub fn asked_to_stop() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            // Without signals there is nothing to wait for but the end of the process.
            std::future::pending::<()>().await;
        }
    })
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;

    use super::*;
    use crate::store::{StoreError, Tx};

    #[tokio::test]
    async fn a_server_told_to_stop_finishes_and_folds_its_log() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            ..Config::default()
        };
        let server = Server::bind(dir.path(), &config).await.unwrap();
        let (address, state) = (server.address(), Arc::clone(server.state()));
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let running = tokio::spawn(server.run(async { stopped.await.unwrap_or(()) }));
        let mut stream = TcpStream::connect(address).await.unwrap();
        let asked = b"GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
        stream.write_all(asked).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        stop.send(()).unwrap();
        running.await.unwrap();
        let late = state
            .store
            .write("late", |_: &Tx<'_>| Ok::<_, StoreError>(()))
            .await;
        assert_eq!(late, Err(StoreError::Closed));
        let log = dir.path().join("sojourn.db-wal");
        assert_eq!(std::fs::metadata(log).map_or(0, |found| found.len()), 0);
        assert!(TcpStream::connect(address).await.is_err());
    }
}
