//! A family at the door: the card that it carries, and what is asked where it comes from: `card`, `arrived`.

use std::io::Write as _;

use serde_json::json;
use sojourn_client_core::{Tablet, clock};
use sojourn_sync_protocol::record::{Edit, NewArrival};

use crate::args::{Arrived, OneHousehold};
use crate::catalogue::Lang;
use crate::problem::Problem;
use crate::reading;
use crate::writing;

/// Shows the card, alone on its line, to be copied or made a QR code of.
pub(crate) fn card(
    tablet: &Tablet,
    args: &OneHousehold,
    lang: Lang,
    out: &mut Vec<u8>,
) -> Result<(), Problem> {
    let id = tablet.resolve(&args.id)?;
    let card = tablet.card(id)?.to_string();
    if args.json {
        return reading::json(out, &json!({ "household": id, "card": card }));
    }
    let carried = lang.pick(
        "Only for the family itself, to show where it moves to. It names nobody; whoever is shown it gets the family's record.",
        "仅交给该家庭本身，供其在迁入地出示。卡上没有个人信息；出示即由迁入地区接续其档案。",
    );
    let _ = writeln!(out, "{card}\n{carried}");
    Ok(())
}

/// Asks the area where the family lived to hand it over; with its card, its record follows when this is handed in.
pub(crate) fn arrived(
    tablet: &Tablet,
    args: &Arrived,
    lang: Lang,
    out: &mut Vec<u8>,
) -> Result<(), Problem> {
    let id = tablet.resolve(&args.id)?;
    let now = clock::now();
    let new = NewArrival {
        id: None,
        from: args.from.to_string(),
        on: args.on.clone().unwrap_or_else(|| writing::day(now)),
        reason: args.reason.clone(),
        until: args.until.clone(),
        card: args.card.clone(),
    };
    let done = tablet.edit(now, id, Edit::AskMove(new))?;
    writing::say(id, (&[done], &[]), args.json, lang, out)
}
