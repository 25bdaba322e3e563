import Testing

@testable import Text

/// Corrections that a proofreader is asked for.
private let accepted: [(String, String)] = [
    // Punctuation, capitals, spaces
    ("hello how are you today", "Hello, how are you today?"),
    ("i think its fine dont worry", "I think it's fine; don't worry."),
    ("the well known author", "The well-known author."),
    ("i like it alot", "I like it a lot."),
    ("some one left there key board", "Someone left their keyboard."),
    ("he said come in", "He said, “Come in.”"),
    ("THIS IS WHAT THEY SAID", "This is what they said."),
    ("we met mr smith in paris on monday", "We met Mr. Smith in Paris on Monday."),
    ("I watched it on you tube", "I watched it on YouTube."),
    // Fillers and repetitions
    ("um so uh we should go", "So we should go."),
    ("Um, I think, uh, we can start.", "I think we can start."),
    ("Um. Uh.", ""),
    ("er", ""),
    ("the the dog barked", "The dog barked."),
    ("I was I was going home", "I was going home."),
    ("I I I I mean it", "I mean it."),
    ("we we- we should leave", "We should leave."),
    ("Um, John, uh, John called.", "John called."),
    ("what I what I what I wanted was tea", "What I wanted was tea."),
    ("prepare two right two right data", "Prepare to write data."),
    ("I saw two dogs two dogs yesterday", "I saw two dogs yesterday."),
    ("A, um... one. Of, uh... the, er... things, uhm... here", "A one of the things here."),
    // Homophones
    ("their going to the see tomorrow", "They're going to the sea tomorrow."),
    ("your late again", "You're late again."),
    ("I no the write answer", "I know the right answer."),
    ("we went two the store and he came to", "We went to the store and he came too."),
    ("there were for apples left", "There were four apples left."),
    ("I one the race", "I won the race."),
    ("he should of called", "He should have called."),
    ("its to late", "It's too late."),
    ("may be we all ways need there key board", "Maybe we always need their keyboard."),
    ("every one ate at eight", "Everyone ate at eight."),
    ("she braked it and got board", "She breaked it and got bored."),
    ("it was not, it was a not in the rope", "It was not, it was a knot in the rope."),
    ("please meat me hear", "Please meet me here."),
    // Spelling, and a word or two of grammar
    ("The comittee will recieve the report.", "The committee will receive the report."),
    ("I went to store on Sunday morning.", "I went to the store on Sunday morning."),
    // Numbers that stay
    ("we have 1000 users and 25 servers", "We have 1,000 users and 25 servers."),
    ("it costs twenty five dollars", "It costs twenty-five dollars."),
    ("it rose by 3.5 percent in 2024", "It rose by 3.5 percent in 2024."),
    ("on the 1st of may at 10:30", "On the 1st of May at 10:30."),
    ("there are five boxes on the table", "There are 5 boxes on the table."),
    // Chinese
    ("我哋今日去邊度食飯呀", "我哋今日去邊度食飯呀？"),
    ("呃我覺得呢個係啱嘅", "我覺得呢個係啱嘅。"),
    ("嗯我我我想問下佢喺邊", "我想問下佢喺邊？"),
    ("佢話唔知咁點算好", "佢話唔知，咁點算好？"),
    ("我哋听日開會得唔得", "我哋听日開會，得唔得？"),
    ("他昨天再家里看书", "他昨天在家里看书。"),
    ("他跑的很快", "他跑得很快。"),
    ("今天開會的人有三十五個", "今天開會的人有三十五個。"),
    ("我哋 meeting 係三點 um 記得 book 房", "我哋 meeting 係三點，記得 book 房。"),
    ("send 個 email 俾 Peter 先啦", "Send 個 email 俾 Peter 先啦。"),
    ("呢個 project 嘅 deadline 係 friday", "呢個 project 嘅 deadline 係 Friday。"),
    ("今日嘅會議有３個人", "今日嘅會議有3個人。"),
    ("系唔系真架", "係唔係真㗎？"),
    // Other languages
    ("der hund ist er ist groß", "Der Hund ist, er ist groß."),
    ("je ne sais pas", "Je ne sais pas."),
]

