//! What the office does with a register: areas, staff, tablets, accounts, export, check. A command is a value and so is
//! its outcome, so that it can be done here or, when a server has the folder open, by that server.
//! Says nothing to people: the command line has the sentences.

mod accounts;
#[cfg(unix)]
pub mod door;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sojourn_sync_protocol::message::Grant;
use sojourn_sync_protocol::{AreaCode, DeviceId, StaffId, Timestamp, limits};
use tokio::sync::mpsc;

use crate::accounts::{self as console, Account, AccountName};
use crate::areas::{self, ImportError, RowError};
use crate::check::{self, Problem};
use crate::clock::Clock;
use crate::devices::{self, CodeFault};
use crate::export::{self, ExportError};
use crate::staff::{self, NAME_BYTES_MAX, Role, Staff};
use crate::store::{Store, StoreError, Tx};
pub use accounts::IssuedAccount;

/// How often a code that happens to be taken is drawn again.
const CODE_DRAWS_MAX: usize = 8;

/// Something for the office to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    /// Bring a file of areas into the tree.
    ImportAreas {
        /// The content of the file.
        csv: String,
    },
    /// Add a member of staff.
    AddStaff {
        /// Their name.
        name: String,
        /// What they do.
        role: Role,
    },
    /// List the staff.
    ListStaff,
    /// Issue an enrolment code.
    DeviceCode {
        /// Whose tablet; when nobody is named, a new worker called after the first area.
        staff: Option<StaffId>,
        /// What it may hold.
        areas: Vec<AreaCode>,
    },
    /// List the tablets.
    ListDevices,
    /// Give a tablet other areas.
    GrantDevice {
        /// Which.
        device: DeviceId,
        /// What it may hold from now on.
        areas: Vec<AreaCode>,
    },
    /// Take a tablet out of service.
    WithdrawDevice {
        /// Which.
        device: DeviceId,
    },
    /// Give somebody an account for the console, or give it again.
    GiveAccount {
        /// Who.
        staff: StaffId,
        /// The name they sign in with.
        name: AccountName,
        /// What they answer for.
        areas: Vec<AreaCode>,
    },
    /// List the accounts.
    ListAccounts,
    /// Take an account away.
    WithdrawAccount {
        /// Which.
        name: AccountName,
    },
    /// Print households, one JSON object a line.
    ExportHouseholds {
        /// Only those that live in this area or below it.
        area: Option<AreaCode>,
    },
    /// Prove the store from its log.
    Check,
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Areas were imported.
    Areas(areas::Imported),
    /// Somebody was added.
    Staff(Staff),
    /// The staff.
    StaffList(Vec<Staff>),
    /// A code was issued.
    Code(IssuedCode),
    /// The tablets.
    Devices(Vec<DeviceRow>),
    /// A tablet has another grant.
    Granted(Grant),
    /// A tablet is out of service.
    Withdrawn(DeviceId),
    /// An account was given.
    Account(IssuedAccount),
    /// The accounts.
    Accounts(Vec<Account>),
    /// An account was taken away.
    AccountWithdrawn(Account),
    /// Households were printed.
    Exported {
        /// How many.
        households: u64,
    },
    /// The store was checked.
    Checked(Checked),
}

/// A code, to be shown once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuedCode {
    /// Twelve characters in groups.
    pub code: String,
    /// Whose tablet it makes.
    pub staff: Staff,
    /// What the tablet may hold.
    pub areas: Vec<AreaCode>,
    /// When it ceases to be good.
    pub expires_at: Timestamp,
}

/// A tablet, for the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRow {
    /// Its id.
    pub device: DeviceId,
    /// What people call it.
    pub label: String,
    /// Whose it is.
    pub staff: StaffId,
    /// What it may hold.
    pub grant: Grant,
    /// Out of service.
    pub withdrawn: bool,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// Households read.
    pub households: u64,
    /// Documents read.
    pub documents: u64,
    /// Changes read.
    pub changes: u64,
    /// Areas whose digest was compared.
    pub areas: u64,
    /// Rows that are not what they should be, each with what is wrong.
    pub faults: Vec<WrongRow>,
    /// All of them, told or not.
    pub faults_total: u64,
}

