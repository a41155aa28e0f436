//! The help of every command and argument.

use super::Lang;

/// What a command does, in a line or two. The program itself has no name.
pub(crate) fn about(command: &str, lang: Lang) -> Option<&'static str> {
    let (en, zh) = match command {
        "" => (
            "A household register that works without a connection.\n\nEverything is kept in one encrypted folder. Edits are written there first and reach the server with `sync`; until the server has acknowledged one, nothing removes it.",
            "离线可用的家庭登记册。\n\n全部数据保存在一个加密文件夹中。修改先写入本机，用 sync 送到服务器；服务器确认之前，任何操作都不会删除它。",
        ),
        "enrol" => (
            "Makes this folder a tablet of the register, with a one-time code from the office",
            "用办公室发放的一次性注册码，把本文件夹登记为一台平板",
        ),
        "sync" => (
            "Hands in edits and brings back what is new; can be interrupted at any time",
            "上交修改并取回新内容；可随时中断",
        ),
        "status" => (
            "Says who this tablet is, what it holds and what waits to be handed in",
            "显示本平板的身份、所存内容和待上交的修改",
        ),
        "list" => ("Lists households, or finds them", "列出或查找家庭"),
        "show" => (
            "Shows one household; a contradicted field shows every value, with who wrote it",
            "显示一个家庭；有分歧的字段显示所有值及填写人",
        ),
        "history" => (
            "Shows every value a field has had: what, who, when, which device, which area",
            "显示字段的全部历史：值、填写人、时间、设备、地区",
        ),
        "similar" => (
            "Says who here may be the household in a JSON file, which may be incomplete; registers nothing",
            "查找本机中可能与 JSON 文件所写家庭相同的家庭，文件可不完整；不登记",
        ),
        "add" => (
            "Registers a household from a JSON file",
            "从 JSON 文件登记一个家庭",
        ),
        "import" => (
            "Takes in many households or edits, one JSON object a line; all of them or none",
            "批量导入家庭或修改，每行一个 JSON 对象；要么全部导入，要么全不导入",
        ),
        "edit" => ("Changes fields of a household", "修改家庭的字段"),
        "visit" => (
            "Records a visit from a JSON file",
            "从 JSON 文件登记一次走访",
        ),
        "move" => (
            "Moves a household to another area, which becomes responsible for it",
            "家庭迁往另一地区，由该地区负责",
        ),
        "leaving" => (
            "Prepares a move: the household stays here until the other area has agreed",
            "准备迁移：在对方地区接收之前，家庭仍由本地区负责",
        ),
        "stays" => (
            "Takes a prepared move back: the household stays",
            "撤回准备中的迁移：家庭留下",
        ),
        "split" => (
            "Some members leave and are a household of their own, which may then move like any other",
            "部分成员分出，另立一户；新户可照常迁移",
        ),
        "card" => (
            "Shows a household's card, for the family to show where it moves to",
            "显示家庭卡，供家庭在迁入地出示",
        ),
        "arrived" => (
            "Says that a household registered here comes from another area, and asks that area to hand it over; with its card, its record follows at once",
            "说明本机登记的家庭来自其他地区，并请该地区移交；出示家庭卡的，档案立即随迁",
        ),
        "asked" => (
            "Shows what reviewers ask the staff about households here",
            "显示审核员就本机家庭提出的询问",
        ),
        "answer" => (
            "Answers what a reviewer asks about a household",
            "答复审核员就某家庭提出的询问",
        ),
        "held" => (
            "Shows edits that the server keeps aside, why, and what a reviewer decided",
            "显示服务器搁置的修改、原因及审核人的决定",
        ),
        "export" => (
            "Prints every household as JSON, one a line",
            "以 JSON 输出全部家庭，每行一个",
        ),
        "help" => ("Shows the help of a command", "显示命令的帮助"),
        _ => return None,
    };
    Some(lang.pick(en, zh))
}

