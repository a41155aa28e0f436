//! Who on this tablet may be the family that is being registered: asked for by `similar`, and said by `add` and `edit` before they
//! go on. Nobody is kept from registering.

use std::io::Write;

use serde_json::{Value, json};
use sojourn_client_core::Tablet;
use sojourn_client_core::duplicates::Similar;
use sojourn_client_core::projection::HouseholdRow;
use sojourn_sync_protocol::HouseholdId;
use sojourn_sync_protocol::record::{Edit, NewHousehold};

use crate::args;
use crate::catalogue::{Lang, labels};
use crate::input;
use crate::problem::Problem;
use crate::reading;

/// Households that are named at most.
const NAMED_MAX: usize = 5;

pub(crate) fn similar(
    tablet: &Tablet,
    args: &args::Similar,
    lang: Lang,
    out: &mut Vec<u8>,
) -> Result<(), Problem> {
    let draft: NewHousehold = input::one(&args.file)?;
    let found = tablet.similar(&draft, None, NAMED_MAX)?;
    if args.json {
        return reading::json(out, &found.iter().map(as_json).collect::<Vec<_>>());
    }
    if found.is_empty() {
        let nobody = lang.pick(
            "Nobody on this tablet seems to be the same.",
            "本机中没有发现相同的家庭。",
        );
        let _ = writeln!(out, "{nobody}");
    }
    tell(tablet, &found, lang, out)
}

/// Who may be those that an edit brings in.
pub(crate) fn before(
    tablet: &Tablet,
    household: Option<HouseholdId>,
    edit: &Edit,
) -> Result<Vec<(HouseholdRow, Similar)>, Problem> {
    let draft = match edit {
        Edit::RegisterHousehold(new) => new.clone(),
        Edit::AddPerson(person) => NewHousehold {
            persons: vec![person.clone()],
            ..NewHousehold::default()
        },
        _ => return Ok(Vec::new()),
    };
    Ok(tablet.similar(&draft, household, NAMED_MAX)?)
}

/// Says who they may be, where, and why.
pub(crate) fn tell(
    tablet: &Tablet,
    found: &[(HouseholdRow, Similar)],
    lang: Lang,
    out: &mut Vec<u8>,
) -> Result<(), Problem> {
    for (row, similar) in found {
        let area = match row.area.parse() {
            Ok(code) => reading::area_name(tablet, &code)?,
            Err(_) => row.area.clone(),
        };
        let place = [area.as_str(), row.address.as_str()].join(" ");
        for person in &similar.people {
            let likely = labels::likelihood(person.probability, lang);
            let name = &person.name;
            let household = similar.household;
            let sentence = lang.pick(
                format!("{name} may already be here ({likely}): household {household}, {place}"),
                format!("{name}可能已登记（{likely}）：家庭 {household}，{place}"),
            );
            let _ = writeln!(out, "{sentence}");
            let reasons: Vec<String> = person
                .reasons
                .iter()
                .map(|(rule, level)| {
                    let (rule, level) = (labels::rule(rule, lang), labels::level(level, lang));
                    lang.pick(format!("{rule} {level}"), format!("{rule}{level}"))
                })
                .collect();
            let _ = writeln!(out, "  {}", reasons.join(lang.pick(", ", "，")));
        }
    }
    Ok(())
}

/// One household that may be the same, as JSON.
pub(crate) fn as_json((row, similar): &(HouseholdRow, Similar)) -> Value {
    json!({
        "household": similar.household,
        "area": row.area,
        "name": row.name,
        "address": row.address,
        "probability": similar.probability,
        "people": similar.people.iter().map(|person| json!({
            "draft": person.draft,
            "person": person.person,
            "name": person.name,
            "probability": person.probability,
            "reasons": person.reasons.iter().map(|(rule, level)| {
                json!({ "rule": rule, "level": level })
            }).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
    })
}
