//! The command line: commands, their arguments, and nothing of what they do. Every sentence of the help is
//! in the catalogue, by command and argument.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Command, CommandFactory, FromArgMatches, Parser, Subcommand};
use sojourn_sync_protocol::{AreaCode, DeviceId, StaffId};

use super::catalogue::{Lang, help};
use crate::accounts::AccountName;
use crate::staff::Role;

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "sojourn",
    version,
    max_term_width = 100,
    subcommand_required = true
)]
pub(super) struct Cli {
    #[arg(
        long,
        value_name = "DIR",
        global = true,
        default_value = "register",
        env = "SOJOURN_REGISTER"
    )]
    pub(super) data: PathBuf,
    #[arg(long, value_name = "zh|en", global = true)]
    pub(super) lang: Option<Lang>,
    #[command(subcommand)]
    pub(super) command: Do,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Do {
    Serve(Serve),
    #[command(subcommand)]
    Areas(Areas),
    #[command(subcommand)]
    Staff(Staff),
    #[command(subcommand)]
    Device(Device),
    #[command(subcommand)]
    Account(Account),
    #[command(subcommand)]
    Households(Households),
    Check(Json),
    Demo(Demo),
}

#[derive(Debug, Args)]
pub(super) struct Json {
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Serve {
    #[arg(long, value_name = "ADDR")]
    pub(super) listen: Option<SocketAddr>,
    #[arg(long, value_name = "URL")]
    pub(super) public_url: Vec<String>,
    #[arg(long, value_name = "FILE.toml")]
    pub(super) config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Areas {
    Import {
        #[arg(value_name = "FILE.csv")]
        file: PathBuf,
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum Staff {
    Add {
        #[arg(value_name = "NAME")]
        name: String,
        #[arg(
            long,
            value_name = "worker|clerk|reviewer|officer",
            default_value = "worker"
        )]
        role: Role,
        #[arg(long)]
        json: bool,
    },
    List {
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum Device {
    Code {
        #[arg(long, value_name = "AREA", required = true)]
        area: Vec<AreaCode>,
        #[arg(long, value_name = "ID")]
        staff: Option<StaffId>,
        #[arg(long, value_name = "URL")]
        public_url: Option<String>,
        #[arg(long)]
        json: bool,
    },
    List {
        #[arg(long)]
        json: bool,
    },
    Grant {
        #[arg(value_name = "ID")]
        device: DeviceId,
        #[arg(long, value_name = "AREA", required = true)]
        area: Vec<AreaCode>,
        #[arg(long)]
        json: bool,
    },
    Withdraw {
        #[arg(value_name = "ID")]
        device: DeviceId,
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum Account {
    Give {
        #[arg(value_name = "NAME")]
        name: AccountName,
        #[arg(long, value_name = "ID")]
        staff: StaffId,
        #[arg(long, value_name = "AREA", required = true)]
        area: Vec<AreaCode>,
        #[arg(long)]
        json: bool,
    },
    List {
        #[arg(long)]
        json: bool,
    },
    Withdraw {
        #[arg(value_name = "NAME")]
        name: AccountName,
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum Households {
    Export {
        #[arg(long, value_name = "AREA")]
        area: Option<AreaCode>,
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(super) struct Demo {
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub(super) listen: SocketAddr,
    #[arg(long, value_name = "AREA")]
    pub(super) area: Vec<AreaCode>,
}

/// Reads the command line; help is in the language asked for.
pub(super) fn parse(
    args: impl IntoIterator<Item = OsString>,
    lang: Lang,
) -> Result<Cli, clap::Error> {
    let matches = command(lang).try_get_matches_from(args)?;
    Cli::from_arg_matches(&matches)
}

/// The command line with its help.
fn command(lang: Lang) -> Command {
    explained(Cli::command(), "", lang)
}

/// Explains a command and all below it; `name` is its words, as `areas import`.
fn explained(mut command: Command, name: &str, lang: Lang) -> Command {
    if let Some(text) = help::about(name, lang) {
        command = command.about(text);
    }
    if let Some(text) = help::examples(name, lang) {
        command = command.after_help(text);
    }
    let ids: Vec<String> = command
        .get_arguments()
        .map(|arg| arg.get_id().to_string())
        .collect();
    for id in ids {
        if let Some(text) = help::argument(name, &id, lang) {
            command = command.mut_arg(&id, |arg| arg.help(text));
        }
    }
    let below: Vec<String> = command
        .get_subcommands()
        .map(|sub| sub.get_name().to_owned())
        .collect();
    for sub in below {
        let words = format!("{name} {sub}");
        command = command.mut_subcommand(&sub, |found| explained(found, words.trim(), lang));
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_and_argument_is_explained_in_both_languages() {
        Cli::command().debug_assert();
        for lang in [Lang::Zh, Lang::En] {
            check(&command(lang));
        }
    }

    fn check(command: &Command) {
        let name = command.get_name();
        assert!(command.get_about().is_some(), "{name}: about");
        let leaf = command.get_subcommands().next().is_none();
        assert!(
            !leaf || command.get_after_help().is_some(),
            "{name}: examples"
        );
        for arg in command.get_arguments() {
            assert!(arg.get_help().is_some(), "{name} {}", arg.get_id());
        }
        command.get_subcommands().for_each(check);
    }
}
