import Foundation
import Glibc

/// A model's folder and the name the user knows it by.
struct FoundModel: Equatable, Hashable, Sendable {
    /// What was asked for: `org/name`, a bundled name, or the folder's own name.
    var name: String
    /// The folder that holds `config.json`.
    var folder: String

    /// Changes when the weights change: name, size and time of every weight file. Work done with
    /// one edition is not taken for work done with another.
    var edition: String {
        let files = PosixFileSystem()
        let names = (try? files.names(in: folder)) ?? []
        let weights = names.filter { $0.hasSuffix(".safetensors") }.map { weightName in
            var info = stat()
            // The cache's files are links; what they point to is what counts.
            guard stat(Path.join(folder, weightName), &info) == 0 else { return weightName }
            return "\(weightName):\(info.st_size):\(info.st_mtim.tv_sec)"
        }
        return ([name] + weights).joined(separator: " ")
    }
}
