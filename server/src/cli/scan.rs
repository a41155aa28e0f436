//! A one-time code as a picture of squares: the address of the tablet's page with the code behind the `#`, which browsers keep to
//! themselves. A telephone's camera opens it; a tablet that is being enrolled reads it (`server/web/src/tablet/enrolment.ts`).

use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;

/// Black on white, whatever the colours of the terminal are: not every camera reads the reverse.
const BLACK_ON_WHITE: &str = "\x1b[30;107m";
const AS_BEFORE: &str = "\x1b[0m";

/// The address that enrols the tablet which opens it. `server` is the address that tablets use.
pub(super) fn link(server: &str, code: &str) -> String {
    format!("{}/tablet/#/enrol/{code}", server.trim_end_matches('/'))
}

/// The picture, two rows of squares in each line, and the address below it.
pub(super) fn picture(link: &str) -> String {
    let Ok(code) = QrCode::new(link) else {
        // An address of kilobytes fits no picture, and stands by itself.
        return link.to_owned();
    };
    let drawn = code
        .render::<Dense1x2>()
        .dark_color(Dense1x2::Dark)
        .light_color(Dense1x2::Light)
        .build();
    let mut lines: String = drawn
        .lines()
        .map(|line| format!("{BLACK_ON_WHITE}{line}{AS_BEFORE}\n"))
        .collect();
    lines.push_str(link);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_stands_where_no_server_sees_it() {
        let found = link("https://register.example/", "ABCD-EFGH-JKLM");
        assert_eq!(
            found,
            "https://register.example/tablet/#/enrol/ABCD-EFGH-JKLM"
        );
    }

    #[test]
    fn a_picture_is_square_with_light_all_around() {
        let drawn = picture(&link("https://register.example", "ABCD-EFGH-JKLM"));
        let lines: Vec<&str> = drawn.lines().collect();
        let (address, rows) = lines.split_last().unwrap();
        assert!(address.starts_with("https://"));
        let inside = |row: &str| {
            let row = row.strip_prefix(BLACK_ON_WHITE).unwrap();
            row.strip_suffix(AS_BEFORE).unwrap().to_owned()
        };
        let rows: Vec<String> = rows.iter().map(|row| inside(row)).collect();
        let wide = rows[0].chars().count();
        assert!(rows.iter().all(|row| row.chars().count() == wide));
        assert_eq!(rows.len(), wide.div_ceil(2));
        assert!(rows[0].chars().all(|square| square == ' '));
        assert!(rows.iter().any(|row| row.contains('█')));
        assert!(
            rows.iter()
                .all(|row| row.starts_with("    ") && row.ends_with("    "))
        );
    }

    #[test]
    fn an_address_that_fits_no_picture_is_said() {
        let long = "x".repeat(8000);
        assert_eq!(picture(&long), long);
    }
}
