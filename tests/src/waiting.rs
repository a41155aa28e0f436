//! What waits for a reviewer after the day in four villages, and the accounts to settle it with.
//!
//! The two tablets of one village write past each other once more: about an allergy, an address, where a family went, and somebody
//! who was taken out of a household. One of them prepares a move to another village. A third one writes there and is sent to
//! another village before it hands that in. The day itself leaves a birth date with two values, and an edit that came after a
//! move.

use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;
use serde_json::Value;
use sojourn_sync_protocol::{
    Timestamp,
    record::{Assignments, Edit, HouseholdView, NewHandOver, NewMove, Value as Written},
};
use std::{fs, io, path::Path};

use crate::{
    account::Account,
    files,
    generate::{Household, Village},
    linkage::again,
    processes::{Server, Tablet},
    sentence,
};

/// The province of all four villages.
const PROVINCE: &str = "37";
/// Who gets an account, and for what.
const PEOPLE: [(&str, &str, &str); 3] = [
    ("shen.yi", "审核一", "reviewer"),
    ("shen.er", "审核二", "reviewer"),
    ("guan.yi", "隐私一", "officer"),
];
/// What waits in the end, by kind.
const WAITS: [(&str, usize); 5] = [
    ("contradiction", 3),
    ("contested-residence", 1),
    ("edit-of-removed", 1),
    // The second of the two villages was told of a household that had left.
    ("late-edit", 2),
    ("quarantined", 1),
];

/// How the family that is registered twice is written down the second time.
const AFAR_SEED: u64 = 21;

