//! What came of a command, and why one was not done, for people. Every error says what to do next.

use super::Lang;
use crate::accounts::Account;
use crate::areas::{RowError, RowFault};
use crate::check::Problem;
use crate::config::ConfigError;
use crate::demo::DemoError;
use crate::office::{Checked, DeviceRow, IssuedAccount, IssuedCode, OfficeError, Outcome};
use crate::staff::{Role, Staff};
use crate::state::StartError;
use crate::store::StoreError;

/// What came of an office command: one line or several, without the last line's end. Empty when the command
/// has printed all there is.
pub(in crate::cli) fn outcome(outcome: &Outcome, lang: Lang) -> String {
    match outcome {
        Outcome::Areas(done) => lang.pick(
            format!(
                "{} areas added, {} changed; the tree is at version {}.",
                done.added, done.changed, done.version
            ),
            format!(
                "新增 {} 个地区，更新 {} 个；地区树版本 {}。",
                done.added, done.changed, done.version
            ),
        ),
        Outcome::Staff(staff) => staff.id.to_string(),
        Outcome::StaffList(list) => lines(list, |staff| staff_line(staff, lang)),
        Outcome::Code(issued) => issued.code.clone(),
        Outcome::Devices(list) => lines(list, |device| device_line(device, lang)),
        Outcome::Granted(grant) => {
            let areas = lines_with(&grant.areas, ", ", ToString::to_string);
            lang.pick(
                format!("The tablet may hold {areas} (grant {}).", grant.version),
                format!("该平板可持有 {areas}（授权版本 {}）。", grant.version),
            )
        }
        Outcome::Withdrawn(device) => lang.pick(
            format!("Tablet {device} is out of service."),
            format!("平板 {device} 已停用。"),
        ),
        Outcome::Account(issued) => issued.code.clone(),
        Outcome::Accounts(list) => lines(list, |account| account_line(account, lang)),
        Outcome::AccountWithdrawn(account) => lang.pick(
            format!("Nobody can sign in as {} any more.", account.name),
            format!("账号 {} 已停用，不能再登录。", account.name),
        ),
        Outcome::Exported { .. } => String::new(),
        Outcome::Checked(checked) => check_lines(checked, lang),
    }
}

/// What to say beside a code, so that whoever reads it aloud knows what it is.
pub(in crate::cli) fn beside_code(issued: &IssuedCode, lang: Lang) -> String {
    let areas = lines_with(&issued.areas, ", ", ToString::to_string);
    let (name, role) = (&issued.staff.name, role(issued.staff.role, lang));
    lang.pick(
        format!("Good once, for ten minutes: a tablet of {name} ({role}) for {areas}."),
        format!("一次有效，十分钟内使用：{name}（{role}）的平板，地区 {areas}。"),
    )
}

/// What to say beside the code of an account.
pub(in crate::cli) fn beside_account(issued: &IssuedAccount, lang: Lang) -> String {
    let account = &issued.account;
    let areas = lines_with(&account.areas, ", ", ToString::to_string);
    let (name, owner) = (&account.name, &account.staff.name);
    let role = role(account.staff.role, lang);
    lang.pick(
        format!(
            "Good once, for three days: {owner} ({role}) chooses a password with it and signs in to the console as {name}, for {areas}."
        ),
        format!(
            "一次有效，三天内使用：{owner}（{role}）凭此设置密码，以账号 {name} 登录审核台，地区 {areas}。"
        ),
    )
}

fn account_line(account: &Account, lang: Lang) -> String {
    let areas = lines_with(&account.areas, ",", ToString::to_string);
    let state = match (account.withdrawn, account.begun) {
        (true, _) => lang.pick("  taken away", "  已停用"),
        (false, true) => "",
        (false, false) => lang.pick("  no password yet", "  尚未设置密码"),
    };
    let (owner, role) = (&account.staff, role(account.staff.role, lang));
    format!(
        "{}  {role}  {}  {}  {areas}{state}",
        account.name, owner.name, owner.id
    )
}

fn lines<T>(list: &[T], line: impl Fn(&T) -> String) -> String {
    lines_with(list, "\n", line)
}