/// Rewriting, and the reason that the guard is to give.
private let rejected: [(String, String, Reason)] = [
    ("hello there", "", .empty),
    ("um hello", "Um.", .empty),
    ("what is the capital of france", "Sure! The capital of France is Paris.", .answer),
    ("fix this text please", "Here is the fixed text: Fix this text, please.", .answer),
    ("write me a poem", "I'm sorry, I cannot do that.", .answer),
    ("first item second item", "**First item**, second item", .markup),
    ("that was great", "That was great! 🎉", .markup),
    ("One, two. Three? Four! Five; six.", "one two three four five six", .unpunctuated),
    // Numbers
    ("we sold 250 units", "We sold 25 units.", .numbers),
    ("call 555 1234 now", "Call 555 1243 now.", .numbers),
    ("it was in 1999 I think", "It was, I think.", .numbers),
    ("I ate four apples", "I ate for apples.", .numbers),
    ("there were two dogs", "There were to dogs.", .numbers),
    ("about thirty people came", "About thirteen people came.", .numbers),
    ("the price is 3.50", "The price is 3.5.", .numbers),
    ("it was 10 000 steps", "It was 10000 steps.", .numbers),
    ("agent 007 is here", "Agent 7 is here.", .numbers),
    ("it is -5 outside", "It is 5 outside.", .numbers),
    ("it costs $5", "It costs 5.", .numbers),
    ("it costs 5", "It costs $5.", .numbers),
    ("twenty for people", "Twenty-four people.", .numbers),
    ("five five five one two", "Five, one, two.", .numbers),
    ("電話係二二三四", "電話係二三四。", .numbers), ("房間二 三", "房間二三。", .numbers),
    ("my pin is 1 1 2", "My pin is 1 12.", .numbers),
    ("會議有三個人參加", "會議有四個人參加。", .numbers),
    ("今年係二零二六年", "今年係二零二五年。", .numbers),
    // Names and negations
    ("we met Johnson in Berlin yesterday", "We met Jonson in Berlin yesterday.", .name),
    ("I spoke to Maria about it", "I spoke to her about it.", .name),
    ("he said that he would come", "He said that Peter would come.", .name),
    ("I do not like it at all", "I do like it at all.", .negation),
    ("we can go there tomorrow", "We can't go there tomorrow.", .negation),
    ("他不想去那個地方", "他想去那個地方。", .negation),
    // Cantonese, script, language
    ("呢個係我嘅書", "呢個係我的書。", .cantonese),
    ("我唔知道點解", "我不知道點解。", .cantonese),
    ("佢哋喺度食飯", "他們在這裡吃飯。", .cantonese),
    ("咁我哋走啦", "那我們走吧。", .cantonese),
    ("佢冇嚟", "佢沒嚟。", .cantonese),
    ("好靚㗎", "好靚。", .cantonese),
    ("他們說這個問題很難", "他们说这个问题很难。", .script),
    ("这个问题很难", "這個問題很難。", .script),
    ("我哋 meeting 係三點", "我哋會議係三點。", .language),
    ("今天天氣很好我們去公園", "The weather is nice today, let's go to the park.", .language),
    ("good morning everybody", "大家早安。", .language),
    // Too much
    (
        "so basically the plan is that we ship the feature on monday and then fix the bugs",
        "We ship on Monday and fix bugs later.", .amount
    ),
    ("I walked along the river and then I took the bus home", "I took the bus home.", .amount),
    ("what is the tallest mountain", "The tallest mountain is Everest.", .name),
    ("thanks for listening", "Thanks for listening. See you next week.", .amount),
    ("the cat sat on the mat", "A feline rested upon a rug.", .amount),
    ("I like tea", "I like tea, coffee, cake and chocolate.", .amount),
    ("il fait beau aujourd'hui et nous partons", "The weather is nice and we leave.", .amount),
    ("we should talk about the budget", "We ought to discuss our finances.", .amount),
    ("我覺得呢個方法好好用", "我認為這個辦法非常有效。", .amount),
    ("he left", "He left the building because he was tired.", .amount),
]

private enum Reason {
    case empty, answer, markup, unpunctuated, numbers, name, negation, cantonese, script, language
    case amount

    init(_ rejection: Rejection) {
        self =
            switch rejection {
            case .empty: .empty
            case .answer: .answer
            case .markup: .markup
            case .unpunctuated: .unpunctuated
            case .numbers: .numbers
            case .nameLost, .nameInvented: .name
            case .negation: .negation
            case .cantonese: .cantonese
            case .script: .script
            case .translated: .language
            case .length, .contentLost, .contentAdded, .replaced, .distance: .amount
            }
    }
}

@Suite struct EditGuardTests {
    @Test(arguments: accepted)
    func correctionsPass(original: String, proposal: String) {
        let verdict = EditGuard.accept(original, proposal)
        #expect(verdict.isAccepted, "\(verdict.rejection?.description ?? "")")
    }

    @Test(arguments: rejected)
    private func rewritingIsRefused(original: String, proposal: String, reason: Reason) {
        let rejection = EditGuard.accept(original, proposal).rejection
        #expect(rejection.map(Reason.init) == reason, "\(rejection?.description ?? "accepted")")
    }

    @Test func identicalTextIsAlwaysFine() {
        for text in accepted.flatMap({ [$0.0, $0.1] }) + rejected.flatMap({ [$0.0, $0.1] }) {
            let verdict = EditGuard.accept(text, text)
            #expect(verdict.isAccepted && verdict.edits.isEmpty)
            #expect(verdict.summary == EditSummary())
            // Also by comparison, not only because the strings are equal.
            let spaced = EditGuard.accept(text, text + " ")
            #expect(spaced.isAccepted && spaced.edits.isEmpty, "\(text)")
        }
    }

