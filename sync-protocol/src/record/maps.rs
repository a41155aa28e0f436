//! The maps of a household's documents as a view reads them: key by key, with the distinct values of each, from a
//! document or from the columns of a plain one.

use automerge::{ObjId, ObjType, ReadDoc, ValueRef};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use super::conflict::{Contradiction, EditOfRemoved, contradictions, edits_of_removed};
use super::document::Document;
use super::plain::{Map, Node, Plain, Scalar};
use super::schema::{MergeRule, field_at};
use super::value::Value;
use crate::DocKind;

/// Where the maps of one document are read from.
pub(super) enum Maps<'a> {
    /// A document of any kind.
    Document(&'a Document),
    /// One without contradictions and removals.
    Plain(DocKind, Plain<'a>),
}

impl<'a> Maps<'a> {
    /// The maps of a document that was just saved as these bytes: from its columns when it is a plain one, which
    /// takes less time even though it was saved for that.
    pub(super) fn of(document: &'a Document, saved: &'a [u8]) -> Self {
        match Plain::read(saved) {
            Some(plain) => Self::Plain(document.id().kind, plain),
            None => Self::Document(document),
        }
    }

    fn kind(&self) -> DocKind {
        match self {
            Self::Document(document) => document.id().kind,
            Self::Plain(kind, _) => *kind,
        }
    }

    pub(super) fn contradictions(&self) -> Vec<Contradiction> {
        match self {
            Self::Document(document) => contradictions(document),
            Self::Plain(..) => Vec::new(),
        }
    }

    pub(super) fn edits_of_removed(&self) -> Vec<EditOfRemoved> {
        match self {
            Self::Document(document) => edits_of_removed(document),
            Self::Plain(..) => Vec::new(),
        }
    }

    /// One map below the root; without keys when it is not there.
    pub(super) fn map(&self, name: &str) -> MapReader<'_> {
        let items = match self {
            Self::Document(document) => document
                .map_of(name, None)
                .map(|map| values_of(document, &map)),
            Self::Plain(_, plain) => plain.below(plain.root(), name).map(plain_values),
        };
        MapReader {
            kind: self.kind(),
            path: name.to_owned(),
            prefix: "",
            items: items.unwrap_or_default(),
        }
    }

    /// Every entry of a collection whose key is an id.
    pub(super) fn entries<K: FromStr + Ord, V>(
        &self,
        collection: &str,
        read: impl Fn(&MapReader<'_>) -> V,
    ) -> BTreeMap<K, V> {
        let mut found = BTreeMap::new();
        let mut add = |key: &str, items: Items<'_>| {
            if let Ok(id) = key.parse::<K>() {
                let reader = MapReader {
                    kind: self.kind(),
                    path: format!("{collection}/{key}"),
                    prefix: "",
                    items,
                };
                found.insert(id, read(&reader));
            }
        };
        match self {
            Self::Document(document) => {
                let map = document.map_of(collection, None);
                for item in map
                    .iter()
                    .flat_map(|map| document.inner().map_range(map, ..))
                {
                    if let ValueRef::Object(ObjType::Map) = &item.value {
                        add(&item.key, values_of(document, &item.id()));
                    }
                }
            }
            Self::Plain(_, plain) => {
                let map = plain.below(plain.root(), collection);
                for (key, node) in map.into_iter().flatten() {
                    if let Some(entry) = plain.map(*node) {
                        add(key, plain_values(entry));
                    }
                }
            }
        }
        found
    }
}

/// The distinct values of one key, the winner first.
#[derive(Clone)]
enum Values<'a> {
    One(Scalar<'a>),
    Several(Vec<Option<Value>>),
}

type Items<'a> = Vec<(Cow<'a, str>, Values<'a>)>;

fn values_of<'a>(document: &'a Document, map: &ObjId) -> Items<'a> {
    let mut items = Vec::new();
    for item in document.inner().map_range(map, ..) {
        let ValueRef::Scalar(scalar) = &item.value else {
            continue;
        };
        let mut values = vec![Value::from_scalar_ref(scalar)];
        if item.conflict {
            for (value, _) in document.values_in(map, &item.key).into_iter().rev() {
                if !values.contains(&value) {
                    values.push(value);
                }
            }
        }
        items.push((Cow::Owned(item.key.to_string()), Values::Several(values)));
    }
    items
}

fn plain_values<'a>(map: &Map<'a>) -> Items<'a> {
    let scalars = map.iter().filter_map(|(key, node)| match node {
        Node::Scalar(value) => Some((Cow::Borrowed(*key), Values::One(*value))),
        Node::Map(_) => None,
    });
    scalars.collect()
}

/// The scalars of one map: distinct values per key, the winner first.
pub(super) struct MapReader<'a> {
    kind: DocKind,
    path: String,
    prefix: &'a str,
    items: Items<'a>,
}

impl<'a> MapReader<'a> {
    /// Every key.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.items.iter().map(|(key, _)| &**key)
    }

    /// The keys that begin so, without it.
    pub(super) fn below(&self, prefix: &'a str) -> Self {
        let items = self.items.iter().filter_map(|(key, values)| {
            let key = match key {
                Cow::Borrowed(key) => Cow::Borrowed(key.strip_prefix(prefix)?),
                Cow::Owned(key) => Cow::Owned(key.strip_prefix(prefix)?.to_owned()),
            };
            Some((key, values.clone()))
        });
        MapReader {
            kind: self.kind,
            path: self.path.clone(),
            prefix,
            items: items.collect(),
        }
    }

    /// Every distinct value of a key, the winner first; none when it was never written.
    pub(super) fn values(&self, key: &str) -> Vec<Option<Value>> {
        let found = self.items.iter().find(|(here, _)| here == key);
        match found {
            Some((_, Values::One(scalar))) => vec![scalar.value()],
            Some((_, Values::Several(values))) => values.clone(),
            None => Vec::new(),
        }
    }

    /// The one value of a key that is certain to have no other; `None` otherwise.
    pub(super) fn only(&self, key: &str) -> Option<Scalar<'a>> {
        match self.items.iter().find(|(here, _)| here == key)? {
            (_, Values::One(scalar)) => Some(*scalar),
            (_, Values::Several(_)) => None,
        }
    }

    /// The merge rule of a key's field.
    pub(super) fn rule(&self, key: &str) -> MergeRule {
        let path = format!("{}/{}{key}", self.path, self.prefix);
        field_at(self.kind, &path).map_or(MergeRule::Review, |field| field.rule)
    }

    /// The members of a set: keys below the prefix with a value that says yes, whoever said no meanwhile.
    pub(super) fn set(&self, prefix: &str) -> BTreeSet<String> {
        let says_yes = |values: &Values<'_>| match values {
            Values::One(scalar) => *scalar == Scalar::Flag(true),
            Values::Several(values) => values.contains(&Some(Value::Flag(true))),
        };
        let members = self.items.iter().filter(|(_, values)| says_yes(values));
        members
            .filter_map(|(key, _)| key.strip_prefix(prefix).map(str::to_owned))
            .collect()
    }
}
