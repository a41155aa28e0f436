//! The passphrase: from the environment, else asked for on the terminal.

use std::io::IsTerminal;
use std::path::Path;

use crate::catalogue::Lang;
use crate::problem::Problem;

/// The variable that holds it.
pub(crate) const VARIABLE: &str = "SOJOURN_PASSPHRASE";

/// The passphrase for this folder. A new folder's is asked for twice.
pub(crate) fn get(data: &Path, lang: Lang) -> Result<String, Problem> {
    if let Ok(passphrase) = std::env::var(VARIABLE)
        && !passphrase.is_empty()
    {
        return Ok(passphrase);
    }
    if !std::io::stdin().is_terminal() {
        return Err(Problem::NoPassphrase);
    }
    let ask = |prompt: &str| rpassword::prompt_password(prompt).map_err(|_| Problem::NoPassphrase);
    let first = ask(lang.pick("Passphrase: ", "口令："))?;
    if first.is_empty() {
        return Err(Problem::NoPassphrase);
    }
    let made_before = data.join("key.json").exists();
    if !made_before && ask(lang.pick("Once more: ", "再输一次："))? != first {
        return Err(Problem::PassphrasesDiffer);
    }
    Ok(first)
}
