//! How people's particulars are written down wrongly: names by ear, by form and by hand, dates, numbers. Pure, seeded.
//!
//! Written from what registers know of slips, not from what the matcher looks for: it has its own lists.

use jiff::{ToSpan, civil::Date};
use rand::{RngExt, seq::IndexedRandom};
use rand_pcg::Pcg64Mcg;
use sojourn_sync_protocol::PartialDate;

/// Characters of one sound and tone.
const SAME_SOUND: &[&str] = &[
    "伟炜玮苇",
    "静婧靖敬",
    "丽莉立利俐",
    "燕艳彦雁",
    "芳坊",
    "红洪宏虹",
    "玲灵凌铃",
    "霞侠",
    "敏闽",
    "洁杰捷",
    "英瑛",
    "兰岚",
    "珍真贞",
    "芬纷",
    "凤奉",
    "秀绣",
    "桂贵",
    "芝枝",
    "美镁",
    "荣容融",
    "梅玫",
    "华骅",
    "月悦",
    "金今津",
    "香湘",
    "云芸",
    "冬东",
    "瑞锐睿",
    "永咏勇",
    "建健剑",
    "志智治",
    "刚钢",
    "明铭鸣",
    "军君均",
    "磊蕾",
    "鹏朋",
    "斌彬宾",
    "峰锋风丰",
    "欣心鑫新",
    "文雯",
    "俊峻骏",
    "玉钰育",
    "辉晖",
    "祥翔",
    "升生声",
    "凯楷",
    "子梓紫",
    "浩昊皓",
    "宇雨羽语",
    "佳嘉家",
    "奕艺逸",
    "思丝",
    "一依伊",
    "承成诚程",
    "轩萱宣",
    "阳洋杨",
    "涵含函",
    "辰晨臣",
    "霖林琳",
    "诗师",
    "怡宜",
    "琪棋其",
    "彤童桐",
    "妍言岩",
    "瑶遥尧",
    "菲飞",
    "博伯",
    "海醢",
    "国囯",
];
/// Characters of one sound in different tones.
const OTHER_TONE: &[&str] = &[
    "伟卫维",
    "静京景",
    "芳房",
    "娟卷",
    "洁姐",
    "军俊",
    "强墙",
    "文问",
    "宇玉",
    "浩好",
    "佳甲",
    "然染",
    "霞夏",
    "兰览",
    "梅美",
    "玲领",
    "明命",
    "丽李",
    "燕言",
    "志之",
    "永用",
    "海孩",
    "英影",
    "春纯",
    "秀修",
    "辉会",
];
/// Characters whose sounds are taken for one another.
const NEAR_SOUND: &[&str] = &[
    "玲林", "静进", "丽妮", "志自", "生森", "明民", "英因", "兰男", "龙农", "诗思", "春村", "芳欢",
    "成岑", "平频", "红浑", "兴信", "睿蕊",
];
/// A character and its traditional or rare form.
const FORMS: &[&str] = &[
    "伟偉", "国國", "华華", "红紅", "兰蘭", "凤鳳", "丽麗", "涛濤", "鹏鵬", "军軍", "强強", "杰傑",
    "庆慶", "荣榮", "贵貴", "刚剛", "栋棟", "辉輝", "龙龍", "云雲", "爱愛", "泽澤", "洁潔", "静靜",
    "诗詩", "语語", "梦夢", "轩軒", "张張", "刘劉", "陈陳", "杨楊", "赵趙", "孙孫", "马馬", "韩韓",
    "郑鄭", "吴吳", "峰峯", "学學", "书書", "义義",
];
/// Characters that are put in a given name by mistake.
const STRAY: &[&str] = &[
    "文", "小", "春", "海", "玉", "志", "晓", "国", "红", "平", "学", "长",
];

/// One way in which a name is written differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameSlip {
    /// A character of the same sound.
    SameSound,
    /// A character of the same sound in another tone.
    OtherTone,
    /// A character of a sound like it.
    NearSound,
    /// A traditional or rare form.
    Form,
    /// The characters of a given name the other way round, or given name first.
    Order,
    /// One character of a longer given name is another.
    OneCharacter,
}

