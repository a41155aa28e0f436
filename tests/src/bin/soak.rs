//! `soak tablet|server --rounds N`: real processes on loopback, ended with kill -9 at random moments. Each round the
//! tablet or the server is killed while households are written, handed in or served; then it is started again, and
//! nothing that was acknowledged may be missing. At the end everybody agrees and the register's check passes.
//!
//! With `--disk-mib M` the side that is killed lives on a disk of that size (a tmpfs in a mount namespace of this program's
//! own), which in two of three rounds is filled up to a few pages before anything is written: commands fail for want of room
//! at whatever place they have come to, are killed there, and nothing acknowledged may be missing once there is room again.

use clap::{Parser, ValueEnum};
use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;
use serde_json::{Value, json};
use sojourn_tests::processes::{Server, Tablet};
use std::{
    collections::BTreeMap,
    error::Error,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Where both tablets work.
const AREA: &str = "370281105270";
/// A command is killed at any moment of the time that one takes on this machine, or of a bit more.
const BEYOND: f64 = 1.3;
/// What is left of a disk that is filled, at most.
const ROOM_BYTES_MAX: usize = 256 * 1024;
/// The exit code of both programs for a full disk.
const DISK_FULL: i32 = 12;
/// Added to a round's number in the telephone numbers that it gives to old households.
const OF_OLD_ONES: u32 = 5_000_000;
/// Names the small disk to the program that runs in the namespace.
const DISK: &str = "SOAK_DISK";

/// Which side is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Side {
    /// The tablet, while it writes or syncs.
    Tablet,
    /// The server, while a tablet syncs.
    Server,
}

#[derive(Debug, Parser)]
struct Args {
    /// Which side is killed.
    side: Side,
    /// How many times.
    #[arg(long, default_value_t = 500)]
    rounds: u32,
    /// Draws the moments.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Put the side that is killed on a disk of so many MiB, and fill it.
    #[arg(long)]
    disk_mib: Option<u32>,
}

/// What was said to be safe, by household: the telephone number last acknowledged.
type Promised = BTreeMap<String, String>;

struct Soak {
    folder: tempfile::TempDir,
    server: Server,
    writer: Tablet,
    reader: Tablet,
    draws: Pcg64Mcg,
    /// Written on the tablet, by a command that ended well.
    written: Promised,
    /// Handed in, by a session that ended in agreement.
    handed_in: Promised,
    kills: u32,
    /// How long a whole command took lately.
    takes: Duration,
    /// Commands that said that the disk is full.
    full: u32,
    disk: Option<Disk>,
}

/// A disk that can be filled.
struct Disk {
    path: PathBuf,
}

impl Disk {
    fn ballast(&self) -> PathBuf {
        self.path.join("ballast")
    }

    /// Fills it up to so many bytes.
    fn fill(&self, room: usize) -> io::Result<()> {
        let mut file = fs::File::create(self.ballast())?;
        let block = vec![7; 64 * 1024];
        while file.write_all(&block).is_ok() {}
        let full = file.metadata()?.len();
        file.set_len(full.saturating_sub(room as u64))
    }

