import Foundation
import Kernels
import TestSupport
import Testing

@testable import Vision

/// How a folder says that images are to be prepared.
@Suite struct ImagePreparationTests {
    static let standard = ImagePreparation(
        budget: PixelBudget(step: 28, pixelsMin: 784, pixelsMax: 7840),
        normalization: Normalization(), patchSide: 14)

    @Test(arguments: [
        (
            "preprocessor_config.json",
            #"{"min_pixels": 784, "max_pixels": 50176, "image_mean": [0, 0.5, 1], "resample": 3}"#
        ),
        (
            "processor_config.json",
            #"{"image_processor": {"size": {"shortest_edge": 784, "longest_edge": 50176}, "#
                + #""image_mean": [0, 0.5, 1]}}"#
        ),
    ])
    func settingsAreReadFromTheFolder(file: String, text: String) throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "preparation-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        func read() throws -> ImagePreparation {
            try ImagePreparation.read(folder: folder.path, standard: Self.standard)
        }
        #expect(try read() == Self.standard)
        let path = folder.appending(path: file)
        try Data(text.utf8).write(to: path)
        let found = try read()
        #expect(found.budget == PixelBudget(step: 28, pixelsMin: 784, pixelsMax: 50176))
        #expect(found.normalization == Normalization(mean: [0, 0.5, 1]))
        for wrong in [
            #"{"min_pixels": 0}"#, #"{"max_pixels": "many"}"#, "{", #"{"resample": 2}"#,
            #"{"image_std": [1, 1]}"#, #"{"image_std": [1, 0, 1]}"#,
            #"{"image_mean": ["a", 1, 1]}"#,
        ] {
            try Data(wrong.utf8).write(to: path)
            #expect(throws: JSONError.self, "\(wrong)") { try read() }
        }
    }

    /// Turned, resized and cut: what the reference's own image processor gives.
    @Test func patchesEqualReference() throws {
        let golden = try JSONValue.read(file: "\(Fixtures.path("images"))/golden.json")
        for record in try golden.array("prepared") {
            let name = try record.string("file")
            let file = try Data(contentsOf: URL(filePath: "\(Fixtures.path("images"))/\(name)"))
            let patches = try Self.standard.patches(of: try ImageFile.decode(file, label: name))
            let grid = try record.ints("grid")
            #expect(patches.grid == PatchGrid(rows: grid[0], columns: grid[1]))
            let data = try #require(Data(base64Encoded: try record.string("levels")))
            let wanted = data.map { Float((Double($0) / 255 - 0.5) / 0.5) }
            #expect(difference(patches.values, wanted).max < 1e-6, "\(name)")
        }
    }
}
