//! Every sentence this program says, in Chinese and English. Nothing here decides anything.
//!
//! The language is the one asked for with `--lang`, else that of the environment, else English.

pub(super) mod help;
pub(super) mod sentences;

use std::ffi::OsString;

/// A language of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Lang {
    /// Simplified Chinese.
    Zh,
    /// English.
    En,
}

impl Lang {
    /// The sentence in this language.
    pub(super) fn pick<T>(self, en: T, zh: T) -> T {
        match self {
            Self::En => en,
            Self::Zh => zh,
        }
    }

    /// The language before the command line is understood: `--lang` wherever it stands, else the
    /// environment's.
    pub(super) fn of(args: &[OsString], env: impl Fn(&str) -> Option<String>) -> Self {
        let mut texts = args.iter().filter_map(|arg| arg.to_str());
        let mut asked = None;
        while let Some(text) = texts.next() {
            if text == "--lang" {
                asked = texts.next();
            } else if let Some(value) = text.strip_prefix("--lang=") {
                asked = Some(value);
            }
        }
        let named = asked.map(str::to_owned).or_else(|| {
            ["LC_ALL", "LC_MESSAGES", "LANG"]
                .into_iter()
                .find_map(|name| env(name).filter(|value| !value.is_empty()))
        });
        match named {
            Some(name) if name.to_ascii_lowercase().starts_with("zh") => Self::Zh,
            _ => Self::En,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_asked_for_or_that_of_the_environment() {
        let args = |texts: &[&str]| texts.iter().map(OsString::from).collect::<Vec<_>>();
        let zh = |name: &str| (name == "LANG").then(|| "zh_CN.UTF-8".to_owned());
        assert_eq!(Lang::of(&args(&["check"]), zh), Lang::Zh);
        assert_eq!(Lang::of(&args(&["check", "--lang", "en"]), zh), Lang::En);
        assert_eq!(Lang::of(&args(&["--lang=zh"]), |_| None), Lang::Zh);
        assert_eq!(Lang::of(&args(&[]), |_| None), Lang::En);
    }
}
