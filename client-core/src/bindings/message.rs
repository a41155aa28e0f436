//! What a page and the engine say to each other. The pages' types are made from these by a test, so that the two cannot differ; types
//! of the record itself are named as the pages have them already.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sojourn_sync_protocol::record::{
    Assignments, HouseholdView, NewArrival, NewHousehold, NewMove, NewNeed, NewPerson, NewVisit,
};
use sojourn_sync_protocol::{Area, AreaCode, HouseholdId, PersonId};

use super::fault::Fault;
use crate::history::Written;
use crate::projection::HouseholdRow;
use crate::tablet::{Found, Status};

/// All that goes between a page and whoever has the engine, in this tab or in another.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "say", rename_all = "kebab-case")]
pub enum Message {
    /// A page wants something.
    Ask {
        /// Names the question, so that its answer is known.
        id: String,
        /// What.
        command: Command,
    },
    /// The answer to that.
    Reply {
        /// The question.
        id: String,
        /// The answer.
        answer: Answer,
    },
    /// Something happened that concerns every page.
    Tell {
        /// What.
        event: Event,
    },
}

/// What the engine can be asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// How the tablet stands.
    Look,
    /// Open the tablet, making it when there is none.
    Open {
        /// The passphrase of its database.
        passphrase: String,
    },
    /// Close it, so that the passphrase is asked for again.
    Close,
    /// Make it a tablet of the register.
    Enrol {
        /// Address of the server, without a path.
        server: String,
        /// The office's one-time code.
        code: String,
        /// What people call the tablet.
        label: String,
    },
    /// Hand in and fetch.
    Sync,
    /// Hear of what moves at the register, and fetch it each time, for as long as the connection lasts; answered when it ends.
    Listen,
    /// A screen of households in order of area and name.
    List {
        /// The last one of the screen before; the first screen when absent.
        after: Option<After>,
        /// At most so many.
        limit: u16,
    },
    /// Households by a name, pinyin or initials, a telephone number or the last digits of an identity number; best first.
    Search {
        /// What somebody typed.
        text: String,
        /// At most so many.
        limit: u16,
    },
    /// One household, whole.
    Show {
        /// Which.
        #[cfg_attr(test, ts(as = "String"))]
        household: HouseholdId,
    },
    /// The card that a family can carry.
    Card {
        /// Which household.
        #[cfg_attr(test, ts(as = "String"))]
        household: HouseholdId,
    },
    /// Households here that may be the one that somebody is registering, by what is known so far; best first.
    Similar {
        /// What is known.
        household: Box<NewHousehold>,
        /// At most so many.
        limit: u16,
    },
    /// The tree of areas.
    Areas,
    /// Register a household.
    Register {
        /// The household.
        household: Box<NewHousehold>,
    },
    /// Add a person.
    AddPerson {
        /// To which household.
        #[cfg_attr(test, ts(as = "String"))]
        household: HouseholdId,
        /// The person.
        person: Box<NewPerson>,
    },
    /// Correct a person's fields.
    CorrectPerson {
        /// Of which household.
        #[cfg_attr(test, ts(as = "String"))]
        household: HouseholdId,
        /// Who.
        #[cfg_attr(test, ts(as = "String"))]
        person: PersonId,
        /// Fields and values; `null` clears.
        #[cfg_attr(test, ts(type = "Record<string, Written>"))]
        set: Assignments,
    },
    /// Mark a person as no longer of the household.
    RemovePerson {
        /// Of which household.
        #[cfg_attr(test, ts(as = "String"))]
        household: HouseholdId,
        /// Who.
        #[cfg_attr(test, ts(as = "String"))]
        person: PersonId,
        /// Why, by the record's words.
        reason: String,
        /// Since when.
        on: Option<String>,
        /// What the next member of staff should know.
        note: Option<String>,
    },
    /// Take that back.
    RestorePerson {
        /// Of which household.
        #[cfg_attr(test, ts(as = "String"))]
        household: HouseholdId,
        /// Who.
        #[cfg_attr(test, ts(as = "String"))]
        person: PersonId,
        /// Why.
        note: String,
    },
    /// Set fields of the household itself, by full path.
    Correct {
        /// Which household.
        #[cfg_attr(test, ts(as = "String"))]
        household: HouseholdId,
        /// Fields and values; `null` clears.
        #[cfg_attr(test, ts(type = "Record<string, Written>"))]
        set: Assignments,
    },
    /// Note something the family asks for.
    NoteNeed {
        /// Which household.
        #[cfg_attr(test, ts(as = "String"))]
        household: HouseholdId,
        /// What.
        need: NewNeed,
    },
    /// Record a visit.
    RecordVisit {
        /// Of which household.
        #[cfg_attr(test, ts(as = "String"))]
        household: HouseholdId,
        /// The visit.
        visit: Box<NewVisit>,
    },
    /// The household moves.
    Move {
        /// Which household.
        #[cfg_attr(test, ts(as = "String"))]
        household: HouseholdId,
        /// Where to.
        to: NewMove,
    },
    /// The family is at the door and comes from elsewhere: the area where it lived is asked for its record.
    Arrive {
        /// The household as it was registered here.
        #[cfg_attr(test, ts(as = "String"))]
        household: HouseholdId,
        /// Where it comes from.
        from: NewArrival,
    },
}

