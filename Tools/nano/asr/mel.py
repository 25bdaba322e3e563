"""Log-mel features of Whisper and Qwen3-ASR: 25 ms windows, 10 ms hop, Slaney mel scale.

Reference: the Whisper feature extractor; the filter bank is the one of Slaney's Auditory Toolbox.
The maximum runs over the whole clip, and the last frame is dropped: floor(samples / 160) frames.
"""

import numpy as np

WINDOW_SAMPLES, HOP_SAMPLES, BINS = 400, 160, 201
SAMPLE_RATE = 16_000
DYNAMIC_RANGE = 8.0


def _hertz_to_mel(hertz):
    linear = 3 * hertz / 200
    logarithmic = 15 + 27 * np.log(np.maximum(hertz, 1e-9) / 1000) / np.log(6.4)
    return np.where(hertz < 1000, linear, logarithmic)


def _mel_to_hertz(mel):
    return np.where(mel < 15, 200 * mel / 3, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))


def filter_bank(mel_bins):
    """[mel_bins, 201] triangular filters of unit area, float32."""
    top = _hertz_to_mel(np.float64(SAMPLE_RATE / 2))
    edges = _mel_to_hertz(np.linspace(0, top, mel_bins + 2))
    frequencies = np.arange(BINS) * SAMPLE_RATE / WINDOW_SAMPLES
    rising = (frequencies - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - frequencies) / (edges[2:] - edges[1:-1])[:, None]
    triangles = np.maximum(0, np.minimum(rising, falling))
    return (triangles * (2 / (edges[2:] - edges[:-2]))[:, None]).astype(np.float32)


class LogMel:
    def __init__(self, mel_bins):
        self.filters = filter_bank(mel_bins).T.copy()
        phase = 2 * np.pi * np.arange(WINDOW_SAMPLES) / WINDOW_SAMPLES
        self.window = (0.5 - 0.5 * np.cos(phase)).astype(np.float32)

    def __call__(self, samples):
        """[frames, mel_bins] float32 of mono 16 kHz samples, frames = len(samples) // 160."""
        half = WINDOW_SAMPLES // 2
        if len(samples) <= half:
            samples = np.pad(samples, (0, half + 1 - len(samples)))
        padded = np.pad(samples.astype(np.float32), half, mode="reflect")
        frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW_SAMPLES)
        frames = frames[::HOP_SAMPLES][: len(samples) // HOP_SAMPLES]
        spectrum = np.fft.rfft(frames * self.window, axis=1)
        power = spectrum.real**2 + spectrum.imag**2
        return normalise(np.log10(np.maximum(power.astype(np.float32) @ self.filters, 1e-10)))


def normalise(log_power):
    """Floor at 8 decades below the clip's maximum, then (x + 4) / 4."""
    floor = log_power.max(initial=-10.0) - DYNAMIC_RANGE
    return ((np.maximum(log_power, floor) + 4) / 4).astype(np.float32)
