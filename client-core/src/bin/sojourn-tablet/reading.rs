//! Commands that read: `status`, `list`, `show`, `history`, `held`, `export`.

use std::io::Write;

use serde::Serialize;
use serde_json::{Value, json};
use sojourn_client_core::Tablet;
use sojourn_client_core::error::Error;
use sojourn_client_core::outbox::{EditState, HeldReason};
use sojourn_client_core::projection::{HouseholdRow, ListQuery, one_line};
use sojourn_client_core::{areas, held, history as past, identity};
use sojourn_sync_protocol::record::Assignment;
use sojourn_sync_protocol::{AreaCode, DocKind, HouseholdId, Timestamp};

use crate::args::{History, List, OneHousehold, Reading};
use crate::catalogue::{Lang, labels};
use crate::household::{self, Page};
use crate::problem::Problem;
use crate::table::Table;

/// Households a search shows when no number is given.
const FOUND_MAX: usize = 50;
/// Digits of an id that a table shows: the milliseconds it was made at and a little more.
const ID_SHOWN: usize = 18;

/// Prints a value as one line of JSON.
pub(crate) fn json(out: &mut Vec<u8>, value: &impl Serialize) -> Result<(), Problem> {
    serde_json::to_writer(&mut *out, value).map_err(|error| Problem::Output(error.into()))?;
    out.push(b'\n');
    Ok(())
}

/// The value with a moment written as ISO 8601.
fn moment_as_text(mut value: Value, key: &str) -> Value {
    if let Some(millis) = value.get(key).and_then(Value::as_i64) {
        value[key] = Timestamp::from_millis(millis).to_string().into();
    }
    value
}

/// Rows of a list as they are printed.
fn rows(rows: &[impl Serialize]) -> Vec<Value> {
    let value = |row| serde_json::to_value(row).unwrap_or_default();
    rows.iter()
        .map(|row| moment_as_text(value(row), "updated"))
        .collect()
}

pub(crate) fn status(
    tablet: &Tablet,
    args: &Reading,
    lang: Lang,
    out: &mut Vec<u8>,
) -> Result<(), Problem> {
    let status = tablet.status()?;
    let (tree, cursor) = tablet.read("status", |tx| {
        Ok::<_, Error>((areas::version(tx)?, identity::cursors(tx)?))
    })?;
    if args.json {
        let value = serde_json::to_value(&status).unwrap_or_default();
        let mut value = moment_as_text(value, "synced_at");
        value["enrolled"] = json!(status.device.is_some());
        value["areas_version"] = json!(tree);
        value["cursor"] = cursor
            .iter()
            .map(|cursor| (cursor.area.to_string(), Value::from(cursor.seq)))
            .collect::<serde_json::Map<_, _>>()
            .into();
        return json(out, &value);
    }
    let Some(device) = status.device else {
        return Err(Error::NotEnrolled.into());
    };
    let mut line = |en: &str, zh: &str, value: String| {
        let _ = writeln!(out, "{}: {value}", lang.pick(en, zh));
    };
    line("tablet", "平板", device.to_string());
    line("staff", "人员", status.staff_name.unwrap_or_default());
    line("server", "服务器", status.server.unwrap_or_default());
    let mut names = Vec::new();
    for area in &status.areas {
        names.push(area_name(tablet, area)?);
    }
    line("areas", "地区", names.join(", "));
    let kinds = status
        .kinds
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ");
    line("documents", "文档", kinds);
    line("households", "家庭", status.households.to_string());
    line("persons", "人员数", status.persons.to_string());
    line(
        "contradicted fields",
        "有分歧的字段",
        status.contradictions.to_string(),
    );
    line(
        "waiting to be handed in",
        "待上交",
        status.pending.to_string(),
    );
    line("held", "被搁置", status.held.to_string());
    let synced = status.synced_at.map(|at| at.to_string());
    line(
        "last synced",
        "上次同步",
        synced.unwrap_or_else(|| lang.pick("never", "从未").into()),
    );
    Ok(())
}

pub(crate) fn area_name(tablet: &Tablet, code: &AreaCode) -> Result<String, Problem> {
    let area = tablet.read("area", |tx| Ok::<_, Error>(areas::area(tx, code)?))?;
    Ok(area.map_or_else(
        || code.to_string(),
        |area| format!("{} ({code})", area.name),
    ))
}

