//! How far two values of a field agree: a named level of the field's ladder, nearest first.
//!
//! A field has one ladder for each kind of pair that its values can make (two Chinese names, two Latin ones, one of each), so
//! that the probabilities of a ladder sum to one for the pairs that are on it. Knows no probabilities; `model` holds them.

use super::schema::Comparator;

macro_rules! ladder {
    ($(#[$doc:meta])* $name:ident { $( $(#[$what:meta])* $variant:ident = $code:literal, )* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $( $(#[$what])* $variant, )* }

        impl $name {
            /// The level's name in a saved model and for catalogues of sentences.
            pub const fn code(self) -> &'static str {
                match self { $( Self::$variant => $code, )* }
            }

            const LADDER: &'static [Level] = &[ $( Level::$name(Self::$variant), )* ];
        }
    };
}

ladder! {
    /// Two names in Chinese characters.
    ChineseName {
        /// The same characters.
        Exact = "chinese-exact",
        /// The same once traditional and rare forms of characters are written in their usual form.
        Variant = "chinese-variant",
        /// Other characters of the same sound and tone.
        Homophone = "chinese-homophone",
        /// Other characters of the same sound in another tone.
        TonelessHomophone = "chinese-homophone-toneless",
        /// The same characters in another order.
        Swapped = "chinese-swapped",
        /// Sounds that speakers or input methods take for one another: n and l, zh and z, -ng and -n.
        NearHomophone = "chinese-homophone-near",
        /// The same surname, and one character of a longer given name is another, is missing or is added.
        OneCharacter = "chinese-one-character",
        /// The same given name after another surname.
        GivenOnly = "chinese-given-only",
        /// The same surname before another given name.
        SurnameOnly = "chinese-surname-only",
        /// None of these.
        Different = "chinese-different",
    }
}

ladder! {
    /// Two names in Latin letters.
    LatinName {
        /// The same words in the same order.
        Exact = "latin-exact",
        /// The same words in another order, such as surname and given name the other way round.
        Swapped = "latin-swapped",
        /// Every word has its like, at least one of them the same and the others nearly (Jaro-Winkler 0.92 and more).
        Near = "latin-near",
        /// Every word has its like, all of them only nearly the same (Jaro-Winkler 0.85 and more).
        AllNear = "latin-all-near",
        /// One has fewer words than the other, and each of them is in the other or nearly.
        Part = "latin-part",
        /// One word is the same, another different.
        OneWord = "latin-one-word",
        /// One word is nearly the same, another different.
        OneWordNear = "latin-one-word-near",
        /// None of these.
        Different = "latin-different",
    }
}

ladder! {
    /// A name in Chinese characters and one in Latin letters.
    RomanisedName {
        /// The letters are the pinyin of the characters, surname first or last.
        Exact = "romanised-exact",
        /// Nearly.
        Near = "romanised-near",
        /// None of these.
        Different = "romanised-different",
    }
}

ladder! {
    /// Two dates of whatever precision.
    DateLevel {
        /// The same day.
        Exact = "date-exact",
        /// The same as far as the less precise of the two goes.
        Coarse = "date-coarse",
        /// Day and month the other way round.
        Swapped = "date-swapped",
        /// One digit is another, or two neighbouring digits are the other way round.
        DigitSlip = "date-digit-slip",
        /// One of year, month and day differs by more than a digit.
        OnePart = "date-one-part",
        /// One year apart, as far as the less precise of the two tells or in the year alone: ages are counted in two ways.
        YearNear = "date-year-near",
        /// None of these.
        Different = "date-different",
    }
}

ladder! {
    /// Two numbers written in digits or letters, or two sets of them.
    NumberLevel {
        /// The same, all of them when there are several.
        Exact = "number-exact",
        /// Each has several, and one at least is in both.
        Shared = "number-shared",
        /// One character is another, missing or added, or two neighbouring ones are the other way round.
        OneSlip = "number-one-slip",
        /// Two such slips, in numbers of seven characters and more.
        TwoSlips = "number-two-slips",
        /// None of these.
        Different = "number-different",
    }
}

ladder! {
    /// Two texts of several words, such as an address.
    WordsLevel {
        /// The same words.
        Exact = "words-exact",
        /// At least three quarters of both in common, spelling slips allowed.
        Most = "words-most",
        /// At least two fifths of both in common.
        Some = "words-some",
        /// Less in common.
        Different = "words-different",
    }
}

