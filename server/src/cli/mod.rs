//! The program `sojourn`: reads the command line, does it, says what came of it, and ends with its exit code.
//! Sentences are in the catalogue; what is done is in `office`, `serve` and `demo`.

mod args;
mod catalogue;
mod exit;
mod scan;

use std::ffi::OsString;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use tokio::sync::mpsc;
use tracing_subscriber::EnvFilter;

use crate::config::{Config, ConfigError, LogConfig, LogFormat, check_public_url};
use crate::demo;
use crate::office::{self, Command, OfficeError, Outcome};
use crate::serve::{Server, asked_to_stop};
use args::{Cli, Do};
use catalogue::{Lang, sentences};
pub use exit::Exit;

/// Lines printed by a command that wait for standard output.
const LINES_WAITING_MAX: usize = 256;
/// Threads for reads, codecs and passwords. More would be no faster, and the allocator keeps memory for each.
const BLOCKING_THREADS_MAX: usize = 8;

/// Runs the program.
pub fn run(args: Vec<OsString>) -> ExitCode {
    let lang = Lang::of(&args, |name| std::env::var(name).ok());
    let cli = match args::parse(args, lang) {
        Ok(cli) => cli,
        Err(error) => {
            // A closed terminal is no reason for another exit code.
            let _ = error.print();
            return if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Ok
            }
            .into();
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return refuse(&sentences::serving_failed(&error, lang), Exit::Failed),
    };
    runtime.block_on(obey(cli, lang))
}

async fn obey(cli: Cli, lang: Lang) -> ExitCode {
    let data = cli.data;
    let mut to_scan = None;
    let (command, json) = match cli.command {
        Do::Serve(serve) => return serve_until_stopped(&data, serve, lang).await,
        Do::Demo(demo) => return play_demo(&data, demo, lang).await,
        Do::Areas(args::Areas::Import { file, json }) => match std::fs::read(&file) {
            // Bytes that are no UTF-8 become marks that no code, name or date may hold or that people see.
            Ok(bytes) => {
                let csv = String::from_utf8_lossy(&bytes).into_owned();
                (Command::ImportAreas { csv }, json)
            }
            Err(error) => {
                return refuse(&sentences::unreadable(&file, &error, lang), Exit::NotFound);
            }
        },
        Do::Staff(args::Staff::Add { name, role, json }) => {
            (Command::AddStaff { name, role }, json)
        }
        Do::Staff(args::Staff::List { json }) => (Command::ListStaff, json),
        Do::Device(args::Device::Code {
            area,
            staff,
            public_url,
            json,
        }) => {
            if let Some(Err(error)) = public_url.as_deref().map(check_public_url) {
                return refuse(&sentences::config_error(&error, lang), Exit::from(&error));
            }
            to_scan = public_url;
            (Command::DeviceCode { staff, areas: area }, json)
        }
        Do::Device(args::Device::List { json }) => (Command::ListDevices, json),
        Do::Device(args::Device::Grant { device, area, json }) => {
            let areas = area;
            (Command::GrantDevice { device, areas }, json)
        }
        Do::Device(args::Device::Withdraw { device, json }) => {
            (Command::WithdrawDevice { device }, json)
        }
        Do::Account(args::Account::Give {
            name,
            staff,
            area,
            json,
        }) => {
            let areas = area;
            (Command::GiveAccount { staff, name, areas }, json)
        }
        Do::Account(args::Account::List { json }) => (Command::ListAccounts, json),
        Do::Account(args::Account::Withdraw { name, json }) => {
            (Command::WithdrawAccount { name }, json)
        }
        Do::Households(args::Households::Export { area, json }) => {
            (Command::ExportHouseholds { area }, json)
        }
        Do::Check(args::Json { json }) => (Command::Check, json),
    };
    match in_office(&data, command).await {
        Ok(outcome) => {
            let exit = report(&outcome, json, lang);
            if let (Outcome::Code(issued), Some(url), false) = (&outcome, to_scan, json) {
                eprintln!("{}", scan::picture(&scan::link(&url, &issued.code)));
            }
            exit
        }
        Err(error) => refuse(&sentences::office_error(&error, lang), Exit::from(&error)),
    }
}

/// Does an office command, printing its lines as they come.
async fn in_office(data: &Path, command: Command) -> Result<Outcome, OfficeError> {
    let (lines, mut waiting) = mpsc::channel::<String>(LINES_WAITING_MAX);
    let printing = tokio::task::spawn_blocking(move || {
        let mut out = std::io::stdout().lock();
        while let Some(line) = waiting.blocking_recv() {
            // Whoever closed the pipe has read enough.
            if writeln!(out, "{line}").is_err() {
                break;
            }
        }
    });
    let outcome = office::ask(data, command, lines).await;
    let _ = printing.await;
    outcome
}

