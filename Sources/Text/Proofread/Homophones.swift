/// English words that sound alike, and how alike two other words look: corrections that a
/// proofreader is asked for, so the guard does not count them as rewriting.
enum Homophones {
    private static let table = """
        their there theyre|its it's|to too two|then than|your youre|here hear|whether weather|know no|\
        new knew gnu|through threw|right write rite wright|would wood|whole hole|our hour are|won one|\
        son sun|meet meat mete|ate eight|by buy bye|seen scene|see sea|be bee|wait weight|which witch|\
        where were wear ware|plane plain|pair pear pare|night knight|flour flower|allowed aloud|\
        passed past|principal principle|accept except|effect affect|lose loose|advice advise|\
        peace piece|road rode rowed|tail tale|week weak|whos whose|for four fore|read red reed|\
        made maid|sale sail|break brake|cell sell|fair fare|great grate|heal heel hell|hi high|\
        mail male|main mane maine|pause paws|peak peek pique|pray prey|rain reign rein|role roll|\
        root route|sight site cite|some sum|sole soul|stair stare|steal steel|sweet suite|\
        throne thrown|vain vein vane|waist waste|way weigh whey|wheel well|were were|brought bought|\
        quite quiet|complement compliment|council counsel|desert dessert|course coarse|board bored|\
        bare bear|cent sent scent|dear deer|die dye|fourth forth|guest guessed|higher hire|him hymn|\
        knot not|least leased|lead led|lesson lessen|missed mist|morning mourning|none nun|\
        poor pour pore|raise rays raze|real reel|sew so sow|stationary stationery|theres theirs|\
        thyme time|tied tide|toe tow|use yews ewes|wore war|world whirled|used use|an and|of off|of have|\
        chance chants|close clothes|days daze|base bass|add ad|find fined|key quay|links lynx|\
        mode mowed|mussel muscle|packed pact|paste paced|patients patience|presence presents|\
        prints prince|size sighs|sort sought|step steppe|tax tacks|tents tense|warn worn|we've weave|\
        aisle isle ill|aloud allowed|altar alter|ant aunt|arc ark|ascent assent|bail bale|ball bawl|\
        band banned|bean been|beat beet|berry bury|berth birth|billed build|blew blue|boar bore|\
        bold bowled|border boarder|bough bow|boy buoy|bread bred|bridal bridle|capital capitol|\
        carat carrot|cast caste|ceiling sealing|cellar seller|censor sensor|cereal serial|chord cord|\
        chute shoot|claws clause|colonel kernel|core corps|creak creek|cue queue|currant current|\
        cymbal symbol|dew due do|doe dough|draft draught|dual duel|earn urn|fate fete|feat feet|\
        fir fur|flea flee|flew flu flue|foul fowl|gait gate|genes jeans|gorilla guerrilla|groan grown|\
        hail hale|hair hare|hall haul|heard herd|hoarse horse|idle idol|in inn|jam jamb|knead need|\
        knows nose|lain lane|leak leek|levy levee|loan lone|maize maze|medal meddle metal|might mite|\
        miner minor|moan mown|moose mousse|naval navel|oar or ore|pail pale|pain pane|palate palette|\
        patience patients|pedal peddle|plum plumb|pole poll|profit prophet|rap wrap|ring wring|\
        rote wrote|rough ruff|rung wrung|rye wry|sail sale|sauce source|saw soar sore|scull skull|\
        seam seem|sear seer|seas sees seize|shear sheer|slay sleigh|soared sword|stake steak|\
        stile style|straight strait|swat squat|taught taut|team teem|tea tee|tear tier|threw through|\
        tire tyre|told tolled|vale veil|vary very|wail whale|wave waive|ways weighs|wet whet|\
        whine wine|who's whose|wood would|yoke yolk|youll yule|a an|as has|\
        since sense|seat seed|formerly formally|personal personnel|angel angle|breath breathe|\
        cloth clothe|device devise|dairy diary|elicit illicit|eminent imminent|ensure insure assure|\
        envelope envelop|hear here|precede proceed|thorough through though|later latter|\
        moral morale|decent descent dissent|choose chose|quit quite|that than
        """

