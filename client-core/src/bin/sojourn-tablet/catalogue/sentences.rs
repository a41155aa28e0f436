//! What the program says: what went wrong and what to do about it, and how a command ended.

use sojourn_client_core::error::Error;
use sojourn_client_core::store::StoreError;
use sojourn_client_core::sync::session::Failure;
use sojourn_client_core::sync::transport::TransportError;
use sojourn_sync_protocol::record::{CannotSplit, EditError};
use sojourn_sync_protocol::refusal::Refusal;

use super::Lang;
use crate::problem::{Problem, Reason};

impl Lang {
    /// What went wrong, and what to do.
    pub(crate) fn problem(self, problem: &Problem) -> String {
        match problem {
            Problem::NoPassphrase => self.pick(
                "No passphrase: set SOJOURN_PASSPHRASE, or run this on a terminal to be asked.",
                "没有口令：请设置 SOJOURN_PASSPHRASE，或在终端中运行以便输入。",
            ).into(),
            Problem::PassphrasesDiffer => self.pick(
                "The two passphrases are not the same. Nothing was made; try again.",
                "两次输入的口令不一致。未做任何改动，请重试。",
            ).into(),
            Problem::PlainHttp(server) => self.pick(
                format!("{server} has no TLS, so anybody on the way could read it. Use an https address, or add --allow-http on a network you trust."),
                format!("{server} 未加密，途中可能被窃读。请使用 https 地址；若网络可信，可加 --allow-http。"),
            ),
            Problem::Engine(error) => self.engine(error),
            Problem::Salvaged(salvage) => {
                let aside = salvage.aside.display();
                let rows: u64 = salvage.tables.iter().map(|table| table.rows).sum();
                if salvage.is_whole() {
                    self.pick(
                        format!("The database was damaged. It is kept as {aside}, and everything in it was carried over ({rows} rows). Run the command again."),
                        format!("数据库已损坏。原文件保留为 {aside}，其中内容已全部转入新库（{rows} 行）。请再次运行命令。"),
                    )
                } else {
                    self.pick(
                        format!("The database was damaged. It is kept as {aside}, and what could be read was carried over ({rows} rows). Run `sync`: the server has what it acknowledged. Show the kept file to the office if an edit is missing."),
                        format!("数据库已损坏。原文件保留为 {aside}，可读内容已转入新库（{rows} 行）。请运行 sync，服务器存有它确认过的内容；若缺少修改，请把保留的文件交给办公室。"),
                    )
                }
            }
            Problem::Failed(failure) => self.failure(failure),
            Problem::Interrupted => self.pick(
                "Interrupted. Every page received is kept; run `sync` again to go on.",
                "已中断。已收到的各页均已保存；再次运行 sync 即可继续。",
            ).into(),
            Problem::Differs(areas) => {
                let list = areas.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                self.pick(
                    format!("This tablet and the server still differ in {list}. Nothing is lost; run `sync` again, and tell the office if it stays so."),
                    format!("本平板与服务器在 {list} 仍不一致。没有数据丢失；请再次运行 sync，若仍如此请告知办公室。"),
                )
            }
            Problem::Unreadable { path, error } => self.pick(
                format!("{}: cannot be read ({error}). Check the path.", path.display()),
                format!("{}：无法读取（{error}）。请检查路径。", path.display()),
            ),
            Problem::BadInput { path, line, reason } => {
                let place = match line {
                    Some(line) => self.pick(
                        format!("{}, line {line}", path.display()),
                        format!("{} 第 {line} 行", path.display()),
                    ),
                    None => path.display().to_string(),
                };
                let why = match reason {
                    Reason::Shape(why) => why.clone(),
                    Reason::Engine(error) => self.engine(error),
                };
                self.pick(
                    format!("{place}: {why}\nNothing of the file was taken in; correct it and try again."),
                    format!("{place}：{why}\n该文件未导入任何内容；请更正后重试。"),
                )
            }
            Problem::NothingPrepared(id) => self.pick(
                format!("No move of household {id} is prepared, so there is nothing to take back. `show` tells its moves."),
                format!("家庭 {id} 没有待接收的迁移，无可撤回。用 show 查看其迁移。"),
            ),
            Problem::NothingAsked(id) => self.pick(
                format!("No reviewer asks that about household {id}, or it was answered. `asked` tells what is asked."),
                format!("没有审核员就家庭 {id} 提出该询问，或已有答复。用 asked 查看询问。"),
            ),
            Problem::SeveralAsked(id) => self.pick(
                format!("Several things are asked about household {id}: say which with `--to`. `asked` tells them."),
                format!("家庭 {id} 有多项询问：请用 --to 指明其中一项。用 asked 查看询问。"),
            ),
            Problem::Output(error) => self.pick(
                format!("The output cannot be written: {error}."),
                format!("无法写出结果：{error}。"),
            ),
        }
    }

