"""Reads untrusted picture files as upright 8-bit pictures in the shape of a model; errors give a remedy."""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageColor, UnidentifiedImageError

__all__ = [
    "FILE_AT_MOST",
    "KINDS",
    "PIXELS_AT_MOST",
    "Framing",
    "Header",
    "PictureError",
    "Reading",
    "crop_box",
    "fitted",
    "open_picture",
    "read_file",
    "read_header",
    "read_picture",
    "scaled",
    "turned",
]

KINDS = ("png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff")
FORMATS = (
    "PNG",
    "JPEG",
    "WEBP",
    "GIF",
    "BMP",
    "TIFF",
)  # none of these decoders runs another program; MPO is JPEG
PIXELS_AT_MOST = 50_000_000
SIDE_AT_MOST = 65_535  # pixels; a decoder takes memory for each row, however narrow
SCANS_AT_MOST = (
    64  # of a progressive JPEG, each of which a decoder applies to all pixels; about ten are usual
)
SCAN = b"\xff\xda"  # start of a scan; inside one, 0xff is followed by 0 or by a restart marker
FILE_AT_MOST = 1 << 28  # bytes of a file on disk
GREY = ("1", "L", "LA", "La")  # modes
MODES = {1: "L", 3: "RGB", 4: "RGBA"}  # number of channels -> mode
ORIENTATION = 0x0112  # EXIF tag
PNG = b"\x89PNG\r\n\x1a\n"
ANCILLARY = (b"tRNS", b"acTL")  # ancillary PNG chunks that affect the picture: transparency, animation
# Errors that Pillow raises on damaged files.
DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    struct.error,
)
# EXIF orientation -> transposition that makes the picture upright.
TRANSPOSED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
T = TypeVar("T")
QUARTERS = (None, Image.Transpose.ROTATE_270, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_90)


class PictureError(ValueError):
    """A file cannot be read as a picture; the message gives the reason and a remedy."""


@dataclass(frozen=True)
class Framing:
    """The part of a picture that is scaled to the shape of a model; by default the largest centred crop."""

    turn: int = 0  # quarter turns clockwise
    zoom: float = 1.0  # at 1 the crop is as large as its aspect ratio allows
    x: float = 0.0  # from -1, the left edge, to 1, the right edge
    y: float = 0.0  # from -1, the top edge, to 1, the bottom edge
    invert: bool = False  # exchange black and white

    def __post_init__(self) -> None:
        if self.turn not in range(4):
            raise ValueError(f"`turn` must be 0, 1, 2 or 3 quarter turns. Got {self.turn!r}.")
        if not 1 <= self.zoom <= 64:
            raise ValueError(f"`zoom` must lie in 1..64. Got {self.zoom!r}.")
        for name in ("x", "y"):
            if not -1 <= getattr(self, name) <= 1:
                raise ValueError(f"`{name}` must lie in -1..1. Got {getattr(self, name)!r}.")


CENTRED = Framing()


@dataclass(frozen=True)
class Reading:
    """Options for opening a picture file. By default, ambiguous files are refused and transparency becomes white."""

    background: str = "#ffffff"  # colour behind transparent parts
    alpha: bool = False  # keep transparency: mode RGBA
    first: bool = False  # take the first frame of an animation and the first page of a document

    @classmethod
    def lenient(cls, background: str = "#ffffff", alpha: bool = False) -> Reading:
        """Returns options that take the first frame or page."""
        return cls(background, alpha, first=True)


STRICT = Reading()


@dataclass(frozen=True)
class Header:
    """The properties of a picture file that are known before its pixels are decoded."""

    size: tuple[int, int]  # width and height in pixels, upright
    mode: str  # "L", "LA", "RGB" or "RGBA", the mode of the decoded picture
    notes: tuple[str, ...] = ()  # conversions on decoding: "animated", "CMYK", "16 bits", "turned"


def read_picture(data: bytes, shape: tuple[int, int, int], framing: Framing = CENTRED) -> NDArray[np.uint8]:
    """Reads a picture file as uint8 (H, W, C) in the shape of a model.

    Arguments:
        data: The file's bytes, untrusted.
        shape: Image shape of the model, (C, H, W).
        framing: Which part is taken, and how.

    Raises:
        PictureError: As `open_picture` does.
    """
    return fitted(open_picture(data), shape, framing)


