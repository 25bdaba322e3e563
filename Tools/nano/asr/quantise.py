"""MLX affine quantization in numpy, both ways (4 and 8 bits).

A group of G weights of a row becomes unsigned codes with one scale and one offset:
w = code * scale + bias. Where MLX represents the extreme of a group exactly, this fits scale and
offset to the group: among several ranges, each improved by least squares, the one with the smallest
squared error is taken, with scale and offset as the file stores them (bfloat16).
"""

import numpy as np

RANGES = (1.0, 0.95, 0.9, 0.85, 0.8)
FITS = 3


def stored(values):
    """Rounded to bfloat16, as float32."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)).view(np.float32)


def encoded(values, scale, bias, top):
    codes = np.round((values - bias[..., None]) / scale[..., None])
    return np.clip(codes, 0, top).astype(np.float32)


def squared_error(values, codes, scale, bias):
    return ((codes * scale[..., None] + bias[..., None] - values) ** 2).sum(-1)


def refitted(values, codes, scale, bias):
    """Scale and offset of least squared error for the codes; as before where all are equal."""
    mean, centre = values.mean(-1), codes.mean(-1)
    spread = ((codes - centre[..., None]) ** 2).sum(-1)
    slope = ((codes - centre[..., None]) * values).sum(-1) / np.maximum(spread, 1e-9)
    usable = (spread > 0) & (np.abs(slope) > 1e-8)
    slope = stored(np.where(usable, slope, scale))
    return slope, stored(np.where(usable, mean - slope * centre, bias))


def quantise(matrix, bits, group):
    """(codes packed in uint32 [out, in*bits/32], scales, biases [out, in/group] float32)."""
    rows, columns = matrix.shape
    values = matrix.astype(np.float32).reshape(rows, columns // group, group)
    low, high = values.min(-1), values.max(-1)
    top = 2**bits - 1
    best = None
    for share in RANGES:
        scale = stored(np.maximum((high - low) * share / top, 1e-7))
        bias = stored((low + high) / 2 - scale * top / 2)
        for _ in range(FITS):
            codes = encoded(values, scale, bias, top)
            error = squared_error(values, codes, scale, bias)
            if best is None:
                best = [error, codes, scale, bias]
            better = error < best[0]
            best[0] = np.where(better, error, best[0])
            best[1] = np.where(better[..., None], codes, best[1])
            best[2], best[3] = np.where(better, scale, best[2]), np.where(better, bias, best[3])
            scale, bias = refitted(values, codes, scale, bias)
    _, codes, scale, bias = best
    codes = codes.astype(np.uint32).reshape(rows, -1, 32 // bits)
    shifts = np.arange(32 // bits, dtype=np.uint32) * bits
    packed = np.bitwise_or.reduce(codes << shifts, axis=-1).astype(np.uint32)
    return packed, scale.astype(np.float32), bias.astype(np.float32)


def dequantise(packed, scales, biases, bits):
    """[out, in] float32."""
    shifts = np.arange(32 // bits, dtype=np.uint32) * bits
    codes = (packed[..., None] >> shifts) & np.uint32(2**bits - 1)
    codes = codes.reshape(len(packed), scales.shape[1], -1).astype(np.float32)
    return (codes * scales[..., None] + biases[..., None]).reshape(len(packed), -1)
