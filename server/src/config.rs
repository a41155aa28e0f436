//! How `sojourn serve` is set up: a TOML file, then flags over it. A key nobody knows is an error, because
//! a misspelt bound is a bound that does not hold.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::proof::Origins;
use crate::store::StoreOptions;

/// Everything that can be set.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The addresses that tablets use, each as `https://host[:port]`. May be left out only by a server
    /// that listens on this machine alone.
    pub public_urls: Vec<String>,
    /// Bounds on what is served at once.
    pub limits: Limits,
    /// The database.
    pub store: StoreConfig,
    /// Pages prepared ahead.
    pub pages: PagesConfig,
    /// The log.
    pub log: LogConfig,
}

/// Bounds on what is served at once.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Requests worked on at once.
    pub requests: usize,
    /// How long a request may wait for its turn before it is told to come back, milliseconds.
    pub queue_ms: u64,
    /// How long the head of a request may take to arrive, and a connection stand idle, milliseconds.
    pub head_ms: u64,
    /// How long a request may take, milliseconds.
    pub request_ms: u64,
    /// Event streams open at once.
    pub live_streams: usize,
    /// How long requests may take to finish once the server is told to stop, milliseconds.
    pub drain_ms: u64,
}

/// The database.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreConfig {
    /// Read snapshots at once.
    pub readers: usize,
    /// The database refuses to grow past this many bytes.
    pub bytes_max: Option<u64>,
}

/// Pages prepared ahead for tablets that read an area from the start.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PagesConfig {
    /// How long an area that changed must have been quiet before its pages are prepared, milliseconds.
    pub quiet_ms: u64,
}

/// The log, on standard error.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// What to log, as `info` or `warn,sojourn_server=debug`.
    pub filter: String,
    /// One JSON object a line, or text for people.
    pub format: LogFormat,
}

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// Text for people.
    Text,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 8470)),
            public_urls: Vec::new(),
            limits: Limits::default(),
            store: StoreConfig::default(),
            pages: PagesConfig::default(),
            log: LogConfig::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            requests: 64,
            queue_ms: 2_000,
            head_ms: 20_000,
            request_ms: 30_000,
            live_streams: 10_000,
            drain_ms: 20_000,
        }
    }
}

impl Default for StoreConfig {
    fn default() -> Self {
        let usual = StoreOptions::default();
        StoreConfig {
            readers: usual.readers,
            bytes_max: usual.bytes_max,
        }
    }
}

impl Default for PagesConfig {
    fn default() -> Self {
        PagesConfig { quiet_ms: 600_000 }
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        LogConfig {
            filter: "info".to_owned(),
            format: LogFormat::Json,
        }
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}: {reason}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// Not TOML, a key nobody knows, or a value of another kind; says where.
    #[error("{path}: {reason}")]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What is wrong, with its place in the file.
        reason: String,
    },
    /// Not `http://host[:port]` or `https://host[:port]`.
    #[error("{0} is not an address of the form https://host[:port]")]
    PublicUrl(String),
    /// The server can be reached from elsewhere but does not know under which address.
    #[error("a server that listens on {0} must be told the address that tablets use")]
    NoPublicUrl(SocketAddr),
    /// Zero of something that is needed.
    #[error("{0} must be at least 1")]
    Zero(&'static str),
}

impl Config {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|error| ConfigError::Unreadable {
            path: path.to_owned(),
            reason: error.to_string(),
        })?;
        Self::parse(&text).map_err(|reason| ConfigError::Wrong {
            path: path.to_owned(),
            reason,
        })
    }

    fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }

    /// Checks what only the whole can tell, once flags have been laid over the file.
    pub fn validate(&self) -> Result<(), ConfigError> {
        for url in &self.public_urls {
            check_public_url(url)?;
        }
        if self.public_urls.is_empty() && !self.listen.ip().is_loopback() {
            return Err(ConfigError::NoPublicUrl(self.listen));
        }
        for (name, count) in [
            ("limits.requests", self.limits.requests),
            ("limits.live_streams", self.limits.live_streams),
            ("store.readers", self.store.readers),
        ] {
            if count == 0 {
                return Err(ConfigError::Zero(name));
            }
        }
        Ok(())
    }

    /// The addresses for which a tablet's proof may have been made.
    pub fn origins(&self) -> Origins {
        if self.public_urls.is_empty() {
            return Origins::Loopback;
        }
        Origins::Listed(self.public_urls.clone())
    }

    /// How to open the store.
    pub fn store_options(&self) -> StoreOptions {
        StoreOptions {
            readers: self.store.readers,
            bytes_max: self.store.bytes_max,
        }
    }
}

impl PagesConfig {
    /// How long an area must have been quiet.
    pub fn quiet(&self) -> Duration {
        Duration::from_millis(self.quiet_ms)
    }
}

impl Limits {
    /// How long the head of a request may take to arrive.
    pub fn head(&self) -> Duration {
        Duration::from_millis(self.head_ms)
    }

    /// How long a request may wait for its turn.
    pub fn queue(&self) -> Duration {
        Duration::from_millis(self.queue_ms)
    }

    /// How long a request may take.
    pub fn request(&self) -> Duration {
        Duration::from_millis(self.request_ms)
    }

    /// How long the server waits for requests to finish.
    pub fn drain(&self) -> Duration {
        Duration::from_millis(self.drain_ms)
    }
}

/// Whether this is an address that tablets can use: a scheme, a host, maybe a port, and nothing else.
///
/// # Errors
/// [`ConfigError::PublicUrl`] when it is not.
pub fn check_public_url(url: &str) -> Result<(), ConfigError> {
    let host = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))
        .map(|rest| rest.trim_end_matches('/'));
    let plain =
        host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ']));
    if plain {
        Ok(())
    } else {
        Err(ConfigError::PublicUrl(url.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_nobody_knows_is_refused_with_its_place() {
        let refused = Config::parse("[limits]\nrequets = 5\n").unwrap_err();
        assert!(
            refused.contains("requets") && refused.contains("line 2"),
            "{refused}"
        );
        assert!(Config::parse("colour = 1\n").is_err());
    }

    #[test]
    fn what_is_not_set_keeps_its_usual_value() {
        let config = Config::parse("listen = \"127.0.0.1:0\"\n[limits]\nrequests = 5\n").unwrap();
        assert_eq!(config.limits.requests, 5);
        assert_eq!(config.limits.request_ms, Limits::default().request_ms);
        assert_eq!(Config::parse("").unwrap(), Config::default());
        assert_eq!(config.validate(), Ok(()));
    }

    #[test]
    fn a_server_reached_from_elsewhere_knows_its_address() {
        let mut config = Config::parse("listen = \"0.0.0.0:80\"").unwrap();
        assert_eq!(
            config.validate(),
            Err(ConfigError::NoPublicUrl(config.listen))
        );
        config.public_urls = vec!["https://register.example".to_owned()];
        assert_eq!(config.validate(), Ok(()));
        for wrong in [
            "register.example",
            "https://",
            "https://a/b",
            "ftp://a",
            "https://a@b",
        ] {
            config.public_urls = vec![wrong.to_owned()];
            assert_eq!(
                config.validate(),
                Err(ConfigError::PublicUrl(wrong.to_owned()))
            );
        }
    }

    #[test]
    fn the_documented_example_is_a_configuration() {
        let example = include_str!("../sojourn.example.toml");
        let config = Config::parse(example).unwrap();
        assert_eq!(config.validate(), Ok(()));
        assert_eq!(config.limits, Limits::default());
        assert_eq!(config.pages, PagesConfig::default());
    }
}
