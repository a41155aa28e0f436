//! Tables for a terminal: columns as wide as what is in them, Chinese characters counted as two.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Widest a column gets; longer text ends in `…`.
const COLUMN_MAX: usize = 40;

/// Rows of cells under a head.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(head: &[&str]) -> Self {
        Self {
            rows: vec![head.iter().map(|cell| (*cell).to_owned()).collect()],
        }
    }

    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(
            cells
                .iter()
                .map(|cell| shortened(cell, COLUMN_MAX))
                .collect(),
        );
    }

    /// The table as text, each line ended.
    pub(crate) fn render(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|at| {
                self.rows
                    .iter()
                    .filter_map(|row| row.get(at))
                    .map(|cell| cell.width())
                    .max()
            })
            .map(|width| width.unwrap_or(0))
            .collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(cell);
                line.extend(std::iter::repeat_n(' ', width - cell.width() + 2));
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// The text on one line, at most `max` columns wide. What a terminal would obey is not printed.
pub(crate) fn shortened(text: &str, max: usize) -> String {
    let plain: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if plain.width() <= max {
        return plain;
    }
    let mut kept = String::new();
    let mut width = 0;
    for c in plain.chars() {
        width += c.width().unwrap_or(0);
        if width >= max {
            break;
        }
        kept.push(c);
    }
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_whatever_the_script() {
        let mut table = Table::new(&["name", "area"]);
        table.row(vec!["张伟".into(), "东村".into()]);
        table.row(vec!["Li\u{7}".into(), "e".into()]);
        assert_eq!(table.render(), "name  area\n张伟  东村\nLi    e\n");
    }

    #[test]
    fn long_text_is_shortened_by_width() {
        assert_eq!(shortened("一二三四五", 6), "一二…");
        assert_eq!(shortened("abc", 3), "abc");
    }
}