    @Test func noDigitIsEverLost() {
        let texts = [
            "it was 7 on 12/31/1999 at 08:05", "call +44 20 7946 0018 or 112", "H2O, B12 and 3D",
            "1,000 or 1000.50 or 10 000", "my pin is 0000 0000", "今年係2026年，有３個人",
            "the the 5 5 5 um 5 things", "between -3.5 and +4", "一千 or 1000", "x1 x1 x1",
        ]
        for text in texts {
            for index in text.indices where text[index].isNumber && !text[index].isLetter {
                var cut = text
                cut.remove(at: index)
                #expect(!EditGuard.accept(text, cut).isAccepted, "\(text) -> \(cut)")
                let other = text[index] == "8" ? "9" : "8"
                var changed = text
                changed.replaceSubrange(index...index, with: other)
                #expect(!EditGuard.accept(text, changed).isAccepted, "\(text) -> \(changed)")
            }
        }
    }

    @Test func editsAreListed() {
        let verdict = EditGuard.accept(
            "um i went to to the see with there dog in the comittee room",
            "I went to the sea with their dog in the committee room.")
        #expect(
            verdict.edits == [
                Edit(kind: .delete, original: "to", proposal: "", cause: .repetition),
                Edit(kind: .replace, original: "see", proposal: "sea", cause: .homophone),
                Edit(kind: .replace, original: "there", proposal: "their", cause: .homophone),
                Edit(
                    kind: .replace, original: "comittee", proposal: "committee", cause: .spelling),
            ])
        var summary = EditSummary()
        summary.fillersRemoved = 1
        summary.repeatsRemoved = 1
        summary.wordsReplaced = 3
        summary.casing = 1
        summary.punctuation = 1
        #expect(verdict.summary == summary)
    }

    @Test func summariesReadAsALine() {
        var sum = EditSummary()
        #expect(sum.description == "no changes")
        var other = EditSummary()
        other.wordsReplaced = 1
        other.punctuation = 4
        other.paragraphs = 2
        other.paragraphsRejected = 1
        sum += other
        sum += other
        #expect(
            sum.description
                == "2 words replaced, 8 punctuation changes; 2 of 4 paragraphs kept as transcribed")
    }

    @Test func hugeTextsAreRefusedQuickly() {
        let text = String(repeating: "word ", count: 5000)
        #expect(!EditGuard.accept(text, text + "more").isAccepted)
        let nested = String(repeating: "million billion ", count: 300)
        #expect(EditGuard.accept(nested, nested + ".").isAccepted)
    }

    @Test(arguments: [
        ("two hundred and five", ["205"]), ("twenty twenty six", ["20", "26"]),
        ("one two three", ["1", "2", "3"]), ("five thousand three hundred", ["5300"]),
        ("nineteen ninety nine", ["19", "99"]), ("three point one four", ["3.14"]),
        ("a hundred and one", ["101"]), ("thirty first", ["31"]),
        ("1,000 and 1,2", ["1000", "1", "2"]),
        ("三十五 一萬二千 二零二六", ["35", "12000", "2026"]), ("十", ["10"]),
        ("mp3 at 12:30", ["3", "12", "30"]),
    ])
    func numbersAreRead(text: String, values: [String]) {
        #expect(SpokenNumbers.values(in: TextUnits(text).units) == values)
    }

    /// Good changes stay and the others are undone, with the proposal's punctuation.
    @Test(arguments: [
        (
            "i think their going to the old harbor today um tomorrow",
            "I think they're going to the big harbor today, tomorrow.",
            "I think they're going to the old harbor today, tomorrow."
        ),
        (
            "we went home quickly then it rained", "We went home. Then it rained.",
            "We went home quickly. Then it rained."
        ),
        (
            "we went home then it rained", "We went home very fast indeed. Then it rained.",
            "We went home. Then it rained."
        ),
        ("so then we left the house", "Then we left the house.", "Then we left the house."),
        (
            "yesterday then we left the house at noon", "Then we left the house at noon.",
            "yesterday then we left the house at noon."
        ),
        (
            "we met Johnson in their house to day", "We met Jonson in there house today.",
            "We met Johnson in there house today."
        ),
        (
            "there were four apples and to pears left", "There were for apples and two pears left.",
            "There were four apples and two pears left."
        ),
        (
            "I do not like it at all you no", "I do like it at all, you know.",
            "I do not like it at all, you know."
        ),
        (
            "We saw the castle. Tomorrow we go on.", "we saw the castle. tomorrow we go on!",
            "We saw the castle. Tomorrow we go on!"
        ),
        ("We left. Then it rained.", "We left, then it rained.", "We left, then it rained."),
        (
            "the committee will meet in the room on sunday",
            "The comparison will eat in the room on Sunday.",
            "The committee will meet in the room on Sunday."
        ),
    ])
    func singleChangesAreUndone(original: String, proposal: String, text: String) {
        #expect(EditRepair(original, proposal)?.text == text)
    }

    @Test func repairsOfGoodCorrectionsAreTheCorrections() {
        for (original, proposal) in accepted {
            #expect(EditRepair(original, proposal)?.text == proposal, "\(original)")
        }
    }

    @Test func anotherTextIsNotRepaired() {
        #expect(EditRepair("the cat sat on the mat", "A feline rested upon a rug.") == nil)
        #expect(
            EditRepair("we should talk about the budget", "Ought one discuss our finances?") == nil)
    }
}
