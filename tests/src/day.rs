//! One day in four villages: five tablets, real processes, generated families.
//!
//! Three villages of one town and one of the next county. Staff work without a signal, contradict each
//! other, a family moves county, a link breaks midway; at the end everybody must hold the same. The demo
//! tells it aloud, a test plays it in silence. What is then left for a reviewer is in `waiting`.

use jiff::civil::Date;
use serde_json::Value;
use sojourn_sync_protocol::{AreaCode, Timestamp};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    account::Account,
    files,
    generate::{Generator, Household, Village},
    processes::{Server, Tablet},
    proxy::{Cut, Proxy, Way},
    sentence,
    waiting::{self, Scene},
};

/// The villages, as they stand in the tree: three of 铺集镇 in 胶州市, one of 柴沟镇 in 高密市.
const VILLAGES: [(&str, &str); 4] = [
    ("370281105270", "370281105"),
    ("370281105201", "370281105"),
    ("370281105271", "370281105"),
    ("370785114200", "370785114"),
];
/// Which village each tablet works in.
const TABLETS: [usize; 5] = [0, 0, 1, 2, 3];
/// The tablet whose link breaks.
const BEHIND_LINK: usize = 2;
const FAMILIES_PER_VILLAGE: usize = 8;
const EDITS_PER_TABLET: usize = 25;
const SEED: u64 = 20_261_124;

/// The day's cast.
struct Cast {
    villages: Vec<Village>,
    tablets: Vec<Tablet>,
    families: Vec<Vec<Household>>,
    generator: Generator,
    now: Timestamp,
    folder: PathBuf,
    /// What stands between tablet 3 and the server.
    link: Proxy,
}

/// Plays the day in `folder`, on a server that `sojourn demo` sets up there. The server is left running.
///
/// # Errors
/// When a file cannot be written.
///
/// # Panics
/// When a program cannot be started or fails where it must not.
pub fn play(folder: &Path, now: Timestamp, account: &mut Account) -> io::Result<Server> {
    let mut server = Server::new(folder.join("server"));
    let mut cast = open(folder, now, &mut server, account)?;
    morning(&mut cast, account)?;
    let told = offline(&mut cast, account)?;
    let link_held = broken_link(&cast, account);
    evening(&cast, account);
    verify(&cast, &server, &told, link_held, account);
    let address = server.address().to_string();
    server.stop();
    let check = server.run(["check"]);
    let checked = check.code == 0;
    account.check(
        checked,
        sentence!(
            "中心库自检：每项修改、每份文档、每行汇总都与日志一致",
            "the server's own check: every change, document and row agrees with the log",
        ),
    );
    server.start_at(&address);
    let scene = Scene {
        tablets: [&cast.tablets[0], &cast.tablets[1]],
        families: &cast.families[0][2..],
        village: &cast.villages[0],
        elsewhere: [&cast.villages[1], &cast.villages[2]],
        afar: (&cast.tablets[4], &cast.villages[3]),
        now,
        folder,
    };
    waiting::leave(&scene, &server, account)?;
    Ok(server)
}

/// Sets up the server and enrols the tablets.
fn open(folder: &Path, now: Timestamp, server: &mut Server, account: &Account) -> io::Result<Cast> {
    account.chapter(&sentence!("清晨：登记平板", "Early: tablets are enrolled"));
    let areas: Vec<&str> = TABLETS.iter().map(|village| VILLAGES[*village].0).collect();
    let codes = server.start_demo(&areas);
    let names = village_names();
    let village = |(code, _): &(&str, &str)| Village {
        code: code.parse::<AreaCode>().expect("a code of the tree"),
        name: names[*code].clone(),
    };
    let villages: Vec<Village> = VILLAGES.iter().map(village).collect();
    let link = Proxy::start(server.address())?;
    let mut tablets = Vec::new();
    for (at, code) in codes.iter().enumerate() {
        let tablet = Tablet::new(folder.join(format!("tablet-{}", at + 1)));
        let code = code["code"].as_str().expect("a code is text");
        let url = if at == BEHIND_LINK {
            link.url()
        } else {
            server.url()
        };
        tablet.run(["enrol", "--server", &url, "--code", code]).ok();
        tablets.push(tablet);
        let (number, place) = (at + 1, villages[TABLETS[at]].place());
        account.tell(&sentence!(
            "平板 {number}：{place}",
            "tablet {number}: {place}",
            number,
            place
        ));
    }
    let generator = Generator::new(SEED, now);
    let cast = Cast {
        villages,
        tablets,
        families: Vec::new(),
        generator,
        now,
        folder: folder.into(),
        link,
    };
    Ok(cast)
}