/// The last household of a screen, as its row has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct After {
    /// Its area.
    pub area: String,
    /// Its name.
    pub name: String,
    /// Its id.
    #[cfg_attr(test, ts(as = "String"))]
    pub id: HouseholdId,
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Answer {
    /// How the tablet stands.
    State {
        /// The door.
        door: Door,
        /// Who the tablet is and what it holds; absent unless it is open.
        status: Option<Box<Status>>,
    },
    /// A session came to an end.
    Synced(Synced),
    /// A screen of the list.
    Households {
        /// The rows.
        rows: Vec<HouseholdRow>,
    },
    /// What a search found.
    Found {
        /// Best first.
        found: Vec<Found>,
    },
    /// One household.
    Household(Box<Household>),
    /// A card.
    Card {
        /// Letters and digits in groups; a slip in one is noticed.
        card: String,
    },
    /// Households that may be the same.
    Similar {
        /// Best first.
        similar: Vec<Likely>,
    },
    /// The tree.
    Areas {
        /// Every area, by code.
        #[cfg_attr(test, ts(type = "Pick<Area, 'code' | 'parent' | 'level' | 'name'>[]"))]
        areas: Vec<Area>,
    },
    /// An edit was made, and is safe on this tablet.
    Edited {
        /// In which household.
        #[cfg_attr(test, ts(as = "String"))]
        household: HouseholdId,
    },
    /// It could not be done; nothing of it was written.
    Failed {
        /// What stood against it.
        fault: Fault,
    },
}

/// Whether the tablet can be worked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum Door {
    /// Nobody has made a tablet here.
    New,
    /// There is one; its passphrase is asked for.
    Shut,
    /// It is open.
    Open,
}

/// A household with what is needed to say it in words.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Household {
    /// Its line in the list.
    pub row: HouseholdRow,
    /// The record.
    #[cfg_attr(test, ts(type = "RecordOfHousehold"))]
    pub record: HouseholdView,
    /// Names of the areas that the record names, from the top of the tree down, by code.
    pub areas: BTreeMap<String, Vec<String>>,
    /// Who wrote what when.
    #[cfg_attr(test, ts(type = "HistoryEntry[]"))]
    pub history: Vec<Written>,
}

/// A household that may be the one that somebody is registering.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Likely {
    /// Its line in the list.
    pub row: HouseholdRow,
    /// That they are one, from 0 to 1.
    pub probability: f64,
    /// Names of those in it who may be somebody of the draft, the clearest first.
    pub people: Vec<String>,
}

/// What a session came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Synced {
    /// How it ended.
    pub outcome: Ending,
    /// Why it gave up.
    pub fault: Option<Fault>,
    /// Areas that still differ.
    #[cfg_attr(test, ts(as = "Vec<String>"))]
    pub differing: Vec<AreaCode>,
    /// Edits that the server has now.
    pub pushed: u64,
    /// Entries received.
    pub received: u64,
    /// Edits still to hand in.
    pub queued: u64,
    /// Edits held that nobody has decided about.
    pub held: u64,
    /// Bytes of request bodies.
    pub bytes_up: u64,
    /// Bytes of reply bodies.
    pub bytes_down: u64,
}

/// How a session ended. Whatever the end, nothing that was not acknowledged is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// Both sides hold the same, and have proved it.
    Agreed,
    /// Some areas still differ after every repair.
    Differs,
    /// It could not go on.
    GaveUp,
    /// It was ended here.
    Cancelled,
}

/// What every page hears.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// How far a session is.
    Syncing {
        /// Edits that the server has now.
        pushed: u64,
        /// Those and the ones still to push.
        to_push: u64,
        /// Entries received.
        received: u64,
        /// Those and the ones still to come.
        to_receive: u64,
    },
    /// What a session came to.
    Synced(Synced),
    /// Something was written, opened or closed: what is shown may be older.
    Changed,
    /// Another worker has the engine now, or this one has it anew: its door is shut.
    Restarted,
}

#[cfg(test)]
mod tests {
    use super::*;
    use sojourn_sync_protocol::record::NewConsent;
    use std::path::Path;
    use ts_rs::{Config, TS};

    /// The pages' types, as they have to be in `server/web/src/tablet/messages.ts`.
    fn declared() -> String {
        let config = Config::new().with_large_int("number");
        let mut text = String::from(
            "// Made from the engine's types in `client-core/src/bindings/`; its tests say how to make it anew.\n\
             import type { Area, DocKind, HistoryEntry, Household as RecordOfHousehold, Written } from '../model';\n",
        );
        for declared in [
            Message::decl(&config),
            Command::decl(&config),
            After::decl(&config),
            NewHousehold::decl(&config),
            NewConsent::decl(&config),
            NewPerson::decl(&config),
            NewNeed::decl(&config),
            NewVisit::decl(&config),
            NewMove::decl(&config),
            NewArrival::decl(&config),
            Answer::decl(&config),
            Door::decl(&config),
            Status::decl(&config),
            Synced::decl(&config),
            Ending::decl(&config),
            HouseholdRow::decl(&config),
            Found::decl(&config),
            Household::decl(&config),
            Likely::decl(&config),
            Fault::decl(&config),
            super::super::fault::Obstacle::decl(&config),
            Event::decl(&config),
        ] {
            text.push_str("\nexport ");
            text.push_str(&declared);
            text.push('\n');
        }
        text
    }

    /// Where they are not, `MAKE=1 cargo test -p sojourn-client-core pages_have` writes them.
    #[test]
    fn the_pages_have_these_types() {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../server/web/src/tablet/messages.ts");
        if std::env::var_os("MAKE").is_some() {
            std::fs::write(&path, declared()).unwrap();
        }
        assert!(
            std::fs::read_to_string(&path).unwrap() == declared(),
            "{} is not what the engine's types make",
            path.display()
        );
    }
}