/// Examples that teach the command.
pub(crate) fn examples(command: &str, lang: Lang) -> Option<&'static str> {
    let (en, zh) = match command {
        "" => (
            "A first day:
  export SOJOURN_PASSPHRASE='four words that nobody guesses'
  sojourn-tablet --data my-tablet enrol --server https://register.example --code 7KQ2-M8XV-4TJD
  sojourn-tablet --data my-tablet sync
  sojourn-tablet --data my-tablet list --search zhang
  sojourn-tablet --data my-tablet edit 0199a3 contact/phone=10012345678
  sojourn-tablet --data my-tablet sync

The passphrase comes from SOJOURN_PASSPHRASE, or is asked for.
Exit codes: 0 done, 2 usage, 3 not found, 10 wrong passphrase, 11 corrupt database (kept aside, salvaged),
12 disk full, 13 not enrolled, 14 no connection, 15 refused, 16 wrong clock, 17 another version,
18 unknown area, 19 bad input, 1 anything else.",
            "第一天：
  export SOJOURN_PASSPHRASE='无人能猜到的四个词'
  sojourn-tablet --data my-tablet enrol --server https://register.example --code 7KQ2-M8XV-4TJD
  sojourn-tablet --data my-tablet sync
  sojourn-tablet --data my-tablet list --search 张
  sojourn-tablet --data my-tablet edit 0199a3 contact/phone=10012345678
  sojourn-tablet --data my-tablet sync

口令取自 SOJOURN_PASSPHRASE，未设置时提示输入。
退出码：0 完成，2 用法错误，3 未找到，10 口令错误，11 数据库损坏（原文件保留并已抢救），12 磁盘已满，
13 未登记，14 无连接，15 被拒绝，16 时钟不准，17 版本不符，18 未知地区，19 输入有误，1 其他。",
        ),
        "enrol" => (
            "The code is good once and for ten minutes; case, spaces and hyphens do not matter.
The key that proves this tablet's identity is made here and never leaves the folder.

  sojourn-tablet --data my-tablet enrol --server https://register.example --code 7KQ2-M8XV-4TJD
  sojourn-tablet --data my-tablet enrol --server http://127.0.0.1:8080 --code 7KQ2M8XV4TJD --label 'east village'",
            "注册码仅可用一次，十分钟内有效；不区分大小写、空格和连字符。
证明本平板身份的密钥在本机生成，永不离开本文件夹。

  sojourn-tablet --data my-tablet enrol --server https://register.example --code 7KQ2-M8XV-4TJD
  sojourn-tablet --data my-tablet enrol --server http://127.0.0.1:8080 --code 7KQ2M8XV4TJD --label 东村",
        ),
        "sync" => (
            "  sojourn-tablet sync
  sojourn-tablet sync --page-bytes 65536     on a slow link: smaller pages, less to repeat after a cut
  sojourn-tablet sync --retries 0 --json     for scripts: one attempt, the summary as JSON",
            "  sojourn-tablet sync
  sojourn-tablet sync --page-bytes 65536     网速慢时：每页更小，断线后重传更少
  sojourn-tablet sync --retries 0 --json     用于脚本：只试一次，以 JSON 输出结果",
        ),
        "status" => ("  sojourn-tablet status\n  sojourn-tablet status --json", "  sojourn-tablet status\n  sojourn-tablet status --json"),
        "list" => (
            "A search finds Chinese characters, pinyin, initials, telephone numbers, the last digits of an identity
number, and Latin names that are nearly right:

  sojourn-tablet list
  sojourn-tablet list --search 张伟
  sojourn-tablet list --search zhangwei
  sojourn-tablet list --search zw
  sojourn-tablet list --search 5678 --json",
            "可按汉字、拼音、首字母、电话、证件号末几位查找，拉丁字母姓名允许拼写略有出入：

  sojourn-tablet list
  sojourn-tablet list --search 张伟
  sojourn-tablet list --search zhangwei
  sojourn-tablet list --search zw
  sojourn-tablet list --search 5678 --json",
        ),
        "show" => (
            "Any beginning of the id that is unique will do:\n\n  sojourn-tablet show 0199a3\n  sojourn-tablet show 0199a3 --json",
            "输入编号开头、足以区分即可：\n\n  sojourn-tablet show 0199a3\n  sojourn-tablet show 0199a3 --json",
        ),
        "history" => (
            "  sojourn-tablet history 0199a3\n  sojourn-tablet history 0199a3 contact/phone\n  sojourn-tablet history 0199a3 persons",
            "  sojourn-tablet history 0199a3\n  sojourn-tablet history 0199a3 contact/phone\n  sojourn-tablet history 0199a3 persons",
        ),
        "add" => (
            "The file holds one object; every field but the persons' names may be left out:

  {\"address\": \"East Street 4\", \"phone\": \"10012345678\",
   \"persons\": [{\"name\": \"张伟\", \"relation\": \"head\", \"birth\": \"1990-05\", \"sex\": \"male\"}]}

  sojourn-tablet add family.json",
            "文件为一个对象；除人员姓名外，字段均可省略：

  {\"address\": \"东街4号\", \"phone\": \"10012345678\",
   \"persons\": [{\"name\": \"张伟\", \"relation\": \"head\", \"birth\": \"1990-05\", \"sex\": \"male\"}]}

  sojourn-tablet add family.json",
        ),
        "import" => (
            "A line is a household as for `add` (with `id` if it has one), or an edit of one:

  {\"id\": \"0199…\", \"persons\": [{\"name\": \"李娜\"}]}
  {\"household\": \"0199…\", \"edit\": {\"edit\": \"record-visit\", \"on\": \"2026-11-24\", \"kind\": \"child\"}}

  sojourn-tablet import families.jsonl

A line that cannot be taken in is named, and then nothing of the file is.",
            "每行是一个家庭（格式同 add，可带 id），或对某个家庭的一次修改：

  {\"id\": \"0199…\", \"persons\": [{\"name\": \"李娜\"}]}
  {\"household\": \"0199…\", \"edit\": {\"edit\": \"record-visit\", \"on\": \"2026-11-24\", \"kind\": \"child\"}}

  sojourn-tablet import families.jsonl

若某行无法导入，会指出行号，且整个文件都不导入。",
        ),
        "edit" => (
            "A field goes by its path; nothing after `=` clears it. A contradicted field is settled by setting it.

  sojourn-tablet edit 0199a3 contact/phone=10012345678
  sojourn-tablet edit 0199a3 persons/0199b7…/birth=1990-05-02 consent/care=given
  sojourn-tablet edit 0199a3 facts/0199b7…/allergy=penicillin
  sojourn-tablet edit 0199a3 --file add-person.json     any kind of edit, such as
      {\"edit\": \"add-person\", \"name\": \"王芳\", \"relation\": \"child\", \"birth\": \"2026-11\"}",
            "字段用路径表示；等号后留空即清除。给有分歧的字段赋值即作出决定。

  sojourn-tablet edit 0199a3 contact/phone=10012345678
  sojourn-tablet edit 0199a3 persons/0199b7…/birth=1990-05-02 consent/care=given
  sojourn-tablet edit 0199a3 facts/0199b7…/allergy=青霉素
  sojourn-tablet edit 0199a3 --file add-person.json     任意一种修改，例如
      {\"edit\": \"add-person\", \"name\": \"王芳\", \"relation\": \"child\", \"birth\": \"2026-11\"}",
        ),
        "similar" => (
            "  {\"phone\": \"10012345678\", \"persons\": [{\"name\": \"王芳\", \"birth\": \"1988\"}]}

  sojourn-tablet similar draft.json",
            "  {\"phone\": \"10012345678\", \"persons\": [{\"name\": \"王芳\", \"birth\": \"1988\"}]}

  sojourn-tablet similar draft.json",
        ),
        "visit" => (
            "  {\"on\": \"2026-11-24\", \"kind\": \"antenatal\", \"person\": \"0199b7…\", \"systolic\": 118, \"diastolic\": 76,
   \"note\": \"well\", \"next_on\": \"2026-12-22\"}

  sojourn-tablet visit 0199a3 visit.json",
            "  {\"on\": \"2026-11-24\", \"kind\": \"antenatal\", \"person\": \"0199b7…\", \"systolic\": 118, \"diastolic\": 76,
   \"note\": \"一切良好\", \"next_on\": \"2026-12-22\"}

  sojourn-tablet visit 0199a3 visit.json",
        ),
        "move" => (
            "  sojourn-tablet move 0199a3 --to 370724001001
  sojourn-tablet move 0199a3 --to 370724001001 --reason work --on 2026-11-20 --address 'West Lane 2'",
            "  sojourn-tablet move 0199a3 --to 370724001001
  sojourn-tablet move 0199a3 --to 370724001001 --reason work --on 2026-11-20 --address 西巷2号",
        ),
        "leaving" => (
            "A family that stands at the new door already is moved with `move`.

  sojourn-tablet leaving 0199a3 --to 370724001001 --on 2026-12-01
  sojourn-tablet leaving 0199a3 --to 370724001001 --on 2026-12-01 --reason school --until 2027-07",
            "家庭若已到新住处，请直接用 move。

  sojourn-tablet leaving 0199a3 --to 370724001001 --on 2026-12-01
  sojourn-tablet leaving 0199a3 --to 370724001001 --on 2026-12-01 --reason school --until 2027-07",
        ),
        "stays" => (
            "  sojourn-tablet stays 0199a3 --reason 'found work here'",
            "  sojourn-tablet stays 0199a3 --reason 在本地找到工作",
        ),
        "split" => (
            "The first person named is the head. What is theirs goes along: health facts, visits, open requests.

  sojourn-tablet split 0199a3 --person 0199a4c2-0000-7000-8000-000000000003
  sojourn-tablet split 0199a3 --person 0199a4c2-0000-7000-8000-000000000003 --address 'No. 9' --on 2026-12-01",
            "第一个人员为新户户主。其健康信息、随访和未办结的诉求一并转入。

  sojourn-tablet split 0199a3 --person 0199a4c2-0000-7000-8000-000000000003
  sojourn-tablet split 0199a3 --person 0199a4c2-0000-7000-8000-000000000003 --address '9 号' --on 2026-12-01",
        ),
        "card" => ("  sojourn-tablet card 0199a3", "  sojourn-tablet card 0199a3"),
        "arrived" => (
            "The household is the one registered here with `add`. Its own record takes over what that has; nothing is typed twice.

  sojourn-tablet arrived 0199a3 --from 370724001001
  sojourn-tablet arrived 0199a3 --from 370724 --card 0682-VPXR-01B3-QK2M-7TFZ-9C4D --reason work

A card that was mistyped is refused at once. Asking again takes the earlier asking back; `stays` takes it back altogether.",
            "家庭即用 add 在本机登记的家庭。其原有档案会并入本机登记的内容，无须重复录入。

  sojourn-tablet arrived 0199a3 --from 370724001001
  sojourn-tablet arrived 0199a3 --from 370724 --card 0682-VPXR-01B3-QK2M-7TFZ-9C4D --reason work

卡号输错会立即提示。重新执行即取代上一次；用 stays 可完全撤回。",
        ),
        "asked" => ("  sojourn-tablet asked\n  sojourn-tablet asked --json", "  sojourn-tablet asked\n  sojourn-tablet asked --json"),
        "answer" => (
            "  sojourn-tablet answer 0199a3 'number 7, seen today'",
            "  sojourn-tablet answer 0199a3 '7 号，今天去看过'",
        ),
        "held" => ("  sojourn-tablet held\n  sojourn-tablet held --json", "  sojourn-tablet held\n  sojourn-tablet held --json"),
        "export" => ("  sojourn-tablet export > households.jsonl", "  sojourn-tablet export > households.jsonl"),
        _ => return None,
    };
    Some(lang.pick(en, zh))
}

/// What an argument means.
pub(crate) fn argument(command: &str, argument: &str, lang: Lang) -> Option<&'static str> {
    let (en, zh) = match (command, argument) {
        (_, "data") => (
            "Folder of this tablet; made when absent",
            "本平板的文件夹；不存在时创建",
        ),
        (_, "lang") => ("Language of the output", "输出语言"),
        (_, "help") => ("Print help", "显示帮助"),
        (_, "version") => ("Print version", "显示版本"),
        (_, "json") => (
            "Print JSON of the documented shape",
            "以文档规定的格式输出 JSON",
        ),
        ("enrol", "server") => ("Address of the server", "服务器地址"),
        ("enrol", "code") => ("One-time code from the office", "办公室发放的一次性注册码"),
        ("enrol", "label") => ("What people call this tablet", "这台平板的称呼"),
        ("enrol", "allow_http") => (
            "Accept an address without TLS that is not this machine; for a network you trust",
            "允许非本机的未加密地址；仅用于可信网络",
        ),
        ("sync", "page_bytes") => (
            "Bytes wanted in one page, before compression",
            "每页字节数（压缩前）",
        ),
        ("sync", "retries") => (
            "Failures in a row to bear before giving up",
            "连续失败多少次后放弃",
        ),
        ("list", "search") => ("What to find", "查找内容"),
        ("list", "limit") => ("At most so many", "最多条数"),
        (_, "id") => (
            "The household: its id or a unique beginning of it",
            "家庭编号，或其开头",
        ),
        ("history", "field") => (
            "A field, or the beginning of its path",
            "字段，或其路径开头",
        ),
        ("edit", "assignments") => ("Fields and their new values", "字段及新值"),
        ("edit", "file") => (
            "A JSON file with one edit of any kind",
            "含一次任意修改的 JSON 文件",
        ),
        (_, "file") => (
            "The file; `-` reads standard input",
            "文件；“-”表示标准输入",
        ),
        ("move" | "leaving", "to") => ("Area moved to", "迁往地区"),
        ("move" | "leaving" | "arrived", "until") => (
            "When a stay for a time ends; for good when absent",
            "临时居住的截止日期；缺省为长期",
        ),
        ("leaving", "on") => ("Day of the move", "迁移日期"),
        ("stays", "reason") => (
            "Why, for those who wait for the household",
            "原因，供等待接收的一方了解",
        ),
        ("move" | "leaving" | "arrived", "reason") => (
            "Why: work, school, family, housing, return-home, other",
            "原因：work、school、family、housing、return-home、other",
        ),
        ("split", "persons") => (
            "Who leaves; give it once for each person",
            "分出的人员；每人指定一次",
        ),
        ("split", "on") => ("Since when; today when absent", "分户日期；缺省为今天"),
        ("split", "address") => (
            "Where a visit finds them; as before when absent",
            "新户地址；缺省为原地址",
        ),
        ("split", "phone") => ("Their telephone", "新户电话"),
        ("answer", "text") => ("What was found out", "了解到的情况"),
        ("answer", "to") => (
            "Which question, where several are asked",
            "有多项询问时指明哪一项",
        ),
        ("move" | "arrived", "on") => {
            ("Day of the move; today when absent", "迁移日期；缺省为今天")
        }
        ("arrived", "from") => (
            "Area where the family says that it lived, or one above it",
            "该家庭所述的原居住地区，或其上级地区",
        ),
        ("arrived", "card") => (
            "The card that the family shows; case, spaces and hyphens do not matter",
            "家庭出示的家庭卡号；不区分大小写、空格和连字符",
        ),
        ("move", "address") => ("The new address", "新地址"),
        _ => return None,
    };
    Some(lang.pick(en, zh))
}
