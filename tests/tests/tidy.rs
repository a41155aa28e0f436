//! House rules that a compiler does not know: layout, imports, size, what must not be written.
//!
//! Reads the checkout as text. Each rule lists every place that breaks it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

const LINES_MAX: usize = 600;
const TOP_FOLDERS: [&str; 5] = ["client-core", "docs", "server", "sync-protocol", "tests"];
const TOP_FILES: [&str; 14] = [
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "Makefile",
    "README.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "clippy.toml",
    "deny.toml",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "typos.toml",
];

/// What each crate may import of ours.
const IMPORTS: [(&str, &[&str]); 5] = [
    ("sync-protocol", &[]),
    ("client-core", &["sojourn-sync-protocol"]),
    ("client-core/web-module", &[]),
    ("server", &["sojourn-sync-protocol"]),
    (
        "tests",
        &[
            "sojourn-sync-protocol",
            "sojourn-client-core",
            "sojourn-server",
            "sojourn-disk",
        ],
    ),
];
const OURS: [&str; 5] = [
    "sojourn-disk",
    "sojourn-sync-protocol",
    "sojourn-client-core",
    "sojourn-server",
    "sojourn-web-module",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests lies in the workspace")
        .to_owned()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every file below `folder` with this ending, hidden and built folders left out.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the checkout can be read") {
            let entry = entry.expect("a folder of the checkout can be read");
            let name = entry
                .file_name()
                .into_string()
                .expect("names in the checkout are UTF-8");
            if name.starts_with('.') || name == "target" || name == "node_modules" {
                continue;
            }
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else if name.ends_with(ending) {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    found
}

/// Section, name and line of each dependency in a crate's manifest.
fn dependencies(folder: &str) -> Vec<(String, String, String)> {
    let manifest = read(&root().join(folder).join("Cargo.toml"));
    let mut section = "";
    let mut found = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line;
        } else if section.ends_with("dependencies]") && line.contains('=') && !line.starts_with('#')
        {
            let name = line
                .split(['.', ' '])
                .next()
                .expect("a split has a first part");
            found.push((section.to_owned(), name.to_owned(), line.to_owned()));
        }
    }
    found
}

/// Path from the top of the checkout, text.
fn sources() -> Vec<(String, String)> {
    let root = root();
    let inside = |path: &Path| {
        path.strip_prefix(&root)
            .expect("found below")
            .display()
            .to_string()
    };
    files(&root, ".rs")
        .iter()
        .map(|path| (inside(path), read(path)))
        .collect()
}

/// The lines of a module before its unit tests, comments left out.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text
        .lines()
        .take_while(|line| !line.starts_with("#[cfg(test)]"));
    lines
        .enumerate()
        .map(|(at, line)| (at + 1, line))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// Fails with every offence on its own line.
#[track_caller]
fn none(rule: &str, offences: Vec<String>) {
    assert!(offences.is_empty(), "{rule}:\n  {}", offences.join("\n  "));
}

/// Places in the code of files that `applies` to where one of `words` stands.
fn places(applies: impl Fn(&str) -> bool, words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let tested =
        |path: &str| applies(path) && !path.ends_with("/tests.rs") && !path.ends_with("_tests.rs");
    for (path, text) in sources().iter().filter(|(path, _)| tested(path)) {
        for (at, line) in code(text) {
            for word in words.iter().filter(|word| line.contains(**word)) {
                found.push(format!("{path}:{at}: {word}"));
            }
        }
    }
    found
}

#[test]
fn five_folders_and_no_stray_files_at_the_top() {
    let mut strays = Vec::new();
    for entry in fs::read_dir(root()).expect("the checkout can be read") {
        let entry = entry.expect("the checkout can be read");
        let name = entry.file_name().to_string_lossy().into_owned();
        let known = if entry.path().is_dir() {
            TOP_FOLDERS.as_slice()
        } else {
            TOP_FILES.as_slice()
        };
        if !name.starts_with('.') && name != "target" && !known.contains(&name.as_str()) {
            strays.push(name);
        }
    }
    none("not part of the layout", strays);
}

#[test]
fn a_module_is_one_concept_with_its_contract() {
    let mut offences = Vec::new();
    for (path, text) in sources() {
        let lines = text.lines().count();
        if lines > LINES_MAX {
            offences.push(format!("{path}: {lines} lines, at most {LINES_MAX}"));
        }
        if !text.starts_with("//!") && !path.ends_with("/tests.rs") && !path.ends_with("_tests.rs")
        {
            offences.push(format!("{path}: does not begin with its contract (`//!`)"));
        }
        let stem = Path::new(&path)
            .file_stem()
            .and_then(|stem| stem.to_str())
            .unwrap_or_default();
        if ["util", "utils", "helper", "helpers", "misc", "common"].contains(&stem) {
            offences.push(format!("{path}: names no concept"));
        }
    }
    none("a module is one concept", offences);
}

