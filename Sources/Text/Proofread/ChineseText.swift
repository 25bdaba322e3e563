/// What the guard knows of Chinese writing.
enum ChineseText {
    /// Whether a character is a unit of its own: ideographs and kana.
    static func isIdeograph(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isIdeographic || (0x3041...0x30FF).contains(scalar.value)
            || scalar == "々"
    }

    /// Characters of written Cantonese that a model trained on Mandarin tends to "correct".
    static let cantonese = characters(
        "嘅唔咁喺啲嚟冇佢哋咗嗰喇㗎嘢噉乜咩喎囉啩咋嘞畀諗啱搵揾瞓嚿嬲攞睇啦呀嗌冚煲揸攰掟孭嗱係嚇唞")

    /// Characters that turn a sentence into its opposite.
    static let negations = characters("不没沒唔冇未無无")

    /// Groups that sound alike and are confused in transcripts, within one script.
    private static let homophones: [Set<Character>] =
        ("的得地|在再|做作|他她它|那哪|已以|像象|座坐|帶戴|带戴|進近|进近|由游遊|即既|績積|账帐|賬帳|須需|须需|副付幅"
        + "|長常|权全|權全|是事試|是事试|吧把爸|嗎馬|吗妈马|妳你|裡里理|裏里理|係系|會回|会回")
        .split(separator: "|").map(Set.init)

    static func areHomophones(_ one: Character, _ other: Character) -> Bool {
        homophones.contains { $0.contains(one) && $0.contains(other) }
    }

    /// Whether two characters are the traditional and the simplified form of one.
    static func isConversion(_ one: Character, _ other: Character) -> Bool {
        simplified[one] == other || simplified[other] == one
    }

    /// Traditional to simplified, where neither form is a word of its own in the other script (so
    /// not 後/后, 裡/里, 係/系, 隻/只, 麵/面, 乾/干, 髮/发).
    private static let simplified: [Character: Character] = Dictionary(
        conversionPairs.split(separator: " ").compactMap { pair in
            guard let traditional = pair.first, let simple = pair.last else { return nil }
            return (traditional, simple)
        }, uniquingKeysWith: { first, _ in first })

    private static let conversionPairs = """
        愛爱 礙碍 罷罢 備备 筆笔 畢毕 邊边 變变 標标 賓宾 補补 參参 層层 產产 長长 場场 嘗尝 車车 塵尘 稱称 懲惩 遲迟 齒齿 蟲虫 \
        處处 觸触 傳传 創创 詞词 從从 達达 帶带 單单 擔担 膽胆 導导 燈灯 敵敌 遞递 點点 電电 東东 動动 隊队 對对 頓顿 奪夺 兒儿 \
        爾尔 發发 罰罚 飯饭 範范 訪访 費费 紛纷 豐丰 風风 鳳凤 婦妇 負负 復复 該该 剛刚 崗岗 個个 給给 鞏巩 貢贡 溝沟 構构 購购 \
        顧顾 關关 觀观 館馆 慣惯 廣广 規规 貴贵 國国 過过 漢汉 號号 華华 畫画 話话 懷怀 壞坏 歡欢 環环 換换 會会 匯汇 貨货 獲获 \
        機机 積积 極极 級级 際际 繼继 紀纪 計计 記记 價价 堅坚 檢检 簡简 見见 將将 講讲 獎奖 膠胶 腳脚 較较 階阶 節节 結结 緊紧 \
        進进 經经 驚惊 競竞 舊旧 舉举 據据 劇剧 覺觉 絕绝 開开 課课 礦矿 虧亏 蘭兰 藍蓝 樂乐 類类 離离 禮礼 歷历 麗丽 連连 聯联 \
        臉脸 練练 糧粮 兩两 輛辆 療疗 遼辽 劉刘 龍龙 樓楼 錄录 陸陆 綠绿 亂乱 論论 羅罗 媽妈 馬马 嗎吗 買买 賣卖 滿满 貓猫 沒没 \
        門门 們们 夢梦 麼么 滅灭 難难 惱恼 腦脑 鬧闹 內内 寧宁 農农 歐欧 盤盘 賠赔 評评 憑凭 齊齐 騎骑 氣气 遷迁 錢钱 淺浅 強强 \
        搶抢 橋桥 親亲 輕轻 請请 窮穷 區区 權权 勸劝 確确 讓让 熱热 認认 榮荣 軟软 賽赛 傷伤 燒烧 攝摄 設设 紹绍 誰谁 聲声 勝胜 \
        師师 詩诗 時时 實实 識识 試试 視视 勢势 飾饰 適适 壽寿 書书 輸输 術术 樹树 數数 雙双 順顺 說说 說说 絲丝 訴诉 雖虽 隨随 \
        歲岁 孫孙 損损 態态 談谈 湯汤 討讨 騰腾 題题 體体 條条 鐵铁 聽听 廳厅 頭头 圖图 團团 萬万 網网 為为 圍围 衛卫 聞闻 問问 \
        烏乌 無无 務务 誤误 習习 戲戏 細细 嚇吓 鮮鲜 顯显 險险 現现 縣县 線线 鄉乡 響响 項项 寫写 謝谢 興兴 許许 續续 學学 尋寻 \
        訊讯 壓压 鴨鸭 亞亚 煙烟 鹽盐 嚴严 顏颜 驗验 樣样 陽阳 養养 藥药 爺爷 頁页 業业 葉叶 醫医 遺遗 憶忆 億亿 藝艺 議议 譯译 \
        異异 陰阴 銀银 飲饮 應应 營营 贏赢 擁拥 優优 郵邮 猶犹 魚鱼 與与 語语 預预 員员 園园 圓圆 遠远 願愿 約约 閱阅 運运 雜杂 \
        載载 暫暂 責责 則则 澤泽 擇择 張张 賬账 趙赵 這这 針针 鎮镇 陣阵 爭争 鄭郑 證证 織织 職职 執执 紙纸 質质 鐘钟 種种 眾众 \
        週周 豬猪 燭烛 專专 轉转 賺赚 莊庄 裝装 壯壮 狀状 準准 資资 總总 縱纵 組组 啟启 衝冲 腸肠 鎖锁 嘆叹 壇坛
        """

    private static func characters(_ text: String) -> Set<Character> { Set(text) }
}
