//! The scenarios of `tests/scenarios`, on the native engine: commands as a page gives them, and what must come of each. The browser's
//! engine goes through the same files (`tests/browser/scenarios.spec.ts`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use sojourn_client_core::bindings::desk::Desk;
use sojourn_client_core::bindings::message::Command;

use crate::office::Office;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    what: String,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Step {
    /// A tablet is asked.
    Tablet {
        /// Which; it is there from its first step on.
        on: String,
        /// The command. `{name}` stands for what was kept under that name, `{code:NAME}` for a code for that area.
        r#do: Value,
        /// What the answer has, at least.
        gives: Value,
        /// Parts of the answer that are kept, by JSON pointer.
        #[serde(default)]
        keep: BTreeMap<String, String>,
    },
    /// The office does something.
    Office {
        /// Arguments of `sojourn`.
        office: Vec<String>,
    },
}

#[test]
fn every_scenario_holds_on_the_native_engine() {
    let mut files: Vec<_> = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios"))
        .expect("there are scenarios")
        .map(|entry| entry.expect("the folder can be read").path())
        .collect();
    files.sort();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    for file in &files {
        let text = fs::read_to_string(file).expect("a scenario can be read");
        let scenario: Scenario = serde_json::from_str(&text).expect("a scenario has its shape");
        let office = Office::open();
        runtime.block_on(play(&office, file, scenario));
        office.close();
    }
    assert!(files.len() >= 5, "only {} scenarios", files.len());
}

async fn play(office: &Office, file: &Path, scenario: Scenario) {
    let name = file.file_stem().expect("a file has a name").display();
    let mut tablets = BTreeMap::new();
    let mut kept = BTreeMap::from(
        [
            ("server", office.server.url()),
            ("here", "v1".to_owned()),
            ("there", "v3".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    for (at, step) in scenario.steps.into_iter().enumerate() {
        let place = format!("{name}, step {}: {}", at + 1, scenario.what);
        match step {
            Step::Office { office: args } => {
                let args = args.iter().map(|arg| filled(arg, &kept, office));
                office.server.run(args).ok();
            }
            Step::Tablet {
                on,
                r#do,
                gives,
                keep,
            } => {
                let folder = office.folder.path().join(format!("{name}-{on}"));
                let desk = tablets.entry(on).or_insert_with(|| Desk::new(&folder));
                let asked = fill(&r#do, &kept, office);
                let command: Command = serde_json::from_value(asked.clone())
                    .unwrap_or_else(|error| panic!("{place}: {asked} is no command: {error}"));
                let answer = desk.answer(command, &|_| {}).await;
                let answer = serde_json::to_value(&answer).expect("an answer is plain data");
                if let Err(lacks) = has(&answer, &fill(&gives, &kept, office)) {
                    panic!("{place}\n{asked}\n{lacks} in {answer}");
                }
                for (name, pointer) in keep {
                    let found = answer.pointer(&pointer).and_then(Value::as_str);
                    let found = found.unwrap_or_else(|| panic!("{place}: no {pointer}"));
                    kept.insert(name, found.to_owned());
                }
            }
        }
    }
}

/// The same with every name filled in.
fn fill(value: &Value, kept: &BTreeMap<String, String>, office: &Office) -> Value {
    match value {
        Value::String(text) => filled(text, kept, office).into(),
        Value::Array(items) => items.iter().map(|item| fill(item, kept, office)).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(key, field)| (key.clone(), fill(field, kept, office)))
            .collect(),
        other => other.clone(),
    }
}

fn filled(text: &str, kept: &BTreeMap<String, String>, office: &Office) -> String {
    let Some(name) = text
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
    else {
        return text.to_owned();
    };
    let known = |name: &str| {
        let found = kept.get(name);
        found
            .unwrap_or_else(|| panic!("nothing is kept as {name}"))
            .clone()
    };
    match name.strip_prefix("code:") {
        Some(area) => office.code(&known(area)),
        None => known(name),
    }
}

/// Whether an answer has what it must: every field of an object, every item of a list and no other, the value itself. Texts in a
/// list may come in any order, as values that contradict each other do.
fn has(answer: &Value, wanted: &Value) -> Result<(), String> {
    match (answer, wanted) {
        (Value::Array(items), Value::Array(wanted))
            if items.iter().chain(wanted).all(Value::is_string) =>
        {
            let sorted = |items: &[Value]| {
                let texts = items.iter().filter_map(Value::as_str).map(str::to_owned);
                texts.collect::<BTreeSet<_>>()
            };
            if sorted(items) == sorted(wanted) {
                Ok(())
            } else {
                Err(format!("{items:?} are not {wanted:?}"))
            }
        }
        (Value::Object(fields), Value::Object(wanted)) => {
            wanted.iter().try_for_each(|(key, wanted)| {
                let field = fields.get(key).unwrap_or(&Value::Null);
                has(field, wanted).map_err(|lacks| format!("{key}: {lacks}"))
            })
        }
        (Value::Array(items), Value::Array(wanted)) if items.len() == wanted.len() => items
            .iter()
            .zip(wanted)
            .try_for_each(|(item, wanted)| has(item, wanted)),
        (answer, wanted) if answer == wanted => Ok(()),
        (answer, wanted) => Err(format!("{answer} is not {wanted}")),
    }
}
