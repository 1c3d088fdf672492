"""Tests of the reader of pictures: every usual kind is read rightly, damaged metadata are ignored, the rest is refused."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from models.data.pictures import (
    Framing,
    PictureError,
    Reading,
    crop_box,
    fitted,
    open_picture,
    read_file,
    read_header,
    read_picture,
    scaled,
)

GREY, COLOUR = (1, 8, 8), (3, 8, 8)


def ramp(height: int = 8, width: int = 8) -> NDArray[np.uint8]:
    return np.linspace(0, 255, height * width).astype(np.uint8).reshape(height, width)


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def noise(mode: str = "RGB", size: tuple[int, int] = (40, 30)) -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 4), np.uint8)
    return Image.fromarray(pixels, "RGBA").convert(mode)


def test_a_grey_image_of_the_right_size_is_read_as_it_is(tmp_path: Path) -> None:
    Image.fromarray(ramp()).save(tmp_path / "a.png")
    assert np.array_equal(read_file(tmp_path / "a.png", GREY)[..., 0], ramp())
    assert np.array_equal(read_file(tmp_path / "a.png", COLOUR), np.repeat(ramp()[..., None], 3, 2))


@pytest.mark.parametrize("suffix", ["png", "webp", "bmp", "tif", "gif", "jpg"])
def test_every_format_gives_the_colours(tmp_path: Path, suffix: str) -> None:
    Image.new("RGB", (16, 16), (200, 40, 90)).save(tmp_path / f"a.{suffix}")
    found = read_file(tmp_path / f"a.{suffix}", COLOUR)
    assert found.shape == (8, 8, 3) and found.dtype == np.uint8
    assert np.abs(found.astype(int) - (200, 40, 90)).max() <= 3
    assert read_file(tmp_path / f"a.{suffix}", GREY).mean() == pytest.approx(
        0.299 * 200 + 0.587 * 40 + 10.3, abs=3
    )


def test_transparent_parts_are_white(tmp_path: Path) -> None:
    picture = np.zeros((8, 8, 4), np.uint8)
    picture[:, :4, 3] = 255  # black on the left, nothing on the right
    Image.fromarray(picture).save(tmp_path / "a.png")
    found = read_file(tmp_path / "a.png", GREY)[..., 0]
    assert np.all(found[:, :4] == 0) and np.all(found[:, 4:] == 255)


def test_a_palette_with_a_transparent_colour_is_laid_on_white(tmp_path: Path) -> None:
    image = Image.new("P", (8, 8), 0)
    image.putpalette([0, 0, 0, 255, 0, 0])
    image.paste(1, (0, 0, 4, 8))
    image.save(tmp_path / "a.png", transparency=0)
    found = read_file(tmp_path / "a.png", COLOUR)
    assert tuple(found[0, 0]) == (255, 0, 0) and tuple(found[0, 7]) == (255, 255, 255)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bits_are_brought_to_8(tmp_path: Path, suffix: str) -> None:
    Image.fromarray((ramp().astype(np.uint16) << 8) + 77).save(tmp_path / f"a.{suffix}")
    assert np.array_equal(read_file(tmp_path / f"a.{suffix}", GREY)[..., 0], ramp())


def test_cmyk_is_read_as_colours(tmp_path: Path) -> None:
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(tmp_path / "a.jpg")
    assert np.abs(read_file(tmp_path / "a.jpg", COLOUR).astype(int) - (255, 0, 0)).max() <= 3


def test_a_photograph_is_turned_as_the_camera_noted(tmp_path: Path) -> None:
    image = Image.fromarray(np.where(np.arange(8)[:, None] < 4, 0, 255).repeat(8, 1).astype(np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter to the right for looking at it
    image.save(tmp_path / "a.png", exif=exif)
    found = read_file(tmp_path / "a.png", GREY)[..., 0]
    assert np.all(found[:, 4:] == 0) and np.all(found[:, :4] == 255)


@pytest.mark.parametrize("size", [(40, 8), (8, 40)])
def test_the_middle_is_kept_of_a_long_image(tmp_path: Path, size: tuple[int, int]) -> None:
    image = Image.new("L", size, 0)
    left, top = (size[0] - 8) // 2, (size[1] - 8) // 2
    image.paste(255, (left, top, left + 8, top + 8))
    image.save(tmp_path / "a.png")
    assert np.all(read_file(tmp_path / "a.png", GREY) == 255)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (700, 3), (500, 400)])
def test_any_size_is_brought_to_the_model_s(tmp_path: Path, size: tuple[int, int]) -> None:
    Image.new("RGB", size, (10, 200, 30)).save(tmp_path / "a.png")
    found = read_file(tmp_path / "a.png", (3, 12, 9))
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


def frames(path: Path) -> None:
    three = [Image.new("RGB", (8, 8), (level, 0, 0)) for level in (0, 90, 200)]
    three[0].save(path, save_all=True, append_images=three[1:])


BAD: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "text": ("a.png", lambda p: p.write_text("not an image"), "not a supported picture. Use png, jpg"),
    "empty": ("a.png", lambda p: p.write_bytes(b""), "The file is empty"),
    "cut JPEG": ("a.jpg", truncated, "damaged or truncated: .*truncated"),
    "cut PNG": ("a.png", truncated, "damaged or truncated"),
    "cut WebP": ("a.webp", truncated, "damaged or truncated|not a supported picture"),
    "cut TIFF": ("a.tif", truncated, "damaged or truncated"),
    "too many pixels": (
        "a.png",
        lambda p: p.write_bytes(png(10_000, 6_000)),
        "10000 × 6000 pixels; the limit is 50 million",
    ),
    "bomb": ("a.png", lambda p: p.write_bytes(png(60_000, 60_000)), "the limit is 50 million"),
    "no size": ("a.png", lambda p: p.write_bytes(png(0, 8)), "damaged or truncated|not a supported picture"),
    "no pixels": ("a.png", lambda p: p.write_bytes(png(64, 64)), "damaged or truncated"),
    "floats": ("a.tif", lambda p: Image.fromarray(np.ones((8, 8), np.float32)).save(p), "32 bits a channel"),
    "32 bits": ("a.tif", lambda p: Image.new("I", (9, 9)).save(p), "32 bits a channel"),
    "LAB": ("a.tif", lambda p: Image.new("LAB", (9, 9)).save(p), "LAB colours. Save it as RGB"),
    "another kind": ("a.ppm", lambda p: Image.new("RGB", (9, 9)).save(p), "not a supported picture"),
    "a program": (
        "a.png",
        lambda p: p.write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"),
        "not a supported picture",
    ),
    "GIF frames": ("a.gif", frames, r"is animated. Save the frame"),
    "WebP frames": ("a.webp", frames, r"is animated"),
    "PNG frames": ("a.png", frames, r"is animated"),
    "pages": ("a.tif", frames, "has several pages. Save the page"),
    "a folder": ("a.png", lambda p: p.mkdir(), "It is not a file"),
    "a dead link": ("a.png", lambda p: p.symlink_to("nowhere.png"), "The link points to nothing"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_refused_with_what_to_do(tmp_path: Path, case: str) -> None:
    name, make, message = BAD[case]
    make(tmp_path / name)
    with pytest.raises(PictureError, match=message):
        read_file(tmp_path / name, COLOUR)


def with_chunk(data: bytes, kind: bytes, body: bytes, damage: int = 0) -> bytes:
    """A PNG file with one more chunk after its header; its checksum is wrong by `damage`."""
    check = zlib.crc32(kind + body) ^ damage
    return data[:33] + struct.pack(">I", len(body)) + kind + body + struct.pack(">I", check) + data[33:]


@pytest.mark.parametrize(
    ("kind", "body", "damage"),
    [
        (b"eXIf", b"\0\x08\0\x02\x01\x12\0\x03", 0),
        (b"eXIf", b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01", 0),  # ends before the value
        (b"tEXt", b"Comment\0hello", 1),
        (b"iCCP", b"name\0\0no profile", 0),
        (b"zTXt", b"Comment\0\0not packed", 0),
    ],
)
def test_damaged_metadata_do_not_matter(kind: bytes, body: bytes, damage: int) -> None:
    plain = saved(noise())
    odd = with_chunk(plain, kind, body, damage)
    np.testing.assert_array_equal(read_picture(odd, COLOUR), read_picture(plain, COLOUR))


def test_metadata_that_matter_are_kept_when_others_are_damaged() -> None:
    clear = with_chunk(saved(Image.new("RGB", (8, 8))), b"tRNS", bytes(6))
    assert (read_picture(with_chunk(clear, b"tEXt", b"a\0b", 1), GREY) == 255).all()
    assert (read_picture(clear, GREY) == 255).all()


def test_the_main_picture_of_a_camera_s_file_is_taken() -> None:
    main, preview = noise(size=(64, 64)), noise(size=(16, 16)).rotate(90)
    camera = saved(main, "MPO", save_all=True, append_images=[preview])
    with Image.open(io.BytesIO(camera)) as file:
        assert file.format == "MPO" and file.n_frames == 2
    np.testing.assert_array_equal(read_picture(camera, COLOUR), read_picture(saved(main, "JPEG"), COLOUR))


def test_transparent_16_bit_levels_are_white() -> None:
    picture = saved(Image.fromarray(np.full((8, 8), 500, np.uint16)))
    clear = with_chunk(picture, b"tRNS", struct.pack(">H", 500))
    assert (read_picture(picture, GREY) == 1).all() and (read_picture(clear, GREY) == 255).all()


def test_no_bytes_do_anything_but_give_a_picture_or_a_message() -> None:
    rng = np.random.default_rng(1)
    good = [saved(noise(), kind) for kind in ("PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP")]
    for turn in range(120):
        data = bytearray(good[turn % len(good)])
        for place in rng.integers(0, len(data), 6):
            data[place] = int(rng.integers(256))
        try:
            assert read_picture(bytes(data), COLOUR).shape == (8, 8, 3)
        except PictureError as error:
            assert str(error).endswith(".")


def quadrants() -> Image.Image:
    """16 x 16: levels 0 and 50 in the upper half, 100 and 200 in the lower one."""
    return Image.fromarray(np.repeat(np.repeat(np.array([[0, 50], [100, 200]], np.uint8), 8, 0), 8, 1))


@pytest.mark.parametrize(
    ("framing", "levels"),
    [
        (Framing(), [[0, 50], [100, 200]]),
        (Framing(zoom=2, x=-1, y=-1), [[0, 0], [0, 0]]),
        (Framing(zoom=2, x=1, y=-1), [[50, 50], [50, 50]]),
        (Framing(zoom=2, x=1, y=1), [[200, 200], [200, 200]]),
        (Framing(turn=1), [[100, 0], [200, 50]]),
        (Framing(turn=3), [[50, 200], [0, 100]]),
        (Framing(invert=True), [[255, 205], [155, 55]]),
        (Framing(turn=2, zoom=2, x=-1, y=-1, invert=True), [[55, 55], [55, 55]]),
    ],
)
def test_a_crop_is_moved_zoomed_turned_and_inverted(framing: Framing, levels: list[list[int]]) -> None:
    taken = fitted(open_picture(saved(quadrants())), GREY, framing)[..., 0]
    corners = taken[[0, 0, 7, 7], [0, 7, 0, 7]].reshape(2, 2)
    np.testing.assert_allclose(corners.astype(int), levels, atol=3)  # resampling rings a little


def test_a_crop_stays_inside_the_picture() -> None:
    assert crop_box((40, 20), (1, 8, 8)) == (10, 0, 30, 20)
    assert crop_box((40, 20), (1, 8, 8), Framing(x=-1)) == (0, 0, 20, 20)
    assert crop_box((40, 20), (1, 8, 8), Framing(zoom=2, x=1, y=1)) == (30, 10, 40, 20)
    assert crop_box((41, 7), (3, 10, 3), Framing(zoom=1.3, x=1, y=1))[2:] == (41, 7)
    one = fitted(Image.new("L", (1, 1), 70), (3, 8, 8), Framing(zoom=64, x=1))
    assert (one == 70).all()


@pytest.mark.parametrize(
    "values", [{"turn": 4}, {"zoom": 0.5}, {"zoom": float("nan")}, {"x": 1.1}, {"y": float("nan")}]
)
def test_a_framing_out_of_range_is_refused(values: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"`{next(iter(values))}` must"):
        Framing(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
@pytest.mark.parametrize("suffix", ["png", "tif", "jpg", "webp", "gif"])
def test_a_header_says_what_decoding_gives(mode: str, suffix: str) -> None:
    try:
        data = saved(
            noise("L" if mode == "I;16" else mode).convert(mode),
            {"jpg": "JPEG", "tif": "TIFF"}.get(suffix, suffix),
        )
    except (OSError, ValueError):
        return  # this format has no such mode
    header = read_header(data)
    whole = open_picture(data, Reading.lenient(alpha=True))
    assert header.size == whole.size == (40, 30)
    assert header.mode.endswith("A") == bool((np.asarray(whole)[..., 3] < 255).any())
    assert open_picture(data).mode == header.mode.removesuffix("A")


def test_a_header_says_how_a_picture_lies_and_what_is_left_out() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = read_header(saved(noise(), "JPEG", exif=exif))
    assert turned.size == (30, 40) and turned.notes == ("turned",)
    frames = saved(noise(), "GIF", save_all=True, append_images=[noise().rotate(180)])
    assert read_header(frames).notes == ("animated",)
    assert read_header(saved(noise("CMYK"), "JPEG")).notes == ("CMYK",)
    with pytest.raises(PictureError, match="not a supported picture"):
        read_header(b"text")
    with pytest.raises(PictureError, match="The file is empty"):
        read_header(b"")


def test_first_frames_and_backgrounds_are_taken_where_they_are_asked_for() -> None:
    frames = saved(
        Image.new("L", (8, 8), 10), "GIF", save_all=True, append_images=[Image.new("L", (8, 8), 200)]
    )
    assert np.asarray(open_picture(frames, Reading.lenient()).convert("L")).max() == 10
    pages = saved(
        Image.new("L", (8, 8), 10), "TIFF", save_all=True, append_images=[Image.new("L", (8, 8), 200)]
    )
    assert np.asarray(open_picture(pages, Reading.lenient())).max() == 10
    clear = saved(Image.new("LA", (8, 8), (0, 0)))
    assert open_picture(clear, Reading("#ff0000")).getpixel((0, 0)) == (255, 0, 0)
    assert open_picture(clear, Reading("#808080")).getpixel((0, 0)) == 128
    assert open_picture(clear, Reading(alpha=True)).getpixel((0, 0)) == (0, 0, 0, 0)


def test_a_whole_picture_is_cropped_padded_or_stretched() -> None:
    wide = Image.new("RGB", (32, 16), (0, 0, 0))
    wide.paste((200, 0, 0), (0, 0, 8, 16))  # the left quarter
    shape = (3, 8, 8)
    assert scaled(wide, shape, "crop")[..., 0].max() < 20  # the quarter is cut off
    stretched = scaled(wide, shape, "stretch")
    assert (stretched[:, 0, 0] > 150).all() and (stretched[:, 4:, 0] < 20).all()
    padded = scaled(wide, shape, "pad", "#00ff00")
    assert (padded[:2] == (0, 255, 0)).all() and (padded[6:] == (0, 255, 0)).all()
    assert (padded[2:6, 0, 0] > 150).all() and (padded[2:6, :, 1] == 0).all()


def test_transparency_is_scaled_without_the_colour_behind_it() -> None:
    image = Image.new("RGBA", (16, 16), (0, 255, 0, 0))  # green, but not to be seen
    image.paste((255, 0, 0, 255), (0, 0, 8, 16))
    pixels = scaled(image, (4, 5, 5), "stretch")
    seen = pixels[pixels[..., 3] > 0]
    assert seen[:, 1].max() == 0 and seen[:, 0].min() > 200
    assert (scaled(image.resize((32, 16)), (4, 8, 8), "pad")[:2] == 0).all()
