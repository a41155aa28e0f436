//! Connections: takes them in, and lets none stand that brings no request. The head of a request has a time to arrive in,
//! the first one of a connection too, and a connection between requests may stand idle for as long.
//!
//! Knows nothing of what is asked; how long a request with its body may take is bounded in `api`.

use std::future::Future;
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt as _;

/// How long to wait when the system can open no more connections.
const OUT_OF_HANDLES: Duration = Duration::from_millis(100);

/// Serves connections until `stop` is done, then lets requests in hand finish.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    head: Duration,
    stop: impl Future<Output = ()>,
) {
    let open = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, _)) => {
                tokio::spawn(converse(stream, router.clone(), head, open.watcher()));
            }
            Err(error) if is_of_one_connection(error.kind()) => {}
            Err(error) => {
                tracing::warn!(%error, "no connection can be taken in");
                tokio::time::sleep(OUT_OF_HANDLES).await;
            }
        }
    }
    drop(listener);
    open.shutdown().await;
}

/// Whoever connected went away before they were taken in.
fn is_of_one_connection(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset
    )
}

async fn converse(stream: TcpStream, router: Router, head: Duration, open: Watcher) {
    // Hints of a few bytes must not wait for more to be sent with them.
    let _ = stream.set_nodelay(true);
    let mut http = Builder::new(TokioExecutor::new());
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(head);
    http.http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(head)
        .keep_alive_timeout(head);
    let asked = Arc::new(AtomicBool::new(false));
    let heard = Arc::clone(&asked);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        heard.store(true, Ordering::Relaxed);
        router.clone().oneshot(request)
    });
    let connection = http.serve_connection(TokioIo::new(stream), service);
    let mut serving = std::pin::pin!(open.watch(connection.into_owned()));
    // Until it has shown which HTTP it speaks, nothing but this ends a connection that stays silent.
    let first = tokio::select! {
        _ = &mut serving => return,
        () = tokio::time::sleep(head) => asked.load(Ordering::Relaxed),
    };
    if first {
        // A connection that breaks is its tablet's to open again.
        let _ = serving.await;
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::oneshot;

    use super::*;

    const HEAD: Duration = Duration::from_millis(300);
    /// Far longer than a connection is let stand, and on a busy machine.
    const AT_MOST: Duration = Duration::from_secs(20);

    async fn serving() -> (std::net::SocketAddr, oneshot::Sender<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let slow = get(|| async {
            tokio::time::sleep(HEAD * 3).await;
            "slow"
        });
        let router = Router::new()
            .route("/", get(|| async { "here" }))
            .route("/slow", slow);
        tokio::spawn(serve(listener, router, HEAD, async {
            let _ = stopped.await;
        }));
        (address, stop)
    }

    /// What is answered to these bytes until the server ends the connection.
    async fn answered(address: std::net::SocketAddr, said: &[u8]) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(said).await.unwrap();
        let mut answer = Vec::new();
        let read = tokio::time::timeout(AT_MOST, stream.read_to_end(&mut answer)).await;
        // A connection that is reset has ended too.
        let _ = read.expect("the server ends the connection");
        String::from_utf8_lossy(&answer).into_owned()
    }

    #[tokio::test]
    async fn a_connection_that_brings_no_request_is_ended() {
        let (address, _stop) = serving().await;
        let silent: [&[u8]; 4] = [
            b"",
            b"P",
            b"PRI * HTTP/2.0\r\n",
            b"GET / HTTP/1.1\r\nhost: a\r\nslow",
        ];
        for said in silent {
            let answer = answered(address, said).await;
            assert!(!answer.contains("here"), "{answer}");
        }
        let idle = answered(address, b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
        assert!(idle.ends_with("here"), "{idle}");
        let once = answered(address, b"GET /slow HTTP/1.1\r\nhost: a\r\n\r\n").await;
        assert!(once.ends_with("slow"), "{once}");
    }

    #[tokio::test]
    async fn a_request_in_hand_is_finished_and_no_other_begun() {
        let (address, stop) = serving().await;
        let asking = tokio::spawn(async move {
            answered(address, b"GET /slow HTTP/1.1\r\nhost: a\r\n\r\n").await
        });
        // A second request on a connection of its own has been answered: the first has been taken in before.
        answered(
            address,
            b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
        )
        .await;
        stop.send(()).unwrap();
        let answer = asking.await.unwrap();
        assert!(answer.ends_with("slow"), "{answer}");
        assert!(TcpStream::connect(address).await.is_err());
    }
}
