//! What reviewers ask the staff about households of this tablet, and the answers: `asked`, `answer`.

use std::io::Write as _;

use serde_json::json;
use sojourn_client_core::projection::{ListQuery, one_line};
use sojourn_client_core::{Tablet, clock};
use sojourn_sync_protocol::NeedId;
use sojourn_sync_protocol::record::Edit;

use crate::args::{Answer, Reading};
use crate::catalogue::Lang;
use crate::problem::Problem;
use crate::reading;
use crate::writing;

pub(crate) fn asked(
    tablet: &Tablet,
    args: &Reading,
    lang: Lang,
    out: &mut Vec<u8>,
) -> Result<(), Problem> {
    let query = ListQuery {
        asked: true,
        ..ListQuery::default()
    };
    let mut all = Vec::new();
    for row in tablet.list(&query)? {
        let (_, view) = tablet.show(row.id)?;
        for (question, need) in view.asked() {
            all.push((row.clone(), question, one_line(need.text.as_ref())));
        }
    }
    if args.json {
        let value = |(row, question, text): &(_, NeedId, String)| {
            let row: &sojourn_client_core::projection::HouseholdRow = row;
            json!({ "household": row.id, "name": row.name, "question": question, "text": text })
        };
        return reading::json(out, &all.iter().map(value).collect::<Vec<_>>());
    }
    if all.is_empty() {
        let nothing = lang.pick("Nothing is asked.", "没有询问。");
        let _ = writeln!(out, "{nothing}");
    }
    for (row, question, text) in all {
        let _ = writeln!(out, "{} {}\n  {text}\n  {question}", row.id, row.name);
    }
    Ok(())
}

pub(crate) fn answer(
    tablet: &Tablet,
    args: &Answer,
    lang: Lang,
    out: &mut Vec<u8>,
) -> Result<(), Problem> {
    let id = tablet.resolve(&args.id)?;
    let (_, view) = tablet.show(id)?;
    let mut waiting = view.asked().map(|(question, _)| question);
    let question = match args.to {
        Some(named) => waiting.find(|question| *question == named),
        None => match (waiting.next(), waiting.next()) {
            (Some(_), Some(_)) => return Err(Problem::SeveralAsked(id)),
            (one, _) => one,
        },
    };
    let question = question.ok_or(Problem::NothingAsked(id))?;
    let edit = Edit::answer_to(question, &args.text);
    let done = tablet.edit(clock::now(), id, edit)?;
    writing::say(id, (&[done], &[]), args.json, lang, out)
}
