import Foundation

/// Paths as strings, split and joined the way a shell user reads them.
enum Path {
    /// As `dirname` has it. By hand: on a name of one letter Foundation's function traps.
    static func directory(of path: String) -> String {
        func withoutSlashes(_ path: Substring) -> Substring {
            path.dropLast(path.reversed().prefix { $0 == "/" }.count)
        }
        let name = withoutSlashes(path[...])
        guard let slash = name.lastIndex(of: "/") else {
            return name.isEmpty && path.hasPrefix("/") ? "/" : "."
        }
        let parent = withoutSlashes(name[..<slash])
        return parent.isEmpty ? "/" : String(parent)
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
