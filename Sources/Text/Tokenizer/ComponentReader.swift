import Kernels

/// Reads the small sections of tokenizer.json into components, and refuses what it does not know.
struct ComponentReader {
    let file: String

    private func unsupported(_ component: String) -> TokenizerError {
        .unsupported(file: file, component: component)
    }

    // MARK: added tokens

    func addedToken(_ value: JSONValue) throws -> AddedToken {
        let id = try value.int("id")
        return try addedToken(value, id: id)
    }

    func addedToken(_ value: JSONValue, id: Int) throws -> AddedToken {
        guard id >= 0, id <= Vocabulary.idMax else {
            throw TokenizerError.invalid(file: file, detail: "added token has id \(id)")
        }
        return try AddedToken(
            id: Int32(id), content: value.string("content"),
            special: value.bool("special", default: false),
            normalized: value.bool("normalized", default: false),
            stripsLeft: value.bool("lstrip", default: false),
            stripsRight: value.bool("rstrip", default: false),
            singleWord: value.bool("single_word", default: false))
    }

    // MARK: normalizer

    func normalizers(_ value: JSONValue) throws -> [Normalizer] {
        if value.isNull { return [] }
        switch try value.string("type") {
        case "Sequence": return try value.array("normalizers").flatMap(normalizers)
        case "NFC": return [.nfc]
        case "NFD": return [.nfd]
        case "NFKC": return [.nfkc]
        case "NFKD": return [.nfkd]
        case "Lowercase": return [.lowercase]
        case "Prepend": return [.prepend(try value.string("prepend"))]
        case "Replace":
            return [
                .replace(try literal(value, in: "normalizer"), with: try value.string("content"))
            ]
        case "BertNormalizer":
            let lowercases = try value.bool("lowercase", default: true)
            return [
                .bert(
                    BertNormalizer(
                        cleansText: try value.bool("clean_text", default: true),
                        isolatesHan: try value.bool("handle_chinese_chars", default: true),
                        stripsAccents: try value.bool("strip_accents", default: lowercases),
                        lowercases: lowercases))
            ]
        case let type: throw unsupported("normalizer \(type)")
        }
    }

    private func literal(_ value: JSONValue, in section: String) throws -> String {
        if let regex = try value.value("pattern")["Regex"]?.asString {
            throw unsupported("\(section) Replace with the expression \(regex)")
        }
        let literal = try value.string("pattern", "String")
        guard !literal.isEmpty else {
            throw TokenizerError.invalid(file: file, detail: "\(section) Replace of nothing")
        }
        return literal
    }

    // MARK: pre-tokenizer

    func cuts(_ value: JSONValue) throws -> CutPlan {
        var plan = CutPlan()
        try add(value, to: &plan)
        return plan
    }

    private func add(_ value: JSONValue, to plan: inout CutPlan) throws {
        if value.isNull { return }
        switch try value.string("type") {
        case "Sequence":
            for part in try value.array("pretokenizers") { try add(part, to: &plan) }
        case "ByteLevel":
            plan.isByteLevel = true
            if try value.bool("add_prefix_space", default: true) {
                guard plan.steps.isEmpty else {
                    throw unsupported("ByteLevel with add_prefix_space behind another cut")
                }
                plan.addsPrefixBlank = true
            }
            if try value.bool("use_regex", default: true) { plan.steps.append(.words(.gpt2)) }
        case "Split": plan.steps.append(try split(value))
        case "BertPreTokenizer": plan.steps.append(.bert)
        case let type: throw unsupported("pre_tokenizer \(type)")
        }
    }

    private func split(_ value: JSONValue) throws -> PreTokenizer {
        let name = try value.string("behavior")
        let inverted = try value.bool("invert", default: false)
        if let regex = try value.value("pattern")["Regex"]?.asString {
            if let pattern = StretchPattern.known[regex], name == "Isolated", !inverted {
                return .stretches(pattern)
            }
            guard let pattern = WordPattern.known[regex] else {
                throw unsupported("pre_tokenizer Split with the expression \(regex)")
            }
            // The known expressions match everything, so keeping the matches is the same as
            // removing what is between them.
            guard (name == "Isolated" && !inverted) || (name == "Removed" && inverted) else {
                throw unsupported("pre_tokenizer Split with behavior \(name), invert \(inverted)")
            }
            return .words(pattern)
        }
        let separator = Array(try value.string("pattern", "String").utf8)
        guard let behavior = PreTokenizer.Behavior(rawValue: name), !inverted, !separator.isEmpty
        else { throw unsupported("pre_tokenizer Split with behavior \(name), invert \(inverted)") }
        return .literal(separator, behavior)
    }

    // MARK: decoder

    func decoder(_ value: JSONValue, isByteLevel: Bool) throws -> PieceDecoder {
        if value.isNull {
            guard isByteLevel else { throw unsupported("a missing decoder") }
            return .bytes
        }
        switch try value.string("type") {
        case "ByteLevel": return .bytes
        case "WordPiece":
            return .words(
                continuation: try value.string("prefix", default: "##"),
                cleansUp: try value.bool("cleanup", default: true))
        case "Sequence": return try decoder(steps: value.array("decoders"))
        default: return try decoder(steps: [value])
        }
    }

    private func decoder(steps: [JSONValue]) throws -> PieceDecoder {
        if steps.count == 1, steps[0]["type"]?.asString == "ByteLevel" { return .bytes }
        var replacements: [PieceDecoder.Replacement] = []
        var bytePieces = false
        var leadingStrip = 0
        for step in steps {
            switch try step.string("type") {
            case "Replace":
                replacements.append(
                    PieceDecoder.Replacement(
                        old: try literal(step, in: "decoder"), new: try step.string("content")))
            case "ByteFallback": bytePieces = true
            case "Fuse": break
            case "Strip":
                guard try step.string("content") == " ", try step.int("stop") == 0 else {
                    throw unsupported("decoder Strip of anything but leading blanks")
                }
                leadingStrip = try step.int("start")
            case let type: throw unsupported("decoder \(type)")
            }
        }
        return .pieces(
            replacements: replacements, bytePieces: bytePieces, leadingStrip: leadingStrip)
    }

    // MARK: post-processor

    func post(_ value: JSONValue) throws -> PostProcessor {
        var post = PostProcessor()
        if value.isNull { return post }
        switch try value.string("type") {
        case "ByteLevel": break
        case "Sequence":
            for part in try value.array("processors") {
                let next = try self.post(part)
                post.prefix = next.prefix + post.prefix
                post.suffix += next.suffix
            }
        case "TemplateProcessing":
            var behindText = false
            for item in try value.array("single") {
                if let name = item["SpecialToken"] {
                    let id = try name.string("id")
                    let ids = try value.ints("special_tokens", id, "ids").map { Int32($0) }
                    if behindText { post.suffix += ids } else { post.prefix += ids }
                } else if item["Sequence"] != nil, !behindText {
                    behindText = true
                } else {
                    throw unsupported("TemplateProcessing item \(item.serialized())")
                }
            }
        case "BertProcessing", "RobertaProcessing":
            post.prefix = [try tokenId(value.array("cls"))]
            post.suffix = [try tokenId(value.array("sep"))]
        case let type: throw unsupported("post_processor \(type)")
        }
        return post
    }

    /// The id of a `["[CLS]", 101]` pair.
    private func tokenId(_ pair: [JSONValue]) throws -> Int32 {
        guard pair.count == 2, let id = pair[1].asInt, let narrow = Int32(exactly: id) else {
            throw TokenizerError.invalid(file: file, detail: "post_processor wants [token, id]")
        }
        return narrow
    }
}
