//! What goes wrong in the field: each has its own sentence that says what to do and its own exit code, and
//! nothing is lost by it.

use sojourn_sync_protocol::{codec, refusal::Refusal};
use sojourn_tests::{
    files,
    generate::Generator,
    processes::{Ran, Tablet},
};
use std::{
    fs,
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    net::{Ipv4Addr, TcpListener},
    process::Command,
    thread,
};

use crate::{
    NOW,
    office::{Office, sync, village},
};

/// A tablet with some households, of which a few edits wait to be handed in.
fn with_waiting(office: &Office, seed: u64) -> Tablet {
    let tablet = office.tablet(&format!("tablet-{seed}"), "v1");
    let mut generator = Generator::new(seed, NOW);
    let mut households: Vec<_> = (0..20)
        .map(|_| generator.household(&village("v1"), None))
        .collect();
    let lines: Vec<_> = households
        .iter()
        .map(|one| files::household_line(one, NOW))
        .collect();
    office.import(&tablet, &lines);
    sync(&tablet);
    let day = generator.working_day(&mut households, NOW, 15);
    office.import(&tablet, &files::day_lines(&day));
    tablet
}

/// The tablet failed with this code and a sentence that has these words, and still holds its edits.
fn failed(tablet: &Tablet, ran: &Ran, code: i32, words: &[&str]) {
    assert_eq!(ran.code, code, "{}{}", ran.stdout, ran.stderr);
    for word in words {
        assert!(
            ran.stderr.contains(word),
            "`{word}` is not in: {}",
            ran.stderr
        );
    }
    assert_eq!(
        tablet.run(["status", "--json"]).json()["pending"],
        15,
        "edits were lost"
    );
}

/// After the trouble, everything is handed in.
fn recovers(office: Office, tablet: &Tablet) {
    let synced = sync(tablet);
    assert_eq!(synced["outcome"], "agreed", "{synced}");
    assert_eq!(tablet.run(["status", "--json"]).json()["pending"], 0);
    let exported = office
        .server
        .run(["households", "export", "--json"])
        .json_lines();
    assert_eq!(exported.len(), 20);
    office.close();
}

#[test]
fn a_wrong_passphrase() {
    let office = Office::open();
    let tablet = with_waiting(&office, 1);
    let ran = tablet.with_passphrase("something else").run(["list"]);
    failed(&tablet, &ran, 10, &["passphrase"]);
    recovers(office, &tablet);
}

#[test]
fn a_corrupt_database_is_kept_aside_and_salvaged() {
    let office = Office::open();
    let tablet = with_waiting(&office, 2);
    let database = tablet.data.join("tablet.db");
    let mut file = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(&database)
        .unwrap();
    let size = file.metadata().unwrap().len();
    // The first page: nothing opens without it, everything else can still be read.
    file.seek(SeekFrom::Start(100)).unwrap();
    file.write_all(&[0xa5; 64]).unwrap();
    drop(file);
    let ran = tablet.run(["list"]);
    failed(&tablet, &ran, 11, &["corrupt"]);
    let aside = fs::read_dir(&tablet.data)
        .unwrap()
        .map(|entry| entry.unwrap());
    let aside: Vec<_> = aside
        .filter(|entry| entry.file_name().to_string_lossy().contains("corrupt"))
        .collect();
    assert!(
        aside
            .iter()
            .any(|entry| entry.metadata().unwrap().len() >= size),
        "the old file is gone"
    );
    recovers(office, &tablet);
}

#[test]
fn a_full_disk() {
    let office = Office::open();
    let tablet = with_waiting(&office, 3);
    let big: Vec<_> = {
        let mut generator = Generator::new(33, NOW);
        (0..2000)
            .map(|_| files::household_line(&generator.household(&village("v1"), None), NOW))
            .collect()
    };
    let file = office.folder.path().join("many.jsonl");
    fs::write(&file, files::text(&big)).unwrap();
    // A small disk of its own, on which the tablet lives for one command.
    let disk = office.folder.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let import = {
        let on_disk = Tablet::new(disk.join("tablet"));
        on_disk.command([std::path::Path::new("import"), &file])
    };
    let mut command = Command::new("unshare");
    command
        .args(namespaces())
        .args(["sh", "-euc"])
        .arg(
            "mount -t tmpfs -o size=4m tmpfs \"$1\"; cp -a \"$2\" \"$1/tablet\"; shift 2; code=0; \
             from=$1; shift; \"$@\" || code=$?; cp -a \"$0/tablet/.\" \"$from/\"; exit $code",
        )
        .arg(&disk)
        .arg(&disk)
        .arg(&tablet.data)
        .arg(&tablet.data)
        .arg(import.get_program())
        .args(import.get_args());
    for (key, value) in import.get_envs() {
        command.env(key, value.unwrap());
    }
    let output = command.output().expect("unshare is part of every Debian");
    let ran = Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    };
    failed(&tablet, &ran, 12, &["disk"]);
    recovers(office, &tablet);
}

/// A mount of its own: root may have one, others as root of a namespace of their own.
fn namespaces() -> &'static [&'static str] {
    let id = Command::new("id")
        .arg("-u")
        .output()
        .expect("id is part of every system");
    if id.stdout == b"0\n" {
        &["--mount"]
    } else {
        &["--mount", "--map-root-user"]
    }
}

#[test]
fn a_wrong_clock() {
    let office = Office::open();
    let tablet = with_waiting(&office, 4);
    let ran = tablet.with_clock_shift(3 * 24 * 3_600_000).run(["sync"]);
    failed(&tablet, &ran, 16, &["clock"]);
    recovers(office, &tablet);
}

