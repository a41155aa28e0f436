//! Names of fields and of the words that fields hold.

use super::Lang;

/// The name of a field, given the last part of its path that names it (`contact/phone` is `phone`). What has
/// no name is shown as it is.
pub(crate) fn field(key: &str, lang: Lang) -> &str {
    let found = match key {
        "area" => ("area", "地区"),
        "address" => ("address", "地址"),
        "since" => ("since", "入住"),
        "phone" => ("phone", "电话"),
        "note" => ("note", "备注"),
        "unanswered" => ("nobody home", "无人应答"),
        "care" => ("consent to care", "同意随访"),
        "sharing" => ("consent to sharing", "同意共享"),
        "name" => ("name", "姓名"),
        "latin_name" => ("Latin name", "拉丁姓名"),
        "sex" => ("sex", "性别"),
        "birth" => ("born", "出生"),
        "relation" => ("relation", "关系"),
        "id_kind" => ("document", "证件"),
        "id_number" => ("number", "证件号"),
        "school" => ("school", "就学"),
        "languages" => ("languages", "语言"),
        "removed" => ("removed", "已移出"),
        "came_from" => ("came from household", "来自家庭"),
        "from" => ("from", "从"),
        "to" => ("to", "到"),
        "on" => ("on", "日期"),
        "reason" => ("reason", "原因"),
        "kind" => ("kind", "类别"),
        "text" => ("request", "诉求"),
        "urgency" => ("urgency", "紧急程度"),
        "asks" => ("asked by a reviewer about", "审核员询问"),
        "state" => ("state", "状态"),
        "until" => ("until", "截止"),
        "answer" => ("answer", "答复"),
        "begun_by" => ("begun by", "提出方"),
        "card" => ("card", "家庭卡"),
        "person" => ("person", "对象"),
        "weight_g" => ("weight g", "体重 g"),
        "height_mm" => ("height mm", "身高 mm"),
        "temperature_dc" => ("temperature 0.1 °C", "体温 0.1 °C"),
        "systolic" => ("systolic", "收缩压"),
        "diastolic" => ("diastolic", "舒张压"),
        "vaccine" => ("vaccine", "疫苗"),
        "next_on" => ("next", "下次"),
        "allergy" => ("allergy", "过敏"),
        "blood_group" => ("blood group", "血型"),
        "due_date" => ("due date", "预产期"),
        _ => return key,
    };
    lang.pick(found.0, found.1)
}

/// What a question was about that a reviewer decided. What has no name is shown as it is.
pub(crate) fn question(kind: &str, lang: Lang) -> &str {
    let found = match kind {
        "contradiction" => ("contradicted field", "有分歧的字段"),
        "contested-residence" => ("contested residence", "有争议的居住地"),
        "late-edit" => ("late edit", "迟到的修改"),
        "edit-of-removed" => ("removed by one, edited by another", "一人移出、另一人修改"),
        "unknown-area" => ("unknown area", "未知地区"),
        "hand-over" => ("taken over", "已接收"),
        "possible-duplicate" => ("one family or two, with", "是否为同一家庭："),
        "edit-of-joined" => (
            "edited after the record went on elsewhere",
            "续于另一份记录之后的修改",
        ),
        other => return other,
    };
    lang.pick(found.0, found.1)
}