/// Names of the tree that the demo imports, by code.
fn village_names() -> BTreeMap<String, String> {
    let tree = sojourn_server::demo::AREA_TREE;
    let row = |line: &str| {
        let mut columns = line.splitn(4, ',');
        let code = columns.next()?.to_owned();
        Some((code, columns.nth(2)?.to_owned()))
    };
    tree.lines().filter_map(row).collect()
}

impl Cast {
    fn import(&self, tablet: usize, name: &str, lines: &[Value]) -> io::Result<()> {
        let file = self.folder.join(name);
        fs::write(&file, files::text(lines))?;
        self.tablets[tablet].run([Path::new("import"), &file]).ok();
        Ok(())
    }
}

/// Each village registers its families, the first half on its first tablet; everybody syncs.
fn morning(cast: &mut Cast, account: &Account) -> io::Result<()> {
    account.chapter(&sentence!(
        "上午：登记家庭并同步",
        "Morning: families are registered, and synced"
    ));
    for village in cast.villages.clone() {
        let draw = |generator: &mut Generator| generator.household(&village, None);
        let families = (0..FAMILIES_PER_VILLAGE)
            .map(|_| draw(&mut cast.generator))
            .collect();
        cast.families.push(families);
    }
    for (tablet, village) in [(0, 0), (2, 1), (3, 2), (4, 3)] {
        let lines: Vec<Value> = cast.families[village]
            .iter()
            .map(|family| files::household_line(family, cast.now))
            .collect();
        cast.import(tablet, &format!("families-{village}.jsonl"), &lines)?;
    }
    for (at, tablet) in cast.tablets.iter().enumerate() {
        let synced = tablet.run(["sync", "--json"]).json();
        let (number, pushed, received) = (at + 1, &synced["pushed"], &synced["received"]);
        account.tell(&sentence!(
            "平板 {number} 上交 {pushed} 项修改，收到 {received} 条",
            "tablet {number} pushed {pushed} edits and received {received} entries",
            number,
            pushed,
            received,
        ));
    }
    Ok(())
}

/// What the day's story is about, to be checked in the evening.
struct Told {
    /// The family whose eldest has two birth dates.
    contradicted: String,
    /// Where in the record.
    birth_path: String,
    birth_dates: BTreeSet<String>,
    /// The family that moves.
    moved: String,
    late_note: String,
}

/// Nobody has a signal: a day's edits on every tablet, a contradiction, a move, a late edit.
fn offline(cast: &mut Cast, account: &Account) -> io::Result<Told> {
    account.chapter(&sentence!("白天：没有信号", "By day: no signal"));
    for (at, village) in TABLETS.into_iter().enumerate() {
        let mut families = cast.families[village].clone();
        // The two tablets of one village see different families, except in the story below.
        let half = families.len() / 2;
        let mine = if at == 1 {
            &mut families[half..]
        } else {
            &mut families[2..half]
        };
        let day = cast.generator.working_day(mine, cast.now, EDITS_PER_TABLET);
        cast.import(
            at,
            &format!("day-{}.jsonl", at + 1),
            &files::day_lines(&day),
        )?;
    }
    let edits = EDITS_PER_TABLET;
    account.tell(&sentence!(
        "五台平板各记下 {edits} 项走访、电话与诉求",
        "five tablets each note {edits} visits, telephone numbers and requests",
        edits,
    ));

    let family = &cast.families[0][0];
    let contradicted = family.id.to_string();
    let (person, member) = &family.members[0];
    let birth_path = format!("persons/{person}/birth");
    let dates = [
        member.born.saturating_add(jiff::Span::new().days(9)),
        earlier(member.born),
    ];
    let birth_dates: BTreeSet<String> = dates.iter().map(ToString::to_string).collect();
    for (tablet, date) in cast.tablets[..2].iter().zip(&dates) {
        tablet
            .run(["edit", &contradicted, &format!("{birth_path}={date}")])
            .ok();
    }
    let (name, first, second) = (&member.name, &dates[0], &dates[1]);
    account.tell(&sentence!(
        "平板 1 记 {name} 生于 {first}，平板 2 记 {second}",
        "tablet 1 writes that {name} was born on {first}, tablet 2 writes {second}",
        name,
        first,
        second,
    ));

    let moving = &cast.families[0][1];
    let moved = moving.id.to_string();
    let to = &cast.villages[3];
    let late_note = "搬走前在旧址收到体检报告".to_owned();
    cast.tablets[0]
        .run(["move", &moved, "--to", to.code.as_str(), "--reason", "work"])
        .ok();
    cast.tablets[1]
        .run(["edit", &moved, &format!("contact/note={late_note}")])
        .ok();
    let (name, place) = (&moving.members[0].1.name, to.place());
    account.tell(&sentence!(
        "{name} 一家迁往邻县{place}，平板 1 记下迁移；平板 2 不知情，还在补写",
        "the family of {name} moves to {place} in the next county: tablet 1 notes the move; tablet 2, not knowing, writes on",
        name,
        place,
    ));
    Ok(Told {
        contradicted,
        birth_path,
        birth_dates,
        moved,
        late_note,
    })
}

