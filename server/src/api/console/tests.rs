//! The console as its pages meet it: real accounts, cookies and JSON, the whole stack of layers, no socket.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode, header};
use serde_json::{Value, json};
use sojourn_sync_protocol::record::{Edit, NewHandOver};
use sojourn_sync_protocol::{MoveId, StaffId};
use tower::ServiceExt as _;

use crate::accounts::{self, AccountName};
use crate::api::router;
use crate::clock;
use crate::code::Code;
use crate::rehearsal::{NOW, area, household, rename};
use crate::review::scene::{Office, address, addresses};
use crate::staff::{self, Role, Staff};
use crate::state::AppState;

const PASSWORD: &str = "correct horse battery";
const ORIGIN: &str = "http://127.0.0.1:8470";

/// Two tablets of village `a` that contradict each other, and the console.
struct World {
    office: Office,
    state: Arc<AppState>,
    router: Router,
}

/// A browser: its cookie, when it has one.
#[derive(Default)]
struct Browser {
    cookie: Option<String>,
}

struct Answer {
    status: StatusCode,
    response: Response<()>,
    body: Value,
}

impl World {
    async fn new() -> World {
        let mut office = Office::new().await;
        office
            .contradict(&address("东一号"), &address("西二号"))
            .await;
        let state = office.register.served().await;
        let router = router(Arc::clone(&state));
        World {
            office,
            state,
            router,
        }
    }

    /// Somebody with an account for these areas, signed in.
    async fn signed_in(&self, name: &str, role: Role, areas: &[&str]) -> Browser {
        let staff = Staff {
            id: StaffId::new(NOW, clock::random()),
            name: format!("审 {name}"),
            role,
        };
        let (code, now) = (Code::from_random(clock::random()), self.state.clock.now());
        let (account, shown): (AccountName, _) = (name.parse().unwrap(), code.grouped());
        let areas: Vec<_> = areas.iter().map(|code| area(code)).collect();
        self.state
            .store
            .write("account", move |tx| {
                staff::add(tx, &staff, now)?;
                accounts::give(tx, &account, staff.id, &areas, &code, now)
            })
            .await
            .unwrap();
        let mut browser = Browser::default();
        let came = json!({"account": name, "code": shown, "password": PASSWORD});
        let answer = self.post(&mut browser, "welcome", came).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        assert_eq!(answer.body["account"], name);
        browser
    }

    async fn send(&self, browser: &mut Browser, mut request: Request<Body>) -> Answer {
        if let Some(cookie) = &browser.cookie {
            let cookie = cookie.parse().unwrap();
            request.headers_mut().insert(header::COOKIE, cookie);
        }
        let response = self.router.clone().oneshot(request).await.unwrap();
        if let Some(set) = response.headers().get(header::SET_COOKIE) {
            let set = set.to_str().unwrap();
            let (pair, attributes) = set.split_once(';').unwrap();
            for needed in ["HttpOnly", "SameSite=Strict", "Path=/console"] {
                assert!(attributes.contains(needed), "{set}");
            }
            browser.cookie = (!attributes.contains("Max-Age=0")).then(|| pair.to_owned());
        }
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status,
            body: serde_json::from_slice(&bytes).unwrap_or_default(),
            response: Response::from_parts(parts, ()),
        }
    }

    /// What an area has: households, questions that wait now, and those for later.
    async fn counts(&self, browser: &mut Browser, code: &str) -> Value {
        let areas = self.get(browser, "areas").await.body;
        let mut found = areas.as_array().unwrap().iter();
        let area = found.find(|area| area["code"] == code).unwrap();
        json!([area["households"], area["open"], area["put_off"]])
    }

    async fn get(&self, browser: &mut Browser, path: &str) -> Answer {
        let request = Request::get(format!("/console/v1/{path}"));
        self.send(browser, request.body(Body::empty()).unwrap())
            .await
    }

    async fn post(&self, browser: &mut Browser, path: &str, said: Value) -> Answer {
        self.post_from(browser, path, said, Some(ORIGIN)).await
    }

    async fn post_from(
        &self,
        browser: &mut Browser,
        path: &str,
        said: Value,
        origin: Option<&str>,
    ) -> Answer {
        let mut request = Request::post(format!("/console/v1/{path}"))
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(origin) = origin {
            request = request.header(header::ORIGIN, origin);
        }
        let request = request.body(Body::from(said.to_string())).unwrap();
        self.send(browser, request).await
    }

    /// The first question of the queue as an address asks for it, and as a body names it.
    async fn question(&self, browser: &mut Browser) -> (String, Value) {
        let queue = self.get(browser, "queue").await.body;
        let first = &queue["questions"][0];
        let text = |key: &str| first[key].as_str().unwrap().to_owned();
        let (of, kind) = (text("household"), text("kind"));
        let (document, subject) = (text("document"), text("subject"));
        let path = format!(
            "question?household={of}&kind={kind}&document={document}&subject={}",
            subject.replace('/', "%2F").replace(' ', "%20")
        );
        let named =
            json!({"household": of, "kind": kind, "document": document, "subject": subject});
        (path, named)
    }

    fn refused(answer: &Answer, status: StatusCode, code: &str) {
        assert_eq!(answer.status, status, "{}", answer.body);
        assert_eq!(answer.body["code"], code);
        assert!(answer.body["message"].is_string());
    }
}