    /// So frequent that most errors of a proofreader would be in them; what they sound like is hardly
    /// ever meant. Keys; the same as in `Tools/nano/lm/fidelity.py`.
    static let frequent: Set<String> = [
        "an", "and", "be", "do", "due", "ill", "in", "not", "of", "off", "or", "so", "time", "to",
        "too", "two", "use", "very",
    ]

    private static let groups: [String: Set<Int>] = {
        var groups: [String: Set<Int>] = [:]
        for (number, group) in table.split(separator: "|").enumerated() {
            for word in group.split(separator: " ") {
                groups[word.filter { $0 != "'" }, default: []].insert(number)
            }
        }
        return groups
    }()

    /// The words of each group, as keys.
    private static let members: [Int: Set<String>] = {
        var members: [Int: Set<String>] = [:]
        for (word, numbers) in groups {
            for number in numbers { members[number, default: []].insert(word) }
        }
        return members
    }()

    private static let endings = ["s", "es", "d", "ed", "r", "er", "ing"]

    /// Whether a word (as a unit's key) has homophones at all.
    static func contains(_ key: String) -> Bool { groups[key] != nil }

    /// Whether two words (as keys) sound alike, also with the same ending on both.
    static func areAlike(_ one: String, _ other: String) -> Bool {
        if shareGroup(one, other) { return true }
        return endings.contains { ending in
            one.hasSuffix(ending) && other.hasSuffix(ending)
                && shareGroup(
                    String(one.dropLast(ending.count)), String(other.dropLast(ending.count)))
        }
    }

    /// The words that sound like one (as keys), also with the same ending on both.
    static func alternatives(of key: String) -> Set<String> {
        var found: Set<String> = []
        for ending in endings + [""] where key.hasSuffix(ending) {
            for number in groups[String(key.dropLast(ending.count))] ?? [] {
                for other in members[number] ?? [] { found.insert(other + ending) }
            }
        }
        found.remove(key)
        return found
    }

    private static func shareGroup(_ one: String, _ other: String) -> Bool {
        guard let first = groups[one], let second = groups[other] else { return false }
        return !first.isDisjoint(with: second)
    }

    /// Letters that may differ, as a share of the longer word, in a misspelling.
    private static let misspellingShareMax = 0.34

    /// Whether one word may be the other misspelled or misheard: few letters differ, or the
    /// consonants sound the same.
    static func areSimilar(_ one: String, _ other: String) -> Bool {
        let first = Array(one)
        let second = Array(other)
        let longest = max(first.count, second.count)
        guard longest > 2, min(first.count, second.count) > 1 else { return false }
        if Double(distance(first, second)) <= misspellingShareMax * Double(longest) { return true }
        return first[0] == second[0] && longest > 3 && consonants(one) == consonants(other)
    }

    /// Levenshtein distance of two words.
    private static func distance(_ one: [Character], _ other: [Character]) -> Int {
        var row = Array(0...other.count)
        for (line, character) in one.enumerated() {
            var diagonal = row[0]
            row[0] = line + 1
            for column in other.indices {
                let substitution = diagonal + (character == other[column] ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(substitution, diagonal + 1, row[column] + 1)
            }
        }
        return row[other.count]
    }

    /// A rough sound of a word: vowels, h, w, y and doubled letters dropped, letters of one sound
    /// merged.
    private static func consonants(_ word: String) -> [Character] {
        let merged: [Character: Character] = ["c": "k", "q": "k", "z": "s", "v": "f", "j": "g"]
        var result: [Character] = []
        for character in word where !"aeiouhwy".contains(character) {
            let sound = merged[character] ?? character
            if result.last != sound { result.append(sound) }
        }
        return result
    }
}
