"""MLX affine quantization in numpy, both ways (4 and 8 bits).

A group of G weights of a row becomes unsigned codes with one scale and one offset:
w = code * scale + bias. The extreme of larger magnitude is represented exactly, as MLX does it.
"""

import numpy as np


def quantise(matrix, bits, group):
    """(codes packed in uint32 [out, in*bits/32], scales, biases [out, in/group] float32)."""
    rows, columns = matrix.shape
    values = matrix.astype(np.float32).reshape(rows, columns // group, group)
    low, high = values.min(-1), values.max(-1)
    top = 2**bits - 1
    scale = np.maximum((high - low) / top, 1e-7)
    lower_is_larger = np.abs(low) > np.abs(high)
    scale = np.where(lower_is_larger, scale, -scale)
    edge = np.where(lower_is_larger, low, high)
    steps = np.round(edge / scale)
    exact = steps != 0
    scale = np.where(exact, edge / np.where(exact, steps, 1), scale)
    bias = np.where(exact, edge, 0)
    codes = np.clip(np.round((values - bias[..., None]) / scale[..., None]), 0, top)
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
