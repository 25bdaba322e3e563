/// Why a file gives no audio at all. Prints as one line: the file, what was found, what was wanted.
///
/// A file that gives some audio is not an error; see `AudioFile.damage`.
public struct AudioError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The cases that callers tell apart.
    public enum Kind: Sendable, Equatable {
        /// The path does not exist.
        case missing
        /// The system refused: permission, a failing disk, no space to spool a pipe.
        case unreadable
        /// A directory, device or socket.
        case notAFile
        /// Zero bytes.
        case empty
        /// No known container, or nothing in it that decodes.
        case notAudio
        /// A media file without sound.
        case noAudioStream
        /// Audio outside the limits: channels, sampling rate, size.
        case unsupported
    }

    /// The case.
    public let kind: Kind
    /// The path as given; `-` is standard input.
    public let file: String
    /// What was found.
    public let found: String
    /// What was wanted.
    public let wanted: String

    /// `file: found, wanted wanted`.
    public var description: String { "\(file): \(found), wanted \(wanted)" }
}
