//! A reviewer of a whole county at the console: the queue, a question, and settling it, beside households that nobody asks about.
//!
//! Every household is handed in through the whole gate, and every contradiction by two tablets that did not know of each other.

use std::time::{Duration, Instant};

use reqwest::{Client, Method, header};
use serde_json::{Value, json};
use sojourn_sync_protocol::record::{Assignments, Document, Edit, Value as Written};
use sojourn_tests::generate::Generator;
use tokio::runtime::Runtime;

use crate::{
    Result,
    measure::{self, Spread},
    pusher::Pusher,
    report::Report,
    scene::{Bound, NOW, Register, at_once},
};

const VILLAGES: usize = 200;
const VILLAGE_HOUSEHOLDS: usize = 500;
/// Households of a village of which two tablets wrote different addresses.
const VILLAGE_QUESTIONS: usize = 25;
/// Handed in together.
const HOUSEHOLDS_A_PUSH: usize = 20;
/// Villages registered at the same time.
const WRITERS: usize = 4;
/// Times that each thing is asked.
const TIMES: usize = 201;
const QUEUE_MS_MAX: f64 = 100.0;
const SEARCH_MS_MAX: f64 = 1_000.0;
/// What a reviewer types: characters, pinyin, initials, a slip, the beginning and the end of a number, an address.
const SEARCHES: [(&str, &str); 7] = [
    ("search_by_characters", "海燕"),
    ("search_by_pinyin", "wanghai"),
    ("search_by_initials", "why"),
    ("search_by_a_slip", "wanghaiyam"),
    ("search_by_beginning", "1001"),
    ("search_by_end", "4321"),
    ("search_by_address", "村西 二号"),
];
/// What was written for the bench.
const CONTRADICTIONS: &str = "queue?kind=contradiction";
const DECISION_MS_MAX: f64 = 50.0;
const PASSWORD: &str = "correct horse battery";

/// Fills a register, then works through a part of its queue.
pub(crate) fn run(bound: &Bound) -> Result<Report> {
    let village = bound.count(VILLAGE_HOUSEHOLDS);
    let contradicted = bound.count(VILLAGE_QUESTIONS);
    let times = bound.count(TIMES);
    let what = format!(
        "{VILLAGES} villages of {village} households with {contradicted} open questions each; each thing {times} times over HTTP"
    );
    let mut report = Report::new("review", what);
    let villages: Vec<String> = (0..VILLAGES).map(|at| format!("v{at}")).collect();
    let register = Register::open(&villages, bound)?;
    let shares: Vec<Vec<(usize, &String)>> = (0..WRITERS)
        .map(|writer| {
            let all = villages.iter().enumerate();
            all.skip(writer).step_by(WRITERS).collect()
        })
        .collect();
    let begun = Instant::now();
    at_once(&shares, |_, share| {
        share
            .iter()
            .try_for_each(|(at, code)| fill(&register, code, *at, (village, contradicted), bound))
    })?;
    report.seconds("registering", begun.elapsed());

    let console = Console::sign_in(&register)?;
    let before = register.meter()?;
    let waiting = |path: &str| -> Result<u64> {
        let total = console.get(path)?.1["total"].as_u64();
        total.ok_or_else(|| "a queue has a length".into())
    };
    let written = waiting(CONTRADICTIONS)?;
    if written != (VILLAGES * contradicted) as u64 {
        return Err(format!("{written} contradictions wait").into());
    }
    // Among so many, some families look like others.
    let total = waiting("queue")?;
    report.count("open_questions", total);
    for (name, path) in [
        ("queue_page", "queue"),
        ("queue_page_of_a_village", "queue?area=v7"),
        ("areas_with_counts", "areas"),
    ] {
        let mut took = Vec::new();
        for _ in 0..times {
            bound.check()?;
            took.push(console.get(path)?.0);
        }
        report.spread(name, &Spread::of(took));
    }
    report.target("queue_page_p99_ms", QUEUE_MS_MAX);
    report.target("queue_page_of_a_village_p99_ms", QUEUE_MS_MAX);
    for (name, text) in SEARCHES {
        report.spread(name, &console.searches(text, None, times, bound)?);
        report.target(&format!("{name}_p50_ms"), SEARCH_MS_MAX);
    }
    let village = console.searches("海燕", Some("v7"), times, bound)?;
    report.spread("search_in_a_village", &village);
    let (mut opened, mut decided) = (Vec::new(), Vec::new());
    let page = console.get(&format!("{CONTRADICTIONS}&most=200"))?.1;
    let questions = page["questions"].as_array().ok_or("a page of questions")?;
    for question in questions.iter().take(times) {
        bound.check()?;
        let (took, case) = console.question(question)?;
        opened.push(took);
        decided.push(console.decide(question, &case)?);
    }
    report.spread("question", &Spread::of(opened));
    report.spread("decision", &Spread::of(decided));
    report.target("decision_p50_ms", DECISION_MS_MAX);
    let cost = register.since(&before)?;
    report.number("server_cpu_s", cost.server_cpu);
    report.count(
        "server_peak_bytes",
        measure::peak_bytes(register.server.pid()).ok_or("the server is running")?,
    );
    report.count("server_disk_bytes", register.disk_bytes()?);
    register.close();
    Ok(report)
}

