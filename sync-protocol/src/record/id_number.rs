//! The resident identity number of GB 11643-1999: six digits of region, eight of birth date, three of
//! sequence, one check character by ISO 7064 MOD 11-2.
//!
//! The region is not looked up: codes are withdrawn and reissued, and a number outlives its region.

use jiff::civil::Date;

/// What is wrong with a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdNumberProblem {
    /// Not seventeen digits and a digit or X.
    #[error("it has 17 digits and a last digit or X")]
    Shape,
    /// The eight digits of birth are no date.
    #[error("its 7th to 14th digits are not a date of birth")]
    BirthDate,
    /// The check character does not follow from the rest: some digit is mistyped.
    #[error("its last character does not match the others; a digit is mistyped")]
    CheckDigit,
}

/// Weights of the seventeen digits: 2^(17 − position) mod 11, positions from 0.
const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const CHECK: &[u8; 11] = b"10X98765432";

/// The check character of the first seventeen digits; `None` when they are not seventeen digits.
pub fn check_digit(first_seventeen: &str) -> Option<char> {
    let digits = first_seventeen.as_bytes();
    if digits.len() != 17 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let sum: u32 = digits
        .iter()
        .zip(WEIGHTS)
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    Some(char::from(CHECK[(sum % 11) as usize]))
}

/// Checks a whole number; the last character may be `x` or `X`.
pub fn check(number: &str) -> Result<(), IdNumberProblem> {
    let (digits, last) = number.split_at_checked(17).ok_or(IdNumberProblem::Shape)?;
    let expected = check_digit(digits).ok_or(IdNumberProblem::Shape)?;
    let shaped = last.len() == 1
        && last
            .bytes()
            .all(|b| b.is_ascii_digit() || b.eq_ignore_ascii_case(&b'x'));
    if !shaped {
        return Err(IdNumberProblem::Shape);
    }
    let part = |range: std::ops::Range<usize>| digits[range].parse::<i16>().unwrap_or(0);
    let small = |range| i8::try_from(part(range)).unwrap_or(0);
    if Date::new(part(6..10), small(10..12), small(12..14)).is_err() {
        return Err(IdNumberProblem::BirthDate);
    }
    if last.to_ascii_uppercase() != expected.to_string() {
        return Err(IdNumberProblem::CheckDigit);
    }
    Ok(())
}

/// The number with everything but its ends hidden: two at the front, four at the back of a long number,
/// the last two of a short one.
pub fn mask(number: &str) -> String {
    let length = number.chars().count();
    let (front, back) = if length >= 12 {
        (2, 4)
    } else {
        (0, 2.min(length / 2))
    };
    number
        .chars()
        .enumerate()
        .map(|(at, c)| {
            if at < front || at >= length - back {
                c
            } else {
                '*'
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standards_own_examples_hold() {
        // GB 11643-1999, 5.4: the two examples printed in the standard.
        assert_eq!(check_digit("11010519491231002"), Some('X'));
        assert_eq!(check_digit("44052418800101001"), Some('4'));
        assert_eq!(check("11010519491231002x"), Ok(()));
    }

    #[test]
    fn each_fault_is_told_apart() {
        assert_eq!(check("99000019900101001"), Err(IdNumberProblem::Shape));
        assert_eq!(check("9900001990010100AX"), Err(IdNumberProblem::Shape));
        assert_eq!(check("区区区区区区区区区"), Err(IdNumberProblem::Shape));
        let whole = |digits: &str| format!("{digits}{}", check_digit(digits).unwrap());
        assert_eq!(
            check(&whole("99000019901301001")),
            Err(IdNumberProblem::BirthDate)
        );
        let valid = whole("99000019900101001");
        assert_eq!(check(&valid), Ok(()));
        let wrong_last = if valid.ends_with('1') { "2" } else { "1" };
        assert_eq!(
            check(&format!("{}{wrong_last}", &valid[..17])),
            Err(IdNumberProblem::CheckDigit)
        );
    }

    #[test]
    fn one_wrong_digit_or_a_swap_never_passes() {
        let digits = "99000019900101001";
        let valid = format!("{digits}{}", check_digit(digits).unwrap());
        for at in 0..17 {
            for digit in b'0'..=b'9' {
                let mut other = valid.clone().into_bytes();
                if other[at] != digit {
                    other[at] = digit;
                    assert!(check(std::str::from_utf8(&other).unwrap()).is_err());
                }
            }
        }
    }

    #[test]
    fn a_mask_keeps_the_ends_only() {
        assert_eq!(mask("990000199001011234"), "99************1234");
        assert_eq!(mask("E1234567"), "******67");
        assert_eq!(mask("7"), "*");
        assert_eq!(mask(""), "");
    }
}