/// All of them.
pub const NAME_SLIPS: [NameSlip; 6] = [
    NameSlip::SameSound,
    NameSlip::OtherTone,
    NameSlip::NearSound,
    NameSlip::Form,
    NameSlip::Order,
    NameSlip::OneCharacter,
];

/// The name with that slip; `None` when nothing in it can slip so.
pub fn name(rng: &mut Pcg64Mcg, name: &str, surname: usize, slip: NameSlip) -> Option<String> {
    let mut characters: Vec<char> = name.chars().collect();
    match slip {
        NameSlip::SameSound => exchange(rng, &mut characters, SAME_SOUND, surname)?,
        NameSlip::OtherTone => exchange(rng, &mut characters, OTHER_TONE, surname)?,
        NameSlip::NearSound => exchange(rng, &mut characters, NEAR_SOUND, surname)?,
        NameSlip::Form => exchange(rng, &mut characters, FORMS, 0)?,
        NameSlip::Order if characters.len() > surname + 1 && rng.random_bool(0.5) => {
            characters[surname..].reverse()
        }
        NameSlip::Order => characters.rotate_left(surname),
        NameSlip::OneCharacter => {
            if characters.len() < surname + 2 {
                return None;
            }
            let at = rng.random_range(surname..characters.len());
            characters[at] = STRAY.choose(rng)?.chars().next()?;
        }
    }
    let slipped: String = characters.into_iter().collect();
    (slipped != name).then_some(slipped)
}

fn exchange(
    rng: &mut Pcg64Mcg,
    characters: &mut [char],
    groups: &[&str],
    from: usize,
) -> Option<()> {
    let mut places = Vec::new();
    for (at, c) in characters.iter().enumerate().skip(from) {
        places.extend(
            groups
                .iter()
                .filter(|group| group.contains(*c))
                .map(|group| (at, *group)),
        );
    }
    let (at, group) = *places.choose(rng)?;
    let others: Vec<char> = group.chars().filter(|c| *c != characters[at]).collect();
    characters[at] = *others.choose(rng)?;
    Some(())
}

/// A name in Latin letters with a slip: the words the other way round, one of them left out, or a letter wrong, lost or doubled.
pub fn latin(rng: &mut Pcg64Mcg, name: &str) -> String {
    let mut words: Vec<String> = name.split(' ').map(str::to_owned).collect();
    match rng.random_range(0..6) {
        0 => words.reverse(),
        1 if words.len() > 1 => drop(words.remove(rng.random_range(0..words.len()))),
        slip => {
            let at = rng.random_range(0..words.len());
            let mut letters: Vec<char> = words[at].chars().collect();
            let there = rng.random_range(1..letters.len());
            match slip {
                2 => letters[there] = char::from(b'a' + rng.random_range(0..26)),
                3 => letters.insert(there, letters[there]),
                4 if letters.len() > 2 => drop(letters.remove(there)),
                _ => letters.swap(there - 1, there),
            }
            words[at] = letters.into_iter().collect();
        }
    }
    words.join(" ")
}

/// One way in which a date is written differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateSlip {
    /// Day and month the other way round.
    Swapped,
    /// Another digit in the day or the year.
    Digit,
    /// One year more or less: ages are counted in two ways.
    YearOff,
    /// The day of the other calendar, some weeks earlier.
    OtherCalendar,
    /// The year alone.
    YearOnly,
}

/// All of them.
pub const DATE_SLIPS: [DateSlip; 5] = [
    DateSlip::Swapped,
    DateSlip::Digit,
    DateSlip::YearOff,
    DateSlip::OtherCalendar,
    DateSlip::YearOnly,
];

