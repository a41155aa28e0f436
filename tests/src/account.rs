//! The demo's account of its day: short sentences in the language of whoever runs it, and the checks
//! that must hold at the end.

/// The language of the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Simplified Chinese.
    Zh,
    /// English.
    En,
}

impl Language {
    /// By the environment's `LANG`: Chinese when it begins with `zh`, English otherwise.
    pub fn of(lang: Option<&str>) -> Self {
        if lang.is_some_and(|lang| lang.starts_with("zh")) {
            Self::Zh
        } else {
            Self::En
        }
    }
}

/// A sentence in both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    /// In Simplified Chinese.
    pub zh: String,
    /// In English.
    pub en: String,
}

/// Makes a [`Sentence`] from a Chinese and an English format string over the same values.
#[macro_export]
macro_rules! sentence {
    ($zh:literal, $en:literal $(, $value:ident)* $(,)?) => {
        $crate::account::Sentence {
            zh: format!($zh $(, $value = $value)*),
            en: format!($en $(, $value = $value)*),
        }
    };
}

/// Tells what happens as it happens, and keeps count of the checks.
#[derive(Debug)]
pub struct Account {
    language: Language,
    held: Vec<Sentence>,
    failed: Vec<Sentence>,
    quiet: bool,
}

impl Account {
    /// An account told on standard output.
    pub const fn aloud(language: Language) -> Self {
        Self {
            language,
            held: Vec::new(),
            failed: Vec::new(),
            quiet: false,
        }
    }

    /// An account that only counts, for tests.
    pub const fn silent() -> Self {
        Self {
            language: Language::En,
            held: Vec::new(),
            failed: Vec::new(),
            quiet: true,
        }
    }

    fn text<'a>(&self, sentence: &'a Sentence) -> &'a str {
        match self.language {
            Language::Zh => &sentence.zh,
            Language::En => &sentence.en,
        }
    }

    /// A heading.
    pub fn chapter(&self, sentence: &Sentence) {
        if !self.quiet {
            println!("\n── {}", self.text(sentence));
        }
    }

    /// Something that happened.
    pub fn tell(&self, sentence: &Sentence) {
        if !self.quiet {
            println!("   {}", self.text(sentence));
        }
    }

    /// A picture made of lines.
    pub fn show(&self, picture: &[&str]) {
        if !self.quiet {
            for line in picture {
                println!("   {line}");
            }
        }
    }

    /// A check.
    pub fn check(&mut self, holds: bool, sentence: Sentence) {
        if !self.quiet {
            println!(
                "   {} {}",
                if holds { "✓" } else { "✗" },
                self.text(&sentence)
            );
        }
        if holds {
            self.held.push(sentence)
        } else {
            self.failed.push(sentence)
        }
    }

    /// How many checks held.
    pub const fn held(&self) -> usize {
        self.held.len()
    }

    /// What did not hold, in English.
    pub fn failed(&self) -> Vec<&str> {
        self.failed
            .iter()
            .map(|sentence| sentence.en.as_str())
            .collect()
    }
}
