//! One folder is one process's: the second is told so in its own sentence, with its own exit code, and harms nothing.

use sojourn_tests::{files, generate::Generator, processes::Tablet};
use std::{
    fs,
    io::Write as _,
    process::{Command, Stdio},
};

use crate::{
    NOW,
    office::{Office, sync, village},
};

#[test]
fn a_second_server_on_one_folder() {
    let office = Office::open();
    let tablet = office.tablet("tablet", "v1");
    let second = office.server.run(["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(second.code, 21, "{}{}", second.stdout, second.stderr);
    assert!(
        second.stderr.contains("Another process has"),
        "{}",
        second.stderr
    );
    let folder = office.server.data().display().to_string();
    assert!(second.stderr.contains(&folder), "{}", second.stderr);
    // The first goes on, and so does what runs beside it by its leave.
    assert_eq!(sync(&tablet)["outcome"], "agreed");
    office.server.run(["check"]).ok();
    office.close();
}

#[test]
fn a_second_tablet_on_one_folder() {
    let office = Office::open();
    let tablet = office.tablet("tablet", "v1");
    let pipe = office.folder.path().join("lines");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let mut generator = Generator::new(21, NOW);
    let lines: Vec<_> = (0..2000)
        .map(|_| files::household_line(&generator.household(&village("v1"), None), NOW))
        .collect();
    // An import that has read half of its file holds the folder for as long as the other half does not come.
    let mut holder = hold(&tablet, &pipe);
    let mut writer = fs::OpenOptions::new().write(true).open(&pipe).unwrap();
    let text = files::text(&lines);
    let (first, rest) = text.split_at(text.len() / 2);
    writer.write_all(first.as_bytes()).unwrap();
    let second = tablet.run(["list"]);
    writer.write_all(rest.as_bytes()).unwrap();
    drop(writer);
    assert!(holder.wait().unwrap().success());
    assert_eq!(second.code, 21, "{}{}", second.stdout, second.stderr);
    assert!(
        second.stderr.contains("Another process is using"),
        "{}",
        second.stderr
    );
    let status = tablet.run(["status", "--json"]).json();
    assert_eq!(status["pending"], 2000, "{status}");
    assert_eq!(sync(&tablet)["outcome"], "agreed");
    office.close();
}

fn hold(tablet: &Tablet, pipe: &std::path::Path) -> std::process::Child {
    let mut command = tablet.command([std::path::Path::new("import"), pipe]);
    command
        .stdout(Stdio::null())
        .spawn()
        .expect("the program starts")
}
