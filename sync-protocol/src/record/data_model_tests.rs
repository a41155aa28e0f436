//! `docs/DATA_MODEL.md` says what the code says.

use super::scene::*;
use super::*;
use crate::DocKind;
use serde::de::DeserializeOwned;

fn data_model() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/DATA_MODEL.md");
    std::fs::read_to_string(path).unwrap()
}

/// The table of a document's fields, as the data model shows it.
fn table(kind: DocKind) -> String {
    let mut table =
        String::from("| path | type | rule | sensitivity | purpose |\n|---|---|---|---|---|");
    for field in FIELDS.iter().filter(|field| field.kind == kind) {
        table.push_str(&format!(
            "\n| `{}` | {} | `{}` | `{}` | {} |",
            field.path,
            field.ty.describe(),
            field.rule.name(),
            field.sensitivity.name(),
            field.purpose
        ));
    }
    table
}

/// What stands between the fence that opens so and its end.
fn fenced(open: &str) -> String {
    let text = data_model();
    let (_, rest) = text.split_once(open).unwrap_or_else(|| panic!("no {open}"));
    rest.split_once("```").unwrap().0.trim_end().to_owned()
}

fn example(name: &str) -> String {
    fenced(&format!("```json {name}\n"))
}

fn read<T: DeserializeOwned>(name: &str) -> T {
    serde_json::from_str(&example(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn the_tables_are_the_declarations() {
    let text = data_model();
    for kind in DocKind::ALL {
        assert!(
            text.contains(&table(kind)),
            "the table of {kind} should be:\n{}",
            table(kind)
        );
        let constants = genesis::Lineage::of_kind(kind).changes();
        for (constant, schema) in constants.iter().zip(1..) {
            let hash = constant.hash().to_string();
            assert!(text.contains(&hash), "schema {schema} of {kind} is {hash}");
            let name = match schema {
                1 => kind.to_string(),
                later => format!("{kind} {later}"),
            };
            let shown = fenced(&format!("```text {name}\n"));
            assert_eq!(hex(&unhex(&shown)), hex(constant.raw_bytes()));
        }
    }
}

#[test]
fn the_examples_are_accepted() {
    let register = Edit::RegisterHousehold(read("new-household")).with_ids(by(1).at, &mut random());
    document(DocKind::Core).edit(&register, &by(1)).unwrap();
    let visit = Edit::RecordVisit(read("new-visit")).with_ids(by(1).at, &mut random());
    document(DocKind::Health).edit(&visit, &by(1)).unwrap();
    read::<HistoryEntry>("history-entry");
    let edits: Vec<Edit> = read("edits");
    let kinds: std::collections::BTreeSet<_> = edits.iter().map(Edit::kind).collect();
    assert_eq!(kinds.len(), 18);
}

#[test]
fn the_example_of_a_view_is_the_frozen_one() {
    assert_eq!(
        example("household-view"),
        include_str!("fixtures/household_view.json").trim_end()
    );
}

/// Ten bytes that differ each time.
fn random() -> impl FnMut() -> [u8; 10] {
    let mut next = 0;
    move || {
        next += 1;
        [next; 10]
    }
}
