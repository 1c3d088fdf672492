"""The drawn map: the page's colours, every point once, handles where they stand."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from explorer.sharing import map_drawing
from explorer.sharing.map_drawing import HANDLES, HEIGHT, WIDTH, chart, draw, legend, shade, shade_style

FRONTEND = Path(map_drawing.__file__).parents[1] / "components" / "frontend" / "src"
RNG = np.random.default_rng(0)
XY = RNG.normal(size=(200, 2)).astype(np.float32)
PATH = np.array([[0.0, 0.0], [0.5, 0.2], [1.0, 1.0]])
ENDS = {"A": (0.0, 0.0), "B": (1.0, 1.0)}


@pytest.mark.parametrize("name", ["CATEGORIES", "BINARY", "VIRIDIS"])
def test_the_colours_are_the_pages(name: str) -> None:
    source = (FRONTEND / "map" / "colours.ts").read_text()
    table = re.search(rf"const {name}\b[^=]*= \[(.*?)\];", source, re.DOTALL)
    assert table is not None
    assert tuple(re.findall(r"#[0-9a-f]{6}", table[1])) == getattr(map_drawing, name)


def test_the_handles_colours_are_the_pages() -> None:
    style = (FRONTEND / "stage.css").read_text()
    assert all(f"--lx-{name.lower()}: {colour};" in style for name, colour in HANDLES.items())


def test_categories_take_a_colour_each_and_what_is_not_known_another() -> None:
    values = np.array([0, 1, 2, np.nan, -1, 9], np.float32)
    shades = shade(6, values, "categorical", "Kind", ("x", "y", "<z>"))
    assert shades.index.tolist() == [0, 1, 2, 3, 3, 3]
    assert shades.light[:3] == map_drawing.CATEGORIES[:3] and shades.labels[3] == "not known"
    said = legend(shades)
    assert "&lt;z&gt;" in said and "<z>" not in said and "not known" in said


def test_a_ramp_goes_from_low_to_high_and_outliers_do_not_flatten_it() -> None:
    values = np.append(np.linspace(0, 1, 999), 1e9).astype(np.float32)
    shades = shade(1000, values, "continuous", "Size")
    assert shades.index[0] == 0 and shades.index[-1] == shades.index[998] == map_drawing.STEPS - 1
    assert 12 < shades.index[500] < 20 and shades.light != shades.dark
    constant = shade(4, np.full(4, 3, np.float32), "continuous")
    assert constant.range == (2.5, 3.5)
    assert shade(2, np.array([np.nan, np.nan], np.float32)).index.tolist() == [map_drawing.STEPS] * 2
    assert shade_style(shades).count(".s0{") == 2


def test_every_point_is_drawn_once_within_the_frame() -> None:
    shades = shade(200, (np.arange(200) % 3).astype(np.float32), "categorical", "", ("a", "b", "c"))
    drawn = ElementTree.fromstring(draw(XY, shades, ENDS, PATH))
    places = []
    for part in drawn:
        if part.tag.endswith("path"):
            places += [tuple(map(float, p)) for p in re.findall(r"M([\d.-]+) ([\d.-]+)h0", part.get("d", ""))]
    assert len(places) == 200
    assert all(0 < x < WIDTH and 0 < y < HEIGHT for x, y in places)
    names = [text.text for text in drawn.iter() if text.tag.endswith("text")]
    assert names == ["A", "B"]
    (first,) = [c for c in drawn.iter() if c.get("fill") == HANDLES["A"]]
    (second,) = [c for c in drawn.iter() if c.get("fill") == HANDLES["B"]]
    assert float(second.get("cx", 0)) > float(first.get("cx", 0)), "x to the right"
    assert float(second.get("cy", 0)) < float(first.get("cy", 0)), "y upwards"


def test_the_steps_of_the_walk_are_marked_between_its_ends() -> None:
    drawn = draw(XY, shade(200, None), ENDS, PATH)
    assert drawn.count('class="step"') == len(PATH) - 2 and drawn.count('class="walk"') == 1
    places = np.array(re.findall(r"M([\d.-]+) ([\d.-]+)h0", drawn), float)
    low, high = places.min(0), places.max(0)
    edge = map_drawing.EDGE - 0.1
    assert min(*low, WIDTH - high[0], HEIGHT - high[1]) >= edge
    assert min(low[0], low[1]) == pytest.approx(map_drawing.EDGE, abs=0.1), "one side is filled"


def test_a_legend_counts_each_kind() -> None:
    values = np.array([0, 0, 0, 2, np.nan], np.float32)
    said = legend(shade(5, values, "categorical", "Kind", ("x", "y", "z")))
    assert re.findall(r"</i>(.*?) <small>(\d+)</small>", said) == [("x", "3"), ("z", "1"), ("not known", "1")]


def test_the_figure_holds_every_point_with_its_own_line_and_value() -> None:
    hover = [f"#{number}" for number in range(200)]
    kinds = (np.arange(200) % 3).astype(np.float32)
    found = chart(XY, shade(200, kinds, "categorical", "", ("a", "b", "c")), ENDS, PATH, hover, "T")
    for kind, trace in enumerate(each for each in found["data"] if each["type"] == "scattergl"):
        np.testing.assert_allclose(np.c_[trace["x"], trace["y"]], XY[kind::3])
        assert trace["text"] == hover[kind::3] and trace["name"] == "abc"[kind]
    values = np.linspace(-1, 4, 200).astype(np.float32)
    shades = shade(200, values, "continuous", "Size")
    (points,) = (t for t in chart(XY, shades, ENDS, PATH, hover, "T")["data"] if t["type"] == "scattergl")
    np.testing.assert_allclose(np.c_[points["x"], points["y"], points["marker"]["color"]], np.c_[XY, values])
    assert (points["marker"]["cmin"], points["marker"]["cmax"]) == shades.range and -1 <= shades.range[0] < 0


def test_a_map_of_one_place_can_be_drawn() -> None:
    ElementTree.fromstring(draw(np.zeros((3, 2), np.float32), shade(3, None), {"A": (0, 0)}, PATH[:0]))


def test_the_figure_escapes_its_labels() -> None:
    shades = shade(200, (np.arange(200) % 2).astype(np.float32), "binary", "<b>T</b>", ("<i>no</i>", "yes"))
    found = chart(XY, shades, ENDS, PATH, ["<script>"] * 200, "<img>")
    assert "<i>" not in str(found) and "<script>" not in str(found) and "<img>" not in str(found)
    points = [trace for trace in found["data"] if trace["type"] == "scattergl"]
    assert sum(len(trace["x"]) for trace in points) == 200 and len(points) == 2
