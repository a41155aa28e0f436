//! Chinese characters of names: the usual form of traditional and rare forms, and surnames of two characters.
//!
//! Lists only, written for names: characters that do not appear in names are not here. A variant that is missing here counts as
//! another character, which its sound then brings close again.

use std::{collections::BTreeMap, sync::OnceLock};

/// Usual form first, then what is written for it.
const FORMS: &str = "\
    国國囯圀 华華崋 东東 陈陳 张張 刘劉 杨楊 赵趙 孙孫 马馬 郑鄭 冯馮 韩韓 许許 邓鄧 萧蕭肖 叶葉 吕呂 卢盧 苏蘇甦 蒋蔣 \
    贾賈 邹鄒 谭譚 陆陸 钟鐘鍾锺 韦韋 龙龍竜 万萬 汤湯 赖賴 顾顧 龚龔 严嚴 龐庞 庄莊 罗羅 吴吳呉 黄黃 关關関 乔喬 齐齊 \
    贺賀 阎閻闫 颜顏 卫衛衞 纪紀 谢謝 萨薩 阳陽 闻聞 欧歐 诸諸 东東 迟遲 鲁魯 冀兾 单單 毕畢 宁寧甯宀 陕陝 邬鄔 祝祝 骆駱 \
    邝鄺 聂聶 窦竇 练練 温溫 娄婁 党黨 岑岑 伟偉 强強彊 军軍 涛濤 鹏鵬 杰傑 红紅 兰蘭 凤鳳 艳艷豔 丽麗 娟娟 静靜 芳芳 \
    燕鷰 莹瑩 玛瑪 珍珎 梦夢 飞飛 云雲 霞霞 辉輝煇 刚剛 栋棟 梁樑 峰峯 庆慶 荣榮 贵貴 贤賢 学學 会會 礼禮 义義 仪儀 亿億 \
    传傳 伦倫 侠俠 侣侶 俭儉 债債 备備 儿兒 兑兌 兴興 养養 冲沖衝 净淨 减減 凯凱 创創 别別 剑劍剣 办辦 务務 动動 励勵 劲勁 \
    势勢 勋勳勛 区區 医醫 协協 卖賣 卓卓 厂廠 历歷曆 压壓 厅廳 县縣 双雙 发發髮 变變 台臺 号號 后後 听聽 启啓啟 员員 响響 \
    团團 园園 围圍 图圖 圆圓 圣聖 场場 坚堅 垒壘 块塊 城城 墙牆 壮壯 声聲 处處 复復複 夸誇 奋奮 奖獎 妇婦 妈媽 孪孿 实實 \
    宝寶寳 宠寵 审審 宪憲 宫宮 宾賓 对對 寻尋 导導 寿壽夀 将將 尔爾 尘塵 尽盡 层層 屿嶼 岁歲 岗崗 岚嵐 岛島 岭嶺 峥崢 \
    崭嶄 币幣 帅帥 师師 帆颿 带帶 帮幫 广廣 应應 庙廟 废廢 开開 异異 弃棄 弥彌 弯彎 弹彈 归歸 录錄録 彦彥 彻徹 径徑 忆憶 \
    忧憂 怀懷 态態 总總 恋戀 恒恆 恳懇 恺愷 悦悅 惠恵 愿願 慧慧 戏戲 战戰 户戶 执執 扬揚 护護 报報 择擇 拥擁 挚摯 挥揮 \
    据據 敌敵 数數 斋齋 断斷 无無 旧舊 时時 旷曠 昆崑 显顯 晋晉 晒曬 晓曉 晔曄 晖暉 暂暫 术術 机機 权權 条條 来來 极極 \
    构構 枫楓 柏栢 标標 树樹 栖棲 样樣 根根 桂桂 桥橋 桦樺 档檔 梅楳槑 检檢 楼樓 榄欖 横橫 樱櫻桜 欢歡懽 欣忻 岁歳 残殘 \
    毅毅 气氣 汇匯彙 汉漢 沟溝 沣灃 沪滬 泪淚 泽澤 洁潔絜 浅淺 浇澆 浏瀏 济濟 浔潯 浓濃 润潤 涧澗 涵涵 淑淑 渊淵渕 渌淥 \
    渔漁 湾灣 湿濕 溪谿 滨濱 满滿 潇瀟 潍濰 澜瀾 灏灝 灯燈 灵靈霊 灿燦 炉爐 炎炎 炜煒 炼煉 烁爍 烨燁爗 烛燭 热熱 焕煥 \
    焘燾 熙熈 爱愛 牵牽 犹猶 狮獅 独獨 献獻 环環 现現 珏玨 珑瓏 珲琿 玺璽 琏璉 琐瑣 琼瓊 瑶瑤 瑷璦 璇璿 瑾瑾 电電 画畫 \
    畅暢 疗療 皓皜暠 皑皚 益益 盈盈 监監 盖蓋葢 盘盤 真眞 睿叡 矫矯 矿礦 码碼 础礎 硕碩 确確 祎禕 祯禎 祷禱 禄祿 禅禪 \
    离離 秀秀 种種 秋秌 积積 称稱 稳穩 穗穗 窑窯 竞競 笃篤 笔筆 笺箋 筑築 简簡 签簽 箫簫 篮籃 粮糧 紧緊 纤纖 约約 级級 \
    纬緯 纯純 纲綱 纳納 纵縱 纶綸 纷紛 纹紋 纺紡 线線 绅紳 细細 织織 绍紹 经經 结結 绘繪 给給 络絡 绚絢 绝絕 统統 绢絹 \
    绣繡綉 继繼 绩績 绪緒 续續 绮綺 绯緋 绰綽 绳繩 维維 绵綿緜 综綜 绿綠 缀綴 缅緬 缇緹 缎緞 缓緩 编編 缘緣 缤繽 缨纓 \
    缪繆 罡罡 羡羨 翘翹 翱翺 耀燿曜 职職 联聯 聪聰聡 肃肅 胜勝 胡鬍 脉脈 脑腦 腾騰 舆輿 舰艦 艺藝蓺 节節 芦蘆 芸蕓 苇葦 \
    苍蒼 苹蘋 茂茂 茎莖 荐薦 荣栄 荫蔭 药藥 莱萊 莲蓮 获獲 莺鶯 萝蘿 营營 葱蔥 蓝藍 蔷薔 蕴蘊 薇薇 虎乕 虽雖 虾蝦 蚁蟻 \
    蛮蠻 蝉蟬 补補 装裝 裕裕 见見 观觀 规規 视視 览覽 觉覺 触觸 订訂 计計 认認 讨討 让讓 训訓 议議 讯訊 记記 讲講 论論 \
    设設 访訪 证證 评評 识識 诉訴 词詞 译譯 试試 诗詩 诚誠 话話 诠詮 询詢 该該 详詳 语語 误誤 说說 请請 诺諾 读讀 课課 \
    谁誰 调調 谅諒 谊誼 谋謀 谐諧 谓謂 谦謙 谨謹 谱譜 贝貝 贞貞 负負 财財 责責 败敗 货貨 质質 贯貫 贵貴 贷貸 贸貿 费費 \
    贻貽 资資 赋賦 赏賞 赐賜 赛賽 赞贊讚賛 赟贇 赠贈 赢贏 跃躍 践踐 车車 轩軒 转轉 轮輪 软軟 轻輕 载載 较較 辅輔 辆輛 \
    辈輩 辑輯 输輸 辕轅 辞辭 边邊 辽遼 达達 迁遷 过過 迈邁 运運 还還 进進 远遠 违違 连連 适適 选選 逊遜 逻邏 遗遺 遥遙 \
    邮郵 邻鄰隣 郁鬱 郦酈 鄂鄂 酝醞 酱醬 释釋 里裏裡 鉴鑒鑑 针針 钊釗 钓釣 钏釧 钗釵 钢鋼 钥鑰 钦欽 钧鈞 钰鈺 钱錢 钵缽 \
    铁鐵鉄 铃鈴 铄鑠 铎鐸 铜銅 铠鎧 铨銓 铭銘 铮錚 银銀 铸鑄 链鏈 销銷 锁鎖鎻 锄鋤 锋鋒 锐銳 锟錕 锡錫 锦錦 键鍵 锻鍛 \
    镇鎮 镁鎂 镇鎭 镕鎔 镜鏡 长長 门門 闪閃 闯闖 闰閏 闲閒閑 间間 闵閔 闽閩 阁閣 阅閱 阔闊 队隊 阵陣 阶階 际際 陇隴 随隨 \
    隐隱 难難 雏雛 雯雯 雾霧 霁霽 霭靄 静静 韬韜 韵韻 页頁 顶頂 项項 顺順 须須 颂頌 预預 领領 频頻 颖穎頴 题題 颢顥 \
    风風 飒颯 饭飯 饶饒 馆館 馨馨 驰馳 驱驅 驹駒 驻駐 驾駕 骁驍 骄驕 骅驊 验驗 骏駿 骐騏 骞騫 骥驥 鱼魚 鲍鮑 鲜鮮 \
    鲲鯤 鸟鳥 鸡雞鷄 鸣鳴 鸥鷗 鸽鴿 鸾鸞 鸿鴻 鹃鵑 鹤鶴 鹭鷺 鹰鷹 麦麥 黎黎 黛黱 默默 龄齡 龟龜 升昇陞 群羣 仙僊仚 \
    喆哲嚞 堃坤 淼渺 犇奔 焱焰 鑫鑫 垚尧堯 仟千 伍五 晟晠 昊昦 晶晶 朋朋 和龢 光灮 翠翆 丰豐 丹丹 只隻 杯盃 棋碁 \
    叙敘 侄姪 吊弔 周週 咏詠 坛壇 姗姍 娇嬌 娅婭 婵嬋 婴嬰 嫔嬪 嫱嬙 宽寬 尧堯 尝嘗 崧嵩 岳嶽 峦巒 巩鞏 妆妝 姜薑 范範 \
    郄郤 沈瀋 曲麯 余餘 于於 干幹乾 游遊 涂塗 郁欝 钟鈡 丁丁 万万 仇仇 付傅 代戴 ";

