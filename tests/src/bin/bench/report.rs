//! The figures of one workload, as a table for people or a line of JSON for scripts.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::measure::{Floor, Spread};

/// One workload's figures in the order measured. Names are keys too: words joined by `_`, the unit last.
pub(crate) struct Report {
    workload: &'static str,
    what: String,
    figures: Vec<(String, Value)>,
    targets: Vec<(String, f64)>,
    targets_at_least: Vec<(String, f64)>,
}

impl Report {
    /// No figures yet. `what` says what was done, in a sentence.
    pub(crate) fn new(workload: &'static str, what: impl Into<String>) -> Self {
        Self {
            workload,
            what: what.into(),
            figures: Vec::new(),
            targets: Vec::new(),
            targets_at_least: Vec::new(),
        }
    }

    /// A count, or bytes.
    pub(crate) fn count(&mut self, name: &str, value: impl Into<u64>) {
        self.figures.push((name.to_owned(), json!(value.into())));
    }

    /// A number with three places.
    pub(crate) fn number(&mut self, name: &str, value: f64) {
        let rounded = (value * 1e3).round() / 1e3;
        self.figures.push((name.to_owned(), json!(rounded)));
    }

    /// A time in seconds.
    pub(crate) fn seconds(&mut self, name: &str, took: Duration) {
        self.number(&format!("{name}_s"), took.as_secs_f64());
    }

    /// Median and 99th percentile in milliseconds.
    pub(crate) fn spread(&mut self, name: &str, spread: &Spread) {
        for (of_hundred, suffix) in [(50, "p50_ms"), (99, "p99_ms")] {
            let millis = spread.percentile(of_hundred).as_secs_f64() * 1e3;
            self.number(&format!("{name}_{suffix}"), millis);
        }
    }

    /// What has to travel, beside what did.
    pub(crate) fn floor(&mut self, name: &str, floor: Floor) {
        self.count(&format!("{name}_floor_raw_bytes"), floor.raw);
        self.count(&format!("{name}_floor_zstd19_bytes"), floor.packed);
    }

    /// What a figure is to stay at or below on a machine of two idle cores, in the figure's unit. A figure that is not here is
    /// left out.
    pub(crate) fn target(&mut self, name: &str, at_most: f64) {
        if self.figures.iter().any(|(figure, _)| figure == name) {
            self.targets.push((name.to_owned(), at_most));
        }
    }

    /// The same for a figure that is to stay at or above.
    pub(crate) fn target_at_least(&mut self, name: &str, at_least: f64) {
        if self.figures.iter().any(|(figure, _)| figure == name) {
            self.targets_at_least.push((name.to_owned(), at_least));
        }
    }

    /// The target of a figure, and whether it is met.
    fn verdict(&self, name: &str, value: &Value) -> String {
        let of = |targets: &[(String, f64)]| {
            let found = targets.iter().find(|(figure, _)| figure == name);
            found.map(|(_, target)| *target)
        };
        let value = value.as_f64().unwrap_or(f64::NAN);
        let said = |sign, target, met| {
            let verdict = if met { "met" } else { "missed" };
            format!("  target {sign} {target}: {verdict}")
        };
        if let Some(target) = of(&self.targets) {
            said('≤', target, value <= target)
        } else if let Some(target) = of(&self.targets_at_least) {
            said('≥', target, value >= target)
        } else {
            String::new()
        }
    }

    /// One line of JSON.
    pub(crate) fn json(&self) -> Value {
        let figures: Map<String, Value> = self.figures.iter().cloned().collect();
        let map = |targets: &[(String, f64)]| -> Map<String, Value> {
            let targets = targets.iter();
            targets
                .map(|(name, target)| (name.clone(), json!(target)))
                .collect()
        };
        json!({
            "workload": self.workload, "what": self.what, "figures": figures,
            "targets": map(&self.targets), "targets_at_least": map(&self.targets_at_least),
        })
    }

    /// A table.
    pub(crate) fn text(&self) -> String {
        let width = self.figures.iter().map(|(name, _)| name.len()).max();
        let width = width.unwrap_or_default();
        let mut text = format!("{}: {}\n", self.workload, self.what);
        for (name, value) in &self.figures {
            let target = self.verdict(name, value);
            text.push_str(&format!(
                "  {:width$}  {:>14}{target}\n",
                name.replace('_', " "),
                grouped(value)
            ));
        }
        text
    }
}

/// Thousands apart, so that bytes can be read.
fn grouped(value: &Value) -> String {
    let Some(count) = value.as_u64() else {
        return value.to_string();
    };
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_and_a_line_say_the_same() {
        let mut report = Report::new("storm", "all at once");
        report.count("bytes_up", 1_234_567u64);
        report.seconds("wall", Duration::from_micros(1_234_567));
        report.spread("push", &Spread::of(vec![Duration::from_millis(2)]));
        report.target("wall_s", 1.0);
        report.target("push_p99_ms", 15.0);
        report.target("unmeasured", 1.0);
        report.target_at_least("bytes_up", 1e6);
        assert_eq!(
            report.text(),
            "storm: all at once\n  bytes up          1,234,567  target ≥ 1000000: met\n  \
             wall s                1.235  target ≤ 1: missed\n  \
             push p50 ms             2.0\n  push p99 ms             2.0  target ≤ 15: met\n"
        );
        assert_eq!(report.json()["figures"]["wall_s"], 1.235);
        assert_eq!(report.json()["targets"]["wall_s"], 1.0);
    }
}
