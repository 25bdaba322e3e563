import Kernels

/// Mixture of experts: a router picks a few feed-forward networks for each token (Shazeer et al.
/// 2017; Qwen3-MoE has no shared expert). Tokens of one expert go through it together.
final class Experts: FeedForward {
    private let router: Linear  // [experts, hidden]
    private let experts: [DenseFeedForward]
    private let chosenCount: Int
    private let normalizes: Bool
    private let hidden: Int
    /// For each expert, the tokens that chose it and their weights; kept for its memory.
    private var tokens: [[(row: Int, weight: Float)]]
    private var order: [Int] = []

    /// - Parameters:
    ///   - name: module path of `gate` and the experts: stacked under `switch_mlp`, as mlx-lm
    ///     converts them, or one by one under `experts`.
    ///   - inner: width of one expert.
    ///   - normalizes: the weights of the chosen experts are made to add up to 1.
    init(
        _ folder: ModelFolder, _ name: String, hidden: Int, inner: Int, count: Int, chosen: Int,
        normalizes: Bool
    ) throws {
        self.hidden = hidden
        self.normalizes = normalizes
        chosenCount = chosen
        router = Linear(try folder.matrix("\(name).gate", rows: count, columns: hidden))
        if folder.has("\(name).experts.0.gate_proj.weight") {
            experts = try (0..<count).map {
                try DenseFeedForward(
                    folder, "\(name).experts.\($0)", hidden: hidden, inner: inner)
            }
        } else {
            let stack = "\(name).switch_mlp"
            let gates = try folder.matrices(
                "\(stack).gate_proj", count: count, rows: inner, columns: hidden)
            let ups = try folder.matrices(
                "\(stack).up_proj", count: count, rows: inner, columns: hidden)
            let downs = try folder.matrices(
                "\(stack).down_proj", count: count, rows: hidden, columns: inner)
            experts = (0..<count).map {
                DenseFeedForward(gate: gates[$0], up: ups[$0], down: downs[$0])
            }
        }
        tokens = Array(repeating: [], count: count)
    }

    func apply(_ x: Rows, into y: Rows, accumulate: Bool, on compute: Compute) {
        route(x, on: compute)
        let work = compute.workspace
        work.scope {
            let gathered = work.rows(x.count, hidden)
            let results = work.rows(x.count, hidden)
            if !accumulate { for row in 0..<y.count { y[row].update(repeating: 0) } }
            // Always in the order of the experts, so a token's sum does not depend on its company.
            for (index, expert) in experts.enumerated() where !tokens[index].isEmpty {
                let chosen = tokens[index]
                for (place, token) in chosen.enumerated() {
                    gathered.rows(place..<place + 1).copy(from: x.rows(token.row..<token.row + 1))
                }
                let out = results.rows(0..<chosen.count)
                expert.apply(
                    gathered.rows(0..<chosen.count), into: out, accumulate: false, on: compute)
                for (place, token) in chosen.enumerated() {
                    Activation.add(
                        out.rows(place..<place + 1), times: token.weight,
                        to: y.rows(token.row..<token.row + 1))
                }
            }
        }
    }

    /// The k most likely experts of each token, in f32 whatever the precision: rounding of the
    /// activations would flip experts.
    private func route(_ x: Rows, on compute: Compute) {
        for index in tokens.indices { tokens[index].removeAll(keepingCapacity: true) }
        compute.workspace.scope {
            let logits = compute.workspace.rows(x.count, experts.count)
            router.apply(x, into: logits, precision: .exact, on: compute)
            for row in 0..<x.count { choose(logits[row], row: row) }
        }
    }

    private func choose(_ logits: UnsafeMutableBufferPointer<Float>, row: Int) {
        let total = Logits.logSumExp(logits)
        for index in logits.indices { logits[index] = Logits.exp(logits[index] - total) }
        order.removeAll(keepingCapacity: true)
        for index in logits.indices {
            // Descending; of equal ones the first stays in front.
            var place = order.count
            while place > 0, logits[order[place - 1]] < logits[index] { place -= 1 }
            guard place < chosenCount else { continue }
            order.insert(index, at: place)
            if order.count > chosenCount { order.removeLast() }
        }
        let sum = order.reduce(Float(0)) { $0 + logits[$1] }
        for index in order {
            let weight = normalizes ? logits[index] / sum : logits[index]
            tokens[index].append((row, weight))
        }
    }
}
