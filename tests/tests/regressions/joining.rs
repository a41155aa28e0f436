//! Records of one family that are joined and parted while staff go on writing in both.

use sojourn_tests::simulation::{Figures, Layout, Op, Op::*, play};

use super::sync;

/// The same family on two tablets, handed in.
const TWICE: [Op; 3] = [
    RegisterTwice {
        tablet: 0,
        other: 1,
        area: 0,
    },
    sync(0),
    sync(1),
];

fn played(seed: u64, ops: &[Op]) -> Figures {
    let ops: Vec<Op> = TWICE.iter().chain(ops).cloned().collect();
    match play(&Layout::two_counties(), seed, &ops) {
        Ok(figures) => figures,
        Err(failure) => panic!("{}\n{:#?}", failure.what, failure.ops),
    }
}

fn fired(figures: &Figures, kind: &str) -> u64 {
    figures.faults.get(kind).copied().unwrap_or(0)
}

#[test]
fn whichever_goes_on_both_are_what_they_were_when_it_is_taken_back() {
    for how in 0..6 {
        let figures = played(
            4000 + how as u64,
            &[
                Visit {
                    tablet: 1,
                    household: 0,
                },
                sync(1),
                Join { which: 0, how },
                sync(0),
                sync(1),
                Part { which: 0 },
                Join {
                    which: 0,
                    how: how + 2,
                },
                Part { which: 0 },
            ],
        );
        assert_eq!(fired(&figures, "records of one family joined"), 2);
        assert_eq!(fired(&figures, "records of one family parted"), 2);
    }
}

#[test]
fn what_is_written_in_either_meanwhile_is_kept_and_asked_about() {
    for (seed, how) in [(4010, 0), (4011, 2), (4012, 5)] {
        let figures = played(
            seed,
            &[
                Join { which: 0, how },
                sync(0),
                sync(1),
                Person {
                    tablet: 0,
                    household: 0,
                },
                Person {
                    tablet: 1,
                    household: 0,
                },
                Visit {
                    tablet: 0,
                    household: 1,
                },
                Visit {
                    tablet: 1,
                    household: 1,
                },
                sync(0),
                sync(1),
                Decide {
                    question: 0,
                    choice: 0,
                },
                Decide {
                    question: 1,
                    choice: 0,
                },
                Decide {
                    question: 0,
                    choice: 0,
                },
                Decide {
                    question: 1,
                    choice: 0,
                },
                Part { which: 0 },
            ],
        );
        assert_eq!(fired(&figures, "records of one family joined"), 1);
        assert_eq!(fired(&figures, "records of one family parted"), 1);
    }
}
