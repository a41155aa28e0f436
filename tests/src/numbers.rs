//! Numbers that look real and cannot be anybody's: identity numbers of a region that does not exist, and
//! telephone numbers that no network assigns.

use jiff::civil::Date;
use rand::RngExt;
use rand_pcg::Pcg64Mcg;
use sojourn_sync_protocol::record::id_number;

/// The region code in every generated identity number. Codes of GB/T 2260 begin with 11 to 82; 99 is none.
pub const REGION: &str = "990000";

/// The first digits of every generated telephone number. Mobile numbers begin with 13 to 19; 100 is none.
pub const PHONE_PREFIX: &str = "100";

/// An identity number in the form of GB 11643-1999: region, birth date, an odd serial for men and an even one for
/// women, and the check character.
pub fn identity(rng: &mut Pcg64Mcg, born: Date, man: bool) -> String {
    let serial = rng.random_range(0..500u16) * 2 + u16::from(man);
    let body = format!(
        "{REGION}{:04}{:02}{:02}{serial:03}",
        born.year(),
        born.month(),
        born.day()
    );
    let check = id_number::check_digit(&body).expect("seventeen digits were written above");
    format!("{body}{check}")
}

/// An eleven-digit telephone number that cannot be called.
pub fn phone(rng: &mut Pcg64Mcg) -> String {
    format!("{PHONE_PREFIX}{:08}", rng.random_range(0..100_000_000u32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn an_identity_number_says_birth_and_sex_and_no_real_region() {
        let mut rng = Pcg64Mcg::seed_from_u64(1);
        for man in [true, false] {
            let id = identity(&mut rng, Date::constant(1987, 3, 9), man);
            assert_eq!(id.len(), 18);
            assert_eq!(&id[..14], "99000019870309");
            assert_eq!(id[14..17].parse::<u16>().unwrap() % 2 == 1, man);
            assert_eq!(id_number::check(&id), Ok(()));
        }
    }

    #[test]
    fn a_telephone_number_is_eleven_digits_that_no_network_assigns() {
        let phone = phone(&mut Pcg64Mcg::seed_from_u64(2));
        assert_eq!(phone.len(), 11);
        assert!(phone.starts_with("100") && phone.bytes().all(|b| b.is_ascii_digit()));
    }
}