/// A word of a choice as people say it, given the section and field it stands in. What is no word of a choice
/// is returned as it is.
pub(crate) fn word<'w>(section: &str, key: &str, word: &'w str, lang: Lang) -> &'w str {
    const CHOICES: [&str; 15] = [
        "care",
        "sharing",
        "sex",
        "relation",
        "id_kind",
        "school",
        "reason",
        "removed/reason",
        "kind",
        "urgency",
        "state",
        "begun_by",
        "edit",
        "blood_group",
        "fate",
    ];
    if lang == Lang::En || !CHOICES.contains(&key) {
        return word;
    }
    match word {
        "child" if section == "visits" => "儿童保健",
        "health" if section == "needs" => "健康服务",
        "school" if section == "needs" => "入学",
        "given" => "同意",
        "refused" => "不同意",
        "withdrawn" => "已撤回",
        "head" => "户主",
        "spouse" => "配偶",
        "child" => "子女",
        "child-in-law" => "儿媳女婿",
        "parent" => "父母",
        "parent-in-law" => "岳父母公婆",
        "grandchild" => "孙子女",
        "grandparent" => "祖父母",
        "sibling" => "兄弟姐妹",
        "other-relative" => "其他亲属",
        "unrelated" => "非亲属",
        "female" => "女",
        "male" => "男",
        "unspecified" => "未说明",
        "resident" => "居民身份证",
        "birth-certificate" => "出生证",
        "passport" => "护照",
        "residence-permit" => "居留证件",
        "other" => "其他",
        "place-wanted" => "需学位",
        "transfer-wanted" => "需转学",
        "enrolled" => "在读",
        "none" => "无",
        "died" => "去世",
        "moved-away" => "迁出",
        "duplicate" => "重复",
        "mistake" => "误登",
        "work" => "工作",
        "school" => "上学",
        "family" => "家庭",
        "housing" => "住房",
        "return-home" => "返乡",
        "certificate" => "证件",
        "insurance" => "保险",
        "benefit" => "补助",
        "health" => "健康",
        "routine" => "一般",
        "soon" => "尽快",
        "urgent" => "紧急",
        "open" => "待办",
        "in-progress" => "办理中",
        "met" => "已满足",
        "declined" => "未获批",
        "proposed" => "待接收",
        "accepted" => "已接收",
        "rejected" => "未接收",
        "receiving" => "迁入地区",
        "follow-up" => "随访",
        "antenatal" => "产前",
        "immunisation" => "接种",
        "register-household" => "登记家庭",
        "add-person" => "添加人员",
        "correct-person" => "更正人员",
        "remove-person" => "移出人员",
        "restore-person" => "恢复人员",
        "set" => "修改",
        "move" => "迁移",
        "propose-move" => "准备迁移",
        "ask-move" => "请求移交",
        "withdraw-move" => "撤回迁移",
        "answer-move" => "答复迁移",
        "note-need" => "登记诉求",
        "nobody-home" => "无人在家",
        "record-visit" => "登记走访",
        "correct-visit" => "更正走访",
        "set-health" => "健康信息",
        _ => word,
    }
}

/// What two people are compared by.
pub(crate) fn rule(code: &str, lang: Lang) -> &str {
    let (en, zh) = match code {
        "name" => ("name", "姓名"),
        "sex" => ("sex", "性别"),
        "birth" => ("birth date", "出生日期"),
        "id" => ("number", "证件号"),
        "phone" => ("telephone", "电话"),
        "origin" => ("origin", "来源地"),
        "address" => ("address", "地址"),
        "members" => ("household", "同住的人"),
        other => return other,
    };
    lang.pick(en, zh)
}

/// How far two values agree, in fewer words than there are levels.
pub(crate) fn level(code: &str, lang: Lang) -> &str {
    let (en, zh) = match code {
        _ if code.ends_with("-exact") => ("the same", "相同"),
        "chinese-variant" | "date-coarse" | "members-all" | "number-shared" => ("the same", "相同"),
        _ if code.contains("homophone") => ("sounds alike", "读音相近"),
        _ if code.ends_with("-swapped") => ("in another order", "次序不同"),
        _ if code.ends_with("-different") || code == "members-nobody" => ("different", "不同"),
        "chinese-given-only" | "chinese-surname-only" | "words-some" | "members-one" => {
            ("partly the same", "部分相同")
        }
        _ => ("nearly the same", "相近"),
    };
    lang.pick(en, zh)
}

/// A probability as people say it.
pub(crate) fn likelihood(probability: f64, lang: Lang) -> &'static str {
    let (en, zh) = match probability {
        certain if certain >= 0.995 => ("almost certainly", "几乎肯定"),
        likely if likely >= 0.8 => ("likely", "很可能"),
        even if even >= 0.5 => ("perhaps", "可能"),
        _ => ("doubtful", "不确定"),
    };
    lang.pick(en, zh)
}