/// Registers a village, and has two tablets contradict each other about its first households.
fn fill(
    register: &Register,
    code: &str,
    at: usize,
    (village, contradicted): (usize, usize),
    bound: &Bound,
) -> Result<()> {
    let (mut one, mut other) = (
        Pusher::enrol(register, code)?,
        Pusher::enrol(register, code)?,
    );
    let mut generator = Generator::new(at as u64, NOW);
    let mut left = village;
    let mut open = Vec::new();
    while left > 0 {
        bound.check()?;
        let mut changes = Vec::new();
        for _ in 0..HOUSEHOLDS_A_PUSH.min(left) {
            let (_, core, made) = one.household(&mut generator)?;
            changes.extend(made);
            if open.len() < contradicted {
                open.push(core);
            }
            left -= 1;
        }
        let push = one.push(changes);
        one.hand_in(&push)?;
    }
    for (pusher, address) in [(&mut one, "村东一号"), (&mut other, "村西二号")] {
        let changes = open
            .iter()
            .map(|core| pusher.edit(&mut Document::clone(core), &at_address(address)))
            .collect::<Result<Vec<_>>>()?;
        let push = pusher.push(changes);
        pusher.hand_in(&push)?;
    }
    Ok(())
}

fn at_address(text: &str) -> Edit {
    let written = Some(Written::Text(text.to_owned()));
    let set = Assignments::from([("residence/address".to_owned(), written)]);
    Edit::Set { set }
}

/// A reviewer of the whole county, signed in.
pub(crate) struct Console {
    client: Client,
    runtime: Runtime,
    origin: String,
    cookie: String,
}

impl Console {
    /// Signs somebody in who answers for everything.
    pub(crate) fn sign_in(register: &Register) -> Result<Self> {
        let server = &register.server;
        let staff = server.run(["staff", "add", "审核员", "--role", "reviewer", "--json"]);
        let staff = staff.json();
        let staff = staff["id"].as_str().ok_or("staff have an id")?;
        let give = [
            "account", "give", "shen.he", "--staff", staff, "--area", "C", "--json",
        ];
        let given = server.run(give).json();
        let mut console = Self {
            client: Client::new(),
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?,
            origin: format!("http://{}", server.address()),
            cookie: String::new(),
        };
        let said = json!({"account": "shen.he", "code": given["code"], "password": PASSWORD});
        let (_, _, cookie) = console.ask(Method::POST, "welcome", Some(&said))?;
        console.cookie = cookie.ok_or("a session has a cookie")?;
        Ok(console)
    }

    /// Asks, and gives how long the whole answer took, what it says, and the cookie that it sets.
    fn ask(
        &self,
        method: Method,
        path: &str,
        said: Option<&Value>,
    ) -> Result<(Duration, Value, Option<String>)> {
        let url = format!("{}/console/v1/{path}", self.origin);
        let mut request = self
            .client
            .request(method, url)
            .header(header::ORIGIN, &self.origin)
            .header(header::COOKIE, &self.cookie);
        if let Some(said) = said {
            request = request
                .header(header::CONTENT_TYPE, "application/json")
                .body(said.to_string());
        }
        let begun = Instant::now();
        let (status, cookie, body) = self.runtime.block_on(async {
            let response = request.send().await?;
            let cookie = response.headers().get(header::SET_COOKIE).cloned();
            Ok::<_, reqwest::Error>((response.status(), cookie, response.bytes().await?))
        })?;
        let took = begun.elapsed();
        if !status.is_success() {
            let body = String::from_utf8_lossy(&body);
            return Err(format!("{path} was answered {status}: {body}").into());
        }
        let cookie = cookie.and_then(|cookie| {
            let pair = cookie.to_str().ok()?.split(';').next()?;
            Some(pair.to_owned())
        });
        Ok((took, serde_json::from_slice(&body)?, cookie))
    }

    /// Reads what is at an address; gives how long that took.
    pub(crate) fn get(&self, path: &str) -> Result<(Duration, Value)> {
        let (took, answer, _) = self.ask(Method::GET, path, None)?;
        Ok((took, answer))
    }

    /// Searches for a text so many times.
    fn searches(
        &self,
        text: &str,
        area: Option<&str>,
        times: usize,
        bound: &Bound,
    ) -> Result<Spread> {
        let said = json!({"text": text, "area": area});
        let mut took = Vec::new();
        for _ in 0..times {
            bound.check()?;
            let (time, found, _) = self.ask(Method::POST, "households/search", Some(&said))?;
            if found["everywhere"] != true {
                return Err("the whole register is searched".into());
            }
            took.push(time);
        }
        Ok(Spread::of(took))
    }

    fn question(&self, question: &Value) -> Result<(Duration, Value)> {
        let text = |key: &str| question[key].as_str().unwrap_or_default();
        self.get(&format!(
            "question?household={}&kind={}&document={}&subject={}",
            text("household"),
            text("kind"),
            text("document"),
            text("subject").replace('/', "%2F")
        ))
    }

    /// Takes the first of the values that stand.
    fn decide(&self, question: &Value, case: &Value) -> Result<Duration> {
        let said = json!({
            "question": {
                "household": question["household"],
                "kind": question["kind"],
                "document": question["document"],
                "subject": question["subject"],
            },
            "seen": case["heads"],
            "choice": {
                "choose": "value",
                "change": case["contradiction"]["values"][0]["change"],
            },
            "reason": "看过证件",
        });
        let (took, outcome, _) = self.ask(Method::POST, "question/decide", Some(&said))?;
        if outcome["outcome"] != "decided" {
            return Err(format!("it is not decided: {outcome}").into());
        }
        Ok(took)
    }
}
