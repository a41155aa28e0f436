//! The target `enrolment` under libFuzzer; what it reads stands in `sojourn_tests::hostile::targets`.
#![no_main]

libfuzzer_sys::fuzz_target!(
    init: sojourn_tests::hostile::end_at_our_panics(),
    |bytes: &[u8]| (sojourn_tests::hostile::targets::named("enrolment").read)(bytes)
);
