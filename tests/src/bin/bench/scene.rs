//! A register that really runs, the link before it, and tablets of the real engine in this process.
//!
//! Everything lies in one temporary folder. A tablet here is the engine that `sojourn-tablet` runs, over the same HTTP;
//! only its key costs less to derive, which is no part of what is measured.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use sojourn_client_core::{
    Tablet,
    clock::{self, SystemRandom},
    edits::Import,
    enrol::{self, Enrolment},
    outbox::BatchBounds,
    store::KeyCost,
    sync::{
        driver::{self, Options, Report, Surroundings, SystemClock},
        session::Outcome,
        transport::{Http, Request, Response, Transport, TransportError},
    },
};
use sojourn_sync_protocol::{Timestamp, record::Edit};
use sojourn_tests::{
    generate::{Generator, Household, Village},
    processes::{self, PASSPHRASE, Server},
    proxy::Proxy,
};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::{Result, measure};

/// 2026-11-24, ten in the morning in UTC+8: a moment of the generated families, not of the tablets' clocks.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_795_485_600_000);
/// Of every household.
pub(crate) const PERSONS: usize = 4;
/// Of every household.
pub(crate) const VISITS: usize = 10;
/// Households registered in one transaction.
const AT_ONCE: usize = 100;
/// Between two looks at what the server does by itself.
const MOMENT: Duration = Duration::from_millis(50);
/// Bytes on the link are read when none has passed for so long.
const QUIET: Duration = Duration::from_millis(5);

/// How much is done and how long it may take.
#[derive(Clone)]
pub(crate) struct Bound {
    divisor: usize,
    over: CancellationToken,
}

impl Bound {
    /// Ends every session and every loop after so long; every count is divided by `divisor`.
    pub(crate) fn after(limit: Duration, divisor: usize) -> Self {
        let over = CancellationToken::new();
        let ends = over.clone();
        // Ends with the process, if that is sooner.
        thread::spawn(move || {
            thread::sleep(limit);
            ends.cancel();
        });
        Self { divisor, over }
    }

    /// So many of what is `full` many in a whole run.
    pub(crate) fn count(&self, full: usize) -> usize {
        (full / self.divisor).max(1)
    }

    /// An error once the time is over.
    pub(crate) fn check(&self) -> Result<()> {
        if self.over.is_cancelled() {
            return Err("the time allowed is over; see --minutes".into());
        }
        Ok(())
    }
}

/// A running server with a tree of villages, and the link that counts.
pub(crate) struct Register {
    folder: TempDir,
    /// The server.
    pub(crate) server: Server,
    /// Bytes that pass here are counted.
    pub(crate) link: Proxy,
    staff: String,
    bound: Bound,
}

