//! What a scale, a tape, a thermometer and a cuff would show: plausible for age and sex, and steady from one visit of
//! a person to the next.

use rand::RngExt;
use rand_pcg::Pcg64Mcg;

/// Median height in millimetres and weight in grams by age in months, both sexes together, rounded from the growth
/// tables of the World Health Organization.
const GROWTH: [(i32, i64, i64); 15] = [
    (0, 500, 3_300),
    (3, 605, 6_100),
    (6, 665, 7_600),
    (12, 750, 9_300),
    (24, 868, 11_900),
    (36, 955, 14_100),
    (48, 1_030, 16_200),
    (60, 1_097, 18_300),
    (72, 1_158, 20_600),
    (96, 1_272, 25_500),
    (120, 1_380, 32_000),
    (144, 1_500, 41_000),
    (168, 1_600, 49_500),
    (192, 1_640, 54_000),
    (216, 1_650, 57_000),
];

/// Who is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measured {
    /// Age in months.
    pub(crate) months: i32,
    /// A man or boy.
    pub(crate) man: bool,
    /// -128 for the smallest, 127 for the tallest of their age; belongs to the person, not to the visit.
    pub(crate) stature: i8,
}

/// One set of readings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Readings {
    pub(crate) height_mm: i64,
    pub(crate) weight_g: i64,
    /// Tenths of a degree Celsius.
    pub(crate) temperature_dc: i64,
    /// Systolic and diastolic pressure in mmHg, of grown people.
    pub(crate) pressure: Option<(i64, i64)>,
}

impl Readings {
    /// Whether the temperature is raised.
    pub(crate) fn fever(&self) -> bool {
        self.temperature_dc >= 375
    }
}

/// Measures a person once.
pub(crate) fn measure(rng: &mut Pcg64Mcg, who: Measured) -> Readings {
    let (height, weight) = median(who.months);
    let grown = if who.months < 156 {
        0
    } else if who.man {
        40
    } else {
        -60
    };
    let shrunk = if who.months > 12 * 65 { 30 } else { 0 };
    // The tallest and the smallest are about eight per cent from the median.
    let height_mm = (height + grown - shrunk) * (1_000 + i64::from(who.stature) * 80 / 128) / 1_000;
    // Weight follows height; what was eaten and worn makes the rest.
    let proportion = height_mm * 1_000 / height;
    let weight_g =
        weight * proportion / 1_000 * proportion / 1_000 * rng.random_range(960..=1_070) / 1_000;
    let temperature_dc = if rng.random_bool(0.05) {
        rng.random_range(375..=389)
    } else {
        rng.random_range(361..=371)
    };
    let pressure = match who.months / 12 {
        ..18 => None,
        18..60 => Some((rng.random_range(104..=138), rng.random_range(64..=88))),
        _ => Some((rng.random_range(118..=168), rng.random_range(66..=98))),
    };
    Readings {
        height_mm,
        weight_g: weight_g / 10 * 10,
        temperature_dc,
        pressure,
    }
}

/// Height and weight between the table's rows, the last row for everyone older.
fn median(months: i32) -> (i64, i64) {
    let after = GROWTH
        .iter()
        .position(|(row, ..)| *row > months)
        .unwrap_or(GROWTH.len());
    let (Some(low), high) = (GROWTH.get(after.saturating_sub(1)), GROWTH.get(after)) else {
        return (GROWTH[0].1, GROWTH[0].2);
    };
    let Some(high) = high else {
        return (low.1, low.2);
    };
    let (span, part) = (i64::from(high.0 - low.0), i64::from(months - low.0));
    let between = |low: i64, high: i64| low + (high - low) * part / span;
    (between(low.1, high.1), between(low.2, high.2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn readings_are_those_of_a_living_person_of_that_age() {
        let mut rng = Pcg64Mcg::seed_from_u64(6);
        for months in 0..1_100 {
            for stature in [-128, 0, 127] {
                let readings = measure(
                    &mut rng,
                    Measured {
                        months,
                        man: months % 2 == 0,
                        stature,
                    },
                );
                assert!(
                    (440..=1_860).contains(&readings.height_mm),
                    "{months}: {readings:?}"
                );
                assert!(
                    (2_500..=90_000).contains(&readings.weight_g),
                    "{months}: {readings:?}"
                );
                assert!((355..=400).contains(&readings.temperature_dc));
                assert_eq!(readings.pressure.is_some(), months >= 18 * 12);
                assert!(readings.pressure.is_none_or(|(high, low)| high > low + 5));
            }
        }
    }

    #[test]
    fn between_two_rows_lies_the_middle() {
        assert_eq!(median(0), (500, 3_300));
        assert_eq!(median(18), (809, 10_600));
        assert_eq!(median(900), (1_650, 57_000));
    }
}
