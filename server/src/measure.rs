//! The Prometheus recorder of this process. Metric names and their units are listed here; values are
//! recorded where they arise. No metric carries a household, a person or a tablet.

use std::sync::OnceLock;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Upper bounds of the buckets of durations, in seconds.
const SECONDS: [f64; 12] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0,
];
/// Upper bounds of the buckets of counts.
const COUNTS: [f64; 8] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 512.0];

/// The handle that renders the metrics; the first call installs the recorder.
///
/// # Panics
/// Never: the buckets are not empty.
pub fn handle() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(install).clone()
}

fn install() -> PrometheusHandle {
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
        .and_then(|builder| {
            builder.set_buckets_for_metric(Matcher::Suffix("_jobs".to_owned()), &COUNTS)
        })
        .expect("the buckets are not empty")
        .build_recorder();
    let handle = recorder.handle();
    if metrics::set_global_recorder(recorder).is_err() {
        tracing::warn!("another recorder of metrics is installed; /metrics will be empty");
    }
    describe();
    handle
}

fn describe() {
    metrics::describe_histogram!(
        "sojourn_store_transaction_seconds",
        "Time inside a named transaction, without its commit"
    );
    metrics::describe_histogram!(
        "sojourn_store_commit_seconds",
        "Time of a commit to the disk"
    );
    metrics::describe_histogram!(
        "sojourn_store_group_jobs",
        "Transactions that shared a commit"
    );
    metrics::describe_counter!(
        "sojourn_store_statements_total",
        "Statements run inside transactions"
    );
    // Without buckets, so that its quantiles are exact: what is asked is how much of two milliseconds a household costs.
    metrics::describe_histogram!(
        "sojourn_duplicates_look_milliseconds",
        "Time to look whether a household that changed is registered elsewhere too"
    );
    metrics::describe_histogram!("sojourn_request_seconds", "Time from request to reply");
    metrics::describe_counter!(
        "sojourn_refusals_total",
        "Requests refused, by route and refusal"
    );
    metrics::describe_counter!(
        "sojourn_internal_faults_total",
        "Faults of the server's own"
    );
    metrics::describe_gauge!("sojourn_live_streams", "Event streams open");
    metrics::describe_gauge!(
        "sojourn_pages_areas_asked",
        "Areas that somebody asked for and whose pages are not prepared yet"
    );
    metrics::describe_counter!("sojourn_pages_prepared_total", "Pages prepared ahead");
    metrics::describe_counter!(
        "sojourn_pages_sent_total",
        "Pages sent to tablets that read an area from the start"
    );
}