impl Register {
    /// A register of these villages, serving.
    pub(crate) fn open(villages: &[String], bound: &Bound) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut tree = String::from("code,parent,level,name\nP,,province,某省\nC,P,county,某县\n");
        for village in villages {
            tree.push_str(&format!("{village},C,village,{village}村委会\n"));
        }
        let file = folder.path().join("areas.csv");
        fs::write(&file, tree)?;
        let mut server = Server::new(folder.path().join("server"));
        server
            .run([Path::new("areas"), Path::new("import"), &file])
            .ok();
        let staff = server.run(["staff", "add", "值班员", "--json"]).json();
        let staff = staff["id"].as_str().ok_or("staff have an id")?.to_owned();
        server.start();
        let link = Proxy::start(server.address())?;
        Ok(Self {
            folder,
            server,
            link,
            staff,
            bound: bound.clone(),
        })
    }

    /// A one-time code for a tablet of these areas.
    pub(crate) fn code(&self, areas: &[&str]) -> Result<String> {
        let mut args = vec!["device", "code", "--staff", &self.staff, "--json"];
        for area in areas {
            args.extend(["--area", area]);
        }
        let code = self.server.run(args).json();
        Ok(code["code"].as_str().ok_or("a code is text")?.to_owned())
    }

    /// A tablet of these areas in this process, enrolled, behind the link.
    pub(crate) fn tablet(&self, name: &str, areas: &[&str]) -> Result<Client> {
        self.tablet_of(&self.link.url(), name, areas)
    }

    /// The same without the link: its bytes are not counted, and it does not wait for whoever counts.
    pub(crate) fn tablet_beside_the_link(&self, name: &str, areas: &[&str]) -> Result<Client> {
        let server = format!("http://{}", self.server.address());
        self.tablet_of(&server, name, areas)
    }

    fn tablet_of(&self, server: &str, name: &str, areas: &[&str]) -> Result<Client> {
        let folder = self.folder.path().join(name);
        let random = Box::new(SystemRandom);
        let opened =
            Tablet::open_at_cost(&folder, PASSPHRASE, KeyCost::TESTS, clock::now(), random)?;
        let client = Client {
            tablet: opened.tablet,
            folder,
            http: Http::new()?,
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?,
            bound: self.bound.clone(),
        };
        let code = self.code(areas)?;
        let wanted = Enrolment {
            server,
            code: &code,
            label: name,
        };
        client.runtime.block_on(enrol::enrol(
            &client.tablet,
            &client.http,
            &clock::now,
            &mut SystemRandom,
            wanted,
        ))?;
        Ok(client)
    }

    /// A tablet as people run it, a folder and a program, enrolled, behind the link.
    pub(crate) fn program(&self, name: &str, areas: &[&str]) -> Result<processes::Tablet> {
        let tablet = processes::Tablet::new(self.folder.path().join(name));
        let (server, code) = (self.link.url(), self.code(areas)?);
        tablet
            .run(["enrol", "--server", &server, "--code", &code])
            .ok();
        Ok(tablet)
    }

    /// Bytes that passed the link so far, up and down, once none is on the way.
    pub(crate) fn bytes(&self) -> (u64, u64) {
        let mut seen = self.link.bytes();
        loop {
            thread::sleep(QUIET);
            let now = self.link.bytes();
            if now == seen {
                return now;
            }
            seen = now;
        }
    }

    /// Notes what the server and the link have done so far; its peak of memory begins anew.
    pub(crate) fn meter(&self) -> Result<Meter> {
        let pid = self.server.pid();
        measure::forget_peak(pid)?;
        Ok(Meter {
            cpu: measure::cpu_seconds(pid)?,
            bytes: self.bytes(),
        })
    }

    /// What they have done since.
    pub(crate) fn since(&self, before: &Meter) -> Result<Cost> {
        let pid = self.server.pid();
        let (up, down) = self.bytes();
        Ok(Cost {
            server_cpu: measure::cpu_seconds(pid)? - before.cpu,
            server_peak: measure::peak_bytes(pid).ok_or("the server is running")?,
            up: up - before.bytes.0,
            down: down - before.bytes.1,
        })
    }

    /// The value of one of the server's metrics, by its whole line but the value; 0 before it was first counted.
    pub(crate) fn metric(&self, line: &str) -> Result<f64> {
        let mut stream = TcpStream::connect(self.server.address())?;
        stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n")?;
        let mut page = String::new();
        stream.read_to_string(&mut page)?;
        let mut found = page.lines().filter_map(|one| one.strip_prefix(line));
        let value = found.next().map_or(Ok(0.0), |rest| rest.trim().parse());
        Ok(value?)
    }

    /// Waits until the pages that somebody was sent unprepared have been prepared, which takes the server's processor.
    pub(crate) fn pages_prepared(&self) -> Result<()> {
        if self.metric("sojourn_pages_sent_total{made=\"now\"}")? == 0.0 {
            return Ok(());
        }
        while self.metric("sojourn_pages_areas_asked")? > 0.0 {
            self.pause()?;
        }
        Ok(())
    }

    /// Waits a moment for the server to do what it does by itself; an error once the time is over.
    fn pause(&self) -> Result<()> {
        thread::sleep(MOMENT);
        self.bound.check()
    }

    /// Bytes the server keeps on disk.
    pub(crate) fn disk_bytes(&self) -> Result<u64> {
        Ok(measure::disk_bytes(self.server.data())?)
    }

    /// Stops the server and has it prove its own data.
    pub(crate) fn close(mut self) {
        self.server.stop();
        self.server.run(["check"]).ok();
    }
}

/// Where the counters stood.
pub(crate) struct Meter {
    cpu: f64,
    bytes: (u64, u64),
}

/// What a piece of work cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    /// Seconds.
    pub(crate) server_cpu: f64,
    /// Bytes.
    pub(crate) server_peak: u64,
    /// Bytes on the socket, headers and all.
    pub(crate) up: u64,
    /// Bytes on the socket, headers and all.
    pub(crate) down: u64,
}