    /// Why an edit is held, and what happens next.
    pub(crate) fn held(self, fate: &str, reason: Option<&str>) -> String {
        let reason = reason.unwrap_or_default();
        match fate {
            "quarantined" => self.pick(
                format!("The server keeps it aside ({reason}); a reviewer decides. It is not in the household as shown."),
                format!("服务器已搁置（{reason}），由审核人决定。所示家庭中不含此修改。"),
            ),
            "missing-deps" => self.pick(
                "The server lacks what it builds on; `sync` makes it again on the server's copy.",
                "服务器缺少它所依据的内容；sync 会在服务器副本上重做。",
            ).into(),
            "fork" => self.pick(
                "This folder is a copy or was restored from one; `sync` makes it again on the server's copy, unless it is there already.",
                "本文件夹是副本或由备份恢复；sync 会在服务器副本上重做，已有的则不再重复。",
            ).into(),
            "old-epoch" => self.pick(
                "The document was redacted meanwhile; `sync` makes it again on the new one.",
                "文档已被涂销；sync 会在新文档上重做。",
            ).into(),
            _ => self.pick(
                format!("It could not be made again on the server's copy: {reason}. Make the edit anew if it still holds."),
                format!("无法在服务器副本上重做：{reason}。若仍成立，请重新修改。"),
            ),
        }
    }

    /// What a reviewer decided about a held edit.
    pub(crate) fn decided(self, outcome: &str, reason: &str) -> String {
        match outcome {
            "adopted" => self.pick(
                format!("A reviewer adopted it: {reason}. The household as shown has it."),
                format!("审核人已采纳：{reason}。所示家庭已含此修改。"),
            ),
            "adapted" => self.pick(
                format!("A reviewer adopted some of it, or changed it: {reason}. `show` has what counts."),
                format!("审核人部分采纳或作了改动：{reason}。以 show 所示为准。"),
            ),
            "refused" => self.pick(
                format!("A reviewer refused it: {reason}. The household stays as shown."),
                format!("审核人未采纳：{reason}。家庭仍如所示。"),
            ),
            // A newer program may know more ways.
            _ => self.pick(
                format!("A reviewer decided about it: {reason}. `show` has what counts."),
                format!("审核人已作决定：{reason}。以 show 所示为准。"),
            ),
        }
    }

