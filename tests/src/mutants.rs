//! Deliberate bugs, as texts of the source and what stands there instead. Reads the list; builds and plays nothing.

use std::{fs, path::Path};

use serde::Deserialize;

/// Where the list lies, from the top of the tree.
const LIST: &str = "tests/mutants/bugs.toml";

#[derive(Debug, Deserialize)]
struct List {
    bug: Vec<Bug>,
}

/// One deliberate bug.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bug {
    /// What is wrong with it.
    pub name: String,
    /// The file, from the top of the tree.
    pub file: String,
    find: String,
    with: String,
    /// Further texts of the same file, each with its replacement.
    #[serde(default)]
    also: Vec<(String, String)>,
}

/// Every bug of the list.
///
/// # Errors
/// What cannot be read, in words.
pub fn bugs(root: &Path) -> Result<Vec<Bug>, String> {
    let text = fs::read_to_string(root.join(LIST)).map_err(|error| error.to_string())?;
    let list: List = toml::from_str(&text).map_err(|error| error.to_string())?;
    Ok(list.bug)
}

impl Bug {
    /// The source with the bug in it.
    ///
    /// # Errors
    /// A text that does not stand exactly once in the source.
    pub fn put_into(&self, sound: &str) -> Result<String, String> {
        let own = (self.find.clone(), self.with.clone());
        let mut text = sound.to_owned();
        for (find, with) in std::iter::once(&own).chain(&self.also) {
            if text.matches(find.as_str()).count() != 1 {
                return Err(format!(
                    "{}: {find:?} does not stand once in {}",
                    self.name, self.file
                ));
            }
            text = text.replace(find.as_str(), with);
        }
        Ok(text)
    }
}
