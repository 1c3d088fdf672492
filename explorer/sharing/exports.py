"""What can be taken away: pictures, strips, animations and vectors, as bytes of well-known formats."""

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

from models.system.extras import require

__all__ = [
    "animation",
    "figure_html",
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
    """One picture (H, W, C) as PNG, each pixel a square of `scale` pixels."""
    return _save(_image(picture, scale), "PNG")


def strip_png(pictures: Pictures, scale: int = 1) -> bytes:
    """Pictures (N, H, W, C) side by side as PNG, a white pixel between them."""
    count, height, width, channels = pictures.shape
    strip = np.full((height, count * (width + GAP) - GAP, channels), 255, np.uint8)
    for number, picture in enumerate(pictures):
        start = number * (width + GAP)
        strip[:, start : start + width] = picture
    return picture_png(strip, scale)


def grid_png(pictures: Pictures, columns: int, scale: int = 1) -> bytes:
    """Pictures (N, H, W, C) in rows of `columns` as PNG, a white pixel between them; the last row may end early."""
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
    """Pictures (N, H, W, C) as an animation that goes on for ever.

    Arguments:
        pictures: The frames.
        kind: "WEBP" (lossless) or "GIF".
        scale: Pixels a side for each pixel.
        seconds: How long each frame stands.
        back: Go there and back; else start again after the last one.

    Raises:
        ValueError: If `kind` is another.
    """
    if kind not in ("WEBP", "GIF"):
        raise ValueError(f"`kind` must be WEBP or GIF. Got {kind!r}.")
    frames = [_image(pictures[i], scale) for i in _order(len(pictures), back)]
    options = {"lossless": True} if kind == "WEBP" else {}
    return _save(
        frames[0], kind, save_all=True, append_images=frames[1:],
        duration=round(1000 * seconds), loop=0, **options,
    )  # fmt: skip


def video(pictures: Pictures, *, scale: int = 4, seconds: float = 0.09, back: bool = True) -> bytes:
    """Pictures (N, H, W, C) as an MP4 video, H.264, that every browser and office program plays.

    Arguments:
        pictures: The frames.
        scale: Pixels a side for each pixel; odd sides grow by a pixel, which the format asks for.
        seconds: How long each frame stands.
        back: Go there and back.

    Raises:
        ValueError: If PyAV is not installed, with the extra that brings it.
    """
    require("video", "MP4 export")
    import av  # only who asks for a video waits for it

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
    """Items of an atlas as CSV in UTF-8: their names, as `ItemNames.columns` has them, every attribute and score."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    names = atlas.names.columns(items)
    columns: dict[str, Callable[[int], object]] = {}
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
    value = attribute.values[row]
    if attribute.kind == "continuous":
        return f"{float(value):.6g}"
    return attribute.labels[int(value)] if attribute.labels else int(value)


def vectors_npz(vectors: dict[str, NDArray[np.float32]]) -> bytes:
    """Named arrays as npz, readable with `numpy.load(file, allow_pickle=False)`."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **vectors)
    return buffer.getvalue()


def vectors_parquet(names: list[str], vectors: NDArray[np.float32]) -> bytes:
    """Rows (N, D) with their names as Parquet: columns `name` and `z`."""
    flat = pa.array(vectors.astype(np.float32).ravel(), pa.float32())
    table = pa.table({"name": names, "z": pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])})
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


def figure_html(figure: Any) -> bytes:
    """A Plotly figure as one HTML file that needs nothing else; about 5 MB, for Plotly's own script is in it.

    Arguments:
        figure: A figure, or the dictionary of one.
    """
    from plotly.io import to_html  # takes a moment

    text: str = to_html(figure, include_plotlyjs=True, config={"displaylogo": False}, validate=False)
    return text.encode()


def table_csv(columns: dict[str, list[Any]]) -> bytes:
    """Columns of one length as CSV in UTF-8, a line of names first; nothing where a value is None."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(columns)
    table.writerows(zip(*columns.values(), strict=True))
    return text.getvalue().encode()


def table_parquet(columns: dict[str, list[Any]]) -> bytes:
    """Columns of one length as Parquet."""
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def _order(count: int, back: bool) -> list[int]:
    """The frames of an animation: all, and with `back` those between the ends the other way round."""
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