    fn engine(self, error: &Error) -> String {
        match error {
            Error::Store(error) => self.store(error),
            Error::NotEnrolled => self.pick(
                "This folder is not a tablet yet. Ask the office for a code and run `sojourn-tablet enrol --server URL --code CODE`.",
                "本文件夹尚未登记为平板。请向办公室索取注册码，运行 sojourn-tablet enrol --server URL --code CODE。",
            ).into(),
            Error::UnknownHousehold(id) => self.pick(
                format!("Household {id} is not on this tablet. `list` shows what is; `sync` may bring it."),
                format!("本平板没有家庭 {id}。用 list 查看现有家庭；sync 或可取回。"),
            ),
            Error::NoSingleHousehold { text, found: 0 } => self.pick(
                format!("No household on this tablet has an id that begins with `{text}`. `list` shows them."),
                format!("本平板没有编号以“{text}”开头的家庭。用 list 查看。"),
            ),
            Error::NoSingleHousehold { text, found } => self.pick(
                format!("`{text}` begins the ids of {found} households. Give more of the id; `list` shows it."),
                format!("有 {found} 个家庭的编号以“{text}”开头。请多输入几位；用 list 查看。"),
            ),
            Error::UnknownPerson(id) => self.pick(
                format!("The household has no person {id}. `show` lists its persons with their ids."),
                format!("该家庭没有人员 {id}。用 show 查看人员及编号。"),
            ),
            Error::UnknownArea(area) => self.pick(
                format!("Area {area} is not in the area tree. Check the code; after a change of areas, `sync` fetches the new tree."),
                format!("地区树中没有 {area}。请检查代码；地区调整后，sync 会取回新的地区树。"),
            ),
            Error::AreaNotGranted(area) => self.pick(
                format!("This tablet is not responsible for area {area}, so nothing was written. Use an area of its own, or ask the office."),
                format!("本平板不负责地区 {area}，所以什么都没有写入。请使用本平板负责的地区，或联系办公室。"),
            ),
            Error::KindNotGranted(kind) => self.pick(
                format!("This tablet may not hold {kind} documents; its grant does not include them. Ask the office."),
                format!("本平板的授权不包括 {kind} 文档。请联系办公室。"),
            ),
            Error::Edit(error) => self.edit(error),
            Error::Split(error) => self.split(error),
            Error::At { index, source } => self.pick(
                format!("number {}: {}", index + 1, self.engine(source)),
                format!("第 {} 项：{}", index + 1, self.engine(source)),
            ),
            Error::Record { document, source } => self.pick(
                format!("Document {document} cannot be read: {source}. Run `sync`: the server's copy mends it."),
                format!("文档 {document} 无法读取：{source}。请运行 sync，用服务器的副本修复。"),
            ),
            Error::Fates { expected, found } => self.pick(
                format!("The server answered {found} fates for {expected} changes. Nothing was settled; one of the two programs has to be updated."),
                format!("服务器对 {expected} 项修改给出了 {found} 个结果。未作任何处理；两个程序之一需要更新。"),
            ),
        }
    }

    fn split(self, error: &CannotSplit) -> String {
        match error {
            CannotSplit::Nobody => self.pick(
                "Nobody is named who leaves. Name them with `--person ID`; `show` lists the ids.",
                "没有指明迁出的人员。请用 --person 编号 指明；用 show 查看编号。",
            ).into(),
            CannotSplit::Everybody => self.pick(
                "Everybody would leave. Then the household moves: use `move` or `leaving`.",
                "全部成员都将迁出。这种情况应迁移整个家庭：请用 move 或 leaving。",
            ).into(),
            CannotSplit::NotHere(person) => self.pick(
                format!("The person {person} is not in this household, or has left it. `show` lists its persons with their ids."),
                format!("人员 {person} 不在该家庭，或已经移出。用 show 查看人员及编号。"),
            ),
            CannotSplit::Contradicted { field } => self.pick(
                format!("{field} has two values. Decide which is true first: set it with `edit`, or wait for the reviewer."),
                format!("{field} 有两个不同的值。请先用 edit 确定，或等待审核员处理。"),
            ),
            CannotSplit::GoesOn(other) => self.pick(
                format!("This family goes on in household {other}. Split that one."),
                format!("该家庭的档案已续于家庭 {other}。请在那份档案中操作。"),
            ),
        }
    }