fn earlier(date: Date) -> Date {
    date.saturating_sub(jiff::Span::new().years(1))
}

/// Tablet 3 finds a signal that goes away midway: what it wrote stays with it, and comes again whole.
fn broken_link(cast: &Cast, account: &Account) -> bool {
    account.chapter(&sentence!("傍晚：信号中断", "Dusk: a link that breaks"));
    let tablet = &cast.tablets[BEHIND_LINK];
    let before = tablet.run(["status", "--json"]).json()["pending"].clone();
    cast.link.cut_next(Cut {
        way: Way::Up,
        after_bytes: 3000,
    });
    let cut = tablet.run(["sync", "--retries", "0"]);
    let after = tablet.run(["status", "--json"]).json()["pending"].clone();
    let code = cut.code;
    account.tell(&sentence!(
        "平板 3 同步到一半断线（退出码 {code}），{after} 项修改仍在平板上",
        "tablet 3 loses the link midway (exit code {code}); its {after} edits are still there",
        code,
        after,
    ));
    code == 14 && before == after && cast.link.cuts() == 1
}

/// Everybody syncs until nothing moves any more.
fn evening(cast: &Cast, account: &Account) {
    account.chapter(&sentence!("晚上：大家同步", "Evening: everybody syncs"));
    for round in 1..=2 {
        for (at, tablet) in cast.tablets.iter().enumerate() {
            let synced = tablet.run(["sync", "--json"]).json();
            let (number, pushed, received) = (at + 1, &synced["pushed"], &synced["received"]);
            let (up, down) = (&synced["body_bytes_up"], &synced["body_bytes_down"]);
            account.tell(&sentence!(
                "第 {round} 轮，平板 {number}：上交 {pushed} 项，收到 {received} 条；上行 {up} 字节，下行 {down} 字节",
                "round {round}, tablet {number}: pushed {pushed}, received {received}; {up} bytes up, {down} bytes down",
                round,
                number,
                pushed,
                received,
                up,
                down,
            ));
        }
    }
}

/// Households by id, as a tablet exports them. Numbers of people are left out: the office sees them masked.
fn by_id(lines: &[Value]) -> BTreeMap<String, Value> {
    let one = |line: &Value| {
        let mut record = line.clone();
        for person in record["persons"]
            .as_object_mut()
            .into_iter()
            .flat_map(|all| all.values_mut())
        {
            person
                .as_object_mut()
                .map(|fields| fields.remove("id_number"));
        }
        (line["id"].as_str().unwrap_or_default().to_owned(), record)
    };
    lines.iter().map(one).collect()
}

/// What the office exports, less what it adds to the record.
fn records(exported: &[Value]) -> BTreeMap<String, Value> {
    let mut records = by_id(exported);
    for fields in records.values_mut().filter_map(Value::as_object_mut) {
        for added in ["area", "contested", "reviews"] {
            fields.remove(added);
        }
    }
    records
}

