import Foundation
import Testing

@testable import mlxi

@Suite struct ModelStoreTests {
    /// A home with nothing in it but what a test puts there.
    private func store(
        _ folder: TestFolder, _ environment: [String: String] = [:]
    ) -> ModelStore {
        ModelStore(
            environment: ["HOME": folder.path].merging(environment) { $1 },
            executable: folder.path("clone/.build/platform/release/mlxi"))
    }

    @Test func aPathIsTakenAsItIs() throws {
        let folder = try TestFolder()
        try folder.write("mine/config.json", "{}")
        let found = try store(folder).find(folder.path("mine"))
        #expect(found == FoundModel(name: "mine", folder: folder.path("mine")))
    }

    @Test func bundledModelsAreFoundFromABuildInAClone() throws {
        let folder = try TestFolder()
        try folder.write("clone/Models/nano-asr/config.json", "{}")
        #expect(
            try store(folder).find("nano-asr").folder == folder.path("clone/Models/nano-asr"))
    }

    @Test func bundledModelsAreFoundFromAnInstallation() throws {
        let folder = try TestFolder()
        try folder.write("usr/share/mlxi/models/nano-lm/config.json", "{}")
        let store = ModelStore(
            environment: ["HOME": folder.path], executable: folder.path("usr/bin/mlxi"))
        #expect(
            try store.find("nano-lm").folder == folder.path("usr/share/mlxi/models/nano-lm"))
    }

    @Test func theHubCacheIsReadAtTheCommitOfItsMainBranch() throws {
        let folder = try TestFolder()
        let base = ".cache/huggingface/hub/models--mlx-community--Qwen3-0.6B-4bit"
        try folder.write("\(base)/snapshots/aaa/config.json", "{}")
        try folder.write("\(base)/snapshots/zzz/config.json", "{}")
        try folder.write("\(base)/refs/main", "aaa\n")
        for name in ["mlx-community/Qwen3-0.6B-4bit", "qwen3-0.6b", "Qwen3-0.6B"] {
            let found = try store(folder).find(name)
            #expect(found.folder == folder.path("\(base)/snapshots/aaa"))
            #expect(found.name == "mlx-community/Qwen3-0.6B-4bit")
        }
        #expect(store(folder).all().map(\.name) == ["mlx-community/Qwen3-0.6B-4bit"])
    }

    @Test func theVariablesOfOtherToolsAreHonoured() throws {
        let folder = try TestFolder()
        #expect(store(folder, ["HF_HOME": "/data/hf"]).hub == "/data/hf/hub")
        #expect(store(folder, ["XDG_CACHE_HOME": "/c"]).hub == "/c/huggingface/hub")
        #expect(store(folder, ["HF_HUB_CACHE": "/h", "HF_HOME": "/x"]).hub == "/h")
        try folder.write("lib/org/name/config.json", "{}")
        let found = try store(folder, ["MLXI_MODELS": "/none:\(folder.path("lib"))"])
            .find("org/name")
        #expect(found.folder == folder.path("lib/org/name"))
    }

    @Test func aMissingModelSaysWhereItWasLookedForAndHowToGetIt() throws {
        let folder = try TestFolder()
        let error = #expect(throws: CommandError.self) {
            _ = try store(folder).find("qwen3-asr-0.6b")
        }
        #expect(error?.status == .failed)
        #expect(error?.description.contains(folder.path(".cache/huggingface/hub")) == true)
        #expect(
            error?.description.contains("hf download mlx-community/Qwen3-ASR-0.6B-8bit") == true)
    }

    @Test func newWeightsAreAnotherEdition() throws {
        let folder = try TestFolder()
        try folder.write("m/config.json", "{}")
        try folder.write("m/model.safetensors", "one")
        let model = FoundModel(name: "m", folder: folder.path("m"))
        let before = model.edition
        #expect(model.edition == before)
        try folder.write("m/model.safetensors", "other")
        #expect(model.edition != before)
    }

    @Test func flagsComeBeforeTheEnvironmentAndThatBeforeTheBundled() throws {
        let settings = Settings(environment: ["MLXI_CHAT_MODEL": "mine"])
        let flagged = try settings.model("flag", for: .chat)
        #expect(flagged == ("flag", true))
        let mine = try settings.model(nil, for: .chat)
        #expect(mine == ("mine", true))
        let bundled = try settings.model(nil, for: .transcribe)
        #expect(bundled == ("nano-asr", false))
        #expect(throws: CommandError.self) { try settings.model(nil, for: .embed) }
    }
}

@Suite struct RunManifestTests {
    private let entry = RunManifest.Entry(
        source: "a.wav", hash: "h", fingerprint: "f", outputs: ["a.txt"])

    @Test func anEntryCountsOnlyWithItsOutputs() throws {
        let folder = try TestFolder()
        var manifest = try RunManifest(folder: folder.path)
        manifest.add(entry)
        try manifest.write(folder: folder.path)
        let again = try RunManifest(folder: folder.path)
        func isDone(_ fingerprint: String = "f") -> Bool {
            again.hasDone(
                hash: "h", fingerprint: fingerprint, outputs: ["a.txt"], folder: folder.path)
        }
        #expect(!isDone(), "the output is not there")
        try folder.write("a.txt", "text")
        #expect(isDone())
        #expect(!isDone("other options"))
    }

    @Test func aDamagedManifestIsSaid() throws {
        let folder = try TestFolder()
        try folder.write(RunManifest.name, "{\"entries\": [")
        let error = #expect(throws: CommandError.self) {
            _ = try RunManifest(folder: folder.path)
        }
        #expect(error?.description.contains("damaged") == true)
    }
}