#[test]
fn a_folder_of_modules_holds_more_than_one() {
    let mut lonely = Vec::new();
    let sources = sources();
    for (path, _) in sources
        .iter()
        .filter(|(path, _)| path.contains("/src/") && !path.contains("/src/bin/"))
    {
        let (folder, _) = path.rsplit_once('/').expect("a source lies in a folder");
        let beside = sources
            .iter()
            .filter(|(other, _)| other.starts_with(&format!("{folder}/")))
            .count();
        if beside == 1 && !folder.ends_with("/src") {
            lonely.push(path.clone());
        }
    }
    none("a folder with one file is a file", lonely);
}

#[test]
fn unsafe_code_stands_where_sqlite_asks_for_it_alone() {
    let word = concat!("unsa", "fe");
    let elsewhere = |path: &str| path != "tests/disk/src/vfs.rs";
    let calls = [
        format!("{word} {{"),
        format!("{word} fn"),
        format!("{word} impl"),
    ];
    let words: Vec<&str> = calls.iter().map(String::as_str).collect();
    none("one module speaks C", places(elsewhere, &words));
}

#[test]
fn nothing_is_left_for_later() {
    // Written apart, so that this file does not contain what it looks for.
    let words = [
        concat!("#[ign", "ore"),
        concat!("to", "do!("),
        concat!("unimpl", "emented!("),
        concat!("db", "g!("),
    ];
    let mut found = Vec::new();
    let marks = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X:"),
    ];
    for (path, text) in sources() {
        for (at, line) in text.lines().enumerate() {
            for word in words
                .iter()
                .chain(&marks)
                .filter(|word| line.contains(**word))
            {
                found.push(format!("{path}:{}: {word}", at + 1));
            }
        }
    }
    none("left for later", found);
}

#[test]
fn imports_go_one_way() {
    let mut wrong = Vec::new();
    for (folder, allowed) in IMPORTS {
        let manifest = read(&root().join(folder).join("Cargo.toml"));
        for name in OURS.iter().filter(|name| !allowed.contains(name)) {
            let itself = format!("name = \"{name}\"");
            for line in manifest
                .lines()
                .filter(|line| line.contains(*name) && **line != itself)
            {
                wrong.push(format!("{folder}/Cargo.toml: {line}"));
            }
        }
        if !manifest.contains("[lints]\nworkspace = true") {
            wrong.push(format!(
                "{folder}/Cargo.toml: does not take the workspace's lints"
            ));
        }
    }
    none("an import against the layout", wrong);
}

#[test]
fn the_protocol_is_pure() {
    let words = [
        "std::fs",
        "std::net",
        "std::env",
        "std::thread",
        "std::process",
        "SystemTime",
        "Instant::now",
        "Timestamp::now",
        "Zoned::now",
        "getrandom::",
        "tokio::",
        "println!",
        "eprintln!",
    ];
    none(
        "sync-protocol does no I/O",
        places(|path| path.starts_with("sync-protocol/src/"), &words),
    );
}

#[test]
fn one_module_of_each_program_reads_the_clock_and_the_random_source() {
    let words = [
        "SystemTime::now",
        "jiff::Timestamp::now",
        "Zoned::now",
        "getrandom::",
        "Uuid::now_v7",
        "Uuid::new_v4",
    ];
    let applies = |path: &str| {
        (path.starts_with("server/src/") || path.starts_with("client-core/src/"))
            && !path.ends_with("/clock.rs")
    };
    none("time and randomness are arguments", places(applies, &words));
}

#[test]
fn the_engine_does_not_leak_out_of_the_servers_store() {
    let outside =
        |path: &str| path.starts_with("server/src/") && !path.starts_with("server/src/store/");
    none(
        "concepts know the store, not its engine",
        places(outside, &["rusqlite"]),
    );
}

#[test]
fn every_dependency_is_pinned_once_and_has_its_reason() {
    let manifest = read(&root().join("Cargo.toml"));
    let (_, rest) = manifest
        .split_once("[workspace.dependencies]")
        .expect("the workspace pins dependencies");
    let pinned: BTreeSet<_> = rest
        .lines()
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once(" = ").map(|(name, _)| name))
        .filter(|name| !OURS.contains(name))
        .collect();
    let page = read(&root().join("docs/decisions/dependencies.md"));
    let reasons: BTreeSet<_> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split_once(" | "))
        .filter(|(name, reason)| *name != "crate" && reason.trim_end_matches(" |").len() > 10)
        .map(|(name, _)| name)
        .collect();
    let mut offences: Vec<_> = pinned
        .difference(&reasons)
        .map(|name| format!("{name}: no reason"))
        .collect();
    offences.extend(
        reasons
            .difference(&pinned)
            .map(|name| format!("{name}: a reason for what is not used")),
    );

    let mut used = BTreeSet::new();
    for (folder, _) in IMPORTS {
        for (_, name, line) in dependencies(folder) {
            if !line.contains("workspace = true") {
                offences.push(format!(
                    "{folder}/Cargo.toml: {line} is not pinned in the workspace"
                ));
            }
            used.insert(name);
        }
    }
    let unused = pinned.iter().filter(|name| !used.contains(**name));
    offences.extend(unused.map(|name| format!("{name}: unused")));
    none("dependencies and docs/decisions/dependencies.md", offences);
}

