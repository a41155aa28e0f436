//! Numbers that look real and cannot be anybody's: identity numbers of a region that does not exist, and
//! telephone numbers that no network assigns.

use jiff::civil::Date;
use rand::RngExt;
use rand_pcg::Pcg64Mcg;

/// The region code in every generated identity number. Codes of GB/T 2260 begin with 11 to 82; 99 is none.
pub const REGION: &str = "990000";

/// The first digits of every generated telephone number. Mobile numbers begin with 13 to 19; 100 is none.
pub const PHONE_PREFIX: &str = "100";

/// The weights of GB 11643-1999, digit by digit.
const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];

/// The check characters of GB 11643-1999, by remainder.
const CHECKS: [char; 11] = ['1', '0', 'X', '9', '8', '7', '6', '5', '4', '3', '2'];

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
    let check = check_character(&body).expect("seventeen digits were written above");
    format!("{body}{check}")
}

/// The check character for seventeen digits; `None` for anything else.
pub fn check_character(body: &str) -> Option<char> {
    if body.len() != WEIGHTS.len() {
        return None;
    }
    let mut sum = 0;
    for (digit, weight) in body.chars().zip(WEIGHTS) {
        sum += digit.to_digit(10)? * weight;
    }
    CHECKS.get((sum % 11) as usize).copied()
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
    fn the_standards_own_examples_have_their_check_characters() {
        // GB 11643-1999, annex A.
        assert_eq!(check_character("11010519491231002"), Some('X'));
        assert_eq!(check_character("44052418800101001"), Some('4'));
        assert_eq!(check_character("1101051949123100"), None);
        assert_eq!(check_character("1101051949123100a"), None);
    }

    #[test]
    fn an_identity_number_says_birth_and_sex_and_no_real_region() {
        let mut rng = Pcg64Mcg::seed_from_u64(1);
        for man in [true, false] {
            let id = identity(&mut rng, Date::constant(1987, 3, 9), man);
            assert_eq!(id.len(), 18);
            assert_eq!(&id[..14], "99000019870309");
            assert_eq!(id[14..17].parse::<u16>().unwrap() % 2 == 1, man);
            assert_eq!(check_character(&id[..17]), id.chars().last());
        }
    }

    #[test]
    fn a_telephone_number_is_eleven_digits_that_no_network_assigns() {
        let phone = phone(&mut Pcg64Mcg::seed_from_u64(2));
        assert_eq!(phone.len(), 11);
        assert!(phone.starts_with("100") && phone.bytes().all(|b| b.is_ascii_digit()));
    }
}