fn lines_with<T>(list: &[T], between: &str, line: impl Fn(&T) -> String) -> String {
    list.iter().map(line).collect::<Vec<_>>().join(between)
}

fn role(role: Role, lang: Lang) -> &'static str {
    match role {
        Role::Worker => lang.pick("worker", "工作人员"),
        Role::Clerk => lang.pick("clerk", "文员"),
        Role::Reviewer => lang.pick("reviewer", "审核员"),
        Role::Officer => lang.pick("privacy officer", "隐私专员"),
    }
}

fn staff_line(staff: &Staff, lang: Lang) -> String {
    format!("{}  {}  {}", staff.id, role(staff.role, lang), staff.name)
}

fn device_line(device: &DeviceRow, lang: Lang) -> String {
    let areas = lines_with(&device.grant.areas, ",", ToString::to_string);
    let state = if device.withdrawn {
        lang.pick("  out of service", "  已停用")
    } else {
        ""
    };
    format!("{}  {areas}  {}{state}", device.device, device.label)
}

fn check_lines(checked: &Checked, lang: Lang) -> String {
    let mut said = lang.pick(
        format!(
            "Households: {}; documents: {}; changes: {}; area digests: {}. ",
            checked.households, checked.documents, checked.changes, checked.areas
        ),
        format!(
            "{} 个家庭、{} 个文档、{} 个变更、{} 个地区摘要：",
            checked.households, checked.documents, checked.changes, checked.areas
        ),
    );
    if checked.faults_total == 0 {
        said.push_str(lang.pick("All as they should be.", "全部正确。"));
        return said;
    }
    said.push_str(&lang.pick(
        format!("wrong rows: {}. Restore a backup.", checked.faults_total),
        format!("{} 行有误。请恢复备份。", checked.faults_total),
    ));
    for wrong in &checked.faults {
        let what = what_is_wrong(wrong.problem, lang);
        said.push_str(&format!("\n  {}: {what}", wrong.row));
    }
    said
}

fn what_is_wrong(problem: Problem, lang: Lang) -> &'static str {
    match problem {
        Problem::BytesDiffer => lang.pick(
            "its bytes are not those it is kept under",
            "内容与其哈希不符",
        ),
        Problem::ColumnsDiffer => {
            lang.pick("its columns are not what its bytes say", "各列与内容不符")
        }
        Problem::DoesNotApply => lang.pick(
            "it cannot be applied to the changes before it",
            "无法应用于之前的变更",
        ),
        Problem::Unreadable => lang.pick("it cannot be read", "无法读取"),
        Problem::Differs => lang.pick("it is not what the log makes", "与日志推出的结果不同"),
        Problem::Missing => lang.pick("it is missing", "缺失"),
        Problem::Stray => lang.pick("nothing calls for it", "多余"),
    }
}