/// One village's two tablets and its families, as the day left them.
pub(crate) struct Scene<'a> {
    /// Both hold every family.
    pub(crate) tablets: [&'a Tablet; 2],
    /// None of them has moved; five at least.
    pub(crate) families: &'a [Household],
    /// Where they live.
    pub(crate) village: &'a Village,
    /// Where one of them may have gone.
    pub(crate) elsewhere: [&'a Village; 2],
    /// A tablet of another county, and its village.
    pub(crate) afar: (&'a Tablet, &'a Village),
    pub(crate) now: Timestamp,
    /// For files that tablets import.
    pub(crate) folder: &'a Path,
}

/// Lets both tablets write past each other and hand that in, and checks that every question waits.
///
/// # Errors
/// When a file cannot be written.
pub(crate) fn leave(scene: &Scene<'_>, server: &Server, account: &mut Account) -> io::Result<()> {
    account.chapter(&sentence!(
        "夜里：待审核的问题",
        "Night: what waits for a reviewer"
    ));
    let several = scene.families.iter().position(|one| one.members.len() > 1);
    let removed = several.expect("one of the families has more than one person");
    let mut others = (0..scene.families.len()).filter(|at| *at != removed);
    let mut next = || others.next().expect("there are four families");
    let (allergic, housed, gone, visited) = (next(), next(), next(), next());
    for (at, tablet) in scene.tablets.iter().enumerate() {
        let mut lines = vec![
            line(scene, allergic, &allergy(scene, allergic, at)),
            line(scene, housed, &address(at)),
            line(scene, gone, &went(scene.elsewhere[at])),
            line(scene, removed, &of_somebody(scene, removed, at)),
        ];
        // One of them also prepares a move: the area that is asked answers.
        if at == 0 {
            lines.push(line(scene, allergic, &leaving(scene.elsewhere[0])));
        }
        let file = scene.folder.join(format!("night-{}.jsonl", at + 1));
        fs::write(&file, files::text(&lines))?;
        tablet.run([Path::new("import"), &file]).ok();
    }
    for tablet in scene.tablets {
        tablet.run(["sync"]).ok();
    }
    sent_away(scene, server, visited);
    register_afar(scene)?;
    let waiting = questions(server);
    let count = waiting.len();
    account.tell(&sentence!(
        "{count} 个问题待审核：过敏史、出生日期、住址各有两个值；一户两处都说迁入；一人移出后又被修改；两处迁走后的补写；\
         一项搁置的修改。另有一户在两个县各登记了一次",
        "{count} questions wait: an allergy, a birth date and an address with two values each; a family that two villages say \
         came to them; somebody removed and edited; two edits that came after a move; a change that was kept aside. And one \
         family is registered in two counties",
        count,
    ));
    let all_wait = WAITS.iter().all(|(kind, many)| {
        let found = waiting.iter().filter(|found| found.as_str() == *kind);
        found.count() == *many
    });
    account.tell(&sentence!(
        "1 户准备迁往另一村，等对方地区的审核员接收",
        "one family prepares to move to another village, and waits for a reviewer there to take it over",
    ));
    account.check(
        hand_overs(server) == 1,
        sentence!(
            "准备中的迁移在等对方答复",
            "the move that is prepared waits for its answer"
        ),
    );
    account.check(
        all_wait,
        sentence!(
            "该由人决定的都在等人决定",
            "everything that a person must decide waits for one"
        ),
    );
    Ok(())
}

/// A third tablet of the village writes, is enrolled anew for another one, and hands in then what it may not write any more.
fn sent_away(scene: &Scene<'_>, server: &Server, family: usize) {
    let staff = ["staff", "add", "外调人员", "--role", "worker", "--json"];
    let staff = server.run(staff).json();
    let staff = staff["id"].as_str().expect("staff have an id");
    let tablet = Tablet::new(scene.folder.join("tablet-sent-away"));
    let enrol = |area: &str| {
        let code = ["device", "code", "--area", area, "--staff", staff, "--json"];
        let code = server.run(code).json();
        let code = code["code"].as_str().expect("a code is text");
        let server = server.url();
        tablet
            .run(["enrol", "--server", &server, "--code", code])
            .ok();
    };
    enrol(scene.village.code.as_str());
    tablet.run(["sync"]).ok();
    let id = scene.families[family].id.to_string();
    let written = [
        "residence/address=河沿 5 号",
        "contact/note=白天在地里，晚上再来",
    ];
    tablet.run(["edit", &id, written[0], written[1]]).ok();
    enrol(scene.elsewhere[0].code.as_str());
    tablet.run(["sync"]).ok();
}

/// The largest of the families is registered in another county too, by somebody who hears and types differently. Only who answers for
/// both counties is asked whether it is one family.
fn register_afar(scene: &Scene<'_>) -> io::Result<()> {
    let largest = scene.families.iter().max_by_key(|one| one.members.len());
    let largest = largest.expect("there are four families");
    let (tablet, village) = scene.afar;
    let mut rng = Pcg64Mcg::seed_from_u64(AFAR_SEED);
    let again = again::household(&mut rng, &largest.new, village);
    let file = scene.folder.join("night-afar.json");
    fs::write(&file, serde_json::to_vec(&again)?)?;
    tablet.run([Path::new("add"), &file]).ok();
    tablet.run(["sync"]).ok();
    Ok(())
}

fn line(scene: &Scene<'_>, family: usize, edit: &Edit) -> Value {
    files::edit_line(scene.families[family].id, scene.now, edit)
}

fn allergy(scene: &Scene<'_>, family: usize, tablet: usize) -> Edit {
    let known = ["青霉素", "头孢"][tablet];
    Edit::SetHealth {
        person: scene.families[family].members[0].0,
        set: Assignments::from([("allergy".to_owned(), Some(Written::from(known)))]),
    }
}

fn address(tablet: usize) -> Edit {
    let street = ["村东头 3 号", "村西头 8 号"][tablet];
    let set = Assignments::from([("residence/address".to_owned(), Some(Written::from(street)))]);
    Edit::Set { set }
}

fn went(to: &Village) -> Edit {
    Edit::Move(NewMove {
        to: to.code.to_string(),
        on: "2026-11".into(),
        ..NewMove::default()
    })
}

fn leaving(to: &Village) -> Edit {
    Edit::ProposeMove(NewHandOver {
        to: to.code.to_string(),
        on: "2026-12-15".into(),
        reason: Some("school".into()),
        until: Some("2027-07".into()),
        ..NewHandOver::default()
    })
}

/// One takes the last person of a family out of it, the other corrects their name.
fn of_somebody(scene: &Scene<'_>, family: usize, tablet: usize) -> Edit {
    let (person, member) = scene.families[family]
        .members
        .last()
        .expect("a family has somebody");
    if tablet == 0 {
        Edit::RemovePerson {
            person: *person,
            reason: "moved-away".into(),
            on: None,
            note: None,
            to: None,
        }
    } else {
        let name = format!("{}（曾用名）", member.name);
        Edit::CorrectPerson {
            person: *person,
            set: Assignments::from([("name".to_owned(), Some(Written::Text(name)))]),
        }
    }
}

/// The kinds of all that waits, as the office exports it.
fn questions(server: &Server) -> Vec<String> {
    let mut kinds = Vec::new();
    for household in server.export(PROVINCE) {
        let waiting = household["reviews"].as_array().cloned().unwrap_or_default();
        kinds.extend(
            waiting
                .iter()
                .filter_map(|item| Some(item["kind"].as_str()?.to_owned())),
        );
    }
    kinds
}

/// How many moves are prepared and wait, as the office exports it.
fn hand_overs(server: &Server) -> usize {
    let households = server.export(PROVINCE).into_iter();
    let views = households.filter_map(|line| serde_json::from_value::<HouseholdView>(line).ok());
    let waits = |view: HouseholdView| view.prepared_moves().count();
    views.map(waits).sum()
}

/// Gives two reviewers and a privacy officer their accounts; tells how to sign in with each.
///
/// # Panics
/// When the office refuses an account.
pub fn give_accounts(server: &Server, account: &Account) {
    let console = format!("{}/console/", server.url());
    account.tell(&sentence!(
        "审核台：{console}（首次登录用一次性代码设置密码）",
        "the console: {console} (at the first sign-in the one-time code sets a password)",
        console,
    ));
    for (name, called, role) in PEOPLE {
        let staff = server.run(["staff", "add", called, "--role", role, "--json"]);
        let staff = staff.json();
        let id = staff["id"].as_str().expect("staff have an id");
        let give = [
            "account", "give", name, "--staff", id, "--area", PROVINCE, "--json",
        ];
        let given = server.run(give).json();
        let code = given["code"].as_str().expect("an account has a code");
        account.tell(&sentence!(
            "  {called}：账号 {name}，一次性代码 {code}",
            "  {called}: account {name}, one-time code {code}",
            called,
            name,
            code,
        ));
    }
}

/// Tells how any device with a browser becomes a tablet of every village of the day.
///
/// # Panics
/// When the office gives no code.
pub fn give_tablet(server: &Server, account: &Account) {
    let page = format!("{}/tablet/", server.url());
    let staff = server.run(["staff", "add", "白护士", "--role", "worker", "--json"]);
    let staff = staff.json();
    let staff = staff["id"].as_str().expect("staff have an id");
    let (area, url) = (PROVINCE, server.url());
    let code = [
        "device",
        "code",
        "--area",
        area,
        "--staff",
        staff,
        "--public-url",
        &url,
    ];
    let ran = server.run(code);
    let picture: Vec<&str> = ran.stderr.lines().filter(is_drawn).collect();
    let code = ran.stdout.trim();
    assert!(ran.code == 0 && !picture.is_empty(), "{}", ran.stderr);
    account.tell(&sentence!(
        "浏览器平板：{page}（请扫描下图，或输入代码 {code}；十分钟内有效）",
        "a tablet in a browser: {page} (scan this, or type the code {code}; good for ten minutes)",
        page,
        code,
    ));
    account.show(&picture);
}

/// Whether a line is of a picture.
fn is_drawn(line: &&str) -> bool {
    line.starts_with('\u{1b}')
}
