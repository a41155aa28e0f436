//! A household as text for a person: every field that is filled in, every value of a contradicted one.

use serde_json::{Map, Value};
use sojourn_sync_protocol::record::{Contradiction, HouseholdView, Shown};

use crate::catalogue::{Lang, labels};
use crate::table::shortened;

/// Widest a note gets before it is shortened.
const VALUE_MAX: usize = 200;

/// A household and what a person wants to know beside it.
pub(crate) struct Page<'a> {
    /// The household.
    pub(crate) view: &'a HouseholdView,
    /// Its area's names from the top of the tree down; of a contested residence, every area's.
    pub(crate) area_names: Vec<String>,
    /// Edits of it that wait to be handed in.
    pub(crate) pending: u64,
    /// Edits of it that are held.
    pub(crate) held: u64,
    /// It moved out of this tablet's areas.
    pub(crate) leaving: bool,
    /// Whether this tablet may hold health documents.
    pub(crate) health_granted: bool,
}

/// The household as text.
pub(crate) fn render(shown: &Page<'_>, lang: Lang) -> String {
    let mut out = Lines::default();
    let view = shown.view;
    out.line(
        0,
        &format!("{} {}", lang.pick("Household", "家庭"), view.id),
    );
    let json = serde_json::to_value(view).unwrap_or_default();
    if !shown.area_names.is_empty() {
        out.line(1, &shown.area_names.join(" ≠ "));
    }
    if let Some(other) = view.goes_on {
        out.line(
            1,
            &lang.pick(
                format!("This family's record goes on in {other}."),
                format!("该家庭的记录续于 {other}。"),
            ),
        );
    }
    for section in ["residence", "contact", "consent"] {
        if let Some(Value::Object(fields)) = json.get(section) {
            for (key, value) in fields.iter().filter(|(_, value)| value.as_i64() != Some(0)) {
                let text = words(section, key, value, lang);
                out.line(1, &format!("{}: {text}", labels::field(key, lang)));
            }
        }
    }
    let sections = [
        ("persons", lang.pick("Persons", "人员")),
        ("facts", lang.pick("Health facts", "健康信息")),
        ("needs", lang.pick("Requests", "诉求")),
        ("moves", lang.pick("Moves", "迁移")),
        ("visits", lang.pick("Visits", "走访")),
    ];
    for (section, title) in sections {
        let Some(Value::Object(entries)) = json.get(section) else {
            continue;
        };
        if entries.is_empty() {
            continue;
        }
        out.line(0, title);
        for (id, entry) in entries {
            out.line(1, id);
            if let Value::Object(fields) = entry {
                out.line(2, &entry_text(section, fields, lang));
            }
        }
    }
    if !shown.health_granted {
        out.line(
            0,
            lang.pick("This tablet does not hold health.", "本平板不存健康文档。"),
        );
    }
    contradictions(&mut out, &view.contradictions, lang);
    decisions(&mut out, view, lang);
    for removed in &view.edits_of_removed {
        out.line(
            0,
            &lang.pick(
                format!(
                    "Removed by one and edited by another: person {}",
                    removed.person
                ),
                format!("一人移出、另一人修改：人员 {}", removed.person),
            ),
        );
    }
    if shown.pending > 0 {
        out.line(
            0,
            &lang.pick(
                format!("{} to be handed in.", edits(shown.pending)),
                format!("{} 项修改待上交。", shown.pending),
            ),
        );
    }
    if shown.leaving {
        out.line(
            0,
            lang.pick(
                "It moved to another area and leaves this tablet once these are handed in.",
                "该家庭已迁往其他地区，待上交完成后将从本平板移除。",
            ),
        );
    }
    if shown.held > 0 {
        out.line(
            0,
            &lang.pick(
                format!("{} held; see `held`.", edits(shown.held)),
                format!("{} 项修改被搁置；见 held。", shown.held),
            ),
        );
    }
    out.text
}

/// A number of edits, in English.
pub(crate) fn edits(number: u64) -> String {
    counted(number, "edit", "edits")
}

/// A number of things, in English.
pub(crate) fn counted(number: u64, one: &str, several: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { several })
}

fn entry_text(section: &str, fields: &Map<String, Value>, lang: Lang) -> String {
    let part = |(key, value): (&String, &Value)| {
        let text = words(section, key, value, lang);
        (!text.is_empty()).then(|| format!("{} {text}", labels::field(key, lang)))
    };
    fields
        .iter()
        .filter_map(part)
        .collect::<Vec<_>>()
        .join(" · ")
}

/// A value in words; of a contradicted field, every value.
fn words(section: &str, key: &str, value: &Value, lang: Lang) -> String {
    let one = |value: &Value| match value {
        Value::Null => "—".to_owned(),
        Value::String(text) => shortened(labels::word(section, key, text, lang), VALUE_MAX),
        other => other.to_string(),
    };
    match value {
        Value::Object(fields) => match fields.get("contradicted") {
            Some(Value::Array(values)) => {
                let all = values.iter().map(one).collect::<Vec<_>>().join(" ≠ ");
                format!("{all} {}", lang.pick("(contradicted)", "（有分歧）"))
            }
            _ => entry_text(section, fields, lang),
        },
        Value::Array(values) => values.iter().map(one).collect::<Vec<_>>().join(", "),
        other => one(other),
    }
}

