public import Kernels

/// The families whose encoder can be opened by itself.
public let pageEncoders = FamilyList<any PageEncoder>(
    kind: "a page model with an encoder", [PaddleOCREncoder.family])