#[tokio::test]
async fn a_search_finds_in_ones_areas_and_stands_in_the_trail_without_what_was_sought() {
    let world = World::new().await;
    let mut reviewer = world.signed_in("shen", Role::Reviewer, &["a"]).await;
    let mut elsewhere = world.signed_in("bie", Role::Reviewer, &["e"]).await;
    let mut officer = world.signed_in("guan", Role::Officer, &["a"]).await;
    let said = json!({"text": "东一号"});
    let path = "households/search";
    let found = world.post(&mut reviewer, path, said.clone()).await;
    assert_eq!(found.status, StatusCode::OK, "{}", found.body);
    assert_eq!(found.body["found"][0]["by"], "address");
    assert_eq!(
        found.body["found"][0]["household"],
        household(1).to_string()
    );
    assert!(found.body["names"]["areas"]["a"].is_string());
    let nothing = world.post(&mut elsewhere, path, said.clone()).await;
    assert_eq!(nothing.body["found"], json!([]));
    let refused = world.post(&mut officer, path, said.clone()).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let refused = world.post_from(&mut reviewer, path, said, None).await;
    assert_eq!(refused.body["code"], "elsewhere");
    let long = world.post(&mut reviewer, path, json!({"text": "x".repeat(101)}));
    assert_eq!(long.await.body["code"], "malformed");

    let trail = world.get(&mut officer, "audit").await;
    let entries = trail.body["entries"].as_array().unwrap();
    let told: Vec<&Value> = entries
        .iter()
        .filter(|entry| entry["action"] == "households-searched")
        .collect();
    assert_eq!(told.len(), 1);
    assert_eq!(
        (&told[0]["subject"], &told[0]["area"]),
        (&json!("1"), &json!("a"))
    );
    assert!(!trail.body.to_string().contains("东一号"));
}

