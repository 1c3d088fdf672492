"""Tests of uploaded pictures: good ones are fitted, wrong ones are refused with what to do."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from explorer import uploads
from explorer.uploads import BYTES_AT_MOST, read_picture, title_of

GREY, COLOUR = (1, 28, 28), (3, 64, 64)


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def picture(mode: str = "RGB", size: tuple[int, int] = (40, 30)) -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 4), np.uint8)
    return Image.fromarray(pixels, "RGBA").convert(mode) if mode != "RGBA" else Image.fromarray(pixels)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
@pytest.mark.parametrize("shape", [GREY, COLOUR])
def test_every_usual_kind_is_fitted_to_the_model(kind: str, shape: tuple[int, int, int]) -> None:
    taken = read_picture(saved(picture(), kind), shape)
    assert taken.shape == (shape[1], shape[2], shape[0]) and taken.dtype == np.uint8


def test_the_middle_is_kept() -> None:
    wide = Image.new("L", (56, 28))
    wide.paste(200, (14, 0, 42, 28))
    assert (read_picture(saved(wide), GREY) == 200).all()


def test_transparency_goes_on_white() -> None:
    assert (read_picture(saved(Image.new("RGBA", (28, 28), (0, 0, 0, 0))), GREY) == 255).all()


def bomb() -> bytes:
    """A PNG of 60,000 × 60,000 pixels in a few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes(1000)))
        + chunk(b"IEND", b"")
    )


FRAMES = [picture("RGB"), picture("RGB").rotate(90)]
WRONG = {
    "The file is empty": b"",
    "at most 20 are taken": bytes(BYTES_AT_MOST + 1),
    "The file is no picture that can be read. Use png": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    r"animated \(2 frames\). Save the frame": saved(
        FRAMES[0], "GIF", save_all=True, append_images=FRAMES[1:]
    ),
    "CMYK colours, made for print. Save it as RGB": saved(picture("CMYK"), "JPEG"),
    "more than 8 bits a channel": saved(Image.fromarray(np.full((9, 9), 40_000, np.uint16))),
    "at most 50 million are taken": bomb(),
    "damaged or cut short": saved(picture("RGB"), "PNG")[:900],
}


@pytest.mark.parametrize(
    ("image", "kind", "message"),
    [
        (Image.new("LAB", (9, 9)), "TIFF", "LAB colours, made for print"),
        (Image.fromarray(np.full((9, 9), 0.5, np.float32)), "TIFF", "more than 8 bits a channel"),
        (Image.new("I", (9, 9)), "TIFF", "more than 8 bits a channel"),
        (picture(), "PPM", "no picture that can be read"),  # a kind that is not taken
        (picture(size=(200, 6)), "PNG", "200 × 6 pixels; at most"),
        (picture(size=(6, 200)), "PNG", "6 × 200 pixels; at most"),
    ],
)
def test_what_would_have_to_be_guessed_or_is_too_much_is_refused(
    image: Image.Image, kind: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "PIXELS_AT_MOST", 1000)
    with pytest.raises(ValueError, match=message):
        read_picture(saved(image, kind), GREY)


@pytest.mark.parametrize("message", WRONG)
def test_a_wrong_file_is_refused_with_what_to_do(message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_picture(WRONG[message], GREY)


def test_no_bytes_do_anything_but_give_a_picture_or_a_message() -> None:
    rng = np.random.default_rng(1)
    good = [saved(picture(), kind) for kind in ("PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP")]
    for turn in range(120):
        data = bytearray(good[turn % len(good)])
        for place in rng.integers(0, len(data), 6):
            data[place] = int(rng.integers(256))
        try:
            assert read_picture(bytes(data), COLOUR).shape == (64, 64, 3)
        except ValueError as error:
            assert str(error).endswith(".")


def test_titles_come_from_file_names() -> None:
    assert title_of("C:\\faces\\Anna Smith.final.jpeg") == "Anna Smith.final"
    assert title_of("\x00\x01.png") == "Picture"
    assert len(title_of("x" * 500)) == 60