/// One row that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrongRow {
    /// The row, by its table and key.
    pub row: String,
    /// What is wrong with it.
    pub problem: Problem,
}

/// Why a command was not done. Nothing of it was stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum OfficeError {
    /// Columns are missing from a file of areas.
    #[error("missing columns: {0}")]
    Columns(String),
    /// Rows of a file of areas are wrong.
    #[error("{total} wrong rows")]
    Rows {
        /// The first of them.
        first: Vec<RowError>,
        /// All of them.
        total: usize,
    },
    /// A name is empty or too long.
    #[error("a name is 1 to {NAME_BYTES_MAX} bytes of text")]
    Name,
    /// Nobody has that id.
    #[error("nobody on the staff has id {0}")]
    UnknownStaff(StaffId),
    /// The tree has no such area.
    #[error("area {0} is not in the tree")]
    UnknownArea(AreaCode),
    /// No tablet has that id.
    #[error("no tablet has id {0}")]
    UnknownDevice(DeviceId),
    /// A tablet needs at least one area.
    #[error("a tablet needs at least one area")]
    NoArea,
    /// What this person does is not done with a tablet, or not in the console.
    #[error("a {} has no {}", .role.name(), if *.tablet { "tablet" } else { "console" })]
    NotForRole {
        /// What they do.
        role: Role,
        /// It was a tablet that was asked for, else the console.
        tablet: bool,
    },
    /// The name of an account is somebody else's.
    #[error("the name {0} is taken")]
    NameTaken(AccountName),
    /// No account has that name.
    #[error("no account is called {0}")]
    UnknownAccount(AccountName),
    /// The disk is full.
    #[error("the disk is full")]
    DiskFull,
    /// The database is damaged.
    #[error("the database is damaged: {0}")]
    Corrupt(String),
    /// The database was written by a newer program.
    #[error("the database has {found} schema steps, this program knows {known}")]
    Newer {
        /// Steps the database has had.
        found: usize,
        /// Steps this program knows.
        known: usize,
    },
    /// Another process has the folder open and does not take commands.
    #[error("another process has {0} open")]
    Locked(PathBuf),
    /// The folder cannot be opened.
    #[error("cannot open {path}: {reason}")]
    Unreachable {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

impl From<StoreError> for OfficeError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::DiskFull => OfficeError::DiskFull,
            StoreError::Corrupt(said) => OfficeError::Corrupt(said),
            StoreError::Newer { found, known } => OfficeError::Newer { found, known },
            StoreError::Locked(path) => OfficeError::Locked(path),
            StoreError::Unreachable { path, reason } => OfficeError::Unreachable { path, reason },
            other => OfficeError::Failed(other.to_string()),
        }
    }
}

impl From<ImportError> for OfficeError {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Columns(missing) => OfficeError::Columns(missing),
            ImportError::Rows { first, total } => OfficeError::Rows { first, total },
            ImportError::Store(error) => error.into(),
        }
    }
}

impl From<ExportError> for OfficeError {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::UnknownArea(area) => OfficeError::UnknownArea(area),
            ExportError::Output(error) => OfficeError::Failed(error.to_string()),
            ExportError::Store(error) => error.into(),
        }
    }
}

impl From<CodeFault> for OfficeError {
    fn from(fault: CodeFault) -> Self {
        match fault {
            CodeFault::UnknownStaff(id) => OfficeError::UnknownStaff(id),
            CodeFault::UnknownArea(code) => OfficeError::UnknownArea(code),
            CodeFault::NoArea => OfficeError::NoArea,
            CodeFault::NoTablet(role) => OfficeError::NotForRole { role, tablet: true },
            CodeFault::Taken => OfficeError::Failed(fault.to_string()),
            CodeFault::Store(error) => error.into(),
        }
    }
}

