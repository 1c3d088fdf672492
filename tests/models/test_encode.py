"""Tests of encoding image files: every usual kind is read rightly, every bad one is named."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from models import load
from models.data import load_data
from models.encode import encode_files, read_image
from models.evaluate import to_tensor

GREY, COLOUR = (1, 8, 8), (3, 8, 8)


def ramp(height: int = 8, width: int = 8) -> NDArray[np.uint8]:
    return np.linspace(0, 255, height * width).astype(np.uint8).reshape(height, width)


def test_a_grey_image_of_the_right_size_is_read_as_it_is(tmp_path: Path) -> None:
    Image.fromarray(ramp()).save(tmp_path / "a.png")
    assert np.array_equal(read_image(tmp_path / "a.png", GREY)[..., 0], ramp())
    assert np.array_equal(read_image(tmp_path / "a.png", COLOUR), np.repeat(ramp()[..., None], 3, 2))


@pytest.mark.parametrize("suffix", ["png", "webp", "bmp", "tif", "gif", "jpg"])
def test_every_format_gives_the_colours(tmp_path: Path, suffix: str) -> None:
    Image.new("RGB", (16, 16), (200, 40, 90)).save(tmp_path / f"a.{suffix}")
    found = read_image(tmp_path / f"a.{suffix}", COLOUR)
    assert found.shape == (8, 8, 3) and found.dtype == np.uint8
    assert np.abs(found.astype(int) - (200, 40, 90)).max() <= 3
    assert read_image(tmp_path / f"a.{suffix}", GREY).mean() == pytest.approx(
        0.299 * 200 + 0.587 * 40 + 10.3, abs=3
    )


def test_transparent_parts_are_white(tmp_path: Path) -> None:
    picture = np.zeros((8, 8, 4), np.uint8)
    picture[:, :4, 3] = 255  # black on the left, nothing on the right
    Image.fromarray(picture).save(tmp_path / "a.png")
    found = read_image(tmp_path / "a.png", GREY)[..., 0]
    assert np.all(found[:, :4] == 0) and np.all(found[:, 4:] == 255)


def test_a_palette_with_a_transparent_colour_is_laid_on_white(tmp_path: Path) -> None:
    image = Image.new("P", (8, 8), 0)
    image.putpalette([0, 0, 0, 255, 0, 0])
    image.paste(1, (0, 0, 4, 8))
    image.save(tmp_path / "a.png", transparency=0)
    found = read_image(tmp_path / "a.png", COLOUR)
    assert tuple(found[0, 0]) == (255, 0, 0) and tuple(found[0, 7]) == (255, 255, 255)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bits_are_brought_to_8(tmp_path: Path, suffix: str) -> None:
    Image.fromarray((ramp().astype(np.uint16) << 8) + 77).save(tmp_path / f"a.{suffix}")
    assert np.array_equal(read_image(tmp_path / f"a.{suffix}", GREY)[..., 0], ramp())


def test_cmyk_is_read_as_colours(tmp_path: Path) -> None:
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(tmp_path / "a.jpg")
    assert np.abs(read_image(tmp_path / "a.jpg", COLOUR).astype(int) - (255, 0, 0)).max() <= 3


def test_a_photograph_is_turned_as_the_camera_noted(tmp_path: Path) -> None:
    image = Image.fromarray(np.where(np.arange(8)[:, None] < 4, 0, 255).repeat(8, 1).astype(np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter to the right for looking at it
    image.save(tmp_path / "a.png", exif=exif)
    found = read_image(tmp_path / "a.png", GREY)[..., 0]
    assert np.all(found[:, 4:] == 0) and np.all(found[:, :4] == 255)


@pytest.mark.parametrize("size", [(40, 8), (8, 40)])
def test_the_middle_is_kept_of_a_long_image(tmp_path: Path, size: tuple[int, int]) -> None:
    image = Image.new("L", size, 0)
    left, top = (size[0] - 8) // 2, (size[1] - 8) // 2
    image.paste(255, (left, top, left + 8, top + 8))
    image.save(tmp_path / "a.png")
    assert np.all(read_image(tmp_path / "a.png", GREY) == 255)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (700, 3), (500, 400)])
def test_any_size_is_brought_to_the_model_s(tmp_path: Path, size: tuple[int, int]) -> None:
    Image.new("RGB", size, (10, 200, 30)).save(tmp_path / "a.png")
    found = read_image(tmp_path / "a.png", (3, 12, 9))
    assert found.shape == (12, 9, 3) and np.all(found == (10, 200, 30))


def png(width: int, height: int, body: bytes = b"") -> bytes:
    """A PNG file that claims a size, whatever its body holds."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(body))
        + chunk(b"IEND", b"")
    )