pub(crate) fn list(
    tablet: &Tablet,
    args: &List,
    lang: Lang,
    out: &mut Vec<u8>,
) -> Result<(), Problem> {
    let limit = args.limit.and_then(|limit| usize::try_from(limit).ok());
    if let Some(text) = &args.search {
        let found = tablet.search(text, limit.unwrap_or(FOUND_MAX))?;
        if args.json {
            return json(out, &rows(&found));
        }
        let named: Vec<_> = found
            .into_iter()
            .map(|found| {
                (
                    found.household,
                    Some(found.person_name).filter(|name| !name.is_empty()),
                )
            })
            .collect();
        return table(tablet, named, lang, out);
    }
    let listed = tablet.list(&ListQuery {
        limit,
        ..ListQuery::default()
    })?;
    if args.json {
        return json(out, &rows(&listed));
    }
    table(
        tablet,
        listed.into_iter().map(|row| (row, None)).collect(),
        lang,
        out,
    )
}

fn table(
    tablet: &Tablet,
    rows: Vec<(HouseholdRow, Option<String>)>,
    lang: Lang,
    out: &mut Vec<u8>,
) -> Result<(), Problem> {
    let mut table = Table::new(&lang.pick(
        ["id", "name", "area", "address", "phone", "persons", ""],
        ["编号", "姓名", "地区", "地址", "电话", "人数", ""],
    ));
    for (row, found) in rows {
        let mut marks = Vec::new();
        if row.contradictions > 0 {
            marks.push(lang.pick("contradicted", "有分歧"));
        }
        if row.pending > 0 {
            marks.push(lang.pick("waiting", "待上交"));
        }
        if row.held > 0 {
            marks.push(lang.pick("held", "被搁置"));
        }
        if !row.asked.is_empty() {
            marks.push(lang.pick("asked", "有询问"));
        }
        if row.leaving {
            marks.push(lang.pick("leaving", "迁出中"));
        }
        let prepared;
        if !row.moving_to.is_empty() {
            let (to, on) = (short_area(tablet, &row.moving_to)?, &row.moving_on);
            prepared = lang.pick(
                format!("leaving for {to} on {on}"),
                format!("将于 {on} 迁往 {to}"),
            );
            marks.push(&prepared);
        }
        if !row.goes_on.is_empty() {
            marks.push(lang.pick("goes on elsewhere", "已续于另一份记录"));
        }
        let area = short_area(tablet, &row.area)?;
        table.row(vec![
            row.id.to_string().chars().take(ID_SHOWN).collect(),
            found.unwrap_or(row.name),
            area,
            row.address,
            row.phone,
            row.persons.to_string(),
            marks.join(" "),
        ]);
    }
    out.extend(table.render().into_bytes());
    Ok(())
}

/// The name of an area, or what stands in its place.
fn short_area(tablet: &Tablet, code: &str) -> Result<String, Problem> {
    let Ok(parsed) = code.parse() else {
        return Ok(code.to_owned());
    };
    let area = tablet.read("area", |tx| Ok::<_, Error>(areas::area(tx, &parsed)?))?;
    Ok(area.map_or_else(|| code.to_owned(), |area| area.name))
}

pub(crate) fn show(
    tablet: &Tablet,
    args: &OneHousehold,
    lang: Lang,
    out: &mut Vec<u8>,
) -> Result<(), Problem> {
    let (row, view) = tablet.show(tablet.resolve(&args.id)?)?;
    let mut area_names = Vec::new();
    for area in view.residence.area.iter().flat_map(|area| area.values()) {
        if let Ok(code) = area.parse() {
            let names = tablet.read("area", |tx| Ok::<_, Error>(areas::path_names(tx, &code)?))?;
            area_names.extend((!names.is_empty()).then(|| names.join(" · ")));
        }
    }
    if args.json {
        let mut value = serde_json::to_value(&view).unwrap_or_default();
        value["area_names"] = json!(area_names);
        value["pending"] = json!(row.pending);
        value["held"] = json!(row.held);
        value["leaving"] = json!(row.leaving);
        return json(out, &value);
    }
    let shown = Page {
        view: &view,
        area_names,
        pending: row.pending.into(),
        held: row.held.into(),
        leaving: row.leaving,
        health_granted: tablet.status()?.kinds.contains(&DocKind::Health),
    };
    out.extend(household::render(&shown, lang).into_bytes());
    Ok(())
}

