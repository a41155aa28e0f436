//! One village of 5,000 households: an empty tablet fetches it, a tablet that has it asks again, and staff look and
//! write in it.

use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use rusqlite::{Connection, OpenFlags};
use sojourn_client_core::{
    clock,
    projection::{ListQuery, Screen},
};
use sojourn_sync_protocol::record::{Assignments, Edit, Value};
use sojourn_tests::{
    generate::{Generator, Household},
    linkage::again,
    numbers,
};

use crate::{
    Result,
    measure::{self, Floor, Spread},
    report::Report,
    scene::{Bound, Client, Cost, NOW, Register, Synced},
};

const AREA: &str = "v1";
const HOUSEHOLDS: usize = 5_000;
const FETCHES: usize = 3;
const RECONNECTS: usize = 41;
const PROGRAMS: usize = 5;
const LOOKS: usize = 200;
/// Lines that a screen shows.
const SCREEN: usize = 50;

/// Seconds until an empty tablet holds the village.
const BOOTSTRAP_S_MAX: f64 = 1.0;
/// Bytes of bodies both ways, as a multiple of the floor of whole documents.
const BOOTSTRAP_OVER_FLOOR_MAX: f64 = 1.1;
/// Bytes of memory of a tablet that fetches it.
const TABLET_BYTES_MAX: f64 = 120e6;
/// Milliseconds until nothing that changed is known to have changed.
const IDLE_MS_MAX: f64 = 10.0;
/// Bytes of an idle session, both ways, heads included.
const IDLE_BYTES_MAX: f64 = 1000.0;
/// Milliseconds for a screen of the list or of what a search found.
const LOOK_MS_MAX: f64 = 20.0;
/// Milliseconds to open a household.
const SIMILAR_MS_MAX: f64 = 50.0;
const OPEN_MS_MAX: f64 = 5.0;
/// Milliseconds until an edit is safe.
const COMMIT_MS_MAX: f64 = 5.0;
/// The server's part of a bootstrap whose pages were prepared, seconds of processor.
const SERVER_CPU_S_MAX: f64 = 0.3;

/// The village, handed in, and a tablet that wrote it.
pub(crate) struct Five {
    register: Register,
    writer: Client,
    households: Vec<Household>,
}

impl Five {
    /// Registers the village.
    pub(crate) fn open(bound: &Bound) -> Result<Self> {
        let register = Register::open(&[AREA.to_owned()], bound)?;
        let writer = register.tablet("writer", &[AREA])?;
        let households = writer.fill(AREA, bound.count(HOUSEHOLDS), &mut Generator::new(2, NOW))?;
        Ok(Self {
            register,
            writer,
            households,
        })
    }

    /// Ends the server, which then proves its data.
    pub(crate) fn close(self) {
        self.register.close();
    }

    /// An empty tablet fetches the village.
    pub(crate) fn bootstrap(&self) -> Result<Report> {
        let held = self.households.len();
        let (cold, cold_cost, _) = self.fetch("empty-cold")?;
        // Having been asked for, the pages are prepared now.
        let before = self.register.meter()?;
        self.register.pages_prepared()?;
        let preparing = self.register.since(&before)?;
        let mut fetches: Vec<(Synced, Cost, f64)> = Vec::new();
        for number in 0..FETCHES {
            fetches.push(self.fetch(&format!("empty-{number}"))?);
        }
        fetches.sort_by_key(|(synced, ..)| synced.took);
        let (synced, cost, tablet_cpu) = &fetches[FETCHES / 2];

        let program = self.register.program("program", &[AREA])?;
        let ran = measure::watched(program.command(["sync", "--json"]))?;

        let what = format!(
            "an empty tablet fetches {held} households of 4 persons and 10 visits; the median of {FETCHES}"
        );
        let mut report = Report::new("bootstrap", what);
        report.seconds("wall", synced.took);
        let waited: Duration = synced.requests.iter().sum();
        report.seconds("wall_waiting_for_answers", waited);
        report.seconds("wall_program_and_key", ran.took);
        report.count("round_trips", synced.report.tally.requests);
        report.count("bytes_up", cost.up);
        report.count("bytes_down", cost.down);
        report.count("body_bytes_down", synced.report.tally.body_bytes_down);
        let (documents, changes) = self.floors()?;
        report.floor("documents", documents);
        report.floor("changes", changes);
        report.number(
            "bytes_both_ways_over_documents_floor",
            (cost.up + cost.down) as f64 / documents.packed as f64,
        );
        let bodies = synced.report.tally.body_bytes_up + synced.report.tally.body_bytes_down;
        report.number(
            "body_bytes_over_documents_floor",
            bodies as f64 / documents.packed as f64,
        );
        report.number("server_cpu_s", cost.server_cpu);
        report.count("server_peak_bytes", cost.server_peak);
        report.number("tablet_cpu_s", *tablet_cpu);
        report.seconds("first_of_all_wall", cold.took);
        report.count("first_of_all_bytes_down", cold_cost.down);
        report.number("first_of_all_server_cpu_s", cold_cost.server_cpu);
        report.number("preparing_pages_server_cpu_s", preparing.server_cpu);
        report.count("preparing_pages_server_peak_bytes", preparing.server_peak);
        report.target("server_cpu_s", SERVER_CPU_S_MAX);
        report.count("tablet_peak_bytes", ran.peak);
        report.count("server_disk_bytes", self.register.disk_bytes()?);
        report.count("tablet_disk_bytes", measure::disk_bytes(&program.data)?);
        report.target("wall_s", BOOTSTRAP_S_MAX);
        report.target("tablet_peak_bytes", TABLET_BYTES_MAX);
        report.target("body_bytes_over_documents_floor", BOOTSTRAP_OVER_FLOOR_MAX);
        Ok(report)
    }

