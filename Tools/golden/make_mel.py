"""Goldens of the log-mel front end, made by transformers' WhisperFeatureExtractor.

Run:  python Tools/golden/make_mel.py        (transformers 5.x, numpy, torch)
Writes Tests/Fixtures/audio/mel{80,128}.f32: [frames, filters] little-endian f32.

The signal is computed from a formula, here and in Tests/AudioTests/MelTests.swift, so that no
recording has to be committed: a sine sweep with noise of a linear congruential generator.
"""

import pathlib

import numpy as np
from transformers import WhisperFeatureExtractor
from transformers.audio_utils import spectrogram, window_function

SAMPLES = 6473  # not a multiple of the hop
RATE = 16000
OUT = pathlib.Path(__file__).resolve().parents[2] / "Tests/Fixtures/audio"


def signal() -> np.ndarray:
    state = 1
    out = np.empty(SAMPLES, np.float32)
    for i in range(SAMPLES):
        state = (state * 1664525 + 1013904223) % 2**32
        noise = state / 2**31 - 1
        t = i / RATE
        out[i] = 0.5 * np.sin(2 * np.pi * (100 * t + 9000 * t * t)) + 0.01 * noise
    return out


def features(extractor: WhisperFeatureExtractor, samples: np.ndarray) -> np.ndarray:
    """What the extractor computes, without its padding to 30 s."""
    log = spectrogram(
        samples,
        window_function(extractor.n_fft, "hann"),
        frame_length=extractor.n_fft,
        hop_length=extractor.hop_length,
        power=2.0,
        dither=0.0,
        mel_filters=extractor.mel_filters,
        log_mel="log10",
    )[:, :-1]
    log = np.maximum(log, log.max() - 8.0)
    return ((log + 4.0) / 4.0).T.astype("<f4")


def main() -> None:
    samples = signal()
    for filters in (80, 128):
        extractor = WhisperFeatureExtractor(feature_size=filters)
        mel = features(extractor, samples)
        # the public entry point agrees on the frames that its padding does not reach
        padded = extractor(samples, sampling_rate=RATE, return_tensors="np").input_features[0].T
        inner = slice(0, len(mel) - 2)
        assert np.abs(padded[inner] - mel[inner]).max() < 1e-4
        assert np.all(features(extractor, np.zeros(1600, np.float32)) == -1.5)
        (OUT / f"mel{filters}.f32").write_bytes(mel.tobytes())
        print(mel.shape, mel.min(), mel.max())


if __name__ == "__main__":
    main()