#[test]
fn an_expired_token_is_renewed_by_either_clock() {
    let mut office = Office::open();
    let tablet = with_waiting(&office, 5);
    let address = office.server.address().to_string();
    office.server.stop();
    // Eleven minutes later the token has expired. A tablet whose clock says so asks for another at once.
    office.server.set_clock_shift(660_000);
    office.server.start_at(&address);
    let idle = tablet
        .with_clock_shift(660_000)
        .run(["sync", "--json"])
        .json();
    assert_eq!(
        (&idle["outcome"], &idle["round_trips"]),
        (&"agreed".into(), &2.into())
    );
    // Eleven more: one whose clock is slow hears it from the server.
    office.server.stop();
    office.server.set_clock_shift(1_320_000);
    office.server.start_at(&address);
    let slow = tablet
        .with_clock_shift(1_100_000)
        .run(["sync", "--json"])
        .json();
    assert_eq!(
        (&slow["outcome"], &slow["round_trips"]),
        (&"agreed".into(), &3.into())
    );
    office.close();
}

#[test]
fn a_withdrawn_tablet_is_told_to_ask_the_office() {
    let office = Office::open();
    let tablet = with_waiting(&office, 10);
    let status = tablet.run(["status", "--json"]).json();
    office
        .server
        .run(["device", "withdraw", status["device"].as_str().unwrap()])
        .ok();
    let ran = tablet.run(["sync"]);
    failed(&tablet, &ran, 15, &["office"]);
    office.close();
}

#[test]
fn no_connection_and_a_login_page() {
    let mut office = Office::open();
    let tablet = with_waiting(&office, 6);
    let address = office.server.address();
    office.server.stop();
    let ran = tablet.run(["sync", "--retries", "0"]);
    failed(&tablet, &ran, 14, &["connection"]);
    // A network that answers everything with a page of its own.
    let page = answer_once(address, "200 OK", "text/html", b"<html>log in</html>");
    let ran = tablet.run(["sync", "--retries", "0"]);
    page.join().unwrap();
    failed(&tablet, &ran, 14, &["network"]);
    office.server.start_at(&address.to_string());
    recovers(office, &tablet);
}

#[test]
fn a_server_of_another_version() {
    let mut office = Office::open();
    let tablet = with_waiting(&office, 7);
    let address = office.server.address();
    office.server.stop();
    let mut refusal = codec::encode(&Refusal::Version { min: 2, max: 3 }, codec::Effort::Quick);
    let old = answer_once(
        address,
        "426 Upgrade Required",
        codec::CONTENT_TYPE,
        &refusal,
    );
    let ran = tablet.run(["sync", "--retries", "0"]);
    old.join().unwrap();
    failed(&tablet, &ran, 17, &["version"]);
    // One that answers in frames of a later protocol.
    refusal[0] = 9;
    let new = answer_once(address, "200 OK", codec::CONTENT_TYPE, &refusal);
    let ran = tablet.run(["sync", "--retries", "0"]);
    new.join().unwrap();
    failed(&tablet, &ran, 17, &["version"]);
    office.server.start_at(&address.to_string());
    recovers(office, &tablet);
}

/// Stands where the server stood and gives one answer.
fn answer_once(
    address: std::net::SocketAddr,
    status: &str,
    content_type: &str,
    body: &[u8],
) -> thread::JoinHandle<()> {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, address.port())).expect("the port is free again");
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let answer = [head.as_bytes(), body].concat();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("the tablet connects");
        let mut request = Vec::new();
        let mut buffer = [0; 4096];
        while !whole(&request) {
            match stream
                .read(&mut buffer)
                .expect("the tablet sends a request")
            {
                0 => break,
                read => request.extend_from_slice(&buffer[..read]),
            }
        }
        stream
            .write_all(&answer)
            .expect("the tablet reads the answer");
    })
}

/// Whether an HTTP request has come in whole.
fn whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some(head) = request.windows(4).position(|four| four == b"\r\n\r\n") else {
        return false;
    };
    let length = text[..]
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ").map(str::to_owned));
    let length: usize = length
        .and_then(|length| length.trim().parse().ok())
        .unwrap_or(0);
    request.len() >= head + 4 + length
}

#[test]
fn an_unknown_area() {
    let office = Office::open();
    let tablet = with_waiting(&office, 8);
    let id = tablet.run(["list", "--json"]).json();
    let id = first_id(&id);
    let ran = tablet.run(["move", &id, "--to", "nowhere"]);
    failed(&tablet, &ran, 18, &["nowhere"]);
    recovers(office, &tablet);
}

fn first_id(list: &serde_json::Value) -> String {
    let rows = list
        .as_array()
        .or_else(|| list["households"].as_array())
        .expect("a list of households");
    rows[0]["id"]
        .as_str()
        .expect("a household has an id")
        .to_owned()
}

#[test]
fn one_byte_of_a_stored_change_makes_the_check_fail_and_name_the_row() {
    let mut office = Office::open();
    let tablet = with_waiting(&office, 9);
    sync(&tablet);
    office.server.stop();
    office.server.run(["check"]).ok();
    let database = rusqlite::Connection::open(office.server.data().join("sojourn.db")).unwrap();
    let (household, hash, mut bytes): (Vec<u8>, Vec<u8>, Vec<u8>) = database
        .query_row(
            "SELECT household, hash, bytes FROM changes ORDER BY hash LIMIT 1 OFFSET 7",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    database
        .execute(
            "UPDATE changes SET bytes = ?1 WHERE household = ?2 AND hash = ?3",
            (&bytes, &household, &hash),
        )
        .unwrap();
    drop(database);
    let ran = office.server.run(["check"]);
    assert_eq!(ran.code, 20, "{}{}", ran.stdout, ran.stderr);
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(
        format!("{}{}", ran.stdout, ran.stderr).contains(&hash),
        "{}{}",
        ran.stdout,
        ran.stderr
    );
}
