// The decoder of PaddleOCR-VL: ERNIE-4.5-0.3B with rotary positions on three axes. References:
// references/ocr-paddleocr-vl.md; mlx-vlm 0.7.10 models/paddleocr_vl/language.py and transformers
// 5.23.0 models/paddleocr_vl/modeling_paddleocr_vl.py.
import Kernels

/// The plain decoder, whose positions are those of `TokenPositions`.
enum PaddleOCRDecoder {
    private static let traits = DecoderConfig.Traits(
        needsHeadDim: true, normEpsDefault: 1e-5, contextTokensDefault: 131072)
    private static let thetaDefault = 5e5

    /// Opens the decoder of `model_type` paddleocr_vl.
    static let family = Family<any LanguageModel>(
        name: "ocr-paddleocr-vl", architectures: ["paddleocr_vl"]
    ) { folder, _ in
        // Older conversions hold the decoder's dimensions at the top.
        let text = folder.config["text_config"] ?? folder.config
        let config = try folder.read { _ in try DecoderConfig(text, traits) }
        let rope = try Rope(
            headDim: config.headDim, config: text, source: folder.configPath,
            thetaDefault: thetaDefault,
            sections: try folder.read { _ in try sections(text, headDim: config.headDim) })
        return try Decoder(
            folder, config: config, rope: rope, prefix: "language_model.model.",
            head: "language_model.lm_head")
    }

    /// Pairs of a head that turn with time, row and column.
    private static func sections(_ config: JSONValue, headDim: Int) throws -> [Int] {
        let holder =
            config["rope_scaling"].flatMap { $0.isNull ? nil : $0 } == nil
            ? "rope_parameters" : "rope_scaling"
        let sections = try config.ints(holder, "mrope_section")
        guard sections.count == 3, sections.allSatisfy({ (0...headDim).contains($0) }),
            sections.reduce(0, +) == headDim / 2
        else {
            throw JSONError(
                detail: "\(holder).mrope_section is \(sections), want three parts of "
                    + "\(headDim / 2)")
        }
        return sections
    }
}