pub(crate) fn history(
    tablet: &Tablet,
    args: &History,
    lang: Lang,
    out: &mut Vec<u8>,
) -> Result<(), Problem> {
    let id = tablet.resolve(&args.id)?;
    // A field of the household itself may go by its last name, as in `edit`.
    let path = args.field.as_ref().map(|field| {
        let named = Assignment::parse(&format!("{field}=")).map(|assignment| assignment.path);
        named.unwrap_or_else(|_| field.trim_end_matches('/').to_owned())
    });
    let written = tablet.history(id, path.as_deref())?;
    if args.json {
        return json(out, &written);
    }
    let mut table = Table::new(&lang.pick(
        ["when", "field", "value", "by", "area", "device", ""],
        ["时间", "字段", "值", "填写人", "地区", "设备", ""],
    ));
    for past::Written {
        entry,
        here,
        pending,
        ..
    } in written
    {
        let mut marks = Vec::new();
        if here {
            marks.push(lang.pick("here", "本机"));
        }
        if pending {
            marks.push(lang.pick("waiting", "待上交"));
        }
        table.row(vec![
            entry.at.to_string(),
            with_short_ids(&entry.path),
            entry
                .value
                .map_or_else(|| "—".into(), |value| with_short_ids(&value.to_string())),
            entry
                .staff
                .map(|staff| with_short_ids(&staff.to_string()))
                .unwrap_or_default(),
            entry.area.map(|area| area.to_string()).unwrap_or_default(),
            entry.actor.to_string().chars().take(8).collect(),
            marks.join(" "),
        ]);
    }
    out.extend(table.render().into_bytes());
    Ok(())
}

/// A path or value with its ids shortened, for a column of a table.
fn with_short_ids(text: &str) -> String {
    let short = |part: &str| match part.parse::<HouseholdId>() {
        Ok(_) => format!("{}…", &part[..ID_SHOWN]),
        Err(_) => part.to_owned(),
    };
    text.split('/').map(short).collect::<Vec<_>>().join("/")
}

/// A held edit, as `held --json` prints it.
#[derive(Serialize)]
struct HeldEdit {
    household: String,
    document: &'static str,
    change: String,
    kind: Option<&'static str>,
    at: String,
    fate: &'static str,
    reason: Option<String>,
    edit: Option<sojourn_sync_protocol::record::Edit>,
    decided: Option<Verdict>,
}

/// What a reviewer decided about a held edit.
#[derive(Serialize)]
struct Verdict {
    decision: String,
    outcome: String,
    reason: String,
}

impl HeldEdit {
    fn of(held: held::HeldEdit) -> Self {
        let row = held.row;
        let (fate, reason) = match &row.state {
            EditState::Held(HeldReason::Quarantined { why }) => {
                ("quarantined", Some(why.name().to_owned()))
            }
            EditState::Held(HeldReason::MissingDeps) => ("missing-deps", None),
            EditState::Held(HeldReason::OldEpoch { epoch }) => {
                ("old-epoch", Some(epoch.to_string()))
            }
            EditState::Held(HeldReason::Forked) => ("fork", None),
            EditState::Held(HeldReason::CannotRepeat { why }) => {
                ("cannot-repeat", Some(why.clone()))
            }
            EditState::Queued | EditState::Batched { .. } => ("waiting", None),
        };
        Self {
            household: row.document.household.to_string(),
            document: row.document.kind.name(),
            change: row.change.to_string(),
            kind: row
                .edit
                .as_ref()
                .map(sojourn_sync_protocol::record::Edit::kind),
            at: row.at.to_string(),
            fate,
            reason,
            edit: row.edit,
            decided: held.decided.map(|(id, decision)| Verdict {
                decision: id.to_string(),
                outcome: one_line(decision.outcome.as_ref()),
                reason: one_line(decision.reason.as_ref()),
            }),
        }
    }
}

pub(crate) fn held(
    tablet: &Tablet,
    args: &Reading,
    lang: Lang,
    out: &mut Vec<u8>,
) -> Result<(), Problem> {
    let held = tablet.held_and_decided()?.into_iter();
    let held: Vec<HeldEdit> = held.map(HeldEdit::of).collect();
    if args.json {
        return json(out, &held);
    }
    if held.is_empty() {
        let _ = writeln!(
            out,
            "{}",
            lang.pick("Nothing is held.", "没有被搁置的修改。")
        );
        return Ok(());
    }
    for edit in held {
        let what = edit
            .kind
            .map_or("—", |kind| labels::word("", "edit", kind, lang));
        let why = match &edit.decided {
            Some(verdict) => lang.decided(&verdict.outcome, &verdict.reason),
            None => lang.held(edit.fate, edit.reason.as_deref()),
        };
        let _ = writeln!(out, "{} {} {what}\n  {why}", edit.at, edit.household);
        if let Some(edit) = &edit.edit {
            let _ = writeln!(out, "  {}", serde_json::to_string(edit).unwrap_or_default());
        }
    }
    Ok(())
}

pub(crate) fn export(tablet: &Tablet) -> Result<(), Problem> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let done = tablet.export(|view| {
        let line = serde_json::to_string(&view).map_err(|error| Problem::Output(error.into()))?;
        writeln!(out, "{line}").map_err(Problem::Output)
    });
    match done.and_then(|()| out.flush().map_err(Problem::Output)) {
        Err(Problem::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
