//! The command line: commands, their arguments, and nothing of what they do. Every sentence of the help is
//! in the catalogue, by command and argument.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Command, CommandFactory, FromArgMatches, Parser, Subcommand};
use sojourn_sync_protocol::{AreaCode, NeedId, PersonId};

use crate::catalogue::{Lang, help};

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "sojourn-tablet",
    version,
    max_term_width = 100,
    subcommand_required = true
)]
pub(crate) struct Cli {
    #[arg(
        long,
        value_name = "DIR",
        global = true,
        default_value = "tablet",
        env = "SOJOURN_DATA"
    )]
    pub(crate) data: PathBuf,
    #[arg(long, value_name = "zh|en", global = true)]
    pub(crate) lang: Option<Lang>,
    #[command(subcommand)]
    pub(crate) command: Do,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Do {
    Enrol(Enrol),
    Sync(Sync),
    Status(Reading),
    List(List),
    Show(OneHousehold),
    History(History),
    Similar(Similar),
    Add(Add),
    Import(Import),
    Edit(Edit),
    Visit(Visit),
    Move(Move),
    Leaving(Leaving),
    Stays(Stays),
    Split(Split),
    Card(OneHousehold),
    Arrived(Arrived),
    Asked(Reading),
    Answer(Answer),
    Held(Reading),
    Export(Export),
}

#[derive(Debug, Args)]
pub(crate) struct Reading {
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Enrol {
    #[arg(long, value_name = "URL")]
    pub(crate) server: String,
    #[arg(long, value_name = "CODE")]
    pub(crate) code: String,
    #[arg(long, value_name = "NAME")]
    pub(crate) label: Option<String>,
    #[arg(long)]
    pub(crate) allow_http: bool,
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Sync {
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1024..))]
    pub(crate) page_bytes: Option<u32>,
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub(crate) retries: u32,
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    #[arg(long, value_name = "TEXT")]
    pub(crate) search: Option<String>,
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<u32>,
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct OneHousehold {
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct History {
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    #[arg(value_name = "FIELD")]
    pub(crate) field: Option<String>,
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Add {
    #[arg(value_name = "FILE.json")]
    pub(crate) file: PathBuf,
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Similar {
    #[arg(value_name = "FILE.json")]
    pub(crate) file: PathBuf,
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    #[arg(value_name = "FILE.jsonl")]
    pub(crate) file: PathBuf,
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Edit {
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    #[arg(value_name = "FIELD=VALUE", required_unless_present = "file")]
    pub(crate) assignments: Vec<String>,
    #[arg(long, value_name = "EDIT.json", conflicts_with = "assignments")]
    pub(crate) file: Option<PathBuf>,
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Visit {
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    #[arg(value_name = "FILE.json")]
    pub(crate) file: PathBuf,
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Move {
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    #[arg(long, value_name = "AREA")]
    pub(crate) to: AreaCode,
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    #[arg(long, value_name = "DATE")]
    pub(crate) on: Option<String>,
    #[arg(long, value_name = "TEXT")]
    pub(crate) address: Option<String>,
    #[arg(long, value_name = "DATE")]
    pub(crate) until: Option<String>,
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Leaving {
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    #[arg(long, value_name = "AREA")]
    pub(crate) to: AreaCode,
    #[arg(long, value_name = "DATE")]
    pub(crate) on: String,
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    #[arg(long, value_name = "DATE")]
    pub(crate) until: Option<String>,
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Stays {
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Split {
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    #[arg(long = "person", value_name = "PERSON", required = true)]
    pub(crate) persons: Vec<PersonId>,
    #[arg(long, value_name = "DATE")]
    pub(crate) on: Option<String>,
    #[arg(long, value_name = "TEXT")]
    pub(crate) address: Option<String>,
    #[arg(long, value_name = "NUMBER")]
    pub(crate) phone: Option<String>,
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Arrived {
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    #[arg(long, value_name = "AREA")]
    pub(crate) from: AreaCode,
    #[arg(long, value_name = "CARD")]
    pub(crate) card: Option<String>,
    #[arg(long, value_name = "DATE")]
    pub(crate) on: Option<String>,
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    #[arg(long, value_name = "DATE")]
    pub(crate) until: Option<String>,
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Answer {
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    #[arg(value_name = "TEXT")]
    pub(crate) text: String,
    #[arg(long, value_name = "QUESTION")]
    pub(crate) to: Option<NeedId>,
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    #[arg(long)]
    pub(crate) json: bool,
}

/// Reads the command line; help is in the language asked for.
pub(crate) fn parse(
    args: impl IntoIterator<Item = OsString>,
    lang: Lang,
) -> Result<Cli, clap::Error> {
    let matches = command(lang).try_get_matches_from(args)?;
    Cli::from_arg_matches(&matches)
}

/// The command line with its help.
pub(crate) fn command(lang: Lang) -> Command {
    let mut command = explained(Cli::command(), "", lang);
    let names: Vec<String> = command
        .get_subcommands()
        .map(|sub| sub.get_name().to_owned())
        .collect();
    for name in names {
        command = command.mut_subcommand(&name, |sub| explained(sub, &name, lang));
    }
    command
}

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
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_and_argument_is_explained_in_both_languages() {
        Cli::command().debug_assert();
        for lang in [Lang::Zh, Lang::En] {
            let command = command(lang);
            let all = std::iter::once(&command).chain(command.get_subcommands());
            for sub in all {
                assert!(sub.get_about().is_some(), "{}: about", sub.get_name());
                assert!(
                    sub.get_after_help().is_some(),
                    "{}: examples",
                    sub.get_name()
                );
                for arg in sub.get_arguments() {
                    assert!(
                        arg.get_help().is_some(),
                        "{} {}",
                        sub.get_name(),
                        arg.get_id()
                    );
                }
            }
        }
    }
}