/// Does a command on a data folder: here, or through the server that has the folder open. Lines that the
/// command prints go to `lines` as they come.
pub async fn ask(
    dir: &Path,
    command: Command,
    lines: mpsc::Sender<String>,
) -> Result<Outcome, OfficeError> {
    match Store::open(dir) {
        Ok(store) => {
            let outcome = run(&store, command, lines).await;
            store.close().await;
            outcome
        }
        #[cfg(unix)]
        Err(StoreError::Locked(path)) => match door::Visit::to(dir).await {
            Some(visit) => visit.ask(&command, lines).await,
            None => Err(OfficeError::Locked(path)),
        },
        Err(error) => Err(error.into()),
    }
}

/// Does a command on an open store, by this machine's clock. Lines that the command prints go to `lines` as
/// they come; whoever receives them slowly slows the command.
pub async fn run(
    store: &Store,
    command: Command,
    lines: mpsc::Sender<String>,
) -> Result<Outcome, OfficeError> {
    run_with(store, &Clock::system(), command, lines).await
}

/// The same by another clock.
pub async fn run_with(
    store: &Store,
    clock: &Clock,
    command: Command,
    lines: mpsc::Sender<String>,
) -> Result<Outcome, OfficeError> {
    let now = clock.now();
    match command {
        Command::ImportAreas { csv } => {
            let rows = areas::read_csv(csv.as_bytes())?;
            let imported = store.write("import areas", move |tx| areas::import(tx, &rows));
            Ok(Outcome::Areas(imported.await?))
        }
        Command::AddStaff { name, role } => {
            let added = new_staff(&name, role, StaffId::new(now, clock.random()))
                .ok_or(OfficeError::Name)?;
            let row = added.clone();
            store
                .write("add staff", move |tx| staff::add(tx, &row, now))
                .await?;
            Ok(Outcome::Staff(added))
        }
        Command::ListStaff => Ok(Outcome::StaffList(
            store.read("list staff", staff::list).await?,
        )),
        Command::DeviceCode { staff, areas } => issue(store, clock, staff, areas).await,
        Command::ListDevices => {
            let devices = store.read("list devices", devices::list).await?;
            Ok(Outcome::Devices(
                devices.into_iter().map(DeviceRow::from).collect(),
            ))
        }
        Command::GrantDevice { device, areas } => {
            let granted = store.write("grant device", move |tx| grant(tx, device, &areas, now));
            Ok(Outcome::Granted(granted.await?))
        }
        Command::WithdrawDevice { device } => {
            let known = store
                .write("withdraw device", move |tx| {
                    devices::withdraw(tx, device, now)
                })
                .await?;
            if !known {
                return Err(OfficeError::UnknownDevice(device));
            }
            Ok(Outcome::Withdrawn(device))
        }
        Command::GiveAccount { staff, name, areas } => {
            accounts::give(store, clock, staff, name, areas).await
        }
        Command::ListAccounts => Ok(Outcome::Accounts(
            store.read("list accounts", console::list).await?,
        )),
        Command::WithdrawAccount { name } => accounts::withdraw(store, clock, name).await,
        Command::ExportHouseholds { area } => {
            let households = export::households(store, area, Lines::to(lines)).await?;
            Ok(Outcome::Exported { households })
        }
        Command::Check => Ok(Outcome::Checked(check::check(store).await?.into())),
    }
}

/// Passes on what is written to it line by line. Blocks while nobody takes the lines.
struct Lines {
    begun: Vec<u8>,
    to: mpsc::Sender<String>,
}