/// Why an office command was not done, and what to do.
pub(in crate::cli) fn office_error(error: &OfficeError, lang: Lang) -> String {
    match error {
        OfficeError::Columns(missing) => lang.pick(
            format!("The first line must name the columns code,parent,level,name; missing: {missing}. Nothing was imported."),
            format!("首行必须给出列名 code,parent,level,name；缺少：{missing}。未导入任何内容。"),
        ),
        OfficeError::Rows { first, total } => {
            let mut said = lang.pick(
                format!("Wrong rows: {total}. Nothing was imported; correct them and import again."),
                format!("{total} 行有误，未导入任何内容。请改正后重新导入。"),
            );
            for row in first {
                said.push_str("\n  ");
                said.push_str(&wrong_row(row, lang));
            }
            said
        }
        OfficeError::Name => lang
            .pick("A name is 1 to 64 bytes of text on one line.", "姓名须为一行文字，1 至 64 字节。")
            .to_owned(),
        OfficeError::UnknownStaff(id) => lang.pick(
            format!("Nobody on the staff has id {id}; see `sojourn staff list`."),
            format!("没有编号为 {id} 的工作人员；请查看 sojourn staff list。"),
        ),
        OfficeError::UnknownArea(area) => lang.pick(
            format!("Area {area} is not in the tree; look for its code, or import it with `sojourn areas import`."),
            format!("地区树中没有 {area}；请核对代码，或用 sojourn areas import 导入。"),
        ),
        OfficeError::UnknownDevice(id) => lang.pick(
            format!("No tablet has id {id}; see `sojourn device list`."),
            format!("没有编号为 {id} 的平板；请查看 sojourn device list。"),
        ),
        OfficeError::NoArea => lang
            .pick("Name at least one area.", "请至少给出一个地区。")
            .to_owned(),
        OfficeError::NotForRole { role: what, tablet: true } => lang.pick(
            format!("The work of a {} is not done with a tablet; give them an account with `sojourn account give`.", role(*what, lang)),
            format!("{}的工作不使用平板；请用 sojourn account give 为其开通账号。", role(*what, lang)),
        ),
        OfficeError::NotForRole { role: what, tablet: false } => lang.pick(
            format!("A {} works with a tablet, not in the console; enrol one with `sojourn device code`.", role(*what, lang)),
            format!("{}使用平板工作，不使用审核台；请用 sojourn device code 注册平板。", role(*what, lang)),
        ),
        OfficeError::NameTaken(name) => lang.pick(
            format!("The account {name} is somebody else's; choose another name."),
            format!("账号名 {name} 已属于他人，请另取名称。"),
        ),
        OfficeError::UnknownAccount(name) => lang.pick(
            format!("No account is called {name}; see `sojourn account list`."),
            format!("没有名为 {name} 的账号；请查看 sojourn account list。"),
        ),
        OfficeError::DiskFull => disk_full(lang).to_owned(),
        OfficeError::Corrupt(said) => corrupt(said, lang),
        OfficeError::Newer { found, known } => newer(*found, *known, lang),
        OfficeError::Locked(path) => lang.pick(
            format!("Another process has {} open and takes no commands. Wait for it to end, or stop it.", path.display()),
            format!("另一个进程正在使用 {}，且不接受命令。请等待其结束，或停止该进程。", path.display()),
        ),
        OfficeError::Unreachable { path, reason } => cannot_open(&path.display().to_string(), reason, lang),
        OfficeError::Failed(said) => lang.pick(format!("It failed: {said}"), format!("操作失败：{said}")),
    }
}

fn wrong_row(row: &RowError, lang: Lang) -> String {
    let fault = match &row.fault {
        RowFault::Unreadable => lang
            .pick(
                "not as many fields as columns, or not UTF-8 text",
                "字段数与列数不符，或不是 UTF-8 文本",
            )
            .to_owned(),
        RowFault::Code => lang
            .pick(
                "a code is 1 to 32 of 0-9 A-Z a-z . _ -",
                "代码须为 1 至 32 个 0-9 A-Z a-z . _ - 字符",
            )
            .to_owned(),
        RowFault::Name => lang
            .pick("name or level is empty or too long", "名称或级别为空或过长")
            .to_owned(),
        RowFault::Date => lang
            .pick(
                "not a date; write it as 2026-11-24, 2026-11 or 2026",
                "日期须写作 2026-11-24、2026-11 或 2026",
            )
            .to_owned(),
        RowFault::Twice { first } => lang.pick(
            format!("the code stands on line {first} already"),
            format!("代码已出现在第 {first} 行"),
        ),
        RowFault::Parent(code) => lang.pick(
            format!("its parent {code} is neither in the file nor in the tree"),
            format!("上级 {code} 不在文件中，也不在地区树中"),
        ),
        RowFault::Successor(code) => lang.pick(
            format!("its successor {code} is neither in the file nor in the tree"),
            format!("后继 {code} 不在文件中，也不在地区树中"),
        ),
        RowFault::Circle => lang
            .pick("it would lie below itself", "会成为自己的下级")
            .to_owned(),
    };
    lang.pick(
        format!("line {} ({}): {fault}", row.line, row.code),
        format!("第 {} 行（{}）：{fault}", row.line, row.code),
    )
}

fn disk_full(lang: Lang) -> &'static str {
    lang.pick(
        "The disk is full. Nothing was lost; free some room and try again.",
        "磁盘已满。没有丢失任何内容；请腾出空间后重试。",
    )
}

