"""Small PNG and JPEG files of every kind with the pixels that they hold, and images resampled.

usage: python Tools/golden/make_images.py      (writes Tests/Fixtures/images)
"""

import base64
import io
import struct
import zlib

import numpy as np
from PIL import Image, ImageOps
from transformers.models.paddleocr_vl.image_processing_pil_paddleocr_vl import PaddleOCRVLImageProcessorPil

from checkpoint import FIXTURES
from files import write_json

DIRECTORY = FIXTURES / "images"
WIDTH, HEIGHT = 13, 9
# Passes of Adam7: first column, first row, and the steps.
PASSES = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def filtered(rows: list[bytes], step: int) -> bytes:
    """Every row by another of the five filters; `step`: bytes of a pixel, at least 1."""
    out, above = b"", None
    for number, row in enumerate(rows):
        above = above if above is not None and len(above) == len(row) else bytes(len(row))
        kind, coded = number % 5, bytearray()
        for i, value in enumerate(row):
            left = row[i - step] if i >= step else 0
            corner = above[i - step] if i >= step else 0
            up = above[i]
            if kind == 4:
                guess = left + up - corner
                paeth = min((abs(guess - p), k, p) for k, p in enumerate((left, up, corner)))[2]
            prediction = (0, left, up, (left + up) // 2, paeth if kind == 4 else 0)[kind]
            coded.append((value - prediction) & 255)
        out += bytes([kind]) + bytes(coded)
        above = row
    return out


def packed(samples: np.ndarray, depth: int) -> list[bytes]:
    """samples[rows, columns, channels] to the bytes of PNG rows."""
    rows = []
    for row in samples.reshape(len(samples), -1):
        if depth == 16:
            rows.append(row.astype(">u2").tobytes())
        elif depth == 8:
            rows.append(row.astype(np.uint8).tobytes())
        else:
            bits = (row[:, None] >> np.arange(depth - 1, -1, -1)) & 1
            rows.append(np.packbits(bits.ravel().astype(np.uint8)).tobytes())
    return rows


def png(samples: np.ndarray, depth: int, kind: int, interlaced: bool = False, **extra: bytes) -> bytes:
    height, width, channels = samples.shape
    step = max(1, channels * depth // 8)
    if interlaced:
        parts = [samples[y::down, x::right] for x, y, right, down in PASSES]
        stream = b"".join(filtered(packed(p, depth), step) for p in parts if p.size)
    else:
        stream = filtered(packed(samples, depth), step)
    data = zlib.compress(stream)
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, int(interlaced))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
            + b"".join(chunk(n.encode(), extra[n]) for n in ("eXIf", "PLTE", "tRNS") if n in extra)
            + chunk(b"IDAT", data[:17]) + chunk(b"IDAT", data[17:]) + chunk(b"IEND", b""))