impl Lines {
    fn to(to: mpsc::Sender<String>) -> Self {
        let begun = Vec::new();
        Lines { begun, to }
    }
}

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.begun.extend_from_slice(part);
            if self.begun.ends_with(b"\n") {
                self.begun.pop();
                let line = String::from_utf8_lossy(&self.begun).into_owned();
                self.begun.clear();
                self.to
                    .blocking_send(line)
                    .map_err(|_| std::io::Error::from(std::io::ErrorKind::BrokenPipe))?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn new_staff(name: &str, role: Role, id: StaffId) -> Option<Staff> {
    let name = name.trim();
    let fits =
        !name.is_empty() && name.len() <= NAME_BYTES_MAX && !name.chars().any(char::is_control);
    fits.then(|| Staff {
        id,
        name: name.to_owned(),
        role,
    })
}

async fn issue(
    store: &Store,
    clock: &Clock,
    staff: Option<StaffId>,
    areas: Vec<AreaCode>,
) -> Result<Outcome, OfficeError> {
    let now = clock.now();
    let fresh = StaffId::new(now, clock.random());
    // Drawn beforehand, so that the transaction gives the same when it is run again.
    let draws: [[u8; 8]; CODE_DRAWS_MAX] = std::array::from_fn(|_| clock.random());
    let issued = store.write("issue code", move |tx| {
        let holder = holder(tx, staff, &areas, fresh, now)?;
        let mut fault = CodeFault::Taken;
        for random in draws {
            match devices::issue(tx, now, random, holder.id, &areas) {
                Err(CodeFault::Taken) => fault = CodeFault::Taken,
                Err(other) => return Err(OfficeError::from(other)),
                Ok(code) => {
                    return Ok(IssuedCode {
                        code: code.grouped(),
                        staff: holder,
                        areas: areas.clone(),
                        expires_at: now.plus_millis(limits::ENROLMENT_CODE_MS),
                    });
                }
            }
        }
        Err(fault.into())
    });
    Ok(Outcome::Code(issued.await?))
}

/// Whose tablet it will be: the person named, or a new worker called after the first area.
fn holder(
    tx: &Tx<'_>,
    named: Option<StaffId>,
    areas: &[AreaCode],
    fresh: StaffId,
    now: Timestamp,
) -> Result<Staff, OfficeError> {
    if let Some(id) = named {
        return staff::get(tx, id)?.ok_or(OfficeError::UnknownStaff(id));
    }
    let first = areas.first().ok_or(OfficeError::NoArea)?;
    let area = areas::get(tx, first)?.ok_or_else(|| OfficeError::UnknownArea(first.clone()))?;
    let worker = Staff {
        id: fresh,
        name: area.name.chars().take(NAME_BYTES_MAX / 4).collect(),
        role: Role::Worker,
    };
    staff::add(tx, &worker, now)?;
    Ok(worker)
}

fn grant(
    tx: &Tx<'_>,
    device: DeviceId,
    areas: &[AreaCode],
    now: Timestamp,
) -> Result<Grant, OfficeError> {
    if areas.is_empty() {
        return Err(OfficeError::NoArea);
    }
    for area in areas {
        if !areas::is_known(tx, area)? {
            return Err(OfficeError::UnknownArea(area.clone()));
        }
    }
    let known = devices::get(tx, device)?.ok_or(OfficeError::UnknownDevice(device))?;
    let kinds = known.grant.kinds;
    devices::give_grant(tx, device, areas, &kinds, now)?.ok_or(OfficeError::UnknownDevice(device))
}

impl From<devices::Device> for DeviceRow {
    fn from(device: devices::Device) -> Self {
        DeviceRow {
            device: device.id,
            label: device.label,
            staff: device.staff,
            grant: device.grant,
            withdrawn: device.withdrawn,
        }
    }
}

impl From<check::CheckReport> for Checked {
    fn from(report: check::CheckReport) -> Self {
        Checked {
            households: report.households,
            documents: report.documents,
            changes: report.changes,
            areas: report.areas,
            faults: report
                .faults
                .into_iter()
                .map(|fault| WrongRow {
                    row: fault.row.to_string(),
                    problem: fault.problem,
                })
                .collect(),
            faults_total: report.faults_total,
        }
    }
}
