"""The page around the stage: links, maps, checkpoints, downloads, themes, widths, tabs, restarts."""

from __future__ import annotations

import io

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image, ImageSequence

from tests.browser.conftest import NewPage
from tests.browser.driving import Server, StagePage, pixels, same


def edited(tab: StagePage) -> StagePage:
    """Drags both handles and moves a slider."""
    tab.drag("A", -70, 35)
    tab.drag("B", 45, -60)
    tab.slide("digit-7", 1.25)
    tab.until(lambda: tab.address.get("b_with") == "digit-7:1.25", "the slider in the address")
    tab.at_rest()
    return tab


def test_a_copied_link_restores_the_page_in_another_tab(tab: StagePage, new_page: NewPage) -> None:
    edited(tab)
    tab.pick("Path from A to B", "Great circle")
    tab.until(lambda: "path" in tab.address, "the path in the address")
    tab.at_rest()
    other = new_page()
    other.page.goto(tab.page.url)
    other.wait_ready()
    assert same(other.shown(), tab.shown())
    assert other.sliders() == tab.sliders()
    assert other.address == tab.address
    for name in "AB":
        assert other.handle(name) == pytest.approx(tab.handle(name), abs=0.5)


def test_invalid_parameters_are_reported_and_replaced(new_page: NewPage) -> None:
    tab = new_page().open(model="nope", view="atlantis", a="x")
    assert "'nope', which does not exist" in tab.page.get_by_test_id("stAlert").inner_text()
    assert tab.address["model"] == "digits-vae"
    tab = new_page().open(view="atlantis", a="x,y,z", b_with="evil:9", frames="400", colour="[x](//y)")
    alert = tab.page.get_by_test_id("stAlert")
    for part in ("'atlantis'", "'x,y,z'", "evil", "frames", "'[x](//y)'"):
        assert part in alert.inner_text()
    assert alert.locator("a").count() == 0
    tab.drag("A", 40, 40)
    tab.until(lambda: alert.count() == 0, "no message once the hand has let go")


def test_another_map_keeps_the_pictures_and_undo_stays_on_it(tab: StagePage) -> None:
    before = tab.shown()
    tab.choose("Map", "Principal components")
    tab.until(lambda: tab.address["view"] == "pca", "the other map in the address")
    tab.at_rest()
    assert np.array_equal(tab.picture("A"), before["A"]) and np.array_equal(tab.picture("B"), before["B"])
    tab.drag("A", 60, 20)
    tab.at_rest()
    tab.choose("Map", "UMAP")
    tab.until(lambda: tab.address["view"] == "umap", "the first map in the address")
    tab.at_rest()
    left, top, width, height = tab.map_box()
    while tab.page.get_by_role("button", name="Undo (Ctrl+Z)").is_enabled():
        tab.press("Undo (Ctrl+Z)")
        tab.at_rest()
    for name in "AB":
        x, y = tab.handle(name)
        assert left < x < left + width and top < y < top + height
    tab.press("Reset: handles back on their items, attributes to 0")
    tab.until(lambda: np.array_equal(tab.picture("A"), before["A"]), "the first picture of A")


def test_two_dimensions_and_planes(tab: StagePage) -> None:
    before = tab.shown()
    tab.choose("Map", "Two dimensions")
    tab.until(lambda: tab.address["view"].startswith("dims-"), "two dimensions")
    tab.at_rest()
    assert np.array_equal(tab.picture("A"), before["A"])
    tab.choose("Map", "Plane of two directions")
    tab.until(lambda: tab.address["view"] == "plane-digit-0--digit-1", "a plane")
    tab.at_rest()
    assert np.array_equal(tab.picture("A"), before["A"])
    before = tab.shown()
    tab.drag("A", 80, 0)
    tab.until(lambda: tab.changed(before, "A"), "another picture")
    assert "Digit: 0" in tab.get("stage-map").inner_text()


def test_another_checkpoint_and_the_reason_why_one_cannot_be_used(tab: StagePage) -> None:
    edited(tab)
    tab.page.locator(".st-key-checkpoint button").first.click()
    dialog = tab.page.get_by_role("dialog")
    tab.until(lambda: dialog.locator("img").count() == 4, "pictures of four checkpoints")
    tab.until(
        lambda: dialog.locator("img").evaluate_all("all => all.every(i => i.complete && i.naturalWidth)"),
        "them loaded",
    )
    dialog.get_by_text("1 cannot be used").click()
    reason = dialog.get_by_text("SHA-256")
    reason.wait_for()
    assert "rotten-vae" in dialog.inner_text()
    dialog.locator(".st-key-open-flat-vae button").first.click()
    tab.until(lambda: tab.address.get("model") == "flat-vae", "the other checkpoint in the address")
    tab.wait_ready()
    assert tab.address["view"] == "raw" and "a_with" not in tab.address
    assert set(tab.sliders().values()) == {0.0}
    before = tab.shown()
    tab.drag("A", 80, 30)
    tab.until(lambda: tab.changed(before, "A", "S0"), "the other checkpoint is live")