fn report(outcome: &Outcome, json: bool, lang: Lang) -> ExitCode {
    let exit = match outcome {
        Outcome::Checked(checked) if checked.faults_total > 0 => Exit::CheckFailed,
        _ => Exit::Ok,
    };
    let said = match outcome {
        Outcome::Exported { .. } => String::new(),
        _ if json => as_json(outcome),
        _ => sentences::outcome(outcome, lang),
    };
    if !said.is_empty() {
        say(&said);
    }
    match outcome {
        Outcome::Code(issued) if !json => eprintln!("{}", sentences::beside_code(issued, lang)),
        Outcome::Account(issued) if !json => {
            eprintln!("{}", sentences::beside_account(issued, lang));
        }
        _ => {}
    }
    exit.into()
}

/// The outcome itself, without the name of its kind around it: the command says what was asked.
fn as_json(outcome: &Outcome) -> String {
    let inner = match outcome {
        Outcome::Areas(done) => serde_json::to_value(done),
        Outcome::Staff(staff) => serde_json::to_value(staff),
        Outcome::StaffList(list) => serde_json::to_value(list),
        Outcome::Code(issued) => serde_json::to_value(issued),
        Outcome::Devices(list) => serde_json::to_value(list),
        Outcome::Granted(grant) => serde_json::to_value(grant),
        Outcome::Withdrawn(device) => serde_json::to_value(device),
        Outcome::Account(issued) => serde_json::to_value(issued),
        Outcome::Accounts(list) => serde_json::to_value(list),
        Outcome::AccountWithdrawn(account) => serde_json::to_value(account),
        Outcome::Exported { households } => serde_json::to_value(households),
        Outcome::Checked(checked) => serde_json::to_value(checked),
    };
    inner.expect("outcomes are plain data").to_string()
}

/// Prints a line. Whoever closed the pipe does not want to read it.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn refuse(said: &str, exit: Exit) -> ExitCode {
    eprintln!("{said}");
    exit.into()
}

async fn serve_until_stopped(data: &Path, flags: args::Serve, lang: Lang) -> ExitCode {
    let config = match configured(flags) {
        Ok(config) => config,
        Err(error) => return refuse(&sentences::config_error(&error, lang), Exit::from(&error)),
    };
    start_log(&config.log);
    let server = match Server::bind(data, &config).await {
        Ok(server) => server,
        Err(error) => return refuse(&sentences::start_error(&error, lang), Exit::from(&error)),
    };
    answer(data, server, lang).await
}

/// The file, then the flags over it.
fn configured(flags: args::Serve) -> Result<Config, ConfigError> {
    let mut config = match &flags.config {
        Some(path) => Config::read(path)?,
        None => Config::default(),
    };
    if let Some(listen) = flags.listen {
        config.listen = listen;
    }
    if !flags.public_url.is_empty() {
        config.public_urls = flags.public_url;
    }
    config.validate()?;
    Ok(config)
}

async fn play_demo(data: &Path, flags: args::Demo, lang: Lang) -> ExitCode {
    let config = Config {
        listen: flags.listen,
        ..Config::default()
    };
    if let Err(error) = config.validate() {
        return refuse(&sentences::config_error(&error, lang), Exit::from(&error));
    }
    start_log(&LogConfig {
        filter: "warn".to_owned(),
        format: LogFormat::Text,
    });
    match demo::prepare(data, &config, flags.area).await {
        Ok((server, codes)) => {
            for code in codes {
                say(&serde_json::to_string(&code).expect("a code is plain data"));
            }
            answer(data, server, lang).await
        }
        Err(error) => {
            let exit = match &error {
                demo::DemoError::NotFresh(_) => Exit::BadInput,
                demo::DemoError::Start(error) => Exit::from(error),
                demo::DemoError::Office(error) => Exit::from(error),
            };
            refuse(&sentences::demo_error(&error, lang), exit)
        }
    }
}

/// Says where the server listens, keeps the office door, and answers until told to stop.
async fn answer(data: &Path, server: Server, lang: Lang) -> ExitCode {
    let stop = match asked_to_stop() {
        Ok(stop) => stop,
        Err(error) => return refuse(&sentences::serving_failed(&error, lang), Exit::Failed),
    };
    #[cfg(unix)]
    let door = match office::door::Door::open(data) {
        Ok(door) => Some(tokio::spawn(door.keep(server.state().store.clone()))),
        Err(error) => {
            tracing::warn!(%error, "office commands have to wait until this server ends");
            None
        }
    };
    say(&format!("listening http://{}", server.address()));
    server.run(stop).await;
    #[cfg(unix)]
    if let Some(door) = door {
        door.abort();
        // Aborted is how it ends; waiting lets it remove its socket.
        let _ = door.await;
    }
    Exit::Ok.into()
}

/// Starts the log on standard error. A filter that cannot be read is replaced by the usual one.
fn start_log(config: &LogConfig) {
    // Automerge opens a span for every document that it reads and every change that it parses, at level info.
    let filter = format!("automerge=warn,{}", config.filter);
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // An error means that this process has a log already.
    let _ = match config.format {
        LogFormat::Json => log
            .json()
            .with_current_span(true)
            .with_span_list(false)
            .try_init(),
        LogFormat::Text => log.compact().try_init(),
    };
}