/// Surnames of two characters.
const SURNAMES_OF_TWO: &[&str] = &[
    "欧阳", "诸葛", "上官", "司马", "尉迟", "东方", "皇甫", "令狐", "慕容", "司徒", "司空", "夏侯",
    "公孙", "长孙", "宇文", "轩辕", "端木", "独孤", "南宫", "西门", "东郭", "百里", "呼延", "赫连",
    "钟离", "闾丘", "澹台", "申屠", "公冶", "太史", "淳于", "单于", "万俟", "拓跋", "濮阳", "仲孙",
    "亓官", "鲜于", "闻人", "第五", "纳兰", "完颜", "叶赫", "哈斯",
];

/// The usual form of a character; itself where none is listed.
pub(crate) fn usual(c: char) -> char {
    static TABLE: OnceLock<BTreeMap<char, char>> = OnceLock::new();
    let table = TABLE.get_or_init(|| {
        let mut table = BTreeMap::new();
        for forms in FORMS.split_ascii_whitespace() {
            let mut forms = forms.chars();
            let Some(usual) = forms.next() else { continue };
            for form in forms.filter(|form| *form != usual) {
                table.entry(form).or_insert(usual);
            }
        }
        table
    });
    table.get(&c).copied().unwrap_or(c)
}

/// A character of the blocks that Chinese names are written in.
pub(crate) const fn is_chinese(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{323af}' | '〇')
}

/// How many characters of a name, in usual forms, are the surname.
pub(crate) fn surname_length(name: &[char]) -> usize {
    let of_two = |surname: &&&str| name.len() > 2 && surname.chars().eq(name[..2].iter().copied());
    if SURNAMES_OF_TWO.iter().any(|surname| of_two(&surname)) {
        2
    } else {
        name.len().min(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_lead_to_one_usual_form() {
        for (form, expected) in [
            ('國', '国'),
            ('囯', '国'),
            ('溫', '温'),
            ('国', '国'),
            ('峯', '峰'),
            ('龢', '和'),
        ] {
            assert_eq!(usual(form), expected);
        }
        for forms in FORMS.split_ascii_whitespace() {
            for form in forms.chars() {
                assert_eq!(usual(usual(form)), usual(form), "{forms}");
            }
        }
    }
}
