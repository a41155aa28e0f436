//! Who is who: FEBRL's files and generated Chinese families, linked with weights learned from each of them alone.
//!
//! Nothing is chosen by file; the truth is read only to count what was found. The last rows are the weights that come with the
//! program, on families of another seed.

use std::{fs, path::Path};

use sojourn_sync_protocol::linkage::Model;
use sojourn_tests::linkage::{
    Outcome, Sample, families,
    febrl::{self, Shown},
};

use crate::{Result, report::Report, scene::Bound};

/// Families in the generated register, relatives next door included.
const FAMILIES: usize = 5_000;
/// Seeds of the families that are measured; [`families::LEARNED_SEED`] is another.
const SEED: u64 = 3;

/// Runs everything once. `files` is one more file of FEBRL's, or two that are linked with each other.
pub(crate) fn run(files: &[std::path::PathBuf], bound: &Bound) -> Result<Report> {
    let mut report = Report::new(
        "linkage",
        "FEBRL's files and generated families of two areas, linked without their truth",
    );
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    for name in ["febrl1", "febrl2", "febrl3"] {
        let text = fs::read_to_string(here.join(format!("{name}.csv")))?;
        put(
            &mut report,
            name,
            &febrl::read(&[&text], Shown::Everything)?.link(None),
        );
        let sample = febrl::read(&[&text], Shown::NoNumber)?;
        put(
            &mut report,
            &format!("{name}_no_number"),
            &sample.link(None),
        );
    }
    if !files.is_empty() {
        let texts = files
            .iter()
            .map(fs::read_to_string)
            .collect::<std::io::Result<Vec<_>>>()?;
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        put(
            &mut report,
            "files",
            &febrl::read(&texts, Shown::Everything)?.link(None),
        );
    }
    let families: Sample = families::register(SEED, bound.count(FAMILIES));
    put(&mut report, "families", &families.link(None));
    put(
        &mut report,
        "families_shipped_weights",
        &families.link(Some(&Model::person())),
    );
    for name in ["febrl3", "families", "families_shipped_weights"] {
        let f1 = if name == "febrl3" { 98.0 } else { 97.0 };
        report.target_at_least(&format!("{name}_f1_percent"), f1);
        report.target_at_least(&format!("{name}_blocking_recall_percent"), 99.5);
        report.target(&format!("{name}_candidate_percent"), 1.0);
    }
    Ok(report)
}

fn put(report: &mut Report, name: &str, outcome: &Outcome) {
    let of = |figure: &str| format!("{name}_{figure}");
    report.count(&of("records"), outcome.records);
    report.count(&of("all_pairs"), outcome.all_pairs);
    report.count(&of("true_pairs"), outcome.true_pairs);
    report.count(&of("candidate_pairs"), outcome.candidate_pairs);
    let percent = 100.0 * outcome.candidate_pairs as f64 / outcome.all_pairs as f64;
    report.number(&of("candidate_percent"), percent);
    let mut share =
        |figure: &str, share: f64| report.number(&of(&format!("{figure}_percent")), 100.0 * share);
    share("blocking_recall", outcome.blocking_recall);
    share("pairs_f1", outcome.pairs.f1());
    share("precision", outcome.linked.precision);
    share("recall", outcome.linked.recall);
    share("f1", outcome.linked.f1());
    report.count(&of("unsure_pairs"), outcome.unsure_pairs);
    report.seconds(&of("wall"), outcome.wall);
    report.number(&of("check_us"), outcome.check.as_secs_f64() * 1e6);
}