    fn make_room(&self) -> io::Result<()> {
        match fs::remove_file(self.ballast()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Runs this program again with a disk of its own; root may mount one, others as root of a namespace of their own.
fn on_a_small_disk(mib: u32) -> Result<ExitCode, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let id = Command::new("id").arg("-u").output()?;
    let mut unshare = Command::new("unshare");
    unshare.arg("--mount");
    if id.stdout != b"0\n" {
        unshare.arg("--map-root-user");
    }
    let status = unshare
        .args(["sh", "-euc"])
        .arg(format!(
            "mount -t tmpfs -o size={mib}m tmpfs \"$0\"; exec \"$@\""
        ))
        .arg(folder.path())
        .arg(std::env::current_exe()?)
        .args(std::env::args_os().skip(1))
        .env(DISK, folder.path())
        .status()?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

impl Soak {
    fn begin(seed: u64, side: Side, disk: Option<Disk>) -> Result<Self, Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let place = |on: Side| match &disk {
            Some(disk) if on == side => disk.path.as_path(),
            _ => folder.path(),
        };
        let mut server = Server::new(place(Side::Server).join("server"));
        let codes = server.start_demo(&[AREA, AREA]);
        let mut tablets = Vec::new();
        let mut takes = Duration::ZERO;
        for (name, code) in ["writer", "reader"].into_iter().zip(&codes) {
            let watch = Instant::now();
            let on = if name == "writer" {
                place(Side::Tablet)
            } else {
                folder.path()
            };
            let tablet = Tablet::new(on.join(name));
            let code = code["code"].as_str().ok_or("a code is text")?;
            tablet
                .run(["enrol", "--server", &server.url(), "--code", code])
                .ok();
            takes = watch.elapsed();
            tablets.push(tablet);
        }
        let (Some(reader), Some(writer)) = (tablets.pop(), tablets.pop()) else {
            return Err("the demo gives a code for each area".into());
        };
        Ok(Self {
            folder,
            server,
            writer,
            reader,
            draws: Pcg64Mcg::seed_from_u64(seed),
            written: Promised::new(),
            handed_in: Promised::new(),
            kills: 0,
            takes,
            full: 0,
            disk,
        })
    }

    /// A moment within the time that a command takes.
    fn moment(&mut self) -> Duration {
        self.takes
            .mul_f64(BEYOND * self.draws.random_range(0.0..1.0))
    }

    /// Writes a new household, and a new number for an old one, in one go or not at all.
    fn file(&mut self, round: u32) -> Result<(std::path::PathBuf, Promised), Box<dyn Error>> {
        let phone = |n: u32| format!("1000{n:07}");
        let id = format!("01990000-0000-7000-8000-{round:012x}");
        let mut promised: Promised = [(id.clone(), phone(round))].into();
        let mut lines = vec![
            json!({"id": id, "phone": phone(round), "persons": [{"name": "王小明", "relation": "head"}]}),
        ];
        let known: Vec<_> = self.written.keys().cloned().collect();
        if !known.is_empty() {
            let old = known[self.draws.random_range(0..known.len())].clone();
            let number = phone(OF_OLD_ONES + round);
            lines.push(json!({"household": old, "edit": {"edit": "set", "set": {"contact/phone": number}}}));
            promised.insert(old, number);
        }
        let path = self.folder.path().join("round.jsonl");
        fs::write(&path, sojourn_tests::files::text(&lines))?;
        Ok((path, promised))
    }

    /// Kills a command at a moment of its run; `true` when it had ended well before.
    fn kill(&mut self, mut child: Child) -> Result<bool, Box<dyn Error>> {
        let until = Instant::now() + self.moment();
        while Instant::now() < until {
            if let Some(status) = child.try_wait()? {
                self.full += u32::from(status.code() == Some(DISK_FULL));
                return Ok(status.success());
            }
            thread::sleep(Duration::from_millis(1));
        }
        child.kill()?;
        self.kills += 1;
        // It may have ended well between the last look and the kill.
        Ok(child.wait()?.success())
    }

    /// Fills the disk in two of three rounds, to the last byte or a few pages before.
    fn fill(&mut self) -> io::Result<()> {
        let room = self.draws.random_range(0..ROOM_BYTES_MAX);
        match (&self.disk, self.draws.random_range(0..3)) {
            (None, _) | (_, 0) => Ok(()),
            (Some(disk), 1) => disk.fill(room),
            (Some(disk), _) => disk.fill(room % (16 * 1024)),
        }
    }

    fn make_room(&self) -> io::Result<()> {
        self.disk.as_ref().map_or(Ok(()), Disk::make_room)
    }

    fn tablet_round(&mut self, round: u32) -> Result<(), Box<dyn Error>> {
        let (path, promised) = self.file(round)?;
        let spawn = |tablet: &Tablet, args: &[&Path]| {
            tablet
                .command(args)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
        };
        let before = self.written.clone();
        self.fill()?;
        let writing = spawn(&self.writer, &[Path::new("import"), &path])?;
        if self.kill(writing)? {
            self.written.extend(promised.clone());
        }
        let syncing = spawn(&self.writer, &[Path::new("sync")])?;
        if self.kill(syncing)? {
            self.handed_in = self.written.clone();
        }
        self.make_room()?;
        // Restarted: what was promised is there. What was not may be there as well, as it was meant.
        let watch = Instant::now();
        let held = held(&self.writer.run(["export", "--json"]).json_lines());
        self.takes = watch.elapsed();
        let meant = before.into_iter().chain(promised).collect();
        missing("on the tablet", &self.written, &held, &meant)?;
        self.written = held;
        let register = held_in(&self.server);
        missing("in the register", &self.handed_in, &register, &self.written)
    }

    fn server_round(&mut self, round: u32) -> Result<(), Box<dyn Error>> {
        let (path, promised) = self.file(round)?;
        let watch = Instant::now();
        self.writer.run([Path::new("import"), &path]).ok();
        self.takes = watch.elapsed();
        self.written.extend(promised);
        let address = self.server.address().to_string();
        self.fill()?;
        let syncing = self
            .writer
            .command(["sync", "--retries", "0", "--json"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let mut syncing = syncing?;
        thread::sleep(self.moment());
        self.server.kill();
        self.kills += 1;
        self.make_room()?;
        if syncing.wait()?.success() {
            self.handed_in = self.written.clone();
        }
        // Whatever the tablet no longer holds as pending was acknowledged, whether or not the exchange ended well.
        if self.writer.run(["status", "--json"]).json()["pending"] == 0 {
            self.handed_in = self.written.clone();
        }
        self.server.start_at(&address);
        let register = held_in(&self.server);
        missing("in the register", &self.handed_in, &register, &self.written)?;
        self.agree(false)?;
        Ok(())
    }

    /// The writer syncs to the end; the reader too, when asked, and holds the same.
    fn agree(&mut self, both: bool) -> Result<(), Box<dyn Error>> {
        for tablet in [&self.writer, &self.reader]
            .into_iter()
            .take(1 + usize::from(both))
        {
            let report = tablet.run(["sync", "--json"]).json();
            if report["outcome"] != "agreed" {
                return Err(format!("no agreement: {report}").into());
            }
        }
        self.handed_in = self.written.clone();
        if both {
            let [one, other] = [&self.writer, &self.reader]
                .map(|tablet| held(&tablet.run(["export", "--json"]).json_lines()));
            missing(
                "in the register",
                &self.written,
                &held_in(&self.server),
                &self.written,
            )?;
            if one != other || one != held_in(&self.server) {
                return Err("the tablets and the register hold different things".into());
            }
        }
        Ok(())
    }
}

/// Telephone numbers by household, of an export.
fn held(lines: &[Value]) -> Promised {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    lines
        .iter()
        .map(|line| (text(&line["id"]), text(&line["contact"]["phone"])))
        .collect()
}

fn held_in(server: &Server) -> Promised {
    held(&server.export(AREA))
}

/// The round in which a household was given this number.
fn round_of(phone: &str) -> Option<u32> {
    let number: u32 = phone.strip_prefix("1000")?.parse().ok()?;
    Some(number % OF_OLD_ONES)
}

/// Fails when something promised is absent, or shows a number from before the one promised or after the last one meant.
/// Between them may stand what a command wrote or handed in that was killed before it could say so.
fn missing(
    place: &str,
    promised: &Promised,
    found: &Promised,
    meant: &Promised,
) -> Result<(), Box<dyn Error>> {
    for (id, phone) in promised {
        let shows = found.get(id);
        let last = meant.get(id).unwrap_or(phone);
        let [from, shown, to] =
            [Some(phone), shows, Some(last)].map(|is| is.and_then(|n| round_of(n)));
        if shown.is_none() || shown < from || shown > to {
            return Err(
                format!("LOST {place}: household {id} with {phone}; found {shows:?}").into(),
            );
        }
    }
    Ok(())
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let args = Args::parse();
    let disk = std::env::var_os(DISK).map(|path| Disk { path: path.into() });
    if let (Some(mib), None) = (args.disk_mib, &disk) {
        return on_a_small_disk(mib);
    }
    let begun = Instant::now();
    let mut soak = Soak::begin(args.seed, args.side, disk)?;
    for round in 1..=args.rounds {
        let done = match args.side {
            Side::Tablet => soak.tablet_round(round),
            Side::Server => soak.server_round(round),
        };
        done.map_err(|error| format!("round {round} of seed {}: {error}", args.seed))?;
        if round % 50 == 0 {
            println!(
                "{round} rounds, {} kills, {} households promised",
                soak.kills,
                soak.written.len()
            );
        }
    }
    soak.agree(true)?;
    soak.server.stop();
    let check = soak.server.run(["check"]).ok();
    println!(
        "{} rounds, {} kills, {} commands told of a full disk, {} households, nothing lost, {:.0} s. {}",
        args.rounds,
        soak.kills,
        soak.full,
        soak.written.len(),
        begun.elapsed().as_secs_f64(),
        check.trim()
    );
    Ok(ExitCode::SUCCESS)
}
