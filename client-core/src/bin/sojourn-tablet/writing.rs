//! Commands that write: `add`, `import`, `edit`, `visit`, `move`, `leaving`, `stays`, `split`. Each is one transaction.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

use serde_json::json;
use sojourn_client_core::duplicates::Similar;
use sojourn_client_core::edits::{Edited, Import};
use sojourn_client_core::error::Error;
use sojourn_client_core::projection::HouseholdRow;
use sojourn_client_core::{Tablet, clock};
use sojourn_sync_protocol::record::{Edit, EditError, Leaving, NewHandOver, NewMove};
use sojourn_sync_protocol::{HouseholdId, Timestamp};

use crate::args;
use crate::catalogue::Lang;
use crate::household::edits;
use crate::input;
use crate::problem::{Problem, Reason};
use crate::reading;
use crate::similar;

pub(crate) fn add(
    tablet: &Tablet,
    args: &args::Add,
    lang: Lang,
    out: &mut Vec<u8>,
) -> Result<(), Problem> {
    let line = input::household(&args.file)?;
    let found = similar::before(tablet, line.household, &line.edit)?;
    let import = Import {
        household: line.household,
        at: line.at,
        edit: line.edit,
    };
    let done = tablet
        .import_edits(clock::now(), vec![import])
        .map_err(|error| in_file(&args.file, None, error))?;
    if !args.json {
        similar::tell(tablet, &found, lang, out)?;
    }
    done.iter().try_for_each(|edited| {
        let one = std::slice::from_ref(edited);
        say(edited.household, (one, &found), args.json, lang, out)
    })
}

pub(crate) fn import(
    tablet: &Tablet,
    args: &args::Import,
    lang: Lang,
    out: &mut Vec<u8>,
) -> Result<(), Problem> {
    let lines = input::lines(&args.file)?;
    let numbers: Vec<usize> = lines.iter().map(|line| line.line).collect();
    let imports = lines
        .into_iter()
        .map(|line| Import {
            household: line.household,
            at: line.at,
            edit: line.edit,
        })
        .collect();
    let done = tablet
        .import_edits(clock::now(), imports)
        .map_err(|error| match error {
            Error::At { index, source } => {
                in_file(&args.file, numbers.get(index).copied(), *source)
            }
            other => other.into(),
        })?;
    let households: BTreeSet<String> = done
        .iter()
        .map(|edited| edited.household.to_string())
        .collect();
    if args.json {
        let value = json!({ "edits": done.len(), "households": households });
        return reading::json(out, &value);
    }
    let _ = writeln!(
        out,
        "{}",
        lang.pick(
            format!(
                "Took in {} of {} households.",
                edits(count(&done)),
                households.len()
            ),
            format!(
                "已导入 {} 项修改，涉及 {} 个家庭。",
                done.len(),
                households.len()
            ),
        )
    );
    Ok(())
}

fn in_file(path: &Path, line: Option<usize>, error: Error) -> Problem {
    match error {
        Error::At { source, .. } => in_file(path, line, *source),
        Error::Store(_) | Error::NotEnrolled => error.into(),
        error => Problem::BadInput {
            path: path.into(),
            line,
            reason: Reason::Engine(error),
        },
    }
}

pub(crate) fn edit(
    tablet: &Tablet,
    args: &args::Edit,
    lang: Lang,
    out: &mut Vec<u8>,
) -> Result<(), Problem> {
    let id = tablet.resolve(&args.id)?;
    let mut edits = match &args.file {
        Some(file) => vec![input::one::<Edit>(file)?],
        None => Edit::from_assignments(&args.assignments).map_err(Error::Edit)?,
    };
    let mut found = Vec::new();
    for edit in &edits {
        found.extend(similar::before(tablet, Some(id), edit)?);
    }
    // What the record says already is no mistake: the rest is made.
    let done = loop {
        match tablet.edit_all(clock::now(), id, edits.clone()) {
            Err(Error::At { index, source })
                if matches!(*source, Error::Edit(EditError::NothingChanged)) =>
            {
                edits.remove(index);
            }
            done => break done.map_err(unnumbered)?,
        }
    };
    if !args.json {
        similar::tell(tablet, &found, lang, out)?;
    }
    say(id, (&done, &found), args.json, lang, out)
}

/// One edit of a command has no number.
fn unnumbered(error: Error) -> Error {
    match error {
        Error::At { source, .. } => *source,
        other => other,
    }
}

pub(crate) fn visit(
    tablet: &Tablet,
    args: &args::Visit,
    lang: Lang,
    out: &mut Vec<u8>,
) -> Result<(), Problem> {
    let id = tablet.resolve(&args.id)?;
    let visit = Edit::RecordVisit(input::one(&args.file)?);
    let done = tablet
        .edit(clock::now(), id, visit)
        .map_err(|error| in_file(&args.file, None, error))?;
    say(id, (&[done], &[]), args.json, lang, out)
}

