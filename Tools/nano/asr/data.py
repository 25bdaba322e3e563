"""Make training and test clips: speech, degradation, log-mel shards.

    python data.py --sentences sentences.txt --out DIR --worker 0 --shards 100
    python data.py --sentences sentences.txt --out DIR --test general.txt

A shard is NAME.npy (uint8 [frames, mel_bins], all clips after each other) and NAME.jsonl (one
object per clip: text, first frame, frame count, maximum, voice, set). Log-mel values lie within 2
of the clip's maximum, so a byte resolves 0.008. Shards are seeded by worker and number and written
under a temporary name: an interrupted run continues with the first one that is missing.
"""

import argparse
import json
import os
import random as randomness

import numpy as np
from scipy.io import wavfile
from scipy.signal import fftconvolve

from mel import LogMel
from rates import SAMPLE_RATE, change_rate
from speech import Speaker
from texts import SHARES, Texts

MEL_BINS = 80
CLIPS_PER_SHARD = 500
SECONDS_MAX = 18.0
SILENCE_SHARE = 0.035
FLITE_SHARE = 0.28
BYTES_PER_UNIT = 127.5
NEURAL = "kokoro", "joe"
COPIES = 3
COPY_RATES = 0.86, 1.17
TEST_SEED = 20_261_121


def noise(count, random, generator):
    """Noise of a random colour with unit power: white to brown, sometimes with mains hum."""
    spectrum = np.fft.rfft(generator.standard_normal(count).astype(np.float32))
    frequencies = np.maximum(np.fft.rfftfreq(count, 1 / SAMPLE_RATE), 30)
    samples = np.fft.irfft(spectrum * frequencies ** -random.uniform(0, 1.1), count)
    samples /= samples.std() + 1e-9
    if random.random() < 0.15:
        times = np.arange(count) / SAMPLE_RATE
        for harmonic in range(1, 6):
            tone = np.sin(2 * np.pi * random.choice((50, 60)) * harmonic * times)
            samples += tone * random.uniform(0, 1)
    return samples.astype(np.float32)


def band_limit(samples, low, high):
    spectrum = np.fft.rfft(samples)
    frequencies = np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE)
    gain = 1 / (1 + np.exp((frequencies - high) / 80)) / (1 + np.exp((low - frequencies) / 30))
    return np.fft.irfft(spectrum * gain, len(samples)).astype(np.float32)


def reverberate(samples, random, generator):
    """A room: exponentially decaying noise after the direct sound."""
    seconds = random.uniform(0.1, 0.5)
    count = int(seconds * SAMPLE_RATE)
    response = generator.standard_normal(count) * np.exp(-6.9 * np.arange(count) / count)
    response *= random.uniform(0.05, 0.5) / np.sqrt((response**2).sum())
    response[0] = 1
    return fftconvolve(samples, response)[: len(samples)].astype(np.float32)


def degrade(samples, random, generator, hard=False):
    """Silence around the speech, room, noise, band, companding, clipping and level. `hard`: louder
    noise in more clips, and more of them clipped."""
    noisy, quietest, loudest, clipped = (0.7, 25, 3, 0.3) if hard else (0.6, 45, 6, 0.04)
    if random.random() < 0.25:
        samples = change_rate(samples, random.uniform(0.92, 1.08))
    ends = [int(SAMPLE_RATE * random.choice((0, 0.1, 0.3, 1)) * random.random()) for _ in "ab"]
    samples = np.pad(samples, ends)
    if random.random() < 0.15:
        samples = reverberate(samples, random, generator)
    if random.random() < 0.12:
        low, high = random.choice(((300, 3400), (100, random.uniform(2800, 7000)), (200, 3800)))
        samples = band_limit(samples, low, high)
    if random.random() < noisy:
        level = samples.std() * 10 ** (-random.uniform(loudest, quietest) / 20)
        samples = samples + level * noise(len(samples), random, generator)
    samples = samples / (np.abs(samples).max(initial=0) + 1e-6)
    if random.random() < 0.04:
        companded = np.sign(samples) * np.log1p(255 * np.abs(samples)) / np.log(256)
        companded = np.round(companded * 127) / 127
        samples = np.sign(companded) * (np.exp(np.abs(companded) * np.log(256)) - 1) / 255
    if random.random() < clipped:
        samples = np.clip(samples * random.uniform(1.2, 4), -1, 1)
    return (samples * 10 ** random.uniform(-1.5, 0)).astype(np.float32)