#[tokio::test]
async fn a_reviewer_settles_a_contradiction_and_takes_it_back() {
    let mut world = World::new().await;
    let mut browser = world.signed_in("shen.yi", Role::Reviewer, &["n"]).await;
    let queue = world.get(&mut browser, "queue").await.body;
    assert_eq!(queue["total"], 1);
    assert_eq!(queue["questions"][0]["subject"], "residence/address");
    assert_eq!(queue["names"]["areas"]["a"], "甲");
    let (path, question) = world.question(&mut browser).await;
    let case = world.get(&mut browser, &path).await;
    assert_eq!(case.status, StatusCode::OK, "{}", case.body);
    assert_eq!(
        case.response.headers()[header::CACHE_CONTROL],
        "no-store",
        "no browser keeps it"
    );
    let sides = case.body["sides"].as_array().unwrap();
    assert_eq!(sides.len(), 2);
    let values = case.body["contradiction"]["values"].as_array().unwrap();
    let east = values.iter().find(|found| found["value"] == "东一号");
    let decide = json!({
        "question": question,
        "seen": case.body["heads"],
        "choice": {"choose": "value", "change": east.unwrap()["change"]},
        "reason": "看过证件",
    });
    let decided = world
        .post(&mut browser, "question/decide", decide.clone())
        .await;
    assert_eq!(decided.status, StatusCode::OK, "{}", decided.body);
    assert_eq!(decided.body["outcome"], "decided");
    World::refused(
        &world.post(&mut browser, "question/decide", decide).await,
        StatusCode::CONFLICT,
        "stale",
    );
    World::refused(
        &world.get(&mut browser, &path).await,
        StatusCode::NOT_FOUND,
        "unknown",
    );
    world.office.meet().await;
    assert_eq!(addresses(&world.office.one), ["东一号"]);
    assert_eq!(addresses(&world.office.other), ["东一号"]);

    let of = household(1).to_string();
    let page = world
        .get(&mut browser, &format!("household?id={of}"))
        .await
        .body;
    let decision = decided.body["decision"].as_str().unwrap();
    assert_eq!(page["record"]["decisions"][decision]["reason"], "看过证件");
    assert!(page["history"].as_array().unwrap().len() > 3);
    let undo = json!({
        "household": of, "document": "core", "decision": decision, "reason": "看错了",
    });
    let undone = world
        .post(&mut browser, "decision/undo", undo.clone())
        .await;
    assert_eq!(undone.body["outcome"], "undone", "{}", undone.body);
    World::refused(
        &world.post(&mut browser, "decision/undo", undo).await,
        StatusCode::CONFLICT,
        "undone-already",
    );
    world.office.meet().await;
    assert_eq!(addresses(&world.office.one), ["东一号", "西二号"]);
    let areas = world.get(&mut browser, "areas").await.body;
    assert_eq!(areas.as_array().unwrap().len(), 3);
    assert_eq!(world.counts(&mut browser, "a").await, json!([1, 1, 0]));

    let mut officer = world.signed_in("guan.yi", Role::Officer, &["p"]).await;
    let trail = world.get(&mut officer, "audit?most=200").await.body;
    let actions: Vec<_> = trail["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["action"].as_str().unwrap())
        .collect();
    assert_eq!(
        actions,
        [
            "signed-in-first",
            "decision-undone",
            "household-read",
            "decided",
            "question-read",
            "signed-in-first",
        ]
    );
}

#[tokio::test]
async fn what_waits_for_later_is_counted_apart_from_what_waits_now() {
    let world = World::new().await;
    let mut browser = world.signed_in("shen.yi", Role::Reviewer, &["p"]).await;
    let (_, question) = world.question(&mut browser).await;
    assert_eq!(world.counts(&mut browser, "a").await, json!([1, 1, 0]));
    let until = world.state.clock.now().plus_millis(60_000).millis();
    let later = json!({"question": question, "until": until, "reason": "等家人回来"});
    let later = world.post(&mut browser, "question/put-off", later).await;
    assert_eq!(later.status, StatusCode::OK, "{}", later.body);
    assert_eq!(world.counts(&mut browser, "a").await, json!([1, 0, 1]));
    let up = json!({"question": question});
    world.post(&mut browser, "question/take-up", up).await;
    assert_eq!(world.counts(&mut browser, "a").await, json!([1, 1, 0]));
    let ask = json!({"question": question, "text": "门牌是东一号吗？"});
    let asked = world.post(&mut browser, "question/ask", ask).await;
    assert_eq!(asked.status, StatusCode::OK, "{}", asked.body);
    assert_eq!(world.counts(&mut browser, "a").await, json!([1, 0, 1]));
}

#[tokio::test]
async fn each_sees_what_is_theirs_and_no_more() {
    let world = World::new().await;
    let mut near = world.signed_in("shen.yi", Role::Reviewer, &["a"]).await;
    let mut far = world.signed_in("shen.er", Role::Reviewer, &["s"]).await;
    let mut officer = world.signed_in("guan.yi", Role::Officer, &["p"]).await;
    let (path, question) = world.question(&mut near).await;
    assert_eq!(world.get(&mut far, "queue").await.body["total"], 0);
    World::refused(
        &world.get(&mut far, &path).await,
        StatusCode::NOT_FOUND,
        "unknown",
    );
    let of = format!("household?id={}", household(1));
    World::refused(
        &world.get(&mut far, &of).await,
        StatusCode::NOT_FOUND,
        "unknown",
    );
    for path in ["queue", &path, &of, "areas", "live"] {
        World::refused(
            &world.get(&mut officer, path).await,
            StatusCode::FORBIDDEN,
            "not-yours",
        );
    }
    World::refused(
        &world.get(&mut near, "audit").await,
        StatusCode::FORBIDDEN,
        "not-yours",
    );
    for path in ["me", "queue", &path, &of, "areas", "audit", "live"] {
        World::refused(
            &world.get(&mut Browser::default(), path).await,
            StatusCode::UNAUTHORIZED,
            "unauthenticated",
        );
    }
    for path in ["question/claim", "question/release", "question/decide"] {
        let said = json!({"question": question});
        World::refused(
            &world.post(&mut Browser::default(), path, said).await,
            StatusCode::UNAUTHORIZED,
            "unauthenticated",
        );
    }
    let trail = world.get(&mut officer, "audit").await.body;
    let read = trail["entries"].as_array().unwrap().iter();
    let read: Vec<_> = read
        .filter(|entry| entry["action"] == "question-read")
        .collect();
    assert!(read.is_empty(), "what was refused was not read: {read:?}");
}

#[tokio::test]
async fn a_question_is_left_to_whoever_is_at_work_on_it() {
    let world = World::new().await;
    let mut one = world.signed_in("shen.yi", Role::Reviewer, &["a"]).await;
    let mut two = world.signed_in("shen.er", Role::Reviewer, &["a"]).await;
    let (_, question) = world.question(&mut one).await;
    let said = json!({"question": question});
    let claim = world.post(&mut one, "question/claim", said.clone()).await;
    assert_eq!(claim.status, StatusCode::OK, "{}", claim.body);
    let refused = world.post(&mut two, "question/claim", said.clone()).await;
    World::refused(&refused, StatusCode::CONFLICT, "claimed");
    assert_eq!(refused.body["claim"], claim.body);
    let queue = world.get(&mut two, "queue?mine=true").await.body;
    assert_eq!(queue["total"], 0);
    let queue = world.get(&mut one, "queue?mine=true").await.body;
    let holder = queue["questions"][0]["claim"]["staff"].as_str().unwrap();
    assert_eq!(queue["names"]["staff"][holder], "审 shen.yi");
    let nobody = json!({"question": question, "colleague": household(7)});
    World::refused(
        &world.post(&mut one, "question/claim", nobody).await,
        StatusCode::NOT_FOUND,
        "unknown",
    );
    let released = world.post(&mut one, "question/release", said.clone()).await;
    assert_eq!(released.status, StatusCode::NO_CONTENT);
    let claim = world.post(&mut two, "question/claim", said).await;
    assert_eq!(claim.status, StatusCode::OK);
}

#[tokio::test]
async fn who_somebody_is_two_people_settle_and_both_are_named() {
    let mut world = World::new().await;
    let (one, two) = (rename(1, "孙一"), rename(1, "孙二"));
    world.office.contradict(&one, &two).await;
    let mut first = world.signed_in("shen.yi", Role::Reviewer, &["a"]).await;
    let mut second = world.signed_in("shen.er", Role::Reviewer, &["a"]).await;
    // Who somebody is comes before where they live.
    let (path, question) = world.question(&mut first).await;
    let case = world.get(&mut first, &path).await.body;
    assert_eq!(case["needs_two"], true);
    let decide = json!({
        "question": question,
        "seen": case["heads"],
        "choice": {"choose": "value", "change": case["contradiction"]["values"][0]["change"]},
        "reason": "看过证件",
    });
    for (browser, outcome) in [(&mut first, "proposed"), (&mut second, "decided")] {
        let said = decide.clone();
        let answer = world.post(browser, "question/decide", said).await;
        assert_eq!(answer.body["outcome"], outcome, "{}", answer.body);
    }
    let of = format!("household?id={}", household(1));
    let page = world.get(&mut second, &of).await.body;
    let decisions = page["record"]["decisions"].as_object().unwrap();
    let (_, decision) = decisions.iter().next().unwrap();
    let agreed = decision["seconded"].as_str().unwrap();
    assert_eq!(page["names"]["staff"][agreed], "审 shen.yi");
}

#[tokio::test]
async fn another_sites_page_changes_nothing() {
    let world = World::new().await;
    let mut browser = world.signed_in("shen.yi", Role::Reviewer, &["a"]).await;
    let (_, question) = world.question(&mut browser).await;
    let said = json!({"question": question});
    for origin in [None, Some("null"), Some("https://elsewhere.example")] {
        let answer = world
            .post_from(&mut browser, "question/claim", said.clone(), origin)
            .await;
        World::refused(&answer, StatusCode::FORBIDDEN, "elsewhere");
    }
    let queue = world.get(&mut browser, "queue?mine=true").await.body;
    assert_eq!(queue["total"], 0);
}

#[tokio::test]
async fn who_signs_out_is_out_and_a_stolen_cookie_with_them() {
    let world = World::new().await;
    let mut browser = world.signed_in("shen.yi", Role::Reviewer, &["a"]).await;
    let mut stolen = Browser {
        cookie: browser.cookie.clone(),
    };
    assert_eq!(world.get(&mut stolen, "me").await.status, StatusCode::OK);
    let out = world.post(&mut browser, "sign-out", json!({})).await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    assert_eq!(browser.cookie, None);
    World::refused(
        &world.get(&mut stolen, "me").await,
        StatusCode::UNAUTHORIZED,
        "unauthenticated",
    );
    let said = json!({"account": "shen.yi", "password": "wrong horse battery"});
    let wrong = world.post(&mut browser, "sign-in", said).await;
    World::refused(&wrong, StatusCode::FORBIDDEN, "wrong");
    assert_eq!(browser.cookie, None);
    let said = json!({"account": "shen.yi", "password": PASSWORD});
    let again = world.post(&mut browser, "sign-in", said).await;
    assert_eq!(again.status, StatusCode::OK, "{}", again.body);
    assert_eq!(again.body["settles"], true);
    assert!(world.get(&mut browser, "me").await.status.is_success());
}

#[tokio::test]
async fn what_cannot_be_read_is_told_as_json() {
    let world = World::new().await;
    let mut browser = world.signed_in("shen.yi", Role::Reviewer, &["a"]).await;
    for path in [
        "queue?colour=red",
        "queue?after=x",
        "household?id=7",
        "queue?kind=odd",
    ] {
        World::refused(
            &world.get(&mut browser, path).await,
            StatusCode::BAD_REQUEST,
            "malformed",
        );
    }
    for said in [
        json!({}),
        json!([]),
        json!("x".repeat(super::BODY_BYTES_MAX)),
    ] {
        World::refused(
            &world.post(&mut browser, "question/decide", said).await,
            StatusCode::BAD_REQUEST,
            "malformed",
        );
    }
    for path in ["nothing", "question/claim/more"] {
        World::refused(
            &world.get(&mut browser, path).await,
            StatusCode::NOT_FOUND,
            "unknown",
        );
    }
}

#[tokio::test]
async fn a_family_is_taken_over_once_and_both_areas_can_read_by_whom() {
    let mut world = World::new().await;
    let entry = MoveId::new(NOW, [7; 10]);
    let leaving = Edit::ProposeMove(NewHandOver {
        id: Some(entry),
        to: "e".to_owned(),
        on: "2026-12-01".to_owned(),
        ..NewHandOver::default()
    });
    world.office.one.edit(1, &leaving);
    world.office.meet().await;
    let mut near = world.signed_in("shen.yi", Role::Reviewer, &["n"]).await;
    let mut asked = world.signed_in("shen.er", Role::Reviewer, &["s"]).await;
    let mut officer = world.signed_in("guan.yi", Role::Officer, &["s"]).await;
    for (browser, group) in [(&mut near, "outgoing"), (&mut asked, "incoming")] {
        let list = world.get(browser, "handovers").await.body;
        assert_eq!((&list["total"], &list[group]), (&json!(1), &json!(1)));
        assert_eq!(list["waiting"][0]["group"], group);
        assert_eq!(list["names"]["areas"]["e"], "戊");
        let other = world.get(browser, "handovers?group=escalated").await.body;
        assert_eq!(other["total"], 0);
    }
    let path = format!("handover?household={}&entry={entry}", household(1));
    let page = world.get(&mut asked, &path).await.body;
    assert_eq!(page["stub"]["name"], json!(["王1"]));
    assert_eq!(page["record"], Value::Null);
    let answer = json!({
        "household": household(1), "entry": entry, "seen": page["seen"],
        "answer": "accept", "reason": "已联系家人",
    });
    World::refused(
        &world
            .post(&mut near, "handover/answer", answer.clone())
            .await,
        StatusCode::FORBIDDEN,
        "not-yours",
    );
    World::refused(
        &world.get(&mut officer, "handovers").await,
        StatusCode::FORBIDDEN,
        "not-yours",
    );
    let done = world
        .post(&mut asked, "handover/answer", answer.clone())
        .await;
    assert_eq!(done.body, json!({"state": "accepted"}), "{}", done.body);
    let again = world.post(&mut asked, "handover/answer", answer).await;
    World::refused(&again, StatusCode::CONFLICT, "answered");
    assert_eq!(again.body["state"], "accepted");
    World::refused(
        &world.get(&mut near, &path).await,
        StatusCode::NOT_FOUND,
        "unknown",
    );
    let counts = format!("handover/counts?since=0&until={}", i64::MAX);
    let counts = world.get(&mut asked, &counts).await.body;
    assert_eq!(counts["areas"]["e"]["in_handed_over"], 1, "{counts}");
    let trail = world.get(&mut officer, "audit").await.body;
    let told: Vec<_> = trail["entries"].as_array().unwrap().iter().collect();
    let of = |action: &str| {
        told.iter()
            .filter(|entry| entry["action"] == action)
            .count()
    };
    assert_eq!((of("hand-over-read"), of("hand-over-accepted")), (1, 1));
}