pub(crate) fn move_to(
    tablet: &Tablet,
    args: &args::Move,
    lang: Lang,
    out: &mut Vec<u8>,
) -> Result<(), Problem> {
    let id = tablet.resolve(&args.id)?;
    let now = clock::now();
    let new = NewMove {
        id: None,
        to: args.to.to_string(),
        on: args.on.clone().unwrap_or_else(|| day(now)),
        reason: args.reason.clone(),
        address: args.address.clone(),
        until: args.until.clone(),
        ..NewMove::default()
    };
    let done = tablet.edit(now, id, Edit::Move(new))?;
    say(id, (&[done], &[]), args.json, lang, out)
}

/// Prepares a move: the household stays here until the other area has agreed.
pub(crate) fn leaving(
    tablet: &Tablet,
    args: &args::Leaving,
    lang: Lang,
    out: &mut Vec<u8>,
) -> Result<(), Problem> {
    let id = tablet.resolve(&args.id)?;
    let new = NewHandOver {
        id: None,
        to: args.to.to_string(),
        on: args.on.clone(),
        reason: args.reason.clone(),
        until: args.until.clone(),
    };
    let done = tablet.edit(clock::now(), id, Edit::ProposeMove(new))?;
    say(id, (&[done], &[]), args.json, lang, out)
}

/// Takes every move back that is prepared and waits, and what was asked for a family at the door.
pub(crate) fn stays(
    tablet: &Tablet,
    args: &args::Stays,
    lang: Lang,
    out: &mut Vec<u8>,
) -> Result<(), Problem> {
    let id = tablet.resolve(&args.id)?;
    let (_, view) = tablet.show(id)?;
    let waiting = view.waiting_moves();
    let edits: Vec<Edit> = waiting
        .map(|(waiting, _)| Edit::WithdrawMove {
            r#move: waiting,
            reason: args.reason.clone(),
        })
        .collect();
    if edits.is_empty() {
        return Err(Problem::NothingPrepared(id));
    }
    let done = tablet
        .edit_all(clock::now(), id, edits)
        .map_err(unnumbered)?;
    say(id, (&done, &[]), args.json, lang, out)
}

/// Some members leave and are a household of their own, which may then move like any other.
pub(crate) fn split(
    tablet: &Tablet,
    args: &args::Split,
    lang: Lang,
    out: &mut Vec<u8>,
) -> Result<(), Problem> {
    let id = tablet.resolve(&args.id)?;
    let now = clock::now();
    let leaving = Leaving {
        persons: args.persons.clone(),
        on: args.on.clone().unwrap_or_else(|| day(now)),
        address: args.address.clone(),
        phone: args.phone.clone(),
    };
    let (household, done) = tablet.split(now, id, &leaving)?;
    say(household, (&done, &[]), args.json, lang, out)
}

/// The day it is here.
pub(crate) fn day(now: Timestamp) -> String {
    let zone = jiff::tz::TimeZone::try_system().unwrap_or(jiff::tz::TimeZone::UTC);
    let moment = jiff::Timestamp::from_millisecond(now.millis()).unwrap_or_default();
    moment.to_zoned_datetime(zone).date().to_string()
}

/// Says what was made, and in JSON who may be the same. It is on this tablet; `sync` carries it on.
pub(crate) fn say(
    household: HouseholdId,
    (done, alike): (&[Edited], &[(HouseholdRow, Similar)]),
    as_json: bool,
    lang: Lang,
    out: &mut Vec<u8>,
) -> Result<(), Problem> {
    if as_json {
        let edits: Vec<_> = done
            .iter()
            .map(|edited| {
                json!({
                    "change": edited.change,
                    "document": edited.document,
                    "kind": edited.edit.kind(),
                    "edit": edited.edit,
                })
            })
            .collect();
        let mut said = json!({ "household": household, "edits": edits });
        if !alike.is_empty() {
            said["similar"] = alike.iter().map(similar::as_json).collect();
        }
        return reading::json(out, &said);
    }
    if done.is_empty() {
        let _ = writeln!(
            out,
            "{}",
            lang.pick(
                "The record says so already; nothing was written.",
                "登记内容本来如此，未作改动。",
            )
        );
        return Ok(());
    }
    let _ = writeln!(
        out,
        "{}",
        lang.pick(
            format!(
                "Household {household}: {} saved on this tablet; `sync` hands in.",
                edits(count(done))
            ),
            format!(
                "家庭 {household}：已在本机保存 {} 项修改，sync 时上交。",
                done.len()
            ),
        )
    );
    Ok(())
}

fn count(done: &[Edited]) -> u64 {
    u64::try_from(done.len()).unwrap_or(u64::MAX)
}
