//! A link that can fail: a TCP proxy on loopback that counts bytes and cuts a connection after a given
//! number of them. It understands nothing of what it carries.

use std::{
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

/// Which way bytes travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From the tablet to the server.
    Up,
    /// From the server to the tablet.
    Down,
}

/// Where the next connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Counting bytes that travel this way.
    pub way: Way,
    /// So many are let through.
    pub after_bytes: u64,
}

#[derive(Default)]
struct Shared {
    /// Taken by the next connection.
    cut: Mutex<Option<Cut>>,
    cuts: AtomicU64,
    up: AtomicU64,
    down: AtomicU64,
    closed: AtomicBool,
}

/// The proxy; it stops when dropped.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Proxy {
    /// Listens on a free loopback port and forwards to `server`.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn start(server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let seen = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming() {
                if seen.closed.load(Ordering::SeqCst) {
                    break;
                }
                // A server that is down looks like a connection that closes at once.
                if let (Ok(client), Ok(server)) = (client, TcpStream::connect(server)) {
                    carry(&client, &server, &seen);
                }
            }
        });
        Ok(Self { address, shared })
    }

    /// The address tablets connect to.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Cuts the next connection; those after it are whole again.
    pub fn cut_next(&self, cut: Cut) {
        *self
            .shared
            .cut
            .lock()
            .expect("no holder of this lock panics") = Some(cut);
    }

    /// Connections cut so far.
    pub fn cuts(&self) -> u64 {
        self.shared.cuts.load(Ordering::SeqCst)
    }

    /// Bytes carried so far: up, down.
    pub fn bytes(&self) -> (u64, u64) {
        (
            self.shared.up.load(Ordering::SeqCst),
            self.shared.down.load(Ordering::SeqCst),
        )
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        // Wakes the listener, which then sees that it is closed.
        let _ = TcpStream::connect(self.address);
    }
}

/// Starts the two directions of one connection.
fn carry(client: &TcpStream, server: &TcpStream, shared: &Arc<Shared>) {
    let cut = shared
        .cut
        .lock()
        .expect("no holder of this lock panics")
        .take();
    // What is read is passed on at once, as by a router: a link that gathers small packets would be measured
    // in place of the programs.
    let _ = client.set_nodelay(true);
    let _ = server.set_nodelay(true);
    for way in [Way::Up, Way::Down] {
        let (Ok(client), Ok(server)) = (client.try_clone(), server.try_clone()) else {
            return;
        };
        let (from, to) = if way == Way::Up {
            (client, server)
        } else {
            (server, client)
        };
        let limit = cut.filter(|cut| cut.way == way).map(|cut| cut.after_bytes);
        let shared = Arc::clone(shared);
        thread::spawn(move || pump(from, to, way, limit, &shared));
    }
}

/// Copies until an end closes or the limit is reached; then both ends are closed for good.
fn pump(mut from: TcpStream, mut to: TcpStream, way: Way, limit: Option<u64>, shared: &Shared) {
    let counter = if way == Way::Up {
        &shared.up
    } else {
        &shared.down
    };
    let mut left = limit.unwrap_or(u64::MAX);
    let mut buffer = [0; 16 * 1024];
    while let Ok(read) = from.read(&mut buffer) {
        let pass = usize::try_from(left).unwrap_or(usize::MAX).min(read);
        if read == 0 || to.write_all(&buffer[..pass]).is_err() {
            break;
        }
        counter.fetch_add(pass as u64, Ordering::SeqCst);
        left -= pass as u64;
        if left == 0 {
            shared.cuts.fetch_add(1, Ordering::SeqCst);
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