fn corrupt(said: &str, lang: Lang) -> String {
    lang.pick(
        format!("The database is damaged ({said}). It was left as it is: keep a copy of the folder, then restore a backup."),
        format!("数据库已损坏（{said}）。文件保持原样：请先复制该文件夹，再恢复备份。"),
    )
}

fn newer(found: usize, known: usize, lang: Lang) -> String {
    lang.pick(
        format!("A newer program wrote this database (schema {found}, this program knows {known}). It was left as it is: use the newer program."),
        format!("该数据库由较新的程序写入（结构版本 {found}，本程序只识别到 {known}）。文件保持原样：请使用较新的程序。"),
    )
}

fn cannot_open(what: &str, reason: &str, lang: Lang) -> String {
    lang.pick(
        format!("Cannot open {what}: {reason}"),
        format!("无法打开 {what}：{reason}"),
    )
}

/// Why the server cannot start, and what to do.
pub(in crate::cli) fn start_error(error: &StartError, lang: Lang) -> String {
    match error {
        StartError::Store(StoreError::Locked(path)) => lang.pick(
            format!(
                "Another process has {} open. Stop it, or choose another folder with --data.",
                path.display()
            ),
            format!(
                "另一个进程正在使用 {}。请停止该进程，或用 --data 选择其他文件夹。",
                path.display()
            ),
        ),
        StartError::Store(StoreError::DiskFull) => disk_full(lang).to_owned(),
        StartError::Store(StoreError::Corrupt(said)) => corrupt(said, lang),
        StartError::Store(StoreError::Newer { found, known }) => newer(*found, *known, lang),
        StartError::Store(StoreError::Unreachable { path, reason }) => {
            cannot_open(&path.display().to_string(), reason, lang)
        }
        StartError::Store(other) => cannot_open(
            lang.pick("the database", "数据库"),
            &other.to_string(),
            lang,
        ),
        StartError::Io { what, error } => cannot_open(what, &error.to_string(), lang),
    }
}

/// What is wrong with the configuration.
pub(in crate::cli) fn config_error(error: &ConfigError, lang: Lang) -> String {
    match error {
        ConfigError::Unreadable { path, reason } => cannot_open(&path.display().to_string(), reason, lang),
        ConfigError::Wrong { path, reason } => lang.pick(
            format!("{} is not a configuration: {reason}", path.display()),
            format!("{} 不是有效的配置：{reason}", path.display()),
        ),
        ConfigError::PublicUrl(url) => lang.pick(
            format!("{url} is not an address that tablets can use; write it as https://host or https://host:port."),
            format!("{url} 不是平板可用的地址；请写作 https://主机 或 https://主机:端口。"),
        ),
        ConfigError::NoPublicUrl(listen) => lang.pick(
            format!("A server that listens on {listen} must be told the address that tablets use: add --public-url https://host."),
            format!("在 {listen} 监听的服务器须知道平板使用的地址：请加 --public-url https://主机。"),
        ),
        ConfigError::Zero(name) => lang.pick(
            format!("{name} must be at least 1."),
            format!("{name} 至少为 1。"),
        ),
    }
}

/// Why the demo cannot start.
pub(in crate::cli) fn demo_error(error: &DemoError, lang: Lang) -> String {
    match error {
        DemoError::NotFresh(path) => lang.pick(
            format!("{} holds a register already. The demo begins with a fresh one: choose another folder with --data.", path.display()),
            format!("{} 中已有登记册。演示须从新文件夹开始：请用 --data 选择其他文件夹。", path.display()),
        ),
        DemoError::Start(error) => start_error(error, lang),
        DemoError::Office(error) => office_error(error, lang),
    }
}

/// A file that cannot be read.
pub(in crate::cli) fn unreadable(
    path: &std::path::Path,
    error: &std::io::Error,
    lang: Lang,
) -> String {
    cannot_open(&path.display().to_string(), &error.to_string(), lang)
}

/// The server ended with an error.
pub(in crate::cli) fn serving_failed(error: &std::io::Error, lang: Lang) -> String {
    lang.pick(
        format!("The server stopped: {error}"),
        format!("服务器已停止：{error}"),
    )
}
