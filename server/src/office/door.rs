//! How the office reaches a server that has the data folder open: a socket in that folder, for its owner
//! alone. One command a visit; lines come back as they are made, then the outcome.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;

use super::{Command, OfficeError, Outcome};
use crate::store::Store;

/// Name of the socket inside the data folder.
pub const SOCKET_FILE: &str = "office.sock";
/// Bytes of a command: a file of areas is the largest.
const COMMAND_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Lines on their way to a visitor who reads slowly.
const LINES_WAITING_MAX: usize = 256;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Said {
    Line(String),
    Done(Outcome),
    Failed(OfficeError),
}

/// The open door of a running server. Closes when dropped.
#[derive(Debug)]
pub struct Door {
    listener: UnixListener,
    path: PathBuf,
}

impl Door {
    /// Opens the door of a data folder that this process has locked: a socket left behind is nobody's.
    pub fn open(dir: &Path) -> std::io::Result<Door> {
        let path = dir.join(SOCKET_FILE);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        Ok(Door { listener, path })
    }

    /// Does what visitors ask, until dropped.
    pub async fn keep(self, store: Store) {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let store = store.clone();
                    tokio::spawn(async move {
                        if let Err(error) = serve(stream, &store).await {
                            tracing::warn!(%error, "an office visit broke off");
                        }
                    });
                }
                Err(error) => {
                    tracing::error!(%error, "the office door cannot take visitors");
                    return;
                }
            }
        }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        // A socket that stays behind is removed by the next server.
        let _ = std::fs::remove_file(&self.path);
    }
}

async fn serve(mut stream: UnixStream, store: &Store) -> std::io::Result<()> {
    let (read, mut write) = stream.split();
    let mut text = String::new();
    BufReader::new(read.take(COMMAND_BYTES_MAX))
        .read_line(&mut text)
        .await?;
    let command: Command = serde_json::from_str(&text)?;
    tracing::info!(command = name(&command), "office");
    let (lines, mut waiting) = mpsc::channel(LINES_WAITING_MAX);
    let running = super::run(store, command, lines);
    tokio::pin!(running);
    let ended = loop {
        tokio::select! {
            Some(line) = waiting.recv() => say(&mut write, &Said::Line(line)).await?,
            ended = &mut running => break ended,
        }
    };
    while let Some(line) = waiting.recv().await {
        say(&mut write, &Said::Line(line)).await?;
    }
    let last = match ended {
        Ok(outcome) => Said::Done(outcome),
        Err(error) => Said::Failed(error),
    };
    say(&mut write, &last).await
}

fn name(command: &Command) -> &'static str {
    match command {
        Command::ImportAreas { .. } => "import-areas",
        Command::AddStaff { .. } => "add-staff",
        Command::ListStaff => "list-staff",
        Command::DeviceCode { .. } => "device-code",
        Command::ListDevices => "list-devices",
        Command::GrantDevice { .. } => "grant-device",
        Command::WithdrawDevice { .. } => "withdraw-device",
        Command::GiveAccount { .. } => "give-account",
        Command::ListAccounts => "list-accounts",
        Command::WithdrawAccount { .. } => "withdraw-account",
        Command::ExportHouseholds { .. } => "export-households",
        Command::Check => "check",
    }
}

async fn say(write: &mut (impl tokio::io::AsyncWrite + Unpin), said: &Said) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(said)?;
    line.push(b'\n');
    write.write_all(&line).await
}

/// A visit to a running server.
#[derive(Debug)]
pub struct Visit(UnixStream);

impl Visit {
    /// Knocks; `None` when nobody keeps the door of this folder.
    pub async fn to(dir: &Path) -> Option<Visit> {
        UnixStream::connect(dir.join(SOCKET_FILE))
            .await
            .ok()
            .map(Visit)
    }

    /// Asks for one command and passes on what is printed.
    pub async fn ask(
        mut self,
        command: &Command,
        lines: mpsc::Sender<String>,
    ) -> Result<Outcome, OfficeError> {
        let failed = |error: std::io::Error| OfficeError::Failed(error.to_string());
        let mut text = serde_json::to_vec(command).map_err(|error| failed(error.into()))?;
        text.push(b'\n');
        self.0.write_all(&text).await.map_err(failed)?;
        let mut answer = BufReader::new(self.0).lines();
        while let Some(line) = answer.next_line().await.map_err(failed)? {
            match serde_json::from_str(&line).map_err(|error| failed(error.into()))? {
                // Who stopped listening still wants to know how it ended.
                Said::Line(line) => drop(lines.send(line).await),
                Said::Done(outcome) => return Ok(outcome),
                Said::Failed(error) => return Err(error),
            }
        }
        Err(OfficeError::Failed("the server went away".to_owned()))
    }
}
