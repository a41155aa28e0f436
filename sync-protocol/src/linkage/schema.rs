//! Which fields a kind of record has: a field is a name, a comparator, what it is evidence of, and a part in blocking.
//!
//! One matcher serves every schema. Knows nothing of weights, which `model` keeps by the field's name.

/// How two values of a field are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Comparator {
    /// One or more names of one person, Chinese or Latin.
    Names,
    /// A date of some precision.
    Date,
    /// One or more numbers in which a digit can slip.
    Number,
    /// Several words.
    Words,
    /// A code of a list.
    Code,
    /// Those whom a person lives with.
    Members,
}

impl Comparator {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Names,
        Self::Date,
        Self::Number,
        Self::Words,
        Self::Code,
        Self::Members,
    ];
}

/// Whom a value tells apart. It decides how people of one house are told from one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bears {
    /// The person: it differs between people of one house.
    Person,
    /// The house: everybody in it has the same, so that it says nothing about which of them this is.
    House,
    /// Those around the person. Two children of one house, of whom only one stands in each record, live with the same people: a
    /// circle in common does not tell them apart. Nobody in common speaks for neighbours.
    Circle,
}

/// What a field does for finding candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Blocking {
    /// A value that few people share, such as an id or a telephone number: a key by itself.
    Identifier,
    /// The birth date: a key by itself, and its parts beside names.
    Birth,
    /// The name: keys of its sounds and initials.
    Name,
    /// A place that many share: a key beside a name.
    Place,
    /// A place that few share, such as a street and number: a key by itself when whole.
    Address,
    /// Only makes oversized keys finer.
    Qualifier,
    /// Nothing.
    None,
}

/// One field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its name in a saved model.
    pub name: &'static str,
    /// How two values are compared.
    pub comparator: Comparator,
    /// Whom it tells apart.
    pub bears: Bears,
    /// Its part in blocking.
    pub blocking: Blocking,
}

impl Field {
    /// A field.
    pub const fn new(
        name: &'static str,
        comparator: Comparator,
        bears: Bears,
        blocking: Blocking,
    ) -> Self {
        Self {
            name,
            comparator,
            bears,
            blocking,
        }
    }
}

/// The fields of one kind of record, in the order of its values.
pub type Schema = &'static [Field];
