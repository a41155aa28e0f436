//! The two programs as people run them: real processes, loopback, links that break, disks that fill.

mod cut;
mod door;
mod folders;
mod hostile;
mod moves;
mod office;
mod readme;
mod scenarios;
mod sentences;
mod size;

use sojourn_sync_protocol::Timestamp;
use sojourn_tests::{account::Account, day};

/// The moment that generated families live at.
const NOW: Timestamp = Timestamp::from_millis(1_795_507_200_000);

#[test]
fn a_day_in_four_villages_ends_in_agreement() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut account = Account::silent();
    let mut server = day::play(folder.path(), NOW, &mut account).expect("files can be written");
    server.stop();
    assert_eq!(account.failed(), Vec::<&str>::new());
    assert!(
        account.held() >= 15,
        "only {} checks were made",
        account.held()
    );
}
