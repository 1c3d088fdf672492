"""Files that can be taken away, read back by other programs' readers."""

from __future__ import annotations

import io

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image, ImageSequence

from explorer.sharing import exports

RNG = np.random.default_rng(0)


def pictures(count: int, channels: int, size: tuple[int, int] = (5, 7)) -> np.ndarray:
    return RNG.integers(0, 256, (count, *size, channels), np.uint8)


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("scale", [1, 4])
def test_a_picture_is_a_png_of_exactly_its_pixels(channels: int, scale: int) -> None:
    (picture,) = pictures(1, channels)
    image = opened(exports.picture_png(picture, scale))
    assert image.format == "PNG" and image.size == (7 * scale, 5 * scale)
    assert image.mode == ("L" if channels == 1 else "RGB")
    found = np.asarray(image).reshape(5 * scale, 7 * scale, channels)
    np.testing.assert_array_equal(found, picture.repeat(scale, 0).repeat(scale, 1))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_strip_shows_the_pictures_in_order_with_a_white_line_between(channels: int) -> None:
    given = pictures(4, channels)
    found = np.asarray(opened(exports.strip_png(given))).reshape(5, 4 * 8 - 1, channels)
    for number, picture in enumerate(given):
        np.testing.assert_array_equal(found[:, 8 * number : 8 * number + 7], picture)
    assert (found[:, 7::8] == 255).all()


@pytest.mark.parametrize("kind", ["WEBP", "GIF"])
@pytest.mark.parametrize("channels", [1, 3])
def test_an_animation_goes_there_and_back_for_ever(kind: str, channels: int) -> None:
    given = np.stack([np.full((5, 7, channels), value, np.uint8) for value in (0, 60, 120, 250)])
    image = opened(exports.animation(given, kind, scale=2, seconds=0.09))
    assert image.format == kind and image.info["loop"] == 0 and image.size == (14, 10)
    shown = [int(np.asarray(frame.convert("L"))[3, 3]) for frame in ImageSequence.Iterator(image)]
    assert image.info["duration"] == 90
    assert shown == pytest.approx([0, 60, 120, 250, 120, 60], abs=1)


def test_a_webp_animation_loses_nothing() -> None:
    given = pictures(3, 3, (8, 8))
    image = opened(exports.animation(given, "WEBP", scale=1))
    frames = [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(image)]
    np.testing.assert_array_equal(np.stack(frames[:3]), given)


def test_an_animation_may_go_one_way_only() -> None:
    given = pictures(4, 1)
    assert opened(exports.animation(given, "WEBP", scale=1, back=False)).n_frames == 4
    assert opened(exports.animation(given, "WEBP", scale=1)).n_frames == 6


def test_two_pictures_make_an_animation_and_another_kind_does_not() -> None:
    assert opened(exports.animation(pictures(2, 1), "GIF")).n_frames == 2
    with pytest.raises(ValueError, match=r"`kind` must be WEBP or GIF\. Got 'MP4'"):
        exports.animation(pictures(2, 1), "MP4")


def test_vectors_come_back_bit_for_bit() -> None:
    z = RNG.normal(size=(3, 6)).astype(np.float32)
    with np.load(io.BytesIO(exports.vectors_npz({"a": z[0], "walk": z})), allow_pickle=False) as found:
        assert set(found.files) == {"a", "walk"}
        np.testing.assert_array_equal(found["a"], z[0])
        np.testing.assert_array_equal(found["walk"], z)
    table = pq.read_table(io.BytesIO(exports.vectors_parquet(["A", "B", "walk 0"], z)))
    assert table["name"].to_pylist() == ["A", "B", "walk 0"]
    np.testing.assert_array_equal(np.array(table["z"].to_pylist(), np.float32), z)


def test_a_figure_as_html_needs_nothing_else() -> None:
    page = exports.chart_html(
        {"data": [{"type": "scatter", "x": [1, 2], "y": [3, 4]}], "layout": {}}
    ).decode()
    assert page.lower().startswith(("<html>", "<!doctype html>")) and "Plotly.newPlot" in page
    assert "<script src" not in page and "<link" not in page and len(page) < 8_000_000


def test_a_grid_shows_the_pictures_in_rows() -> None:
    given = pictures(5, 3)
    found = np.asarray(opened(exports.grid_png(given, 3)))
    assert found.shape == (2 * 6 - 1, 3 * 8 - 1, 3)
    for number, picture in enumerate(given):
        top, left = 6 * (number // 3), 8 * (number % 3)
        np.testing.assert_array_equal(found[top : top + 5, left : left + 7], picture)
    assert (found[6:, 16:] == 255).all(), "the last row ends early"


@pytest.mark.parametrize(("channels", "back"), [(1, True), (3, False)])
def test_a_video_shows_every_frame_at_its_place(channels: int, back: bool) -> None:
    import av

    given = np.stack([np.full((5, 7, channels), value, np.uint8) for value in (0, 60, 120, 250)])
    data = exports.video(given, scale=3, seconds=0.1, back=back)
    with av.open(io.BytesIO(data)) as file:
        stream = file.streams.video[0]
        assert (stream.codec_context.name, stream.average_rate) == ("h264", 10)
        frames = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
    assert {frame.shape for frame in frames} == {(16, 22, 3)}, "odd sides grow by a pixel"
    shown = [int(frame[6, 6, 1]) for frame in frames]
    assert shown == pytest.approx([0, 60, 120, 250, *([120, 60] if back else [])], abs=4)