    /// A new tablet fetches the village; gives the seconds of processor of its own too.
    fn fetch(&self, name: &str) -> Result<(Synced, Cost, f64)> {
        let empty = self.register.tablet(name, &[AREA])?;
        let before = self.register.meter()?;
        let me = std::process::id();
        let tablet_before = measure::cpu_seconds(me)?;
        let synced = empty.sync()?;
        let tablet_cpu = measure::cpu_seconds(me)? - tablet_before;
        let cost = self.register.since(&before)?;
        if empty.tablet.status()?.households != self.households.len() as u64 {
            return Err("the tablet did not fetch every household".into());
        }
        Ok((synced, cost, tablet_cpu))
    }

    /// The documents saved whole, and the changes they are made of.
    fn floors(&self) -> Result<(Floor, Floor)> {
        let file = self.register.server.data().join("sojourn.db");
        let database = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let all = |sql: &str| -> Result<Floor> {
            let mut statement = database.prepare(sql)?;
            let mut rows = statement.query([])?;
            let mut bytes = Vec::new();
            while let Some(row) = rows.next()? {
                bytes.extend_from_slice(row.get_ref(0)?.as_blob()?);
            }
            Ok(Floor::of(&bytes)?)
        };
        Ok((
            all("SELECT saved FROM documents ORDER BY household, kind")?,
            all("SELECT bytes FROM changes ORDER BY household, kind, position")?,
        ))
    }

    /// A tablet that holds everything connects again.
    pub(crate) fn idle(&mut self) -> Result<Report> {
        let held = self.households.len();
        let before = self.register.meter()?;
        let mut sessions = Vec::new();
        for _ in 0..RECONNECTS {
            self.writer.disconnect()?;
            sessions.push(self.writer.sync()?);
        }
        let cost = self.register.since(&before)?;
        let runs = RECONNECTS as u64;
        let last = sessions.last().ok_or("there were sessions")?;
        let what = format!(
            "a tablet that holds {held} households opens a new connection and nothing has changed; the median of {RECONNECTS}"
        );
        let mut report = Report::new("idle", what);
        report.spread(
            "wall",
            &Spread::of(sessions.iter().map(|one| one.took).collect()),
        );
        report.count("round_trips", last.report.tally.requests);
        report.count("bytes_up", cost.up / runs);
        report.count("bytes_down", cost.down / runs);
        report.count("bytes_both_ways", (cost.up + cost.down) / runs);
        report.count("body_bytes_up", last.report.tally.body_bytes_up);
        report.count("body_bytes_down", last.report.tally.body_bytes_down);
        report.number("server_cpu_ms", cost.server_cpu * 1e3 / runs as f64);
        report.count("server_peak_bytes", cost.server_peak);

        let program = self.register.program("idle-program", &[AREA])?;
        program.run(["sync"]).ok();
        let mut ran = Vec::new();
        for _ in 0..PROGRAMS {
            ran.push(measure::watched(program.command(["sync", "--json"]))?);
        }
        let peak = ran.iter().map(|one| one.peak).max().unwrap_or_default();
        let walls = Spread::of(ran.iter().map(|one| one.took).collect());
        report.seconds("wall_program_and_key", walls.median());
        report.count("tablet_peak_bytes", peak);
        report.target("wall_p50_ms", IDLE_MS_MAX);
        report.target("round_trips", 1.0);
        report.target("bytes_both_ways", IDLE_BYTES_MAX);
        Ok(report)
    }