/// The date with that slip; `None` when it cannot slip so.
pub fn date(rng: &mut Pcg64Mcg, date: Date, slip: DateSlip) -> Option<PartialDate> {
    let slipped = match slip {
        DateSlip::Swapped => Date::new(date.year(), date.day(), date.month()).ok()?,
        DateSlip::Digit if rng.random_bool(0.5) => {
            let day = date.day() / 10 * 10 + rng.random_range(0..10);
            Date::new(date.year(), date.month(), day).ok()?
        }
        DateSlip::Digit => {
            let year = date.year() / 10 * 10 + rng.random_range(0..10);
            Date::new(year, date.month(), date.day()).ok()?
        }
        DateSlip::YearOff => {
            let years = if rng.random_bool(0.5) { 1 } else { -1 };
            date.saturating_add(years.years())
        }
        DateSlip::OtherCalendar => date.saturating_sub(rng.random_range(20..=50).days()),
        DateSlip::YearOnly => return Some(PartialDate::Year(date.year())),
    };
    (slipped != date).then_some(PartialDate::Day(slipped))
}

/// A number with another digit, or two neighbours the other way round.
pub fn number(rng: &mut Pcg64Mcg, number: &str) -> String {
    let mut digits: Vec<char> = number.chars().collect();
    let at = rng.random_range(3..digits.len() - 1);
    if rng.random_bool(0.5) {
        digits.swap(at, at + 1);
    } else {
        digits[at] = char::from(b'0' + rng.random_range(0..10));
    }
    digits.into_iter().collect()
}

/// Pinyin as papers have it, for the characters that generated names use; `None` when one is not in the list.
pub fn letters(name: &str, surname: usize) -> Option<String> {
    let spell = |c: char| {
        let group = PINYIN.split(' ').find(|group| group.contains(c));
        group.map(|group| group.trim_end_matches(|c: char| !c.is_ascii()))
    };
    let characters: Vec<char> = name.chars().collect();
    let (family, given) = characters.split_at(surname);
    let part = |part: &[char]| part.iter().map(|c| spell(*c)).collect::<Option<String>>();
    Some(format!("{} {}", part(given)?, part(family)?))
}

/// Pinyin and characters of it.
const PINYIN: &str = "wang王 li李丽莉立 zhang张 liu刘 chen陈 yang杨阳 zhao赵 sun孙 zhou周 xu徐许 ma马 yu于玉宇雨语 gao高 \
    guo郭国 zhu朱 song宋 wu吴 han韩涵 lin林琳霖 jiang姜 meng孟梦 zheng郑 wei伟魏 qiang强 lei磊雷 jun军俊 tao涛 peng鹏 \
    yong勇永 bin斌 chao超 bo波博 hai海 feng峰凤冯 jian建健 dong东董冬栋 jing静 min敏民 juan娟 xia霞夏 yan燕艳彦妍 fang芳 \
    hong红洪 ling玲 ying英 lan兰 xiu秀 gui桂贵 zhen珍振 shu淑树 fen芬 zi子梓 hao浩豪 ze泽 jia嘉佳家 yi奕一怡 rui睿瑞 \
    si思 tian天田 ran然冉 xuan轩萱 hang航 chen辰 yuan远袁 ming明铭 xin欣新心兴 shi诗 qi琪 tong彤同 yue悦月岳 yao瑶 \
    fei菲 wen雯文 ke珂可克凯 ping萍 mei梅美 xiao晓小 ting婷 qian倩 jie洁杰 xue雪学 ai爱 chun春 ";

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn a_slip_changes_something_and_nothing_else() {
        let mut rng = Pcg64Mcg::seed_from_u64(1);
        for slip in NAME_SLIPS {
            for _ in 0..50 {
                let slipped = name(&mut rng, "张丽静", 1, slip);
                if let Some(slipped) = slipped {
                    assert_ne!(slipped, "张丽静");
                    assert_eq!(slipped.chars().count(), 3, "{slipped}");
                }
            }
        }
        assert_eq!(name(&mut rng, "王丁", 1, NameSlip::SameSound), None);
        assert_eq!(letters("王海燕", 1).as_deref(), Some("haiyan wang"));
        assert_eq!(letters("王醢燕", 1), None);
    }
}