def silence(random, generator):
    """No speech: digital silence, faint noise, or noise at any level."""
    count = int(SAMPLE_RATE * random.uniform(0.5, 9))
    if random.random() < 0.25:
        return np.zeros(count, np.float32)
    return 10 ** random.uniform(-4.5, -0.7) * noise(count, random, generator)


class Shard:
    def __init__(self):
        self.frames, self.clips, self.count = [], [], 0

    def add(self, mel, text, voice, group="train"):
        top = float(mel.max())
        self.frames.append(np.clip(np.round((mel - top + 2) * BYTES_PER_UNIT), 0, 255))
        self.clips.append(
            {"text": text, "first": self.count, "frames": len(mel), "top": top}
            | {"voice": voice, "set": group}
        )
        self.count += len(mel)

    def write(self, path):
        np.save(path + ".part.npy", np.concatenate(self.frames).astype(np.uint8))
        os.replace(path + ".part.npy", path + ".npy")
        with open(path + ".part", "w") as file:
            file.writelines(json.dumps(clip) + "\n" for clip in self.clips)
        os.replace(path + ".part", path + ".jsonl")


def training_shard(seed, texts, speaker, log_mel, degraded_share, hard_share):
    random = randomness.Random(seed)
    generator = np.random.default_rng(random.getrandbits(63))
    shard = Shard()
    while len(shard.clips) < CLIPS_PER_SHARD:
        if random.random() < SILENCE_SHARE:
            shard.add(log_mel(silence(random, generator)), "", "none")
            continue
        text = texts.clip(random)
        samples, voice = speaker.speak(text, random)
        for heard in copies(samples, random) if voice.startswith(NEURAL) else [samples]:
            if degraded_share == 1 or random.random() < degraded_share:
                hard = hard_share and random.random() < hard_share
                heard = degrade(heard, random, generator, hard)
            if 0.3 < len(heard) / SAMPLE_RATE < SECONDS_MAX:
                shard.add(log_mel(heard), text, voice)
    return shard


def copies(samples, random):
    """The clip in the voices of other speakers: pitch and resonances scaled, pace with them."""
    low, high = COPY_RATES
    step = (high - low) / COPIES
    return [change_rate(samples, low + step * (i + random.random())) for i in range(COPIES)]