fn verify(cast: &Cast, server: &Server, told: &Told, link_held: bool, account: &mut Account) {
    account.chapter(&sentence!("各处现存", "What each now holds"));
    let held: Vec<BTreeMap<String, Value>> = cast
        .tablets
        .iter()
        .map(|tablet| by_id(&tablet.run(["export"]).json_lines()))
        .collect();
    for (at, tablet) in cast.tablets.iter().enumerate() {
        let status = tablet.run(["status", "--json"]).json();
        let (number, place) = (at + 1, cast.villages[TABLETS[at]].place());
        let (households, persons) = (&status["households"], &status["persons"]);
        let contradictions = &status["contradictions"];
        account.tell(&sentence!(
            "平板 {number}（{place}）：{households} 户 {persons} 人，{contradictions} 处矛盾待人决定",
            "tablet {number} ({place}): {households} households, {persons} persons, {contradictions} contradictions for a person to settle",
            number,
            place,
            households,
            persons,
            contradictions,
        ));
        let drained = status["pending"] == 0 && status["held"] == 0;
        account.check(
            drained,
            sentence!(
                "平板 {number} 没有待上交的",
                "tablet {number} has nothing left to hand in",
                number
            ),
        );
    }
    let mut total = 0;
    for (at, village) in cast.villages.iter().enumerate() {
        let exported = server.export(village.code.as_str());
        let (place, count) = (village.place(), exported.len());
        total += count;
        account.tell(&sentence!(
            "中心库 {place}：{count} 户",
            "the server, {place}: {count} households",
            place,
            count
        ));
        for (tablet, _) in TABLETS.iter().enumerate().filter(|(_, home)| **home == at) {
            let same = held[tablet] == records(&exported);
            let number = tablet + 1;
            account.check(
                same,
                sentence!(
                    "平板 {number} 与中心库逐字段相同",
                    "tablet {number} and the server hold the same, field by field",
                    number,
                ),
            );
        }
    }
    account.check(
        total == FAMILIES_PER_VILLAGE * VILLAGES.len(),
        sentence!(
            "{total} 户一户不少",
            "no household of the {total} is missing",
            total
        ),
    );
    verify_story(cast, server, told, &held, account);
    account.check(
        link_held,
        sentence!("断线时一项未丢", "the broken link lost nothing"),
    );
}

fn verify_story(
    cast: &Cast,
    server: &Server,
    told: &Told,
    held: &[BTreeMap<String, Value>],
    account: &mut Account,
) {
    let both = |household: Option<&Value>| {
        let contradictions = household.and_then(|household| household["contradictions"].as_array());
        let found = contradictions
            .into_iter()
            .flatten()
            .find(|one| one["path"] == told.birth_path.as_str());
        let values = found
            .and_then(|one| one["values"].as_array())
            .into_iter()
            .flatten();
        let dates: BTreeSet<String> = values
            .filter_map(|value| value["value"].as_str().map(str::to_owned))
            .collect();
        dates == told.birth_dates
    };
    let shown = held[..2]
        .iter()
        .all(|tablet| both(tablet.get(&told.contradicted)));
    account.check(
        shown,
        sentence!(
            "两个出生日期在两台平板上都并列显示",
            "both birth dates stand side by side on both tablets"
        ),
    );
    let gone = held[..4]
        .iter()
        .all(|tablet| !tablet.contains_key(&told.moved));
    let arrived = held[4].get(&told.moved);
    account.check(
        gone && arrived.is_some(),
        sentence!(
            "迁走的家庭已从旧村平板清除，到了新村平板",
            "the family that moved is gone from its old village's tablets and on its new village's",
        ),
    );
    let note = arrived.map(|household| household["contact"]["note"] == told.late_note.as_str());
    account.check(
        note == Some(true),
        sentence!(
            "旧村的迟到补写没有丢",
            "the late edit from the old village was not lost"
        ),
    );
    let exported = server.export(cast.villages[3].code.as_str());
    let reviewed = exported
        .iter()
        .find(|household| household["id"] == told.moved.as_str());
    let mut reviews = reviewed
        .and_then(|household| household["reviews"].as_array())
        .into_iter()
        .flatten();
    account.check(
        reviews.any(|review| review["kind"] == "late-edit"),
        sentence!(
            "迟到补写已标记待审",
            "the late edit is marked for a reviewer"
        ),
    );
}