#[test]
fn a_crate_names_what_it_depends_on() {
    let mut unnamed = Vec::new();
    let sources = sources();
    for (folder, _) in IMPORTS {
        // What stands under a target may be there for a feature alone.
        let plain = dependencies(folder)
            .into_iter()
            .filter(|(section, ..)| !section.starts_with("[target"));
        for (section, name, _) in plain {
            let path = format!("{}::", name.replace('-', "_"));
            let named = |(file, text): &(String, String)| {
                file.starts_with(&format!("{folder}/")) && text.contains(&path)
            };
            if !sources.iter().any(named) {
                unnamed.push(format!("{folder}/Cargo.toml {section} {name}"));
            }
        }
    }
    none("a dependency that its crate never names", unnamed);
}

#[test]
fn the_record_cannot_hold_what_it_refuses() {
    const REFUSED: [&str; 22] = [
        "biometric",
        "fingerprint",
        "fingerprints",
        "iris",
        "face",
        "gait",
        "voiceprint",
        "dna",
        "permit",
        "permits",
        "quota",
        "quotas",
        "fine",
        "fines",
        "penalty",
        "penalties",
        "punishment",
        "informant",
        "informants",
        "sterilisation",
        "sterilization",
        "contraception",
    ];
    let mut found = Vec::new();
    for field in sojourn_sync_protocol::record::FIELDS {
        for word in field.path.split(['/', '_', '-', '.', '{', '}']) {
            if REFUSED.contains(&word.to_ascii_lowercase().as_str()) {
                found.push(format!("{}: {word}", field.path));
            }
        }
    }
    // Tables and their columns are declared in capitals, beside the code of the concept that owns them.
    let declares = [" TEXT", " BIGINT", " BLOB", "CREATE TABLE"];
    for (path, text) in sources() {
        for (at, line) in
            code(&text).filter(|(_, line)| declares.iter().any(|word| line.contains(word)))
        {
            for word in line.split(|c: char| !c.is_ascii_alphanumeric()) {
                if REFUSED.contains(&word.to_ascii_lowercase().as_str()) {
                    found.push(format!("{path}:{at}: {word}"));
                }
            }
        }
    }
    none("a service tool, not an enforcement tool", found);
}

#[test]
fn links_in_the_documents_lead_somewhere() {
    let mut broken = Vec::new();
    for page in files(&root(), ".md") {
        let text = read(&page);
        for target in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let path = target.split('#').next().unwrap_or_default();
            let elsewhere = path.is_empty() || path.contains("://") || path.starts_with("mailto:");
            let folder = page.parent().expect("a page lies in a folder");
            if !elsewhere && !folder.join(path).exists() {
                broken.push(format!("{}: {target}", page.display()));
            }
        }
    }
    none("broken links", broken);
}

#[test]
fn every_decision_is_listed_and_numbered() {
    let folder = root().join("docs/decisions");
    let index = read(&folder.join("README.md"));
    let mut offences = Vec::new();
    let mut records: Vec<_> = files(&folder, ".md")
        .iter()
        .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
        .collect();
    records.retain(|name| name.starts_with(|c: char| c.is_ascii_digit()));
    for (at, name) in records.iter().enumerate() {
        if !name.starts_with(&format!("{:04}-", at + 1)) {
            offences.push(format!("{name}: expected number {:04}", at + 1));
        }
        if !index.contains(&format!("({name})")) {
            offences.push(format!("{name}: not in the list"));
        }
    }
    none("docs/decisions", offences);
}

/// Deliberate bugs that the simulated world is tried with, at least.
const BUGS_MIN: usize = 25;

#[test]
fn every_deliberate_bug_can_be_put_in() {
    let bugs = sojourn_tests::mutants::bugs(&root()).expect("the list can be read");
    assert!(bugs.len() >= BUGS_MIN, "{} bugs", bugs.len());
    let tried = |bug: &sojourn_tests::mutants::Bug| {
        let sound = read(&root().join(&bug.file));
        bug.put_into(&sound).err()
    };
    none("tests/mutants", bugs.iter().filter_map(tried).collect());
}
