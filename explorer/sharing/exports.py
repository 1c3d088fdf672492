"""Exports: pictures, strips, animations and vectors as bytes of common file formats."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image

from explorer.latent.attribute_values import value_text
from models.system.extras import require

__all__ = [
    "animation",
    "chart_html",
    "grid_png",
    "items_csv",
    "picture_png",
    "strip_png",
    "table_csv",
    "table_parquet",
    "vectors_npz",
    "vectors_parquet",
    "video",
]

Pictures = NDArray[np.uint8]  # (N, H, W, C)
GAP = 1  # pixels between two frames of a strip, before scaling


def picture_png(picture: Pictures, scale: int = 1) -> bytes:
    """One picture (H, W, C) as PNG, each pixel enlarged to `scale` x `scale` pixels."""
    return _save(_image(picture, scale), "PNG")


def strip_png(pictures: Pictures, scale: int = 1) -> bytes:
    """Pictures (N, H, W, C) side by side as PNG, separated by one white pixel."""
    count, height, width, channels = pictures.shape
    strip = np.full((height, count * (width + GAP) - GAP, channels), 255, np.uint8)
    for number, picture in enumerate(pictures):
        start = number * (width + GAP)
        strip[:, start : start + width] = picture
    return picture_png(strip, scale)


def grid_png(pictures: Pictures, columns: int, scale: int = 1) -> bytes:
    """Pictures (N, H, W, C) in rows of `columns` as PNG, separated by one white pixel."""
    count, height, width, channels = pictures.shape
    rows = -(-count // columns)
    sheet = np.full((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, channels), 255, np.uint8)
    for number, picture in enumerate(pictures):
        top, left = (number // columns) * (height + GAP), (number % columns) * (width + GAP)
        sheet[top : top + height, left : left + width] = picture
    return picture_png(sheet, scale)


def animation(
    pictures: Pictures, kind: str, *, scale: int = 4, seconds: float = 0.09, back: bool = True
) -> bytes:
    """Pictures (N, H, W, C) as an animation that loops forever.

    Arguments:
        pictures: The frames.
        kind: "WEBP" (lossless) or "GIF".
        scale: Side of an enlarged pixel, in pixels.
        seconds: Duration of each frame.
        back: Play back and forth; otherwise restart after the last frame.

    Raises:
        ValueError: If `kind` is neither.
    """
    if kind not in ("WEBP", "GIF"):
        raise ValueError(f"`kind` must be WEBP or GIF. Got {kind!r}.")
    frames = [_image(pictures[i], scale) for i in _order(len(pictures), back)]
    options = {"lossless": True} if kind == "WEBP" else {}
    return _save(
        frames[0],
        kind,
        save_all=True,
        append_images=frames[1:],
        duration=round(1000 * seconds),
        loop=0,
        **options,
    )


def video(pictures: Pictures, *, scale: int = 4, seconds: float = 0.09, back: bool = True) -> bytes:
    """Pictures (N, H, W, C) as an MP4 video, H.264, that plays in every browser and office program.

    Arguments:
        pictures: The frames.
        scale: Side of an enlarged pixel, in pixels; odd sides are padded by one pixel, as H.264 requires even
            ones.
        seconds: Duration of each frame.
        back: Play back and forth.

    Raises:
        ValueError: If PyAV is not installed; the message names the extra.
    """
    require("video", "MP4 export")
    import av  # slow to import

    buffer = io.BytesIO()
    height, width = (-(-side * scale // 2) * 2 for side in pictures.shape[1:3])
    with av.open(buffer, "w", format="mp4") as file:
        stream = file.add_stream("libx264", rate=Fraction(round(1 / seconds)))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"crf": "12", "preset": "medium"}
        for number in _order(len(pictures), back):
            pixels = np.asarray(_image(pictures[number], scale).convert("RGB"))
            margin = ((0, height - pixels.shape[0]), (0, width - pixels.shape[1]), (0, 0))
            frame = av.VideoFrame.from_ndarray(np.pad(pixels, margin, mode="edge"), format="rgb24")
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    return buffer.getvalue()


def items_csv(atlas: Any, items: Sequence[int]) -> bytes:
    """Items of an atlas as CSV in UTF-8: names as in `ItemNames.columns`, texts, attributes and scores.

    A cell is empty where a value is missing.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    names = atlas.names.columns(items)
    columns: dict[str, Callable[[int], object]] = {}
    for name, texts in atlas.texts.items():
        columns[name] = texts.values.__getitem__
    for name, attribute in atlas.attributes.items():
        columns[name] = partial(_value, attribute)
    for name, values in atlas.scores.items():
        columns[name] = lambda row, values=values: f"{float(values[row]):.6g}"  # type: ignore[misc]
    table.writerow([*names, *columns])
    named = zip(*names.values(), strict=True)
    table.writerows(
        [*cells, *(value(row) for value in columns.values())] for cells, row in zip(named, items, strict=True)
    )
    return text.getvalue().encode()


def _value(attribute: Any, row: int) -> object:
    if attribute.kind == "binary" and not attribute.labels:
        return int(attribute.values[row]) if attribute.known[row] else ""
    return value_text(attribute, row, ".6g")


def vectors_npz(vectors: dict[str, NDArray[np.float32]]) -> bytes:
    """Named arrays as npz, readable with `numpy.load(file, allow_pickle=False)`."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **vectors)
    return buffer.getvalue()


def vectors_parquet(names: list[str], vectors: NDArray[np.float32]) -> bytes:
    """Named rows (N, D) as Parquet: columns `name` and `z`."""
    flat = pa.array(vectors.astype(np.float32).ravel(), pa.float32())
    table = pa.table({"name": names, "z": pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])})
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


def chart_html(figure: Any) -> bytes:
    """A Plotly chart as one self-contained HTML file; about 5 MB, as it includes Plotly's script.

    Arguments:
        figure: A Plotly figure object, or its dictionary.
    """
    from plotly.io import to_html  # slow to import

    text: str = to_html(figure, include_plotlyjs=True, config={"displaylogo": False}, validate=False)
    return text.encode()


def table_csv(columns: dict[str, list[Any]]) -> bytes:
    """Columns of equal length as CSV in UTF-8 with a header line; None becomes an empty cell."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(columns)
    table.writerows(zip(*columns.values(), strict=True))
    return text.getvalue().encode()


def table_parquet(columns: dict[str, list[Any]]) -> bytes:
    """Columns of equal length as Parquet."""
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def _order(count: int, back: bool) -> list[int]:
    """Frame numbers of an animation: all, and with `back` the inner ones again in reverse."""
    return [*range(count), *(range(count - 2, 0, -1) if back else ())]


def _image(picture: Pictures, scale: int) -> Image.Image:
    pixels = picture[..., 0] if picture.shape[-1] == 1 else picture
    image = Image.fromarray(np.ascontiguousarray(pixels))
    size = (image.width * scale, image.height * scale)
    return image.resize(size, Image.Resampling.NEAREST) if scale > 1 else image


def _save(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