def test_clips(texts, speaker, general, clips_per_set, seed, clean=False):
    """Held-out clips as (samples, text, voice, set): seen voices, two unseen voices, general
    sentences (never degraded), silence, and with --neural two unseen voices of those. `clean`: the
    same clips without degradation."""
    random = randomness.Random(seed)
    generator = np.random.default_rng(7)

    def finished(samples):
        degraded = degrade(samples, random, generator)
        return samples if clean else degraded

    for _ in range(clips_per_set):
        text = texts.clip(random)
        samples, voice = speaker.speak(text, random)
        yield finished(samples), text, voice, "seen"
    for kind in ("flite", "espeak"):
        for _ in range(clips_per_set // 2):
            text = texts.clip(random)
            samples = finished(speaker.speak_unseen(text, random, kind))
            yield samples, text, kind, "unseen-" + kind
    for text in general:
        samples, voice = speaker.speak(text, random)
        yield samples, text, voice, "general"
    for _ in range(clips_per_set // 4):
        yield silence(random, generator), "", "none", "silence"
    for _ in range(clips_per_set // 4 if speaker.neural else 0):
        text = texts.clip(random)
        samples = finished(speaker.speak_unseen(text, random, "neural"))
        yield samples, text, "neural", "unseen-neural"


def test_shard(clips, log_mel):
    shard = Shard()
    for samples, text, voice, group in clips:
        shard.add(log_mel(samples), text, voice, group)
    return shard


def write_recordings(clips, folder):
    """Each clip as SET/NUMBER.wav with its text beside it, for `mlxi transcribe --reference`."""
    for number, (samples, text, _, group) in enumerate(clips):
        os.makedirs(os.path.join(folder, group), exist_ok=True)
        path = os.path.join(folder, group, f"{number:04d}")
        whole = np.clip(np.round(samples * 32767), -32768, 32767).astype(np.int16)
        wavfile.write(path + ".wav", SAMPLE_RATE, whole)
        with open(path + ".txt", "w") as file:
            file.write(text + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sentences", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--worker", type=int, default=0)
    parser.add_argument("--shards", type=int, default=100)
    parser.add_argument("--flite-share", type=float, default=FLITE_SHARE)
    parser.add_argument("--festival-share", type=float, default=0)
    parser.add_argument("--displaced-share", type=float, default=0, help="of slt and awb")
    parser.add_argument("--general-share", type=float, default=0, help="sentences of general.py")
    parser.add_argument("--rhvoice", help="folder with libRHVoice.so and data")
    parser.add_argument("--rhvoice-share", type=float, default=0)
    parser.add_argument("--pico", help="folder with libttspico.so and lang")
    parser.add_argument("--pico-share", type=float, default=0)
    parser.add_argument("--neural", help="folder of neural.py's voices")
    parser.add_argument("--neural-share", type=float, default=0)
    parser.add_argument("--prose", help="sentences of prose.py")
    parser.add_argument("--prose-share", type=float, default=0)
    parser.add_argument(
        "--shares", type=float, nargs=2, default=SHARES, help="of documentation and everyday"
    )
    parser.add_argument(
        "--candidates", type=int, default=1, help="sentences drawn for each, the rarest taken"
    )
    parser.add_argument("--degraded-share", type=float, default=1)
    parser.add_argument("--hard-share", type=float, default=0, help="of the degraded clips")
    parser.add_argument("--test-seed", type=int, default=TEST_SEED)
    parser.add_argument("--test", help="file of general sentences: make the test shard instead")
    parser.add_argument("--clean", action="store_true", help="test clips without degradation")
    parser.add_argument("--recordings", help="folder: write the test clips as wav and txt there")
    parser.add_argument("--clips-per-set", type=int, default=400)
    arguments = parser.parse_args()
    os.makedirs(arguments.out, exist_ok=True)
    speaker = Speaker(
        arguments.flite_share, arguments.festival_share,
        (arguments.rhvoice, arguments.rhvoice_share), (arguments.pico, arguments.pico_share),
        (arguments.neural, arguments.neural_share), arguments.displaced_share,
    )  # fmt: skip
    log_mel = LogMel(MEL_BINS)
    prose = arguments.prose, arguments.prose_share
    held_out = arguments.test is not None
    texts = Texts(
        arguments.sentences, held_out, arguments.general_share, prose, arguments.shares,
        arguments.candidates,
    )  # fmt: skip
    if arguments.test:
        with open(arguments.test) as file:
            general = [line.strip() for line in file if line.strip()]
        count, seed = arguments.clips_per_set, arguments.test_seed
        clips = test_clips(texts, speaker, general, count, seed, arguments.clean)
        if arguments.recordings:
            write_recordings(clips, arguments.recordings)
        else:
            test_shard(clips, log_mel).write(os.path.join(arguments.out, "test"))
        return
    shares = arguments.degraded_share, arguments.hard_share
    for number in range(arguments.shards):
        path = os.path.join(arguments.out, f"train-{arguments.worker}-{number:04d}")
        if not os.path.exists(path + ".jsonl"):
            seed = f"{arguments.worker}/{number}"
            training_shard(seed, texts, speaker, log_mel, *shares).write(path)
            print(path, flush=True)


if __name__ == "__main__":
    main()