def on_white(color: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    color, alpha = color.astype(int), alpha.astype(int)
    return ((color * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def exif(orientation: int, order: str) -> bytes:
    """A directory whose second entry is the orientation."""
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(order + "I", 8)
    entries = struct.pack(order + "HHII", 0x010F, 2, 4, 0x41424300) + struct.pack(
        order + "HHIHH", 0x0112, 3, 1, orientation, 0)
    return head + struct.pack(order + "H", 2) + entries + bytes(4)


def png_files(random: np.random.Generator):
    """(name, file, pixels[height, width, 3])"""
    def noise(depth: int, channels: int) -> np.ndarray:
        return random.integers(0, 2**depth, (HEIGHT, WIDTH, channels))

    for depth in (1, 2, 4, 8, 16):
        for interlaced in (False, True):
            gray = noise(depth, 1)
            level = gray >> 8 if depth == 16 else gray * (255 // (2**depth - 1))
            name = f"gray{depth}{'-interlaced' if interlaced else ''}"
            yield name, png(gray, depth, 0, interlaced), level.repeat(3, axis=2)
    for depth in (8, 16):
        for channels, kind, name in ((3, 2, "rgb"), (2, 4, "grayalpha"), (4, 6, "rgba")):
            samples = noise(depth, channels)
            file = png(samples, depth, kind, interlaced=channels == 4)
            level = (samples >> 8 if depth == 16 else samples).astype(np.uint8)
            if channels == 2:
                level = level[:, :, [0, 0, 0, 1]]
            yield f"{name}{depth}", file, level if channels == 3 else on_white(level[:, :, :3], level[:, :, 3:])
    for depth in (1, 2, 4, 8):
        index = noise(depth, 1)
        palette = random.integers(0, 256, (2**depth, 3)).astype(np.uint8)
        alpha = random.integers(0, 256, 2**depth).astype(np.uint8)
        yield (f"palette{depth}", png(index, depth, 3, PLTE=palette.tobytes()), palette[index[:, :, 0]])
        yield (f"palette{depth}-alpha", png(index, depth, 3, PLTE=palette.tobytes(), tRNS=alpha.tobytes()),
               on_white(palette[index[:, :, 0]], alpha[index[:, :, 0]][:, :, None]))
    gray = noise(4, 1)
    clear = np.where(gray == 5, 0, 255)
    yield ("gray4-key", png(gray, 4, 0, tRNS=struct.pack(">H", 5)), on_white((gray * 17).repeat(3, axis=2), clear))
    color = noise(8, 3)
    color[2:5] = (1, 2, 3)
    clear = np.where((color == (1, 2, 3)).all(axis=2, keepdims=True), 0, 255)
    yield "rgb8-key", png(color, 8, 2, tRNS=struct.pack(">HHH", 1, 2, 3)), on_white(color, clear)
    color = noise(8, 3).astype(np.uint8)
    turned = np.ascontiguousarray(np.rot90(color, -1))
    yield "rgb8-turned", png(color, 8, 2, eXIf=exif(6, ">")), turned


def smooth(random: np.random.Generator, channels: int) -> np.ndarray:
    small = random.integers(0, 256, (4, 5, channels)).astype(np.uint8)
    planes = [Image.fromarray(small[:, :, c]).resize((37, 29), Image.Resampling.BICUBIC) for c in range(channels)]
    return np.stack([np.asarray(p) for p in planes], axis=2)


def jpeg_files(random: np.random.Generator):
    """(name, file, pixels as Pillow decodes them)"""
    def saved(image: Image.Image, **options) -> bytes:
        file = io.BytesIO()
        image.save(file, "jpeg", quality=90, **options)
        return file.getvalue()

    def pixels(file: bytes) -> np.ndarray:
        return np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))

    color = Image.fromarray(smooth(random, 3))
    files = {
        "444": saved(color, subsampling=0), "422": saved(color, subsampling=1),
        "420": saved(color, subsampling=2), "progressive": saved(color, progressive=True),
        "restarts": saved(color, restart_marker_rows=1),
        "rgb": saved(color, keep_rgb=True),
        "gray": saved(Image.fromarray(smooth(random, 1)[:, :, 0])),
        "cmyk": saved(Image.fromarray(smooth(random, 4), mode="CMYK")),
    }
    for name, file in files.items():
        yield name, file, pixels(file)
    # One picture, turned as each of the values says that it has to be turned back.
    turns = [np.copy, np.fliplr, lambda x: np.rot90(x, 2), np.flipud, lambda x: x.transpose(1, 0, 2),
             lambda x: np.rot90(x, -1), lambda x: np.rot90(x, 2).transpose(1, 0, 2), np.rot90]
    for value, turn in enumerate(turns, 1):
        block = b"Exif\0\0" + exif(value, "<" if value % 2 else ">")
        file = saved(color, subsampling=0, exif=block)
        yield f"turned{value}", file, np.ascontiguousarray(turn(pixels(file)))


def resampled(random: np.random.Generator):
    """Noise of 0, 255 and anything, so that sums leave 0...255 between the passes."""
    for (width, height), (out_width, out_height) in (
            ((30, 20), (56, 28)), ((101, 71), (28, 28)), ((13, 200), (28, 28)), ((28, 40), (28, 28)),
            ((40, 28), (28, 28)), ((28, 28), (28, 28))):
        image = random.integers(-200, 456, (height, width, 3)).clip(0, 255).astype(np.uint8)
        out = Image.fromarray(image).resize((out_width, out_height), Image.Resampling.BICUBIC)
        yield dict(width=width, height=height, pixels=text(image), out_width=out_width, out_height=out_height,
                   out=text(np.asarray(out)))


def prepared(files: dict[str, bytes]):
    """Patches of the image processor of PaddleOCR-VL, as levels: it normalises by 0.5 and 0.5."""
    processor = PaddleOCRVLImageProcessorPil(min_pixels=784, max_pixels=7840, image_mean=[0.5] * 3,
                                             image_std=[0.5] * 3)
    for name in ("rgb8.png", "rgb8-turned.png", "gray4.png"):
        image = ImageOps.exif_transpose(Image.open(io.BytesIO(files[name]))).convert("RGB")
        out = processor(image, return_tensors="np")
        _, rows, columns = out["image_grid_thw"][0]
        levels = (out["pixel_values"].transpose(0, 2, 3, 1) * 0.5 + 0.5) * 255
        assert np.abs(levels - np.rint(levels)).max() < 1e-3
        yield dict(file=name, grid=[int(rows), int(columns)], levels=text(np.rint(levels)))


def text(pixels: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(pixels, np.uint8).tobytes()).decode()


def main():
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(1)
    records, written = [], {}
    for suffix, files in (("png", png_files(random)), ("jpg", jpeg_files(random))):
        for name, file, pixels in files:
            name = f"{name}.{suffix}"
            written[name] = file
            (DIRECTORY / name).write_bytes(file)
            records.append(dict(file=name, width=pixels.shape[1], height=pixels.shape[0], pixels=text(pixels)))
            other = Image.open(io.BytesIO(file))
            # Pillow clips gray of 16 bits, and compares a key of 4 bits with gray of 8.
            if suffix == "png" and "16" not in name and name != "gray4-key.png":
                other = other.convert("RGBA")
                white = Image.new("RGBA", other.size, "white")
                white.alpha_composite(other)
                other = np.asarray(white.convert("RGB")).astype(int)
                if "turned" not in name:
                    assert np.abs(other - pixels).max() <= 1, (name, np.abs(other - pixels).max())
    write_json(DIRECTORY / "golden.json", dict(
        images=records, resampled=list(resampled(random)), prepared=list(prepared(written))), indent=1)
    size = sum(f.stat().st_size for f in DIRECTORY.iterdir())
    print(f"{len(records)} images, {size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
