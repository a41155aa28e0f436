//! Surnames and given names as they are common in Shandong, by sex and generation; words of notes.
//!
//! Lists only. Every full name is drawn by `family`, so none is anybody's in particular.

/// Surnames, commonest first: drawing favours the front of the list.
pub(crate) const SURNAMES: &[&str] = &[
    "王", "李", "张", "刘", "陈", "杨", "赵", "孙", "周", "徐", "马", "于", "高", "郭", "朱", "宋",
    "吴", "韩", "林", "姜", "孟", "郑", "董", "丁", "崔", "魏", "曹", "杜", "许", "冯", "谭", "田",
    "袁", "潘", "唐", "夏", "侯", "邹", "牟", "臧", "逄", "隋", "单", "解", "曾", "葛", "季", "岳",
    "付", "范", "程", "任", "秦", "纪", "尹", "石", "卢", "吕", "傅", "毕", "曲", "宫", "迟", "綦",
    "鞠", "欧阳", "诸葛", "尉迟", "东方",
];

/// Given names of men born before 1972.
pub(crate) const MEN_ELDER: &[&str] = &[
    "建国", "国庆", "德福", "玉山", "永贵", "长江", "振华", "文明", "洪亮", "志刚", "兴旺", "福来",
    "树林", "保田", "金生", "清海", "广义", "传江", "守信", "克勤", "世昌", "连成", "春生", "明义",
    "学礼", "光明", "万福", "同喜",
];

/// Given names of women born before 1972.
pub(crate) const WOMEN_ELDER: &[&str] = &[
    "秀英", "桂兰", "玉珍", "淑芬", "凤英", "秀兰", "桂芝", "美荣", "素梅", "春花", "玉兰", "翠花",
    "爱华", "月娥", "金凤", "兰英", "淑珍", "桂香", "玉芹", "秋菊", "巧云", "冬梅", "瑞芝", "彩霞",
    "红英", "永芳", "香莲", "俊英",
];

/// Given names of men born 1972 to 1999.
pub(crate) const MEN_MIDDLE: &[&str] = &[
    "伟", "强", "磊", "军", "涛", "鹏", "勇", "斌", "超", "波", "海峰", "建军", "晓东", "志强",
    "立新", "永刚", "春雷", "海涛", "文杰", "小龙", "俊杰", "洪涛", "国栋", "明亮", "宗良", "玉龙",
    "光辉", "新民", "瑞祥", "东升", "凯", "健",
];

/// Given names of women born 1972 to 1999.
pub(crate) const WOMEN_MIDDLE: &[&str] = &[
    "丽", "静", "敏", "艳", "娟", "霞", "燕", "芳", "红", "玲", "海燕", "晓丽", "丽娟", "小红",
    "春燕", "雪梅", "晓燕", "文静", "红梅", "丽萍", "海霞", "秀丽", "晓梅", "玉洁", "美玲", "爱玲",
    "婷婷", "倩", "莉", "洁", "瑞雪", "金玲",
];

/// First characters of given names of boys born since 2000.
pub(crate) const BOYS_FIRST: &[&str] = &[
    "浩", "子", "宇", "俊", "泽", "博", "嘉", "明", "梓", "奕", "睿", "思", "家", "天", "一", "承",
];
/// Second characters of given names of boys born since 2000.
pub(crate) const BOYS_SECOND: &[&str] = &[
    "然", "轩", "航", "宇", "阳", "涵", "豪", "泽", "辰", "霖", "远", "诚", "瑞", "恒", "铭", "哲",
];
/// First characters of given names of girls born since 2000.
pub(crate) const GIRLS_FIRST: &[&str] = &[
    "欣", "雨", "梓", "诗", "佳", "语", "若", "思", "可", "梦", "一", "晓", "心", "静", "雅", "乐",
];
/// Second characters of given names of girls born since 2000.
pub(crate) const GIRLS_SECOND: &[&str] = &[
    "怡", "涵", "萱", "琪", "彤", "悦", "妍", "汐", "瑶", "欣", "然", "宁", "菲", "雯", "珂", "冉",
];

/// Where in a village a house stands, before its number.
pub(crate) const STREETS: &[&str] = &[
    "村东",
    "村西",
    "村南",
    "村北",
    "前街",
    "后街",
    "中街",
    "东巷",
    "西巷",
    "南巷",
    "河沿",
    "大槐树旁",
];

/// Notes about a household as a whole.
pub(crate) const HOUSEHOLD_NOTES: &[&str] = &[
    "白天家里只有老人",
    "男主人外出务工，春节前回来",
    "院里有狗，敲门请先打电话",
    "周末才有人在家",
    "新近搬来，想了解入学手续",
    "孩子在镇上住校",
    "冬天住县城亲戚家",
    "愿意短信联系",
];

/// Notes of a visit to a child under seven.
pub(crate) const CHILD_NOTES: &[&str] = &[
    "生长发育正常，已约下次接种",
    "按时接种，无不良反应",
    "添加辅食顺利，嘱注意补充维生素D",
    "体重增长偏慢，嘱两周后复测",
    "轻微湿疹，嘱保湿，避免过热",
    "会叫爸爸妈妈，走路稳",
    "牙齿检查无龋齿",
    "入园体检材料已备齐",
];

/// Notes of a visit to a pupil or an adult of working age.
pub(crate) const ADULT_NOTES: &[&str] = &[
    "身体状况良好",
    "血压正常，嘱规律作息",
    "咨询医保异地报销手续",
    "腰背酸痛，建议到镇卫生院理疗",
    "视力下降，建议配镜",
    "已说明居住证办理所需材料",
    "希望了解附近幼儿园学位",
    "家中饮水改用自来水",
];

/// Notes of a visit to a person over sixty.
pub(crate) const ELDER_NOTES: &[&str] = &[
    "血压偏高，嘱按时服药，一周后复测",
    "血糖控制稳定",
    "行动不便，建议申请上门服务",
    "听力下降，交流需大声",
    "已登记流感疫苗接种意愿",
    "独居，已留邻居电话",
    "白内障术后恢复好",
    "膝关节疼痛，冬季加重",
];

/// Notes of a visit during which somebody had a raised temperature.
pub(crate) const FEVER_NOTES: &[&str] = &[
    "发热一天，咽部充血，嘱多饮水，如超过38.5℃就诊",
    "低热伴咳嗽，已联系镇卫生院",
    "接种后低热，嘱观察24小时",
];

/// Words added to a note during a working day.
pub(crate) const DAY_NOTES: &[&str] = &[
    "今日入户，家人配合",
    "约定下周三上午再来",
    "材料已带回，复印后归还",
    "家中无人，留便条",
    "已转告学校老师",
    "电话回访一次",
];
