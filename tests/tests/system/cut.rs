//! Thirty days offline, then a link that is cut again and again, at any byte, both ways.

use sojourn_sync_protocol::limits::BATCH_CHANGES_MAX;
use sojourn_tests::{
    files,
    generate::Generator,
    processes::Tablet,
    proxy::{Cut, Proxy, Way},
};

use crate::{
    NOW,
    office::{Office, sync, village},
};

const EDITS: usize = 2000;
const DAYS: i64 = 30;
const DAY_MS: i64 = 24 * 3_600_000;
/// Bytes of a request beside its batch, and of a reply beside its page: HTTP headers, token, proof, cursor.
const REQUEST_BYTES: u64 = 2048;
/// Bytes of a page asked for here, so that fetching takes many.
const PAGE_BYTES: u64 = 16 * 1024;

/// Everything on a tablet, as its export prints it.
fn content(tablet: &Tablet) -> String {
    tablet.run(["export"]).ok()
}

#[test]
fn thirty_days_offline_cut_at_any_byte_cost_at_most_one_page_each() {
    let office = Office::open();
    let link = Proxy::start(office.server.address()).expect("a port");
    let writer = office.tablet_at("writer", "v1", &link.url());
    let mut generator = Generator::new(30, NOW);
    let mut households: Vec<_> = (0..60)
        .map(|_| generator.household(&village("v1"), None))
        .collect();
    let mut lines: Vec<_> = households
        .iter()
        .map(|one| files::household_line(one, NOW))
        .collect();
    let per_day = (EDITS - households.len()).div_ceil(usize::try_from(DAYS).unwrap());
    for day in 0..DAYS {
        let edits = generator.working_day(&mut households, NOW.plus_millis(day * DAY_MS), per_day);
        lines.extend(files::day_lines(&edits));
    }
    lines.truncate(EDITS);
    office.import(&writer, &lines);
    assert_eq!(writer.run(["status", "--json"]).json()["pending"], EDITS);

    // Up: cut at bytes spread over the whole exchange, from the first byte of a request to deep inside the second.
    let mut cuts = 0;
    let mut pending = EDITS as u64;
    let before = link.bytes().0;
    for after_bytes in (1..60_000).step_by(3011) {
        link.cut_next(Cut {
            way: Way::Up,
            after_bytes,
        });
        let run = writer.run(["sync", "--retries", "0", "--json"]);
        let left = writer.run(["status", "--json"]).json()["pending"]
            .as_u64()
            .unwrap();
        assert!(left <= pending, "edits came back from {pending} to {left}");
        pending = left;
        if link.cuts() == cuts {
            assert_eq!(run.code, 0, "{}", run.stderr);
            break;
        }
        assert_eq!(run.code, 14, "{}", run.stderr);
        cuts = link.cuts();
    }
    assert!(cuts >= 10, "the link was cut only {cuts} times");
    // Replies cut: the batch is recorded, its fates are lost, and the same batch is sent again.
    for after_bytes in [1, 40, 200] {
        link.cut_next(Cut {
            way: Way::Down,
            after_bytes,
        });
        writer.run(["sync", "--retries", "0", "--json"]);
    }
    let cuts = link.cuts();
    let done = sync(&writer);
    assert_eq!(done["outcome"], "agreed");
    assert_eq!(writer.run(["status", "--json"]).json()["pending"], 0);
    let sent = link.bytes().0 - before;
    let once = once_through(&office, &lines);
    // A full batch, half as large again as the average of so many edits.
    let page = once * BATCH_CHANGES_MAX as u64 / EDITS as u64 * 3 / 2;
    let most = once + cuts * (page + REQUEST_BYTES) + 8 * REQUEST_BYTES;
    println!(
        "pushed {EDITS} edits over {cuts} cuts: {sent} bytes up, {once} of bodies without a cut, {page} a page"
    );
    assert!(sent <= most, "{sent} bytes sent; once through takes {once}");

    // Down: an empty tablet fetches in small pages over a link cut at every place.
    let reader = office.tablet_at("reader", "v1", &link.url());
    let page = PAGE_BYTES.to_string();
    let fetch = || reader.run(["sync", "--retries", "0", "--json", "--page-bytes", &page]);
    let before = link.bytes().1;
    let mut cut_down = 0;
    for after_bytes in (1..).step_by(2503).take(40) {
        let cuts = link.cuts();
        link.cut_next(Cut {
            way: Way::Down,
            after_bytes,
        });
        let run = fetch();
        if link.cuts() == cuts {
            assert_eq!(run.code, 0, "{}", run.stderr);
            break;
        }
        cut_down += 1;
    }
    let fetched = fetch();
    assert_eq!(fetched.code, 0, "{}", fetched.stderr);
    let got = link.bytes().1 - before;
    let whole = office.tablet("whole", "v1");
    let once = whole.run(["sync", "--json", "--page-bytes", &page]).json();
    let down = once["body_bytes_down"].as_u64().unwrap();
    println!("fetched over {cut_down} cuts: {got} bytes down, {down} of bodies without a cut");
    assert!(cut_down >= 5, "the link was cut only {cut_down} times");
    let pages = once["pages"].as_u64().unwrap();
    assert!(got <= down + cut_down * (PAGE_BYTES + REQUEST_BYTES) + (pages + 1) * REQUEST_BYTES);

    let mut same = [&writer, &reader, &whole].map(content);
    same.sort_unstable();
    assert!(same[0] == same[2], "the tablets hold different things");
    office.close();
}

/// Body bytes that the same edits take without a cut, from another tablet to another register.
fn once_through(office: &Office, lines: &[serde_json::Value]) -> u64 {
    let other = Office::open();
    let tablet = other.tablet("once", "v1");
    office.import(&tablet, lines);
    let pushed = sync(&tablet);
    assert_eq!(pushed["outcome"], "agreed");
    other.close();
    pushed["body_bytes_up"].as_u64().unwrap()
}
