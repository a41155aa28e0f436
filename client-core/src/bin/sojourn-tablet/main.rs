//! `sojourn-tablet`: a tablet of the register, for scripts and people.
//!
//! Every command opens the folder, does one thing through the engine, prints, and closes. What it prints is
//! documented in `docs/TABLET.md`, and so are its exit codes.

mod args;
mod asking;
mod catalogue;
mod connect;
mod door;
mod household;
mod input;
mod passphrase;
mod problem;
mod progress;
mod reading;
mod similar;
mod table;
mod writing;

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use sojourn_client_core::Tablet;
use sojourn_client_core::clock::{self, SystemRandom};

use args::Do;
use catalogue::Lang;
use problem::Problem;

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    let lang = Lang::of(&args[args.len().min(1)..], |name| std::env::var(name).ok());
    let cli = match args::parse(args, lang) {
        Ok(cli) => cli,
        Err(error) => {
            let code = u8::try_from(error.exit_code()).unwrap_or(2);
            return if error.print().is_ok() {
                ExitCode::from(code)
            } else {
                ExitCode::from(1)
            };
        }
    };
    let lang = cli.lang.unwrap_or(lang);
    let mut out = Vec::new();
    let done = run(&cli.data, &cli.command, lang, &mut out);
    let written = print(&out);
    match done.and(written) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            let sentence = lang.problem(&problem);
            let _ = writeln!(std::io::stderr().lock(), "sojourn-tablet: {sentence}");
            ExitCode::from(problem.code())
        }
    }
}

/// Prints what a command has to say. A reader who closes the pipe has seen enough.
fn print(out: &[u8]) -> Result<(), Problem> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(out).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Problem::Output(error)),
        _ => Ok(()),
    }
}

fn run(data: &Path, command: &Do, lang: Lang, out: &mut Vec<u8>) -> Result<(), Problem> {
    let tablet = open(data, command, lang)?;
    match command {
        Do::Enrol(args) => connect::enrol(&tablet, args, lang, out),
        Do::Sync(args) => connect::sync(&tablet, args, lang, out),
        Do::Status(args) => reading::status(&tablet, args, lang, out),
        Do::List(args) => reading::list(&tablet, args, lang, out),
        Do::Show(args) => reading::show(&tablet, args, lang, out),
        Do::History(args) => reading::history(&tablet, args, lang, out),
        Do::Held(args) => reading::held(&tablet, args, lang, out),
        Do::Export(_) => reading::export(&tablet),
        Do::Similar(args) => similar::similar(&tablet, args, lang, out),
        Do::Add(args) => writing::add(&tablet, args, lang, out),
        Do::Import(args) => writing::import(&tablet, args, lang, out),
        Do::Edit(args) => writing::edit(&tablet, args, lang, out),
        Do::Visit(args) => writing::visit(&tablet, args, lang, out),
        Do::Move(args) => writing::move_to(&tablet, args, lang, out),
        Do::Leaving(args) => writing::leaving(&tablet, args, lang, out),
        Do::Stays(args) => writing::stays(&tablet, args, lang, out),
        Do::Split(args) => writing::split(&tablet, args, lang, out),
        Do::Card(args) => door::card(&tablet, args, lang, out),
        Do::Arrived(args) => door::arrived(&tablet, args, lang, out),
        Do::Asked(args) => asking::asked(&tablet, args, lang, out),
        Do::Answer(args) => asking::answer(&tablet, args, lang, out),
    }
}

/// Opens the folder. Only enrolment makes one.
fn open(data: &Path, command: &Do, lang: Lang) -> Result<Tablet, Problem> {
    if !matches!(command, Do::Enrol(_)) && !data.join("key.json").exists() {
        return Err(sojourn_client_core::error::Error::NotEnrolled.into());
    }
    let passphrase = passphrase::get(data, lang)?;
    let opened = Tablet::open(data, &passphrase, clock::now(), Box::new(SystemRandom))?;
    match opened.salvage {
        None => Ok(opened.tablet),
        Some(salvage) => Err(Problem::Salvaged(salvage)),
    }
}