    fn store(self, error: &StoreError) -> String {
        match error {
            StoreError::WrongKey => self.pick(
                "The passphrase is wrong. Nothing was touched; try again.",
                "口令错误。未做任何改动，请重试。",
            ).into(),
            StoreError::KeyFile { path, reason } => self.pick(
                format!("The key file {} cannot be used ({reason}). Put it back from a copy of the folder; without it the database cannot be opened.", path.display()),
                format!("密钥文件 {} 无法使用（{reason}）。请从文件夹的备份中恢复；没有它无法打开数据库。", path.display()),
            ),
            StoreError::Busy(path) => self.pick(
                format!("Another process is using {}. Wait until it has finished.", path.display()),
                format!("另一个进程正在使用 {}。请等它结束。", path.display()),
            ),
            StoreError::DiskFull => self.pick(
                "The disk is full. Nothing was lost, and nothing of this command was written; make room and repeat it.",
                "磁盘已满。没有数据丢失，本命令未写入任何内容；请腾出空间后重试。",
            ).into(),
            StoreError::Corrupt(reason) => self.pick(
                format!("The database is damaged ({reason}). Nothing was deleted; run the command again: the file is then kept aside and everything readable is carried over."),
                format!("数据库已损坏（{reason}）。没有删除任何内容；请再次运行：原文件会保留，可读内容会转入新库。"),
            ),
            StoreError::Newer { found, known } => self.pick(
                format!("The database was written by a newer program (schema {found}; this one knows {known}). Install the newer program."),
                format!("数据库由更新的程序写入（结构 {found}，本程序支持 {known}）。请安装新版程序。"),
            ),
            StoreError::Io { path, source } => self.pick(
                format!("{}: {source}. Check the folder and its permissions.", path.display()),
                format!("{}：{source}。请检查文件夹及权限。", path.display()),
            ),
            StoreError::Sql(error) => self.pick(
                format!("The database failed: {error}. Nothing was written; report this."),
                format!("数据库出错：{error}。未写入任何内容，请上报。"),
            ),
        }
    }

    fn failure(self, failure: &Failure) -> String {
        match failure {
            Failure::Transport(TransportError::Address(reason)) => self.pick(
                format!("The server's address cannot be used ({reason}). It looks like https://register.example."),
                format!("服务器地址无效（{reason}）。应形如 https://register.example。"),
            ),
            Failure::Transport(TransportError::NotOurServer { status, .. }) => self.pick(
                format!("No connection: something else than the register answered (status {status}), such as a network's login page. Open a browser to log in to the network, then run `sync` again. Nothing is lost."),
                format!("无连接：应答的不是登记服务器（状态 {status}），可能是网络登录页。请先用浏览器登录网络，再运行 sync。没有数据丢失。"),
            ),
            Failure::Transport(TransportError::Unreachable(reason) | TransportError::Cut(reason)) => {
                self.no_connection(reason)
            }
            Failure::Transport(error) => self.no_connection(&error.to_string()),
            Failure::Version(found) => self.pick(
                format!("The server speaks another version of the protocol ({found}). Update this program. Nothing is lost."),
                format!("服务器使用其他协议版本（{found}）。请更新本程序。没有数据丢失。"),
            ),
            Failure::Unusable(reason) => self.pick(
                format!("The server's answer cannot be used ({reason}). Update this program; report it if it stays so. Nothing is lost."),
                format!("服务器的应答无法使用（{reason}）。请更新本程序；若仍如此请上报。没有数据丢失。"),
            ),
            Failure::Refused(refusal) => self.refusal(refusal),
        }
    }

    fn no_connection(self, reason: &str) -> String {
        self.pick(
            format!("No connection ({reason}). Everything stays on this tablet; run `sync` again when there is a connection."),
            format!("无连接（{reason}）。一切仍保存在本平板；有网络时再运行 sync。"),
        )
    }