def test_downloads_equal_the_canvas(tab: StagePage) -> None:
    edited(tab)
    shown = tab.shown()
    tab.press("Download")
    for name in "AB":
        found = pixels(tab.download(f"Picture {name}"))
        assert found.shape == (32, 32, 3)
        assert np.array_equal(found[::4, ::4], shown[name]), f"picture {name}"
    strip = pixels(tab.download("Strip, PNG"))[::4, ::4]
    for number in range(9):
        frame = strip[:, 9 * number : 9 * number + 8].astype(int)
        assert abs(frame - shown[f"S{number}"]).max() <= 1, number
    for name in ("Walk, WebP", "Walk, GIF"):
        animation = Image.open(io.BytesIO(tab.download(name)))
        frames = [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(animation)]
        assert len(frames) > 30 and abs(frames[0][::4, ::4].astype(int) - shown["A"]).max() <= 1
    table = pq.read_table(io.BytesIO(tab.download("Vectors, Parquet")))
    assert table["name"].to_pylist()[:2] == ["A", "B"] and table.num_rows == 11
    with np.load(io.BytesIO(tab.download("Vectors, npz")), allow_pickle=False) as vectors:
        np.testing.assert_array_equal(vectors["a"], np.array(table["z"].to_pylist()[0], np.float32))


SCHEMES = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "forced": {"color_scheme": "dark", "forced_colors": "active"},
}


