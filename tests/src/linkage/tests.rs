use std::{fs, path::Path};

use jiff::civil::Date;
use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;
use sojourn_sync_protocol::{
    PartialDate,
    linkage::{Index, Model, PERSON, Person, keys},
};

use super::{
    Outcome, families,
    febrl::{self, Shown},
    slips,
};
use crate::family;

#[track_caller]
fn assert_found(outcome: &Outcome, f1: f64) {
    let share = outcome.candidate_pairs as f64 / outcome.all_pairs as f64;
    assert!(outcome.blocking_recall >= 0.995, "{outcome:?}");
    assert!(share < 0.01, "{share} of all pairs: {outcome:?}");
    assert!(
        outcome.linked.f1() >= f1,
        "{}: {outcome:?}",
        outcome.linked.f1()
    );
    assert!(
        outcome.linked.f1() >= outcome.pairs.f1() - 0.01,
        "{outcome:?}"
    );
    assert!(
        outcome
            .learned
            .as_ref()
            .is_none_or(|learned| learned.settled),
        "{outcome:?}"
    );
}

#[test]
fn febrl_is_linked() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/febrl1.csv");
    let text = fs::read_to_string(file).unwrap();
    for shown in [Shown::Everything, Shown::NoNumber] {
        let sample = febrl::read(&[&text], shown).unwrap();
        assert_eq!((sample.records.len(), sample.true_pairs()), (1_000, 500));
        assert_found(&sample.link(None), 0.98);
    }
}

#[test]
fn families_are_linked_by_what_is_learned_and_by_what_is_shipped() {
    let sample = families::register(11, 250);
    assert!(sample.true_pairs() > 150, "{}", sample.true_pairs());
    assert_found(&sample.link(None), 0.97);
    assert_found(&sample.link(Some(&Model::person())), 0.97);
}

#[test]
fn a_seed_is_one_register() {
    let (one, again, other) = (
        families::register(5, 20),
        families::register(5, 20),
        families::register(6, 20),
    );
    assert_eq!((&one.records, &one.truth), (&again.records, &again.truth));
    assert_ne!(one.records, other.records);
}

#[test]
fn a_line_that_is_no_record_is_named() {
    for text in ["head\nrec-1-org,a", "head\nrec-x-org,,,,,,,,,,"] {
        assert!(
            febrl::read(&[text], Shown::Everything)
                .unwrap_err()
                .starts_with("line 2"),
            "{text}"
        );
    }
}

/// Whether records that have nothing but a name and a date share a blocking key.
fn share_a_key(one: (&str, PartialDate), other: (&str, PartialDate)) -> bool {
    let keys_of = |(name, birth): (&str, PartialDate)| {
        let person = Person {
            names: vec![name.to_owned()],
            birth: Some(birth),
            ..Person::default()
        };
        keys(PERSON, &person.record())
    };
    let mut index = Index::default();
    index.insert(0, &keys_of(one));
    !index.candidates(&keys_of(other)).is_empty()
}

#[test]
fn blocking_finds_every_slip_by_itself() {
    let mut rng = Pcg64Mcg::seed_from_u64(21);
    let (mut names, mut dates) = (0, 0);
    for _ in 0..150 {
        for member in family::family(&mut rng, 4, Date::constant(2026, 11, 24)) {
            let (name, born) = (member.name.as_str(), PartialDate::Day(member.born));
            for slip in slips::NAME_SLIPS {
                let length = family::surname_length(name);
                if let Some(slipped) = slips::name(&mut rng, name, length, slip) {
                    names += 1;
                    assert!(
                        share_a_key((name, born), (&slipped, born)),
                        "{slip:?}: {name} {slipped}"
                    );
                }
            }
            for slip in slips::DATE_SLIPS {
                if let Some(slipped) = slips::date(&mut rng, member.born, slip) {
                    dates += 1;
                    assert!(
                        share_a_key((name, born), (name, slipped)),
                        "{slip:?}: {born} {slipped}"
                    );
                }
            }
        }
    }
    assert!(
        names > 1_500 && dates > 1_500,
        "{names} names, {dates} dates"
    );
}