def truncated(path: Path) -> None:
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (64, 64, 3), np.uint8)).save(
        path, "JPEG" if path.suffix == ".jpg" else None
    )
    path.write_bytes(path.read_bytes()[:900])


BAD: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "text": ("a.png", lambda p: p.write_text("not an image"), "is no image that can be read. Use .bmp, .gif"),
    "empty": ("a.png", lambda p: p.write_bytes(b""), "is no image that can be read"),
    "cut JPEG": ("a.jpg", truncated, "cannot be read: .*truncated"),
    "cut PNG": ("a.png", truncated, "cannot be read"),
    "cut WebP": ("a.webp", truncated, "cannot be read|is no image"),
    "cut TIFF": ("a.tif", truncated, "cannot be read"),
    "too many pixels": ("a.png", lambda p: p.write_bytes(png(10_000, 6_000)), "cannot be read: 10000x6000 pixels are more than"),
    "bomb": ("a.png", lambda p: p.write_bytes(png(60_000, 60_000)), "cannot be read: .*pixels"),
    "no size": ("a.png", lambda p: p.write_bytes(png(0, 8)), "cannot be read|is no image"),
    "no pixels": ("a.png", lambda p: p.write_bytes(png(64, 64)), "cannot be read"),
    "32 bits": ("a.tif", lambda p: Image.fromarray(np.ones((8, 8), np.float32)).save(p), "cannot be read: its pixels have 32 bits"),
    "a program": ("a.png", lambda p: p.write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"), "is no image"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_named_with_its_fault(tmp_path: Path, case: str) -> None:
    name, make, message = BAD[case]
    make(tmp_path / name)
    with pytest.raises(ValueError, match=f"{name} ({message})"):
        read_image(tmp_path / name, COLOUR)


def test_files_and_folders_are_encoded_as_the_model_encodes_them(
    tmp_path: Path, tiny_checkpoint: Path
) -> None:
    images = load_data("digits", "test", limit=70).images  # more than one batch
    (tmp_path / "in" / "deep").mkdir(parents=True)
    for n, image in enumerate(images[:-1]):
        Image.fromarray(image[..., 0]).save(tmp_path / "in" / "deep" / f"{n:02}.PNG")
    Image.fromarray(images[-1, ..., 0]).save(tmp_path / "last.bmp")
    (tmp_path / "in" / "notes.txt").write_text("passed over")
    out = tmp_path / "new" / "codes.parquet"
    assert encode_files(tiny_checkpoint, [tmp_path / "in", tmp_path / "last.bmp"], out) == 70
    rows = pq.read_table(out).to_pydict()
    assert [Path(f).name for f in rows["file"]] == [*(f"{n:02}.PNG" for n in range(69)), "last.bmp"]
    with torch.no_grad():
        q = load(tiny_checkpoint).encode(to_tensor(images))
    assert q.std is not None
    np.testing.assert_allclose(np.array(rows["mean"]), q.mean.numpy(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(np.array(rows["std"]), q.std.numpy(), rtol=1e-4, atol=1e-5)


def test_one_bad_file_leaves_the_old_table(tmp_path: Path, tiny_checkpoint: Path) -> None:
    (tmp_path / "bad.png").write_text("x")
    (tmp_path / "out.parquet").write_text("old")
    with pytest.raises(ValueError, match=r"bad.png is no image"):
        encode_files(tiny_checkpoint, [tmp_path / "bad.png"], tmp_path / "out.parquet")
    assert (tmp_path / "out.parquet").read_text() == "old"


def test_there_must_be_an_image(tmp_path: Path, tiny_checkpoint: Path) -> None:
    with pytest.raises(ValueError, match=r"No image found in .*Use .bmp, .gif"):
        encode_files(tiny_checkpoint, [tmp_path], tmp_path / "out.parquet")
    with pytest.raises(ValueError, match=r"nothing.png does not exist"):
        encode_files(tiny_checkpoint, [tmp_path / "nothing.png"], tmp_path / "out.parquet")
