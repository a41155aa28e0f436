//! `enrol` and `sync`: what speaks to the server.

use std::io::Write;

use serde_json::json;
use sojourn_client_core::Tablet;
use sojourn_client_core::clock::{self, SystemRandom};
use sojourn_client_core::enrol::{self, Enrolment};
use sojourn_client_core::sync::driver::{self, Options, Report, Surroundings, SystemClock};
use sojourn_client_core::sync::session::{Outcome, RetryPolicy};
use sojourn_client_core::sync::transport::{Http, TransportError};
use tokio_util::sync::CancellationToken;

use crate::args::{Enrol, Sync};
use crate::catalogue::Lang;
use crate::household::{counted, edits};
use crate::problem::Problem;
use crate::progress::Bar;

fn runtime() -> Result<tokio::runtime::Runtime, Problem> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(Problem::Output)
}

fn http() -> Result<Http, Problem> {
    Http::new().map_err(|error| Problem::Failed(error.into()))
}

/// Enrols the folder.
pub(crate) fn enrol(
    tablet: &Tablet,
    args: &Enrol,
    lang: Lang,
    out: &mut Vec<u8>,
) -> Result<(), Problem> {
    check_address(&args.server, args.allow_http)?;
    let label = args.label.clone().unwrap_or_else(|| "tablet".into());
    let wanted = Enrolment {
        server: &args.server,
        code: &args.code,
        label: &label,
    };
    let transport = http()?;
    let reply = runtime()?.block_on(enrol::enrol(
        tablet,
        &transport,
        &clock::now,
        &mut SystemRandom,
        wanted,
    ))?;
    if args.json {
        let line = json!({
            "device": reply.device,
            "staff": reply.staff,
            "staff_name": reply.staff_name,
            "grant": reply.grant,
        });
        return crate::reading::json(out, &line);
    }
    let areas = reply
        .grant
        .areas
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ");
    let _ = writeln!(
        out,
        "{}",
        lang.pick(
            format!(
                "Enrolled as the tablet of {}, for {areas}. Run `sync` to fetch its households.",
                reply.staff_name
            ),
            format!(
                "已登记为{}的平板，负责 {areas}。运行 sync 取回家庭。",
                reply.staff_name
            ),
        )
    );
    Ok(())
}

/// Household data crosses the network only inside TLS, except to this machine or where somebody said so.
fn check_address(server: &str, allow_http: bool) -> Result<(), Problem> {
    let wrong = |reason: &str| Problem::Failed(TransportError::Address(reason.into()).into());
    let url = reqwest::Url::parse(server).map_err(|error| wrong(&error.to_string()))?;
    let local = match url.host_str() {
        Some(host) => {
            let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
            host == "localhost" || address.is_ok_and(|address| address.is_loopback())
        }
        None => return Err(wrong("no host")),
    };
    match url.scheme() {
        "https" => Ok(()),
        "http" if local || allow_http => Ok(()),
        "http" => Err(Problem::PlainHttp(server.into())),
        _ => Err(wrong("not https")),
    }
}

/// Runs one session.
pub(crate) fn sync(
    tablet: &Tablet,
    args: &Sync,
    lang: Lang,
    out: &mut Vec<u8>,
) -> Result<(), Problem> {
    let mut options = Options {
        retry: RetryPolicy {
            retries: args.retries,
            ..RetryPolicy::default()
        },
        ..Options::default()
    };
    if let Some(page_bytes) = args.page_bytes {
        options.page_bytes = page_bytes;
    }
    let transport = http()?;
    let cancel = CancellationToken::new();
    let bar = Bar::new(lang, args.json);
    let report = runtime()?.block_on(async {
        let stop = cancel.clone();
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                stop.cancel();
            }
        });
        let mut random = SystemRandom;
        let around = Surroundings {
            tablet,
            transport: &transport,
            clock: &SystemClock,
            random: &mut random,
            cancel: &cancel,
        };
        driver::run(around, options, &mut |progress, tally| {
            bar.show(&progress, &tally)
        })
        .await
    });
    bar.close();
    let report = report?;
    let status = tablet.status()?;
    let (queued, held) = (status.pending, status.held);
    let problem = problem_of(&report.outcome);
    if args.json {
        crate::reading::json(out, &summary(&report, queued, held, problem.as_ref()))?;
    } else {
        let _ = writeln!(out, "{}", sentence(&report, queued, held, lang));
    }
    problem.map_or(Ok(()), Err)
}

fn problem_of(outcome: &Outcome) -> Option<Problem> {
    match outcome {
        Outcome::Agreed => None,
        Outcome::Differs(areas) => Some(Problem::Differs(areas.clone())),
        Outcome::Cancelled => Some(Problem::Interrupted),
        Outcome::GaveUp(failure) => Some(Problem::Failed(failure.clone())),
    }
}

fn summary(
    report: &Report,
    queued: u64,
    held: u64,
    problem: Option<&Problem>,
) -> serde_json::Value {
    let outcome = match &report.outcome {
        Outcome::Agreed => "agreed",
        Outcome::Differs(_) => "differs",
        Outcome::GaveUp(_) => "gave-up",
        Outcome::Cancelled => "cancelled",
    };
    let areas = match &report.outcome {
        Outcome::Differs(areas) => areas.as_slice(),
        _ => &[],
    };
    json!({
        "outcome": outcome,
        "cause": problem.map(Problem::name),
        "pushed": report.progress.pushed,
        "received": report.progress.entries,
        "repaired": report.progress.repaired,
        "queued": queued,
        "held": held,
        "pages": report.progress.pages,
        "round_trips": report.tally.requests,
        "body_bytes_up": report.tally.body_bytes_up,
        "body_bytes_down": report.tally.body_bytes_down,
        "differing": areas,
    })
}

fn sentence(report: &Report, queued: u64, held: u64, lang: Lang) -> String {
    let (progress, tally) = (&report.progress, &report.tally);
    let (pushed, received) = (progress.pushed, progress.entries);
    let (up, down, requests) = (tally.body_bytes_up, tally.body_bytes_down, tally.requests);
    let mut text = lang.pick(
        format!(
            "pushed {}, received {}, {up} bytes up, {down} bytes down, {}",
            edits(pushed),
            counted(received, "entry", "entries"),
            counted(requests, "request", "requests"),
        ),
        format!("上交 {pushed} 项修改，收到 {received} 条，上行 {up} 字节，下行 {down} 字节，{requests} 次请求"),
    );
    if queued > 0 {
        text.push_str(&lang.pick(
            format!("; {} still to hand in", edits(queued)),
            format!("；{queued} 项修改待上交"),
        ));
    }
    if held > 0 {
        text.push_str(&lang.pick(
            format!("; {} held, see `held`", edits(held)),
            format!("；{held} 项修改被搁置，见 held"),
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_or_by_request() {
        for server in [
            "https://register.example",
            "http://127.0.0.1:8080",
            "http://localhost:1",
            "http://[::1]:2",
        ] {
            assert!(check_address(server, false).is_ok(), "{server}");
        }
        assert!(matches!(
            check_address("http://10.0.0.1", false),
            Err(Problem::PlainHttp(_))
        ));
        assert!(check_address("http://10.0.0.1", true).is_ok());
        for server in ["register.example", "ftp://a", "", "file:///etc"] {
            assert!(check_address(server, true).is_err(), "{server}");
        }
    }
}
