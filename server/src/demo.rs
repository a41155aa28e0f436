//! `sojourn demo`: a fresh register on a real tree of areas, with one enrolment code for each demo tablet.
//! Holds no household: tablets bring those.

use std::path::{Path, PathBuf};

use serde::Serialize;
use sojourn_sync_protocol::{AreaCode, StaffId};
use tokio::sync::mpsc;

use crate::config::Config;
use crate::office::{self, Command, IssuedCode, OfficeError, Outcome};
use crate::serve::Server;
use crate::staff::Role;
use crate::state::StartError;
use crate::store::{DATABASE_FILE, Store};

/// The tree of areas that the demo plays on: two prefectures of Shandong; see `data/SOURCES.md`.
pub const AREA_TREE: &str = include_str!("../data/areas-weifang.csv");

/// Three neighbouring villages of one town, and one in the next county.
const VILLAGES: [&str; 4] = [
    "370724113259",
    "370724113260",
    "370724113261",
    "370725108200",
];

/// A code for one demo tablet, as it is printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DemoCode {
    /// What the tablet may hold.
    pub area: AreaCode,
    /// Whose tablet it makes.
    pub staff: StaffId,
    /// The code.
    pub code: String,
}

/// Why the demo cannot start.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The folder holds a register already.
    #[error("{0} holds a register already")]
    NotFresh(PathBuf),
    /// The server cannot start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The register cannot be set up.
    #[error(transparent)]
    Office(#[from] OfficeError),
}

/// Makes a register in a fresh folder and binds its server. Codes are for `areas`, or for the villages of the
/// demo when none is named.
pub async fn prepare(
    dir: &Path,
    config: &Config,
    areas: Vec<AreaCode>,
) -> Result<(Server, Vec<DemoCode>), DemoError> {
    if dir.join(DATABASE_FILE).exists() {
        return Err(DemoError::NotFresh(dir.to_owned()));
    }
    let server = Server::bind(dir, config).await?;
    let store = &server.state().store;
    let csv = AREA_TREE.to_owned();
    done(store, Command::ImportAreas { csv }).await?;
    let areas = if areas.is_empty() { villages() } else { areas };
    let mut codes = Vec::new();
    for (number, area) in (1..).zip(areas) {
        let name = format!("演示工作人员{number}");
        let role = Role::Worker;
        let Outcome::Staff(staff) = done(store, Command::AddStaff { name, role }).await? else {
            continue;
        };
        let command = Command::DeviceCode {
            staff: Some(staff.id),
            areas: vec![area.clone()],
        };
        if let Outcome::Code(IssuedCode { code, .. }) = done(store, command).await? {
            let staff = staff.id;
            codes.push(DemoCode { area, staff, code });
        }
    }
    Ok((server, codes))
}

fn villages() -> Vec<AreaCode> {
    let known = |code: &&str| code.parse().expect("a code of the tree shipped");
    VILLAGES.iter().map(known).collect()
}

/// Does one office command that prints no lines.
async fn done(store: &Store, command: Command) -> Result<Outcome, OfficeError> {
    let (lines, _) = mpsc::channel(1);
    office::run(store, command, lines).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_demo_has_a_code_for_each_village_and_starts_once() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config {
            listen: "127.0.0.1:0".parse().unwrap(),
            ..Config::default()
        };
        let (server, codes) = prepare(dir.path(), &config, Vec::new()).await.unwrap();
        let areas: Vec<_> = codes.iter().map(|code| code.area.as_str()).collect();
        assert_eq!(areas, VILLAGES);
        drop(server);
        let again = prepare(dir.path(), &config, Vec::new()).await;
        assert!(matches!(again, Err(DemoError::NotFresh(_))));
    }
}