    fn refusal(self, refusal: &Refusal) -> String {
        match refusal {
            Refusal::ClockSkew { server_time } => self.pick(
                format!("This tablet's clock is wrong: the server's says {server_time}. Set the clock (or switch on automatic time), then run the command again. Nothing is lost."),
                format!("本平板时钟不准：服务器时间为 {server_time}。请校准时钟（或开启自动对时）后重试。没有数据丢失。"),
            ),
            Refusal::Unauthenticated => self.pick(
                "The server does not accept this tablet's key. Ask the office; a new code and `enrol` may be needed. Edits stay on this tablet.",
                "服务器不接受本平板的密钥。请联系办公室；可能需要新的注册码重新 enrol。修改仍保存在本平板。",
            ).into(),
            Refusal::Withdrawn => self.pick(
                "This tablet has been withdrawn by the office. Its unsent edits stay on it; bring it to the office.",
                "本平板已被办公室停用。未上交的修改仍在本机，请送交办公室。",
            ).into(),
            Refusal::Code => self.pick(
                "The code is unknown, used up or older than ten minutes. Ask the office for a new one.",
                "注册码无效、已使用或已超过十分钟。请向办公室索取新的注册码。",
            ).into(),
            Refusal::Version { min, max } => self.pick(
                format!("The server speaks protocol versions {min} to {max}. Update whichever program is older. Nothing is lost."),
                format!("服务器支持协议版本 {min} 至 {max}。请更新较旧的一方。没有数据丢失。"),
            ),
            Refusal::Schema { known } => self.pick(
                format!("The server knows the record only up to schema {known}. Edits stay here until the server has been updated."),
                format!("服务器只支持记录结构 {known}。服务器更新之前，修改保存在本机。"),
            ),
            Refusal::UnknownArea { area } => self.pick(
                format!("The server does not know area {area}, or this tablet has no grant for it. Check the code with the office."),
                format!("服务器没有地区 {area}，或本平板无此授权。请与办公室核对代码。"),
            ),
            Refusal::Busy { .. } | Refusal::Unavailable { .. } => self.pick(
                "The server cannot take anything at present. Everything stays on this tablet; run `sync` again later.",
                "服务器暂时无法受理。一切仍保存在本平板；请稍后再运行 sync。",
            ).into(),
            Refusal::Internal { id } => self.pick(
                format!("The server failed; tell the office number {id}. Everything stays on this tablet; run `sync` again later."),
                format!("服务器出错，请告知办公室编号 {id}。一切仍保存在本平板；请稍后再运行 sync。"),
            ),
            Refusal::Malformed { .. } | Refusal::TooLarge { .. } | Refusal::NotFound => self.pick(
                format!("The server does not accept the request ({refusal}). One of the two programs has to be updated. Nothing is lost."),
                format!("服务器不接受该请求（{refusal}）。两个程序之一需要更新。没有数据丢失。"),
            ),
        }
    }

    fn edit(self, error: &EditError) -> String {
        if self == Self::En {
            let mut text = error.to_string();
            text.push('.');
            return text;
        }
        match error {
            EditError::UnknownField { field } => format!("没有字段“{field}”。"),
            EditError::BadValue { field, problem } => format!("{field} 的值不合要求：{problem}。"),
            EditError::Required { field } => format!("{field} 不能为空。"),
            EditError::NotAssignment { text } => format!("“{text}”应写成 字段=值。"),
            EditError::OtherEdit { field, edit } => format!("“{field}”须用 {edit} 修改。"),
            EditError::OtherDocument(kind) => format!("该修改属于本家庭的 {kind} 文档。"),
            EditError::NoSuchEntry { entry } => format!("本家庭没有 {entry}。"),
            EditError::EntryExists { entry } => format!("本家庭已有 {entry}。"),
            EditError::NotAnId { entry } => {
                format!("{entry} 的编号不是 UUIDv7；省略编号即可自动生成。")
            }
            EditError::NoId(kind) => format!("新的 {kind} 尚无编号。"),
            EditError::PersonRemoved(person) => format!("人员 {person} 已移出本家庭；请先恢复。"),
            EditError::NotRemoved(person) => format!("人员 {person} 未被移出。"),
            EditError::AlreadyRegistered => "该家庭已登记。".into(),
            EditError::NotRegistered => "该家庭尚未登记。".into(),
            EditError::MoveProposed { to } => {
                format!("已有一次迁往 {to} 的迁移在等待接收；请先撤回。")
            }
            EditError::NotProposed { entry } => format!("{entry} 不是等待答复的迁移。"),
            EditError::NothingChanged => "登记内容本来如此，未作改动。".into(),
            EditError::Damaged(reason) => format!("文档无法写入：{reason}。"),
        }
    }
}