    /// Staff look for families and write, without a connection.
    pub(crate) fn local(&self) -> Result<Report> {
        let held = self.households.len();
        let tablet = &self.writer.tablet;
        let mut rng = Pcg64Mcg::seed_from_u64(7);
        let mut some = || &self.households[rng.random_range(0..self.households.len())];
        let what = format!(
            "on a tablet that holds {held} households, {LOOKS} times each, without a connection"
        );
        let mut report = Report::new("local", what);
        let read = |screen| ListQuery {
            screen,
            limit: Some(SCREEN),
            ..ListQuery::default()
        };
        report.spread(
            "list_first_screen",
            &times(|_| Ok(tablet.list(&read(Screen::First))?.len()))?,
        );
        let mut screens = vec![Screen::First];
        while let Some(last) = tablet
            .list(&read(screens[screens.len() - 1].clone()))?
            .last()
        {
            screens.push(Screen::After(last.place()));
        }
        screens.pop();
        report.spread(
            "list_next_screen",
            &times(|at| {
                Ok(tablet
                    .list(&read(screens[at % screens.len()].clone()))?
                    .len())
            })?,
        );
        report.spread(
            "list_last_screen",
            &times(|_| Ok(tablet.list(&read(Screen::Last))?.len()))?,
        );

        let names: Vec<String> = (0..LOOKS)
            .map(|_| some().new.persons[0].name.clone())
            .collect();
        report.spread(
            "search_name",
            &times(|at| Ok(tablet.search(&names[at], SCREEN)?.len()))?,
        );
        let surname = |name: &String| name.chars().take(1).collect::<String>();
        let surnames: Vec<String> = names.iter().map(surname).collect();
        report.spread(
            "search_surname",
            &times(|at| Ok(tablet.search(&surnames[at], SCREEN)?.len()))?,
        );
        report.spread(
            "search_pinyin",
            &times(|at| {
                let typed = ["wangxiu", "zhang wei", "lixm", "chenjing", "liuq"][at % 5];
                tablet.search(typed, SCREEN)?;
                Ok(1)
            })?,
        );
        let phones: Vec<String> = (0..LOOKS)
            .map(|_| some().new.phone.clone().unwrap_or_else(|| "100".to_owned()))
            .collect();
        report.spread(
            "search_phone",
            &times(|at| Ok(tablet.search(&phones[at], SCREEN)?.len()))?,
        );

        let mut slips = Pcg64Mcg::seed_from_u64(9);
        let drafts: Vec<_> = (0..LOOKS)
            .map(|_| {
                let known = some();
                again::household(&mut slips, &known.new, &known.village)
            })
            .collect();
        report.spread(
            "similar",
            &times(|at| {
                tablet.similar(&drafts[at], None, SCREEN)?;
                Ok(1)
            })?,
        );

        let opened: Vec<_> = (0..LOOKS).map(|_| some().id).collect();
        report.spread(
            "open",
            &times(|at| Ok(tablet.show(opened[at])?.1.persons.len()))?,
        );
        report.spread(
            "history",
            &times(|at| Ok(tablet.history(opened[at], None)?.len()))?,
        );
        let mut typed = Pcg64Mcg::seed_from_u64(8);
        report.spread(
            "edit_and_commit",
            &times(|at| {
                let phone = Some(Value::Text(numbers::phone(&mut typed)));
                let set = Assignments::from([("contact/phone".to_owned(), phone)]);
                tablet.edit(clock::now(), opened[at], Edit::Set { set })?;
                Ok(1)
            })?,
        );
        report.count(
            "tablet_disk_bytes",
            measure::disk_bytes(&self.writer.folder)?,
        );
        self.writer.sync()?;
        for name in ["first_screen", "next_screen", "last_screen"] {
            report.target(&format!("list_{name}_p99_ms"), LOOK_MS_MAX);
        }
        for name in ["name", "surname", "pinyin", "phone"] {
            report.target(&format!("search_{name}_p99_ms"), LOOK_MS_MAX);
        }
        report.target("similar_p99_ms", SIMILAR_MS_MAX);
        report.target("open_p99_ms", OPEN_MS_MAX);
        report.target("edit_and_commit_p99_ms", COMMIT_MS_MAX);
        Ok(report)
    }
}

/// Does it [`LOOKS`] times. Each must give something.
fn times(mut work: impl FnMut(usize) -> Result<usize>) -> Result<Spread> {
    let mut all = Vec::with_capacity(LOOKS);
    for at in 0..LOOKS {
        let begun = Instant::now();
        let found = work(at)?;
        all.push(begun.elapsed());
        if found == 0 {
            return Err("what is there was not found".into());
        }
    }
    Ok(Spread::of(all))
}
