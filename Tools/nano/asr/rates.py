"""Changes of the sample rate."""

import math

import numpy as np
from scipy.signal import resample_poly

SAMPLE_RATE = 16_000


def to_sample_rate(samples, rate):
    if rate == SAMPLE_RATE:
        return samples
    common = math.gcd(SAMPLE_RATE, rate)
    return resample_poly(samples, SAMPLE_RATE // common, rate // common).astype(np.float32)


def change_rate(samples, rate):
    """Plays `rate` times faster, pitch and formants with it (linear interpolation)."""
    if rate == 1.0 or len(samples) < 2:
        return samples
    positions = np.arange(0, len(samples) - 1, rate)
    return np.interp(positions, np.arange(len(samples)), samples).astype(np.float32)
