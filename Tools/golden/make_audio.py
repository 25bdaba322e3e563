"""Small recordings in every container that the tests open, encoded by ffmpeg.

Run:  python Tools/golden/make_audio.py      (numpy, ffmpeg 5.1)
Writes Tests/Fixtures/audio/sweep.*: 1.5 s, stereo, 44100 Hz. The left channel is a sweep given by
the formula below, the right one half as loud; Tests/AudioTests compares against the formula.
"""

import pathlib
import subprocess
import tempfile
import wave

import numpy as np

RATE, SECONDS = 44100, 1.5
OUT = pathlib.Path(__file__).resolve().parents[2] / "Tests/Fixtures/audio"
BITS = ["-map_metadata", "-1", "-fflags", "+bitexact", "-flags:a", "+bitexact"]
VIDEO = ["-f", "lavfi", "-i", f"color=black:s=32x32:r=5:d={SECONDS}"]
ENCODERS = {
    "sweep.mp3": ["-c:a", "libmp3lame", "-b:a", "64k"],
    "sweep.m4a": ["-c:a", "aac", "-b:a", "64k", "-movflags", "+faststart"],
    "sweep.ogg": ["-c:a", "libvorbis", "-q:a", "1", "-page_duration", "100000"],
    "sweep.opus": ["-c:a", "libopus", "-b:a", "64k", "-page_duration", "100000"],
    "sweep.webm": ["-c:a", "libopus", "-b:a", "64k"],
    "sweep.flac": ["-c:a", "flac", "-ar", "16000", "-ac", "1"],
    "sweep.mp4": ["-c:v", "mpeg4", "-c:a", "aac", "-b:a", "64k", "-shortest"],
    "picture.mp4": ["-c:v", "mpeg4", "-an"],
}


def main() -> None:
    t = np.arange(int(RATE * SECONDS)) / RATE
    left = 0.5 * np.sin(2 * np.pi * (200 * t + 700 * t * t))
    pcm = (np.stack([left, 0.5 * left], axis=1) * 32767).round().astype("<i2")
    with tempfile.TemporaryDirectory() as folder:
        source = f"{folder}/sweep.wav"
        with wave.open(source, "wb") as out:
            out.setnchannels(2)
            out.setsampwidth(2)
            out.setframerate(RATE)
            out.writeframes(pcm.tobytes())
        for name, options in ENCODERS.items():
            picture = VIDEO if name.endswith(".mp4") else []
            command = ["ffmpeg", "-v", "error", "-y", "-i", source, *picture, *BITS, *options]
            subprocess.run([*command, str(OUT / name)], check=True)
            print(name, (OUT / name).stat().st_size)


if __name__ == "__main__":
    main()
