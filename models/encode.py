"""Encodes image files from disk to a Parquet table of posterior means and standard deviations."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from tqdm import tqdm

from models import checkpoint
from models.evaluate import to_tensor
from models.files import replace_file

__all__ = ["DAMAGE", "FORMATS", "PIXELS_AT_MOST", "encode_files", "fitted", "read_image"]

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff"}
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")  # no format that runs another program
PIXELS_AT_MOST = 50_000_000
DAMAGE = (
    OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError, struct.error,
)  # fmt: skip  # what Pillow raises on damaged files
BATCH = 64


def encode_files(name: str | Path, paths: list[Path], out: Path) -> int:
    """Encodes image files, resized to the model's shape.

    Arguments:
        name: Name or folder of a checkpoint.
        paths: Image files, and folders whose image files are all taken.
        out: The Parquet file to write: file, mean (D,), std (D,).

    Returns:
        The number of images.

    Raises:
        ValueError: If there is no image, or one cannot be read; the message names the file.
    """
    files = list(_files(paths))
    if not files:
        raise ValueError(
            f"No image found in {', '.join(map(str, paths))}. Use {', '.join(sorted(SUFFIXES))}."
        )
    model = checkpoint.load(name)
    means, stds = [], []
    with tqdm(total=len(files), unit="image", desc="encode") as bar, torch.inference_mode():
        for start in range(0, len(files), BATCH):
            batch = files[start : start + BATCH]
            q = model.encode(to_tensor(np.stack([read_image(f, model.image_shape) for f in batch])))
            means.append(q.mean.flatten(1))
            stds.append(torch.zeros_like(means[-1]) if q.std is None else q.std.flatten(1))
            bar.update(len(batch))
    table = pa.table(
        {
            "file": [str(f) for f in files],
            "mean": _vectors(torch.cat(means).numpy()),
            "std": _vectors(torch.cat(stds).numpy()),
        }
    )
    replace_file(out, lambda path: pq.write_table(table, path))
    return len(files)


def read_image(path: Path, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Reads one image file as uint8 (H, W, C): the largest centred crop of the shape's ratio, resized.

    Transparent images go on white, photographs are turned as their camera noted.

    Arguments:
        path: The file.
        shape: Image shape of the model, (C, H, W).

    Raises:
        ValueError: If it is no image, damaged or too large; the message names the file.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's remarks on odd files; what it cannot read, it raises
            with Image.open(path, formats=FORMATS) as file:
                if file.width * file.height > PIXELS_AT_MOST:
                    raise ValueError(f"{file.width}x{file.height} pixels are more than {PIXELS_AT_MOST}")
                return fitted(file, shape)
    except UnidentifiedImageError as error:
        raise ValueError(
            f"{path} is no image that can be read. Use {', '.join(sorted(SUFFIXES))}."
        ) from error
    except (Image.DecompressionBombError, *DAMAGE) as error:
        raise ValueError(f"{path} cannot be read: {error}.") from error


def fitted(image: Image.Image, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """The largest centred crop of a shape's ratio, resized to it, as uint8 (H, W, C).

    Arguments:
        image: Any; transparency goes on white, and a photograph is turned as its camera noted.
        shape: (C, H, W).

    Raises:
        ValueError: If its levels have no known range.
    """
    channels, height, width = shape
    flat = _opaque(ImageOps.exif_transpose(image)).convert("L" if channels == 1 else "RGB")
    side = min(flat.width / width, flat.height / height)
    left, top = (flat.width - side * width) / 2, (flat.height - side * height) / 2
    box = (left, top, left + side * width, top + side * height)
    small = flat.resize((width, height), Image.Resampling.LANCZOS, box=box, reducing_gap=3.0)
    return np.asarray(small, np.uint8).reshape(height, width, channels)


def _opaque(image: Image.Image) -> Image.Image:
    """An image of 8 bits a channel, laid on white where it is transparent."""
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise ValueError("its pixels have 32 bits and an unknown range. Save it with 8 or 16 bits")
    if not image.has_transparency_data:
        return image
    rgba = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)


def _files(paths: list[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES)
        elif path.is_file():
            yield path
        else:
            raise ValueError(f"{path} does not exist.")


def _vectors(rows: NDArray[np.float32]) -> pa.FixedSizeListArray:
    return pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel(), pa.float32()), rows.shape[1])