ladder! {
    /// Two codes of a list.
    CodeLevel {
        /// The same.
        Exact = "code-exact",
        /// Another.
        Different = "code-different",
    }
}

ladder! {
    /// Those whom two people live with.
    MembersLevel {
        /// Everybody in one is in the other.
        All = "members-all",
        /// At least half of the smaller circle are in the other.
        Half = "members-half",
        /// One is.
        One = "members-one",
        /// Nobody is.
        Nobody = "members-nobody",
    }
}

/// One level of any ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Of two Chinese names.
    ChineseName(ChineseName),
    /// Of two Latin names.
    LatinName(LatinName),
    /// Of a Chinese and a Latin name.
    RomanisedName(RomanisedName),
    /// Of two dates.
    DateLevel(DateLevel),
    /// Of two numbers.
    NumberLevel(NumberLevel),
    /// Of two texts.
    WordsLevel(WordsLevel),
    /// Of two codes.
    CodeLevel(CodeLevel),
    /// Of two circles of people.
    MembersLevel(MembersLevel),
}

const NAME_LADDERS: &[&[Level]] = &[
    ChineseName::LADDER,
    RomanisedName::LADDER,
    LatinName::LADDER,
];

impl Level {
    /// The level's name in a saved model and for catalogues of sentences.
    pub const fn code(self) -> &'static str {
        match self {
            Self::ChineseName(level) => level.code(),
            Self::LatinName(level) => level.code(),
            Self::RomanisedName(level) => level.code(),
            Self::DateLevel(level) => level.code(),
            Self::NumberLevel(level) => level.code(),
            Self::WordsLevel(level) => level.code(),
            Self::CodeLevel(level) => level.code(),
            Self::MembersLevel(level) => level.code(),
        }
    }

    /// Every ladder that values of a comparator can be on, each nearest first.
    pub const fn ladders(comparator: Comparator) -> &'static [&'static [Self]] {
        match comparator {
            Comparator::Names => NAME_LADDERS,
            Comparator::Date => &[DateLevel::LADDER],
            Comparator::Number => &[NumberLevel::LADDER],
            Comparator::Words => &[WordsLevel::LADDER],
            Comparator::Code => &[CodeLevel::LADDER],
            Comparator::Members => &[MembersLevel::LADDER],
        }
    }

    /// Every level of a comparator, ladder after ladder; a level's place here is its slot.
    pub fn all(comparator: Comparator) -> impl Iterator<Item = Self> {
        Self::ladders(comparator)
            .iter()
            .flat_map(|ladder| ladder.iter().copied())
    }

    /// Where the level stands among all of its comparator.
    pub const fn slot(self) -> usize {
        const CHINESE: usize = ChineseName::LADDER.len();
        const ROMANISED: usize = RomanisedName::LADDER.len();
        match self {
            Self::ChineseName(level) => level as usize,
            Self::RomanisedName(level) => CHINESE + level as usize,
            Self::LatinName(level) => CHINESE + ROMANISED + level as usize,
            Self::DateLevel(level) => level as usize,
            Self::NumberLevel(level) => level as usize,
            Self::WordsLevel(level) => level as usize,
            Self::CodeLevel(level) => level as usize,
            Self::MembersLevel(level) => level as usize,
        }
    }
}

/// A level that was found, and the value it was found on where one was the same on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Agreement {
    /// How far the two agree.
    pub level: Level,
    /// What they agree on, in the form that frequencies are counted in: a rare value says more than a common one.
    pub term: Option<super::frequency::Term>,
}

impl Agreement {
    /// An agreement on nothing in particular.
    pub(crate) const fn plain(level: Level) -> Self {
        Self { level, term: None }
    }

    /// An agreement on one value.
    pub(crate) const fn on(level: Level, term: super::frequency::Term) -> Self {
        Self {
            level,
            term: Some(term),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn slots_follow_the_ladders_and_codes_are_apart() {
        let mut codes = BTreeSet::new();
        for comparator in Comparator::ALL {
            for (at, level) in Level::all(comparator).enumerate() {
                assert_eq!(level.slot(), at, "{level:?}");
                assert!(codes.insert(level.code()), "{level:?}");
            }
        }
    }
}