fn contradictions(out: &mut Lines, all: &[Contradiction], lang: Lang) {
    if all.is_empty() {
        return;
    }
    out.line(
        0,
        lang.pick(
            "Contradicted: nobody has decided yet. Set the field to settle it.",
            "有分歧，尚未决定。给字段赋值即可作出决定。",
        ),
    );
    for field in all {
        out.line(1, &field.path);
        for value in &field.values {
            let text = value
                .value
                .as_ref()
                .map_or_else(|| "—".to_owned(), ToString::to_string);
            let staff = value.staff.map(|id| id.to_string()).unwrap_or_default();
            let area = value
                .area
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default();
            let text = shortened(&text, VALUE_MAX);
            out.line(
                2,
                &format!(
                    "{text}    {} · {staff} · {area} · {}",
                    value.at, value.actor
                ),
            );
        }
    }
}

/// What reviewers decided and why, so that those who wrote the values learn it.
fn decisions(out: &mut Lines, view: &HouseholdView, lang: Lang) {
    if view.decisions.is_empty() {
        return;
    }
    out.line(0, lang.pick("Decided by a reviewer", "审核员的决定"));
    let all = |shown: &Option<Shown<String>>| {
        let values: Vec<&str> = shown
            .iter()
            .flat_map(Shown::values)
            .map(String::as_str)
            .collect();
        values.join(" ≠ ")
    };
    for decision in view.decisions.values() {
        let about = all(&decision.about);
        let (kind, subject) = about.split_once(' ').unwrap_or((&about, ""));
        let title = format!("{} {subject}", labels::question(kind, lang));
        out.line(1, title.trim_end());
        out.line(2, &shortened(&all(&decision.reason), VALUE_MAX));
        if decision.is_undone() {
            let why = shortened(&all(&decision.undone), VALUE_MAX);
            out.line(
                2,
                &lang.pick(format!("taken back: {why}"), format!("已撤回：{why}")),
            );
        }
    }
}

#[derive(Default)]
struct Lines {
    text: String,
}

impl Lines {
    fn line(&mut self, depth: usize, text: &str) {
        self.text.extend(std::iter::repeat_n(' ', depth * 2));
        self.text.push_str(text);
        self.text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sojourn_sync_protocol::record::{
        Authorship, Document, Edit, NewDecision, NewHousehold, view,
    };
    use sojourn_sync_protocol::{
        ActorId, DecisionId, DocKind, DocumentId, HouseholdId, StaffId, Timestamp,
    };

    #[test]
    fn a_decision_is_shown_with_its_reason_and_what_became_of_it() {
        let at = Timestamp::from_millis(1_795_000_000_000);
        let id = HouseholdId::new(at, [1; 10]);
        let by = Authorship {
            actor: ActorId([1; 16]),
            staff: StaffId::new(at, [1; 10]),
            area: "370724001001".parse().unwrap(),
            at,
        };
        let decision = DecisionId::new(at, [2; 10]);
        let edits = [
            Edit::RegisterHousehold(NewHousehold::default()),
            Edit::Decide(NewDecision {
                id: Some(decision),
                document: DocKind::Core,
                about: "contradiction residence/since".to_owned(),
                reason: "看过租房合同".to_owned(),
                seconded: None,
                outcome: None,
                takes_over: false,
                goes_on: None,
                set: [("residence/since".to_owned(), Some("2025-03".into()))].into(),
            }),
            Edit::UndoDecision {
                decision,
                document: DocKind::Core,
                reason: Some("合同不是这家的".to_owned()),
                set: [("residence/since".to_owned(), None)].into(),
            },
        ];
        let mut core = Document::new(DocumentId::new(id, DocKind::Core));
        let mut told = Vec::new();
        for edit in &edits {
            core.edit(edit, &by).unwrap();
            let page = Page {
                view: &view(id, &core, None).unwrap(),
                area_names: Vec::new(),
                pending: 0,
                held: 0,
                leaving: false,
                health_granted: true,
            };
            told.push([Lang::En, Lang::Zh].map(|lang| render(&page, lang)));
        }
        let [before, decided, undone] = &told[..] else {
            panic!("three edits");
        };
        assert!(!before[0].contains("Decided"));
        let english =
            "Decided by a reviewer\n  contradicted field residence/since\n    看过租房合同\n";
        assert!(decided[0].ends_with(english), "{}", decided[0]);
        assert!(decided[1].contains("审核员的决定\n  有分歧的字段 residence/since\n"));
        assert!(undone[0].ends_with("    taken back: 合同不是这家的\n"));
        assert!(undone[1].ends_with("    已撤回：合同不是这家的\n"));
    }

    #[test]
    fn a_record_that_goes_on_in_another_says_so_first() {
        let at = Timestamp::from_millis(1_795_000_000_000);
        let [id, other] = [1, 2].map(|n| HouseholdId::new(at, [n; 10]));
        let shown = HouseholdView {
            goes_on: Some(other),
            ..view(id, &Document::new(DocumentId::new(id, DocKind::Core)), None).unwrap()
        };
        let page = Page {
            view: &shown,
            area_names: Vec::new(),
            pending: 0,
            held: 0,
            leaving: false,
            health_granted: true,
        };
        let english = format!("Household {id}\n  This family's record goes on in {other}.\n");
        assert_eq!(render(&page, Lang::En), english);
        let chinese = format!("家庭 {id}\n  该家庭的记录续于 {other}。\n");
        assert_eq!(render(&page, Lang::Zh), chinese);
    }
}
