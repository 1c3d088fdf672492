"""The report: it stands alone, escapes what it quotes, and holds the recipe that makes its pictures again."""

# ruff: noqa: F811 (fixtures of the live tests, which are imported)

from __future__ import annotations

import base64
import html
import io
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from explorer.latent.directions.mean_difference import Direction
from explorer.latent.neighbours.metric import metric_of
from explorer.scene.handles import Places
from explorer.scene.loaded import Loaded
from explorer.scene.views import resolve
from explorer.sharing import report
from explorer.sharing.recipe import Shown, follow, from_json, stand
from explorer.sharing.render import make
from explorer.workspace.stage_edit import Edit, Handle, link
from tests.explorer.conftest import flow, library, loaded, places, server, shared_engine  # noqa: F401
from tests.explorer.live.client import Client, frame

NASTY = '<script src="http://evil.example/x.js"></script>'
EDIT = Edit(Handle(3, 0.25, -0.5, {"even": 1.5}), Handle(8, 1.0, 0.5, {"digit-7": -0.5}), frames=7)


class Reader(HTMLParser):
    """Elements of a page with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def images(self) -> dict[str, np.ndarray]:
        pictures = {}
        for tag, about in self.found:
            if tag == "img":
                data = base64.b64decode((about["src"] or "").removeprefix("data:image/png;base64,"))
                pixels = np.asarray(Image.open(io.BytesIO(data)))
                pictures[about["alt"] or ""] = pixels if pixels.ndim == 3 else pixels[..., None]
        return pictures


def written(shown: Shown, what: str = "report") -> str:
    return make(shown, what, shown.loaded.decoder).decode()


@pytest.fixture
def shown(loaded: Loaded) -> Shown:
    return stand(loaded, resolve(loaded, "umap"), EDIT, "digit")


def nasty(loaded: Loaded) -> Loaded:
    """The checkpoint with markup wherever a text comes from outside."""
    card = loaded.entry.card
    assert card is not None
    metrics = {NASTY: {"value": -1.5, "unit": NASTY, "protocol": NASTY}}
    hostile = replace(card, title=NASTY, description=NASTY, command=NASTY, metrics=metrics)
    direction = Direction(np.ones(6, np.float32), "own-mine", NASTY, "Yours", 1, 1, "own", NASTY)
    return replace(
        loaded,
        entry=replace(loaded.entry, card=hostile),
        directions={**loaded.directions, "own-mine": direction},
    )


def test_it_loads_nothing(shown: Shown) -> None:
    page = written(shown)
    for tag, about in Reader(page).found:
        assert tag not in {"script", "link", "iframe", "object", "embed", "base"}
        for name in ("src", "href", "srcset", "action", "poster", "data"):
            assert (about.get(name) or "data:").startswith("data:"), (tag, about)
        assert not any(name.startswith("on") for name in about)
    assert "url(" not in page and "@import" not in page
    assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)", page)
    assert "default-src 'none'" in page


def test_what_comes_from_outside_is_escaped(loaded: Loaded) -> None:
    there = nasty(loaded)
    edit = replace(EDIT, A=replace(EDIT.A, sliders={"own-mine": 1.0}))
    page = written(stand(there, resolve(there, "pca"), edit, "digit"))
    assert NASTY not in page and page.count(html.escape(NASTY)) >= 6
    assert "script" not in {tag for tag, _ in Reader(page).found}
    figure = written(stand(there, resolve(there, "pca"), edit, "digit"), "map")
    assert NASTY not in figure and "evil.example" in figure


def test_its_pictures_and_gauges_are_the_stages(server: str, loaded: Loaded, shown: Shown) -> None:
    page = written(shown)
    message = frame(
        1,
        ("A", "B", "strip"),
        handles={"A": vars(EDIT.A), "B": vars(EDIT.B)},
        strip={"frames": 7, "path": "straight"},
    )
    with Client(server, "umap") as client:
        answer = client.ask(message, timeout=60)
    live = dict(zip(answer["pictures"], answer["pixels"].astype(int), strict=True))
    images = Reader(page).images()
    for name in "AB":
        assert abs(images[f"Picture {name}"] - live[name]).max() <= 1
        assert f"left:{answer['handles'][name]['percentile']:.1f}%" in page
    for number in range(7):
        assert abs(images[f"Step {number} of the path"] - live[f"S{number}"]).max() <= 1
    nearest = answer["handles"]["A"]["nearest"]
    assert "<h3>A</h3>" in page and f"<b>{loaded.name_of(nearest)}</b>" in page.split("<h3>A</h3>")[1]


def test_the_nearest_of_each_handle_come_in_order_with_their_distances(loaded: Loaded, shown: Shown) -> None:
    page = written(shown)
    for name, end in zip("AB", shown.ends, strict=True):
        part = page.split(f"<h3>{name}</h3>")[1].split("</section>")[0].split("<h3>")[0]
        told = re.findall(r"<b>(\w+ \d+)</b> ([\d.]+)", part)
        metric = metric_of(loaded.atlas.mean, loaded.atlas.std)
        far = np.linalg.norm((loaded.atlas.mean.astype(np.float64) - end) * metric, axis=1)
        near = np.argsort(far)[:8]
        assert [name for name, _ in told] == [loaded.name_of(row) for row in near]
        assert [float(distance) for _, distance in told] == pytest.approx(far[near], abs=0.006)


@pytest.mark.parametrize(
    ("percentile", "said"),
    [
        (1, "near the data, 1st percentile"),
        (89.4, "near the data, 89th percentile"),
        (90, "unusual, 90th percentile"),
        (92, "unusual, 92nd percentile"),
        (93.2, "unusual, 93rd percentile"),
        (99, "off the data, 99th percentile"),
        (100, "off the data, 100th percentile"),
        (12, "near the data, 12th percentile"),
        (13.1, "near the data, 13th percentile"),
    ],
)
def test_a_gauge_is_said_in_the_pages_words(percentile: float, said: str) -> None:
    assert report._verdict(percentile) == said


def test_it_holds_the_sliders_the_facts_and_the_recipe(loaded: Loaded, shown: Shown) -> None:
    page = written(shown)
    text = html.unescape(page)
    card = loaded.entry.card
    assert card is not None and card.weights_sha256 in page
    assert re.search(r"<td>Even</td><td class=n>\+1.50</td><td class=n>0</td>", page)
    assert link("tiny-vae", "umap", "digit", EDIT, loaded.token_of) in text
    (packed,) = re.findall(r'href="data:application/json;base64,([^"]+)"', page)
    found = follow(from_json(base64.b64decode(packed)), loaded)
    np.testing.assert_array_equal(found.ends, shown.ends)
    assert found.colour == "digit"


@pytest.mark.parametrize("colour", [None, "digit", "even", "ink", "kl", "neighbour_distance", "nonsense"])
def test_every_colour_can_be_drawn(colour: str | None, shown: Shown) -> None:
    page = written(shown._replace(colour=colour))
    drawn = page[page.index("<svg") : page.index("</svg>")]
    assert len(re.findall(r"h0", drawn)) == shown.loaded.count


def test_own_pictures_and_one_level(flow: Loaded, loaded: Loaded) -> None:
    of_a_flow = written(stand(flow, resolve(flow, "pca"), replace(EDIT, level=1)))
    assert "<svg" in of_a_flow and "percentile" not in of_a_flow and 'class="gauge"' not in of_a_flow
    picture = np.random.default_rng(3).integers(0, 256, (8, 8, 1), np.uint8)
    own = loaded.keep_own(NASTY, picture, loaded.encoder(picture[None]).mean[0])
    try:
        view = resolve(loaded, "pca")
        x, y = map(float, Places(loaded, view)[own.item])
        page = written(stand(loaded, view, replace(EDIT, A=Handle(own.item, x, y))))
        assert f"<b>A</b> from {html.escape(NASTY)}" in page and NASTY not in page
    finally:
        loaded.drop_own(own.item)


def test_the_map_of_another_machine_cannot_be_drawn(shown: Shown) -> None:
    with pytest.raises(ValueError, match="cannot be drawn"):
        written(shown._replace(view=None))
