use sojourn_sync_protocol::{AreaCode, DeviceId, StaffId};
use tokio::sync::mpsc;

use super::*;

const TREE: &str = "code,parent,level,name\na,,county,甲\nb,a,town,乙\n";

fn area(code: &str) -> AreaCode {
    code.parse().unwrap()
}

async fn asked(dir: &Path, command: Command) -> Result<Outcome, OfficeError> {
    let (lines, _waiting) = mpsc::channel(1);
    ask(dir, command, lines).await
}

async fn tree(dir: &Path) {
    let csv = TREE.to_owned();
    let outcome = asked(dir, Command::ImportAreas { csv }).await.unwrap();
    assert!(
        matches!(outcome, Outcome::Areas(done) if done.added == 2),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_code_without_staff_makes_a_worker_called_after_the_area() {
    let dir = tempfile::tempdir().unwrap();
    tree(dir.path()).await;
    let areas = vec![area("b")];
    let command = Command::DeviceCode { staff: None, areas };
    let Outcome::Code(issued) = asked(dir.path(), command).await.unwrap() else {
        panic!("a code");
    };
    assert_eq!((issued.code.len(), issued.staff.name.as_str()), (14, "乙"));
    let listed = asked(dir.path(), Command::ListStaff).await.unwrap();
    assert_eq!(listed, Outcome::StaffList(vec![issued.staff]));
}

#[tokio::test]
async fn an_account_is_given_listed_and_taken_away() {
    let dir = tempfile::tempdir().unwrap();
    tree(dir.path()).await;
    let mut added = Vec::new();
    for role in [Role::Reviewer, Role::Officer] {
        let name = "丁一".to_owned();
        let command = Command::AddStaff { name, role };
        let Outcome::Staff(staff) = asked(dir.path(), command).await.unwrap() else {
            panic!("somebody");
        };
        added.push(staff.id);
    }
    let name = |text: &str| text.parse::<AccountName>().unwrap();
    let give = |called: &str, staff: StaffId| Command::GiveAccount {
        staff,
        name: name(called),
        areas: vec![area("b")],
    };
    let given = asked(dir.path(), give("ding.yi", added[0])).await.unwrap();
    let Outcome::Account(issued) = given else {
        panic!("an account, not {given:?}");
    };
    assert_eq!((issued.code.len(), issued.account.begun), (14, false));
    assert_eq!(
        asked(dir.path(), give("ding.yi", added[1])).await,
        Err(OfficeError::NameTaken(name("ding.yi")))
    );
    let listed = asked(dir.path(), Command::ListAccounts).await;
    assert_eq!(listed, Ok(Outcome::Accounts(vec![issued.account])));
    let tablet = Command::DeviceCode {
        staff: Some(added[1]),
        areas: vec![area("b")],
    };
    let (role, tablet_wanted) = (Role::Officer, true);
    assert_eq!(
        asked(dir.path(), tablet).await,
        Err(OfficeError::NotForRole {
            role,
            tablet: tablet_wanted
        })
    );
    let withdraw = |called: &str| Command::WithdrawAccount { name: name(called) };
    let gone = asked(dir.path(), withdraw("ding.yi")).await.unwrap();
    assert!(matches!(gone, Outcome::AccountWithdrawn(_)), "{gone:?}");
    let Ok(Outcome::Accounts(listed)) = asked(dir.path(), Command::ListAccounts).await else {
        panic!("the accounts");
    };
    assert!(listed[0].withdrawn);
    assert_eq!(
        asked(dir.path(), withdraw("nobody")).await,
        Err(OfficeError::UnknownAccount(name("nobody")))
    );
}

#[tokio::test]
async fn a_code_that_is_refused_adds_nobody() {
    let dir = tempfile::tempdir().unwrap();
    tree(dir.path()).await;
    for (areas, why) in [
        (
            vec![area("b"), area("z")],
            OfficeError::UnknownArea(area("z")),
        ),
        (Vec::new(), OfficeError::NoArea),
    ] {
        let command = Command::DeviceCode { staff: None, areas };
        assert_eq!(asked(dir.path(), command).await, Err(why));
    }
    let listed = asked(dir.path(), Command::ListStaff).await;
    assert_eq!(listed, Ok(Outcome::StaffList(Vec::new())));
}

#[tokio::test]
async fn what_does_not_exist_is_named() {
    let dir = tempfile::tempdir().unwrap();
    tree(dir.path()).await;
    let device = DeviceId::from_bytes([1; 16]);
    let staff = StaffId::from_bytes([2; 16]);
    let areas = vec![area("b")];
    let unknown = [
        (
            Command::WithdrawDevice { device },
            OfficeError::UnknownDevice(device),
        ),
        (
            Command::GrantDevice {
                device,
                areas: areas.clone(),
            },
            OfficeError::UnknownDevice(device),
        ),
        (
            Command::DeviceCode {
                staff: Some(staff),
                areas,
            },
            OfficeError::UnknownStaff(staff),
        ),
        (
            Command::ExportHouseholds {
                area: Some(area("z")),
            },
            OfficeError::UnknownArea(area("z")),
        ),
    ];
    for (command, why) in unknown {
        assert_eq!(asked(dir.path(), command).await, Err(why));
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_running_server_does_what_the_office_asks() {
    let dir = tempfile::tempdir().unwrap();
    tree(dir.path()).await;
    let store = Store::open(dir.path()).unwrap();
    assert_eq!(
        asked(dir.path(), Command::Check).await,
        Err(OfficeError::Locked(dir.path().to_owned()))
    );
    let door = door::Door::open(dir.path()).unwrap();
    let keeping = tokio::spawn(door.keep(store.clone()));
    let role = Role::Clerk;
    let name = "丁一".to_owned();
    let added = asked(dir.path(), Command::AddStaff { name, role })
        .await
        .unwrap();
    let Outcome::Staff(staff) = added else {
        panic!("somebody was added");
    };
    let seen = store.read("seen", staff::list).await.unwrap();
    assert_eq!(seen, [staff]);
    let checked = asked(dir.path(), Command::Check).await.unwrap();
    assert!(matches!(checked, Outcome::Checked(found) if found.faults_total == 0));
    let name = " ".to_owned();
    assert_eq!(
        asked(dir.path(), Command::AddStaff { name, role }).await,
        Err(OfficeError::Name)
    );
    keeping.abort();
    let _ = keeping.await;
    assert!(!dir.path().join(door::SOCKET_FILE).exists());
}

#[test]
fn lines_are_passed_on_whole() {
    use std::io::Write as _;
    let (to, mut lines) = mpsc::channel(8);
    let mut out = Lines::to(to);
    out.write_all(b"{\"a\"").unwrap();
    out.write_all(b":1}\n{\"b\":2}\n{").unwrap();
    assert_eq!(lines.blocking_recv().unwrap(), "{\"a\":1}");
    assert_eq!(lines.blocking_recv().unwrap(), "{\"b\":2}");
    drop(lines);
    assert!(out.write_all(b"}\n").is_err());
}