/// A tablet in this process.
pub(crate) struct Client {
    /// The engine.
    pub(crate) tablet: Tablet,
    /// Its folder.
    pub(crate) folder: PathBuf,
    /// Its connections.
    pub(crate) http: Http,
    /// Where its sessions run.
    pub(crate) runtime: Runtime,
    bound: Bound,
}

/// One session that ended in agreement.
pub(crate) struct Synced {
    /// What it exchanged.
    pub(crate) report: Report,
    /// From the first step to the last.
    pub(crate) took: Duration,
    /// Each request, from sending it to its whole answer.
    pub(crate) requests: Vec<Duration>,
}

impl Client {
    /// One session, which must end in agreement.
    pub(crate) fn sync(&self) -> Result<Synced> {
        self.sync_in_batches(BatchBounds::default())
    }

    /// The same, handing in so much at a time.
    pub(crate) fn sync_in_batches(&self, batch: BatchBounds) -> Result<Synced> {
        let timed = Timed {
            http: &self.http,
            took: Mutex::default(),
        };
        let mut random = SystemRandom;
        let around = Surroundings {
            tablet: &self.tablet,
            transport: &timed,
            clock: &SystemClock,
            random: &mut random,
            cancel: &self.bound.over,
        };
        let options = Options {
            batch,
            ..Options::default()
        };
        let begun = Instant::now();
        let report = self
            .runtime
            .block_on(driver::run(around, options, &mut |_, _| ()))?;
        let took = begun.elapsed();
        if report.outcome != Outcome::Agreed {
            self.bound.check()?;
            return Err(format!("a session ended otherwise: {:?}", report.outcome).into());
        }
        let requests = timed
            .took
            .into_inner()
            .expect("no holder of this lock panics");
        Ok(Synced {
            report,
            took,
            requests,
        })
    }

    /// Later sessions open a connection of their own.
    pub(crate) fn disconnect(&mut self) -> Result<()> {
        self.http = Http::new()?;
        Ok(())
    }

    /// Registers so many households of a village with their visits, and hands them in.
    pub(crate) fn fill(
        &self,
        code: &str,
        households: usize,
        generator: &mut Generator,
    ) -> Result<Vec<Household>> {
        let village = village(code)?;
        let mut all = Vec::with_capacity(households);
        while all.len() < households {
            self.bound.check()?;
            let mut edits = Vec::new();
            for _ in 0..AT_ONCE.min(households - all.len()) {
                let household = generator.household(&village, Some(PERSONS));
                edits.push(import(
                    &household,
                    Edit::RegisterHousehold(household.new.clone()),
                ));
                for visit in generator.visits(&household, VISITS) {
                    edits.push(import(&household, Edit::RecordVisit(visit)));
                }
                all.push(household);
            }
            self.tablet.import_edits(clock::now(), edits)?;
        }
        self.sync()?;
        Ok(all)
    }
}

fn import(household: &Household, edit: Edit) -> Import {
    Import {
        household: Some(household.id),
        at: Some(NOW),
        edit,
    }
}

/// A village of the tree.
pub(crate) fn village(code: &str) -> Result<Village> {
    Ok(Village {
        code: code.parse()?,
        name: format!("{code}村委会"),
    })
}

/// HTTP that notes how long each request took.
struct Timed<'a> {
    http: &'a Http,
    took: Mutex<Vec<Duration>>,
}

impl Transport for Timed<'_> {
    async fn send(&self, request: Request) -> std::result::Result<Response, TransportError> {
        let begun = Instant::now();
        let answer = self.http.send(request).await;
        self.took
            .lock()
            .expect("no holder of this lock panics")
            .push(begun.elapsed());
        answer
    }
}

/// Runs one piece of work for each of these at once, each on a thread of its own.
pub(crate) fn at_once<T: Sync, R: Send>(
    all: &[T],
    work: impl Fn(usize, &T) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    thread::scope(|scope| {
        let work = &work;
        let running: Vec<_> = all
            .iter()
            .enumerate()
            .map(|(at, one)| scope.spawn(move || work(at, one)))
            .collect();
        running
            .into_iter()
            .map(|one| one.join().map_err(|_| "a tablet's thread panicked")?)
            .collect()
    })
}
