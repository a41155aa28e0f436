//! `make demo`: one day in four villages, told and checked. Leaves the server running and prints its
//! address; with `ONCE=1` it ends instead, with an error if a check failed.

use sojourn_sync_protocol::Timestamp;
use sojourn_tests::{
    account::{Account, Language},
    day, sentence, waiting,
};
use std::{env, fs, io, process::ExitCode, time::SystemTime};

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let language = Language::of(env::var("LANG").ok().as_deref());
    let mut account = Account::aloud(language);
    // Beside the program, and kept until the next demo, so that it can be looked into.
    let folder = env::current_exe()?.with_file_name("demo-data");
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => fs::create_dir_all(&folder)?,
    }
    let millis = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)?
        .as_millis();
    let now = Timestamp::from_millis(i64::try_from(millis)?);
    let mut server = day::play(&folder, now, &mut account)?;

    let (held, failed) = (account.held(), account.failed().len());
    account.chapter(&sentence!(
        "{held} 项检查通过，{failed} 项未通过",
        "{held} checks held, {failed} failed",
        held,
        failed
    ));
    if env::var_os("ONCE").is_some_and(|once| once == "1") {
        server.stop();
    } else {
        waiting::give_accounts(&server, &account);
        waiting::give_tablet(&server, &account);
        let (address, place) = (server.url(), folder.display());
        account.tell(&sentence!(
            "中心库仍在运行：{address}（Ctrl-C 结束）。数据与平板在 {place}",
            "the server is still running at {address} (Ctrl-C ends it); its data and the tablets are in {place}",
            address,
            place,
        ));
        server.wait();
    }
    Ok(if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