def read_file(path: Path, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Reads a picture file from disk as uint8 (H, W, C) in the shape of a model.

    Raises:
        PictureError: As `open_picture` does, or if the file cannot be read.
    """
    if path.is_symlink() and not path.exists():
        raise PictureError("The link points to nothing.")
    if not path.is_file():
        raise PictureError("It is not a file.")
    try:
        with path.open("rb") as file:
            data = file.read(FILE_AT_MOST + 1)
    except OSError as error:
        raise PictureError(f"The file cannot be read: {error.strerror or error}.") from error
    if len(data) > FILE_AT_MOST:
        raise PictureError(f"The file has more than {FILE_AT_MOST >> 20} MiB. Save the picture smaller.")
    return read_picture(data, shape)


def open_picture(data: bytes, reading: Reading = STRICT) -> Image.Image:
    """Opens a picture file: upright by its EXIF data, composited on the background, in mode L or RGB (or RGBA).

    16-bit grey levels are converted to 8 bits. Of a camera's MPO file, the main picture is used. Damaged metadata are
    ignored. Animations and files of several pages are ambiguous and refused, unless `reading` takes the first frame.

    Arguments:
        data: The file's bytes, untrusted.
        reading: Treatment of transparency and animations.

    Raises:
        PictureError: If the file is not a picture, too large, animated, damaged, or has levels of unknown range.
    """
    return _with_reasons(data, lambda file: _decoded(file, reading), reading)


def read_header(data: bytes) -> Header:
    """Reads the size and mode of a picture file without decoding its pixels.

    Arguments:
        data: The file's bytes, untrusted.

    Raises:
        PictureError: As in `open_picture`; damaged pixels are not detected.
    """
    return _with_reasons(data, _header, Reading.lenient())


def _with_reasons(data: bytes, read: Callable[[Image.Image], T], reading: Reading) -> T:
    """Applies `read` to a file; errors become a PictureError, and damaged metadata of PNG files are ignored."""
    if not data:
        raise PictureError("The file is empty. Choose a picture.")
    try:
        return _opened(data, read, reading)
    except PictureError:
        raise
    except Image.DecompressionBombError as error:
        raise PictureError(_too_many("too many pixels")) from error
    except DAMAGE as error:
        if data.startswith(PNG):
            try:
                return _opened(_without_metadata(data), read, reading)
            except PictureError:
                raise
            except (Image.DecompressionBombError, *DAMAGE):
                pass  # the first error is more informative
        if isinstance(error, UnidentifiedImageError):
            raise PictureError(f"The file is not a supported picture. Use {', '.join(KINDS)}.") from error
        reason = str(error)[:120].rstrip(".")
        raise PictureError(f"The picture is damaged or truncated: {reason}. Save it again.") from error


def fitted(image: Image.Image, shape: tuple[int, int, int], framing: Framing = CENTRED) -> NDArray[np.uint8]:
    """Crops a picture and scales it to the shape of a model: uint8 (H, W, C).

    Arguments:
        image: As `open_picture` gives it.
        shape: (C, H, W).
        framing: Which part is taken, and how.
    """
    channels, height, width = shape
    flat = turned(image, framing).convert(MODES[channels])
    box = crop_box(flat.size, shape, framing)
    small = flat.resize((width, height), Image.Resampling.LANCZOS, box=box, reducing_gap=3.0)
    return np.asarray(small, np.uint8).reshape(height, width, channels)


def scaled(
    image: Image.Image, shape: tuple[int, int, int], fit: str, background: str = "#ffffff"
) -> NDArray[np.uint8]:
    """Scales a whole picture to a shape: uint8 (H, W, C).

    Arguments:
        image: As `open_picture` gives it.
        shape: (C, H, W).
        fit: "crop" crops the longer side, "pad" adds margins of the background (transparent if C is 4), "stretch"
            changes the aspect ratio.
        background: A colour such as "#ffffff".
    """
    channels, height, width = shape
    if fit == "crop":
        return fitted(image, shape)
    flat, inner = image.convert(MODES[channels]), (width, height)
    if fit == "pad":
        share = min(width / flat.width, height / flat.height)
        inner = (max(1, round(flat.width * share)), max(1, round(flat.height * share)))
    small = flat.resize(inner, Image.Resampling.LANCZOS, reducing_gap=3.0)
    if inner != (width, height):
        around = (0, 0, 0, 0) if channels == 4 else ImageColor.getcolor(background, MODES[channels])
        canvas = Image.new(MODES[channels], (width, height), around)
        canvas.paste(small, ((width - inner[0]) // 2, (height - inner[1]) // 2))
        small = canvas
    return np.asarray(small, np.uint8).reshape(height, width, channels)


def turned(image: Image.Image, framing: Framing) -> Image.Image:
    """Rotates and inverts a whole picture."""
    quarter = QUARTERS[framing.turn]
    image = image if quarter is None else image.transpose(quarter)
    return ImageChops.invert(image) if framing.invert else image


def crop_box(
    size: tuple[int, int], shape: tuple[int, int, int], framing: Framing = CENTRED
) -> tuple[float, float, float, float]:
    """Computes the crop of a rotated picture of `size` (width, height) pixels: left, top, right, bottom."""
    _, height, width = shape
    side = min(size[0] / width, size[1] / height) / framing.zoom
    left = (size[0] - side * width) / 2 * (1 + framing.x)
    top = (size[1] - side * height) / 2 * (1 + framing.y)
    right, bottom = left + side * width, top + side * height
    return left, top, min(right, size[0]), min(bottom, size[1])


def _opened(data: bytes, read: Callable[[Image.Image], T], reading: Reading) -> T:
    """Opens a file, checks it and applies `read`; errors of Pillow are not handled."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns about unusual files and raises on invalid ones
        with Image.open(io.BytesIO(data), formats=FORMATS) as file:
            _check_work(file, data)
            if not reading.first:
                _check_frames(file)
            if file.mode == "LAB":
                raise PictureError("The picture has LAB colours. Save it as RGB.")
            if file.mode in ("I", "F"):
                raise PictureError(
                    "The picture has 32 bits a channel, whose range is unknown. Save it with 8 or 16 bits."
                )
            return read(file)


def _check_work(file: Image.Image, data: bytes) -> None:
    """Raises PictureError if a picture would take a decoder too much memory or time."""
    size = f"{file.width} × {file.height} pixels"
    if file.width * file.height > PIXELS_AT_MOST:
        raise PictureError(_too_many(size))
    if max(file.size) > SIDE_AT_MOST:
        raise PictureError(f"The picture has {size}; the limit is {SIDE_AT_MOST:,} a side. Crop it.")
    if file.format in ("JPEG", "MPO") and data.count(SCAN) > SCANS_AT_MOST:
        raise PictureError(f"The picture has more than {SCANS_AT_MOST} scans. Save it again as a JPEG.")


def _check_frames(file: Image.Image) -> None:
    """Raises PictureError if a file has several frames or pages."""
    if not _has_second_frame(file):
        return
    if file.format == "TIFF":
        raise PictureError("The file has several pages. Save the page you mean as a PNG.")
    raise PictureError("The picture is animated. Save the frame you mean as a PNG.")


def _has_second_frame(file: Image.Image) -> bool:
    """Whether a file has several frames or pages; they are not counted, which takes a long time if there are many."""
    if file.format == "MPO":
        return False  # a camera's further pictures
    try:
        file.seek(1)
    except EOFError:
        return False
    file.seek(0)
    return True


def _decoded(file: Image.Image, reading: Reading) -> Image.Image:
    """Decodes the upright picture of an open file."""
    file.load()
    upright = TRANSPOSED.get(_orientation(file))
    flat = _flat(file, reading)
    return flat if upright is None else flat.transpose(upright)


def _header(file: Image.Image) -> Header:
    """Reads the properties of an open file."""
    late = file.format == "PNG" and not file.info.keys() & {"exif", "Raw profile type exif"}
    orientation = 0 if late else _orientation(file)  # in a PNG file, it may follow the pixels
    size = file.size[::-1] if orientation >= 5 else file.size
    mode = "L" if file.mode in GREY or file.mode.startswith("I;16") else "RGB"
    mode += "A" if file.has_transparency_data else ""
    notes = []
    if _has_second_frame(file):
        notes.append("several pages" if file.format == "TIFF" else "animated")
    if file.mode in ("CMYK", "YCbCr", "HSV"):
        notes.append(file.mode)
    if file.mode.startswith("I;16"):
        notes.append("16 bits")
    if orientation > 1:
        notes.append("turned")
    return Header(size, mode, tuple(notes))


def _orientation(image: Image.Image) -> int:
    """Returns the EXIF orientation, 1 to 8; 0 if there is none, or the EXIF data are damaged."""
    try:
        orientation = image.getexif().get(ORIENTATION)
        return orientation if isinstance(orientation, int) else 0
    except DAMAGE:
        return 0


def _flat(image: Image.Image, reading: Reading) -> Image.Image:
    """Converts an image to mode L or RGB, composited on the background, or to RGBA."""
    if image.mode.startswith("I;16"):
        levels = np.asarray(image)
        grey = (levels >> 8).astype(np.uint8)
        clear = image.info.get("transparency")
        if isinstance(clear, int):
            solid = Image.fromarray(np.where(levels == clear, 0, 255).astype(np.uint8))
            image = Image.merge("LA", [Image.fromarray(grey), solid])
        else:
            image = Image.fromarray(grey)
    if reading.alpha:
        return image.convert("RGBA")
    mode = "L" if image.mode in GREY else "RGB"
    if not image.has_transparency_data:
        return image.convert(mode)
    if len(set(ImageColor.getrgb(reading.background))) > 1:
        mode = "RGB"  # the background has a colour
    rgba = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", rgba.size, reading.background), rgba).convert(mode)


def _without_metadata(data: bytes) -> bytes:
    """Returns a PNG file without the chunks that do not affect the picture."""
    parts, at = [data[:8]], 8
    while at + 12 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        kind = data[at + 4 : at + 8]
        if not kind[0] & 0x20 or kind in ANCILLARY:  # a capital letter: critical
            parts.append(data[at:end])
        at = end
    return b"".join(parts)


def _too_many(what: str) -> str:
    return f"The picture has {what}; the limit is {PIXELS_AT_MOST // 10**6} million. Save it smaller."
