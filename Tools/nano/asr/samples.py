"""Make the demo recordings: dictation with hesitations, several voices, several file formats.

    python samples.py --out Models/samples

NAME.txt holds the reference without the hesitations: what a proofread transcript should say.
"""

import argparse
import os
import re
import subprocess

import numpy as np
from scipy.io import wavfile

from rates import SAMPLE_RATE
from speech import UNSEEN_FLITE, UNSEEN_VARIANT, Espeak, Flite

HESITATION = re.compile(r",? \b(?:um|uh),")
PAUSE_SECONDS = 0.45
ENCODERS = {
    "wav": ["-c:a", "pcm_s16le"],
    "flac": ["-c:a", "flac"],
    "ogg": ["-c:a", "libvorbis", "-q:a", "3"],
    "mp3": ["-c:a", "libmp3lame", "-b:a", "48k"],
    "m4a": ["-c:a", "aac", "-b:a", "48k"],
    "webm": ["-c:a", "libopus", "-b:a", "32k"],
}

# name, format, voice, sentences; voices starting with "unseen" never occur in the training data
SAMPLES = (
    ("shopping", "wav", "slt", (
        "Please buy some milk, a loaf of bread, and six eggs on your way home.",
        "We also need, um, two lemons and a bottle of olive oil.",
    )),
    ("meeting", "flac", "unseen espeak", (
        "Good morning, everyone, and thank you for coming.",
        "The meeting on Thursday will start, uh, at half past nine, not at ten o'clock.",
        "Please send your reports to Sarah before the end of the week.",
        "Does anyone have a question about the new budget?",
    )),
    ("garden", "ogg", "unseen flite", (
        "My grandmother planted apple trees along the garden wall more than forty years ago.",
        "In the spring, the whole garden is white with flowers, and, um, you can hear the bees.",
        "The old fence is broken again, so we will have to repair it before the winter.",
    )),
    ("voicemail", "mp3", "awb", (
        "Hello Martin, this is Helen from the office.",
        "Your package arrived this morning, but one of the boxes is damaged.",
        "Could you, uh, call me back before five o'clock, please?",
    )),
    ("journey", "m4a", "rp", (
        "We took the early train to Edinburgh and had breakfast near the station.",
        "It rained all morning, so we visited the museum and, um, drank far too much coffee.",
        "In the evening, the sky was clear, and we walked up the hill to see the castle.",
        "Tomorrow we are going to the coast, if the weather is good enough.",
    )),
    ("computer", "webm", "kal16", (
        "The program reads a list of files and writes the result to a new folder.",
        "If a file cannot be opened, an error message is shown, and the next file is used.",
        "You should, um, save your work before you install the update.",
    )),
)  # fmt: skip


def speak(sentence, voice, espeak, flite):
    if voice == "unseen espeak":
        return espeak.speak(sentence, "gmw/en-US", UNSEEN_VARIANT, 160, 50, 50)
    if voice == "rp":
        return espeak.speak(sentence, "gmw/en-GB-x-rp", "m3", 165, 45, 55)
    return flite.speak(sentence, UNSEEN_FLITE if voice == "unseen flite" else voice, 1.05)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", required=True)
    folder = parser.parse_args().out
    os.makedirs(folder, exist_ok=True)
    espeak, flite = Espeak(), Flite(("slt", "awb", "kal16", UNSEEN_FLITE))
    pause = np.zeros(int(PAUSE_SECONDS * SAMPLE_RATE), np.float32)
    generator = np.random.default_rng(11)
    for name, kind, voice, sentences in SAMPLES:
        pieces = [pause]
        for sentence in sentences:
            samples = speak(sentence, voice, espeak, flite)
            pieces += [0.6 * samples / np.abs(samples).max(), pause]
        samples = np.concatenate(pieces)
        samples += 0.0007 * generator.standard_normal(len(samples)).astype(np.float32)
        path = os.path.join(folder, name)
        wavfile.write(path + ".tmp.wav", SAMPLE_RATE, (samples * 32767).astype(np.int16))
        command = ["ffmpeg", "-y", "-loglevel", "error", "-i", path + ".tmp.wav", "-bitexact"]
        subprocess.run(command + ENCODERS[kind] + [f"{path}.{kind}"], check=True)
        os.remove(path + ".tmp.wav")
        with open(path + ".txt", "w") as file:
            file.write(" ".join(HESITATION.sub("", sentence) for sentence in sentences) + "\n")
        size = os.path.getsize(f"{path}.{kind}")
        print(f"{name}.{kind} {len(samples) / SAMPLE_RATE:.1f} s, {size} bytes")


if __name__ == "__main__":
    main()
