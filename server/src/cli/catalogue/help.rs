//! The help of every command and argument.

use super::Lang;

/// What a command does, in a line or two. The program itself has no name.
pub(in crate::cli) fn about(command: &str, lang: Lang) -> Option<&'static str> {
    let (en, zh) = match command {
        "" => (
            "The central register: takes in what tablets bring, and keeps each household under the area where it lives.\n\nEverything is in one data folder. Office commands work whether or not a server has it open.",
            "中心登记册：接收各平板上交的内容，把每个家庭归于其现居住地区。\n\n全部数据在一个文件夹中。无论服务器是否正在运行，办公命令都可使用。",
        ),
        "serve" => (
            "Answers tablets until told to stop (SIGINT or SIGTERM)",
            "为平板提供服务，直到收到停止信号（SIGINT 或 SIGTERM）",
        ),
        "areas" => ("The tree of areas", "地区树"),
        "areas import" => (
            "Brings a file of areas into the tree: new ones are added, known ones changed, none removed",
            "导入地区文件：新地区加入，已有地区更新，不删除任何地区",
        ),
        "staff" => (
            "The people who carry tablets or work in the console",
            "使用平板或审核台的工作人员",
        ),
        "staff add" => (
            "Adds somebody and prints their id",
            "添加一名工作人员并输出其编号",
        ),
        "staff list" => ("Lists the staff", "列出工作人员"),
        "device" => ("Tablets and their enrolment", "平板及其注册"),
        "device code" => (
            "Prints a one-time enrolment code, good for ten minutes",
            "输出一次性注册码，十分钟内有效",
        ),
        "device list" => ("Lists the tablets", "列出平板"),
        "device grant" => (
            "Gives a tablet other areas; what it no longer may hold leaves it at its next sync",
            "更改平板可持有的地区；不再可持有的内容在下次同步时移出",
        ),
        "device withdraw" => (
            "Takes a tablet out of service, as when it is lost",
            "停用一台平板，例如丢失时",
        ),
        "account" => ("Accounts for the console", "审核台账号"),
        "account give" => (
            "Gives somebody an account and prints a one-time code, good for three days; given again, it replaces a forgotten password",
            "开通账号并输出一次性代码，三天内有效；再次执行可替换忘记的密码",
        ),
        "account list" => ("Lists the accounts", "列出账号"),
        "account withdraw" => (
            "Takes an account away and ends its sessions",
            "停用账号并结束其登录",
        ),
        "households" => ("The households", "家庭"),
        "households export" => (
            "Prints households as JSON, one a line",
            "以 JSON 输出家庭，每行一个",
        ),
        "check" => (
            "Proves the store from its change log: every change, document, projection, feed and digest",
            "用变更日志核对全部存储：变更、文档、投影、推送与摘要",
        ),
        "demo" => (
            "Serves a fresh register on a real tree of areas, with an enrolment code for each demo tablet",
            "在真实地区树上新建登记册并提供服务，为每台演示平板输出注册码",
        ),
        _ => return None,
    };
    Some(lang.pick(en, zh))
}

