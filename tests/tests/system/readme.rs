//! The first session in README.md is real: its commands are run and print what the page says they print.

use regex::Regex;
use sojourn_tests::processes::{Server, program};
use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const OFFICE: &str = "127.0.0.1:8470";
/// Ends the output of one command in the shell's.
const END: &str = "---- end of a command ----";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests lies in the workspace")
        .to_owned()
}

/// The fenced blocks of a page with this word behind the fence.
fn blocks<'a>(page: &'a str, word: &str) -> Vec<&'a str> {
    let fence = format!("```{word}\n");
    page.split(fence.as_str())
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect()
}

/// Commands of the session with what the page says they print.
fn session(page: &str) -> Vec<(String, String)> {
    let mut steps: Vec<(String, String)> = Vec::new();
    for line in blocks(page, "console").into_iter().flat_map(str::lines) {
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (Some(command), _) => steps.push((command.to_owned(), String::new())),
            (None, Some((_, printed))) => writeln!(printed, "{line}").expect("text takes text"),
            (None, None) => panic!("output before any command: {line}"),
        }
    }
    steps
}

/// Replaces what differs from run to run: moments, fresh ids, byte counts, and which of two dates comes first.
fn masked(text: &str) -> String {
    let masks = [
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", "TIME"),
        (
            r"\b0[0-9a-f]{7}-[0-9a-f]{4}-7[0-9a-f]{3}(-[0-9a-f]{4}-[0-9a-f]{12})?",
            "ID",
        ),
        (r"\b[0-9a-f]{64}\b", "HASH"),
        (r"\b[0-9a-f]{32}\b", "ACTOR"),
        (r"\b\d+ bytes", "N bytes"),
        (r"\b\d{4}-\d\d-\d\d\b", "DATE"),
        (r#""(actor|change|hash)":"[0-9a-f]+""#, "HASH"),
        (r" +", " "),
    ];
    let mut text = text.to_owned();
    for (pattern, by) in masks {
        text = Regex::new(pattern)
            .expect("a pattern")
            .replace_all(&text, by)
            .into_owned();
    }
    text
}

#[test]
fn the_first_session_prints_what_the_page_says() {
    let page = fs::read_to_string(root().join("README.md")).expect("README.md");
    let steps = session(&page);
    assert!(steps.len() > 15, "the session is gone from the page");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("server/data");
    fs::create_dir_all(&data).expect("the folder can be written");
    let tree = "areas-weifang.csv";
    fs::copy(root().join("server/data").join(tree), data.join(tree)).expect("the tree of areas");
    fs::write(folder.path().join("family.json"), blocks(&page, "json")[0])
        .expect("the folder can be written");

    // The office serves on a free port, started as the page says but for that.
    let mut office = Server::new(folder.path().join("office"));
    let serving = |(command, _): &(String, String)| command.contains(" serve ");
    let at = steps
        .iter()
        .position(serving)
        .expect("the session starts the office");
    let (before, after) = (&steps[..at], &steps[at + 1..]);
    let mut printed = run(folder.path(), before, "");
    office.start();
    let address = office.address().to_string();
    assert_eq!(steps[at].1, format!("listening http://{OFFICE}\n"));
    printed.extend(run(folder.path(), after, &address));

    let said = before.iter().chain(after);
    let mut wrong = String::new();
    for ((command, said), printed) in said.zip(printed) {
        if masked(said) != masked(&printed) {
            write!(wrong, "$ {command}\n{printed}").expect("text takes text");
        }
    }
    office.stop();
    assert!(wrong.is_empty(), "README.md should say:\n{wrong}");
}

/// Runs commands one after the other in one shell; gives what each printed.
fn run(folder: &Path, steps: &[(String, String)], address: &str) -> Vec<String> {
    let mut script = String::new();
    for (command, _) in steps {
        writeln!(script, "{}\necho '{END}'", command.replace(OFFICE, address))
            .expect("text takes text");
    }
    let programs = program("sojourn")
        .parent()
        .expect("a program lies in a folder")
        .to_owned();
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("bash")
        .args(["-c", &format!("exec 2>&1\n{script}")])
        .current_dir(folder)
        .env("PATH", format!("{}:{path}", programs.display()))
        .env("LANG", "en_US.UTF-8")
        .env("SOJOURN_PASSPHRASE", "four villages, one register")
        .env_remove("LC_ALL")
        .output()
        .expect("bash starts");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let mut printed: Vec<String> = text.split(&format!("{END}\n")).map(str::to_owned).collect();
    assert_eq!(
        printed.pop().as_deref(),
        Some(""),
        "the shell stopped early"
    );
    printed
}
