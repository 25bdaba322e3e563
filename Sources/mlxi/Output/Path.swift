import Foundation

/// Paths as strings, split and joined the way a shell user reads them.
enum Path {
    static func directory(of path: String) -> String {
        let parent = (path as NSString).deletingLastPathComponent
        return parent.isEmpty ? "." : parent
    }

    static func name(of path: String) -> String { (path as NSString).lastPathComponent }

    /// `talk.m4a` -> (`talk`, `.m4a`); `.hidden` -> (`.hidden`, ``).
    static func split(_ name: String) -> (stem: String, suffix: String) {
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return (name, "") }
        return (String(name[..<dot]), String(name[dot...]))
    }

    static func join(_ directory: String, _ name: String) -> String {
        if directory.isEmpty || directory == "." { return name }
        return directory.hasSuffix("/") ? directory + name : directory + "/" + name
    }

    /// An absolute path with `~` expanded and `.`/`..` resolved by name.
    static func absolute(_ path: String) -> String {
        let expanded = (path as NSString).expandingTildeInPath
        let whole =
            expanded.hasPrefix("/")
            ? expanded : join(FileManager.default.currentDirectoryPath, expanded)
        return (whole as NSString).standardizingPath
    }
}