/// Examples that teach the command.
pub(in crate::cli) fn examples(command: &str, lang: Lang) -> Option<&'static str> {
    let (en, zh) = match command {
        "" => (
            "A first session:\n  sojourn areas import areas.csv\n  sojourn serve --listen 127.0.0.1:8470\n  sojourn device code --area 370724113259     (in another terminal)\n\nExit codes: 0 done, 1 failed, 2 usage, 3 not found, 11 damaged database, 12 disk full,\n17 newer database, 18 unknown area, 19 wrong file, 20 check failed.",
            "初次使用：\n  sojourn areas import areas.csv\n  sojourn serve --listen 127.0.0.1:8470\n  sojourn device code --area 370724113259     （在另一个终端）\n\n退出码：0 完成，1 失败，2 用法错误，3 未找到，11 数据库损坏，12 磁盘已满，\n17 数据库版本较新，18 未知地区，19 文件有误，20 核对未通过。",
        ),
        "serve" => (
            "Examples:\n  sojourn serve\n  sojourn serve --listen 127.0.0.1:0          (a free port; the first line printed says which)\n  sojourn serve --config sojourn.toml\n  sojourn serve --listen 0.0.0.0:8470 --public-url https://register.example",
            "示例：\n  sojourn serve\n  sojourn serve --listen 127.0.0.1:0          （空闲端口；输出的第一行给出地址）\n  sojourn serve --config sojourn.toml\n  sojourn serve --listen 0.0.0.0:8470 --public-url https://register.example",
        ),
        "areas import" => (
            "The first line names the columns: code,parent,level,name and, if wanted, valid_from,valid_to,successors.\n\nExample:\n  sojourn areas import areas.csv",
            "首行为列名：code,parent,level,name，可另有 valid_from,valid_to,successors。\n\n示例：\n  sojourn areas import areas.csv",
        ),
        "staff add" => (
            "Examples:\n  sojourn staff add 丁一\n  sojourn staff add 丁二 --role clerk",
            "示例：\n  sojourn staff add 丁一\n  sojourn staff add 丁二 --role clerk",
        ),
        "staff list" => (
            "Example:\n  sojourn staff list --json",
            "示例：\n  sojourn staff list --json",
        ),
        "device code" => (
            "Without --staff a new worker is added, called after the first area.\n\nExamples:\n  sojourn device code --area 370724113259\n  sojourn device code --area 370724113 --area 370725108 --staff 01990000-0000-7000-8000-000000000001\n  sojourn device code --area 370724113259 --public-url https://register.example",
            "不带 --staff 时新增一名工作人员，以第一个地区命名。\n\n示例：\n  sojourn device code --area 370724113259\n  sojourn device code --area 370724113 --area 370725108 --staff 01990000-0000-7000-8000-000000000001\n  sojourn device code --area 370724113259 --public-url https://register.example",
        ),
        "device list" => (
            "Example:\n  sojourn device list --json",
            "示例：\n  sojourn device list --json",
        ),
        "device grant" => (
            "Example:\n  sojourn device grant 01990000-0000-7000-8000-000000000001 --area 370724113",
            "示例：\n  sojourn device grant 01990000-0000-7000-8000-000000000001 --area 370724113",
        ),
        "device withdraw" => (
            "Example:\n  sojourn device withdraw 01990000-0000-7000-8000-000000000001",
            "示例：\n  sojourn device withdraw 01990000-0000-7000-8000-000000000001",
        ),
        "account give" => (
            "Example:\n  sojourn account give ding.yi --staff 01990000-0000-7000-8000-000000000001 --area 3707",
            "示例：\n  sojourn account give ding.yi --staff 01990000-0000-7000-8000-000000000001 --area 3707",
        ),
        "account list" => (
            "Example:\n  sojourn account list --json",
            "示例：\n  sojourn account list --json",
        ),
        "account withdraw" => (
            "Example:\n  sojourn account withdraw ding.yi",
            "示例：\n  sojourn account withdraw ding.yi",
        ),
        "households export" => (
            "Examples:\n  sojourn households export --json > all.jsonl\n  sojourn households export --area 370724113 --json",
            "示例：\n  sojourn households export --json > all.jsonl\n  sojourn households export --area 370724113 --json",
        ),
        "check" => (
            "Ends with 20 when a row is not what it should be, and names it.\n\nExample:\n  sojourn check",
            "若有一行与应有内容不符，则指出该行并以 20 退出。\n\n示例：\n  sojourn check",
        ),
        "demo" => (
            "Prints one JSON line for each code, then the address. Without --area: three neighbouring villages of one\ntown and one in the next county.\n\nExample:\n  sojourn demo --data demo --listen 127.0.0.1:8470",
            "每个注册码输出一行 JSON，然后输出地址。不带 --area 时：同一镇的三个相邻村和邻县的一个村。\n\n示例：\n  sojourn demo --data demo --listen 127.0.0.1:8470",
        ),
        _ => return None,
    };
    Some(lang.pick(en, zh))
}

/// What an argument is for.
pub(in crate::cli) fn argument(command: &str, id: &str, lang: Lang) -> Option<&'static str> {
    let (en, zh) = match (command, id) {
        ("", "data") => (
            "The folder that holds the register; made if there is none",
            "登记册所在文件夹；不存在则新建",
        ),
        ("", "lang") => ("Language of what is said", "显示语言"),
        ("serve", "listen") => (
            "Where to listen; port 0 takes a free one [default: 127.0.0.1:8470]",
            "监听地址；端口 0 表示自动选择空闲端口 [默认：127.0.0.1:8470]",
        ),
        ("serve", "public_url") => (
            "An address that tablets use; needed unless the server listens on this machine alone",
            "平板使用的地址；除非只在本机监听，否则必须给出",
        ),
        ("serve", "config") => (
            "Configuration; flags win over it, and an unknown key is an error",
            "配置文件；命令行参数优先，未知的键视为错误",
        ),
        ("areas import", "file") => ("The file of areas", "地区文件"),
        ("staff add", "name") => ("Their name, for screens", "姓名，用于显示"),
        ("staff add", "role") => (
            "What they do: a clerk's tablet never receives the health document",
            "职责：文员（clerk）的平板不会收到健康文档",
        ),
        ("device code", "public_url") => (
            "The address that tablets use: the code is printed as a picture to scan, too",
            "平板使用的地址：另输出可扫描的二维码",
        ),
        ("device code", "staff") => ("Whose tablet it will be", "平板归谁使用"),
        ("device code" | "device grant", "area") => (
            "An area that the tablet may hold, with everything below it; may be repeated",
            "平板可持有的地区及其下级；可重复给出",
        ),
        ("account give", "name") => (
            "The name to sign in with: 2 to 32 of a-z, 0-9, . and -",
            "登录用的账号名：2 至 32 个 a-z、0-9、. 或 - 字符",
        ),
        ("account withdraw", "name") => ("The account", "账号名"),
        ("account give", "staff") => ("Whose account it will be", "账号归谁使用"),
        ("account give", "area") => (
            "An area that they answer for, with everything below it; may be repeated",
            "其负责的地区及其下级；可重复给出",
        ),
        ("device grant" | "device withdraw", "device") => ("The tablet", "平板编号"),
        ("households export", "area") => (
            "Only households that live in this area or below it",
            "只输出居住在该地区及其下级的家庭",
        ),
        ("demo", "listen") => ("Where to listen", "监听地址"),
        ("demo", "area") => (
            "A code for a tablet of this area; may be repeated",
            "为该地区的平板输出注册码；可重复给出",
        ),
        (_, "json") => ("Print JSON", "输出 JSON"),
        _ => return None,
    };
    Some(lang.pick(en, zh))
}