def luminance(colour: str) -> float:
    """Of "rgb(r, g, b)", as WCAG defines it."""
    parts = [float(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_light_dark_and_forced_colours(new_page: NewPage) -> None:
    grounds = {}
    for scheme, options in SCHEMES.items():
        tab = new_page(**options).open()
        assert tab.stage.get_attribute("data-tone") == options["color_scheme"]
        ground = tab.page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
        for text in (".lx-title", ".lx-row-name", ".lx-nearest-name", ".lx-gauge-word"):
            colour = tab.page.evaluate(f"getComputedStyle(document.querySelector('{text}')).color")
            assert contrast(colour, ground) >= 4.5, (scheme, text)
        corner = (
            tab.get("stage-map")
            .locator("canvas.lx-points")
            .evaluate(
                "c => `rgb(${[...c.getContext('2d').getImageData(3, 3, 1, 1).data].slice(0, 3).join(', ')})`"
            )
        )
        assert contrast(corner, ground) < 1.3, "the map's background is close to the page's"
        grounds[scheme] = ground
    assert luminance(grounds["light"]) > 0.8 and luminance(grounds["dark"]) < 0.05
    assert luminance(grounds["forced"]) == 0
    # Without shadows, the choice of a segment and the handle that keys move are told by a ground and a line.
    chosen, other = (
        tab.page.evaluate(f"getComputedStyle(document.querySelector('{one} + span')).backgroundColor")
        for one in (".lx-segment input:checked", ".lx-segment input:not(:checked)")
    )
    assert chosen != other
    ring = tab.get("handle-A").locator(".lx-knob-ring")
    assert ring.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"


@pytest.mark.parametrize("width", [400, 1024, 1440])
def test_nothing_is_wider_than_the_window(new_page: NewPage, width: int) -> None:
    tab = new_page(width=width).open()
    widest = tab.page.evaluate(
        "() => Math.max(document.documentElement.scrollWidth, ...[...document.querySelectorAll('.stMain, .stMain *')]"
        ".filter(e => e.checkVisibility() && !e.closest('.lx-sr-only, svg'))"
        ".map(e => e.getBoundingClientRect().right))"
    )
    assert widest <= width
    before = tab.shown()
    tab.drag("A", 40, 20)
    tab.until(lambda: tab.changed(before, "A"), "a live drag")


def test_a_laptop_shows_map_pictures_and_filmstrip_without_scrolling(new_page: NewPage) -> None:
    tab = new_page().open()
    for name in ("stage-map", "picture-A", "picture-B", "filmstrip", "live-stats"):
        box = tab.get(name).bounding_box()
        assert box is not None and box["y"] >= 0 and box["y"] + box["height"] <= 900, name


def test_two_tabs_do_not_disturb_each_other(tab: StagePage, new_page: NewPage) -> None:
    other = new_page().open(model="flat-vae")
    pictures, address = other.shown(), other.address
    edited(tab)
    assert same(other.shown(), pictures) and other.address == address
    mine = tab.shown()
    other.drag("B", 50, 50)
    other.until(lambda: other.changed(pictures, "B"), "the other tab is live")
    assert same(tab.shown(), mine)


def test_a_restart_of_the_server_loses_nothing(tab: StagePage, server: Server) -> None:
    tab.choose("Map", "Principal components")
    tab.until(lambda: tab.address["view"] == "pca", "another map than the default")
    edited(tab)
    pictures, sliders, address = tab.shown(), tab.sliders(), tab.address
    places = [tab.handle(name) for name in "AB"]
    tab.page.evaluate(
        """() => {
            const stage = document.querySelector('[data-testid=stage]');
            window.seen = [];
            new MutationObserver(() => window.seen.push(stage.dataset.connection))
                .observe(stage, {attributeFilter: ['data-connection']});
            stage.dataset.marked = 'the same element';
        }"""
    )
    server.kill()
    try:
        tab.until(lambda: tab.stage.get_attribute("data-connection") != "open", "a lost connection")
        assert same(tab.shown(), pictures), "the last pictures stay"
        tab.drag("A", 40, -30)  # without a server the handle still moves; its picture follows later
        tab.page.keyboard.press("Control+z")
        tab.drag("B", 30, 25)
        places[1] = (places[1][0] + 30, places[1][1] + 25)
        tab.page.wait_for_timeout(4_000)  # Streamlit's dialog would cover the page by now
        assert tab.page.get_by_role("dialog").count() == 0
        assert not tab.page.evaluate("document.getElementById('root').inert")
        assert tab.page.locator(".lx-reconnecting").is_visible()
    finally:
        server.start()
    tab.until(lambda: tab.stage.get_attribute("data-connection") == "open", "the connection by itself")
    tab.wait_ready()
    assert {"closed", "connecting", "open"} >= set(tab.page.evaluate("window.seen")) >= {"closed", "open"}
    assert tab.stage.get_attribute("data-marked") == "the same element"
    tab.until(lambda: tab.changed(pictures, "B"), "the picture of the drag without a server")
    tab.until(lambda: tab.address["b"] != address["b"], "its place in the address")
    assert np.array_equal(tab.picture("A"), pictures["A"])
    assert tab.sliders() == sliders and tab.address | {"b": ""} == address | {"b": ""}
    assert [tab.handle(name) for name in "AB"] == [pytest.approx(place, abs=1) for place in places]
    assert tab.page.get_by_test_id("stAlert").count() == tab.page.get_by_test_id("stSidebar").count() == 0
    pictures, address = tab.shown(), tab.address
    tab.press("Download")
    assert np.array_equal(pixels(tab.download("Picture B"))[::4, ::4], pictures["B"])
    tab.page.keyboard.press("Escape")
    tab.drag("A", 35, -25)
    tab.until(lambda: tab.changed(pictures, "A"), "a live drag again")
    tab.until(lambda: tab.address["a"] != address["a"], "Streamlit hears of it again")
    assert tab.address["b"] == address["b"] and tab.sliders() == sliders


def test_a_part_that_fails_to_load_can_be_tried_again(new_page: NewPage) -> None:
    tab = new_page()
    fails = iter([True])
    tab.page.route(
        "**/live/bundle/stage.js*",
        lambda route: route.abort() if next(fails, False) else route.continue_(),
    )
    tab.page.goto(tab.url)
    tab.page.get_by_role("button", name="Try again").click()
    tab.wait_ready()
    assert tab.get("loading-stage").count() == 0


@pytest.mark.slow
def test_a_new_map_is_fitted_while_the_stage_stays_live(tab: StagePage) -> None:
    def fit(neighbours: str | None = None) -> None:
        tab.press("New map")
        tab.page.get_by_role("dialog").wait_for()
        if neighbours:
            tab.page.get_by_role("dialog").get_by_role("slider").first.press(neighbours)
        tab.page.get_by_role("dialog").get_by_role("button", name="Fit", exact=True).click()
        tab.page.get_by_test_id("stProgress").wait_for()

    fit()
    tab.press("Cancel")
    tab.page.get_by_role("button", name="New map").wait_for()
    assert tab.address["view"] == "umap"

    fit("ArrowLeft")
    for number in range(3):
        before = tab.shown()
        tab.drag("A", 25, 15 - 12 * number)
        tab.until(lambda before=before: tab.changed(before, "A"), "a live drag meanwhile", 10)
    tab.until(lambda: tab.address["view"].startswith("umap-"), "the new map", 120)
    tab.wait_ready()
    tab.page.get_by_role("button", name="New map").wait_for()
    before = tab.shown()
    tab.drag("B", 30, 30)
    tab.until(lambda: tab.changed(before, "B"), "a live drag on the new map")
    tab.at_rest()
    link = tab.page.url
    tab.page.goto(link)
    tab.wait_ready()
    assert tab.page.url == link and tab.page.get_by_test_id("stAlert").count() == 0


def test_no_source_file_is_served_as_a_page(new_page: NewPage, server: Server) -> None:
    tab = new_page()
    tab.page.goto(f"{server.url}/controls?model=flat-vae")
    tab.wait_ready()
    assert tab.page.get_by_test_id("stSidebar").count() == 0
    assert tab.address["model"] == "flat-vae"
