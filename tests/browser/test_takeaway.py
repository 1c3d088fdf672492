"""Downloads: the command renders the page's pixels from a downloaded recipe."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import numpy as np

from tests.browser.driving import ROOT, Server, StagePage, pixels


def render(server: Server, recipe: str, out: Path, *options: str) -> np.ndarray:
    """The picture rendered by the command, (H, W, 3)."""
    command = [sys.executable, "-m", "explorer", "render", recipe, "--out", str(out), *options]
    done = subprocess.run(
        command, cwd=ROOT, env=server.environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return pixels(out.read_bytes())


def test_the_command_renders_the_pictures_of_the_page(tab: StagePage, server: Server, tmp_path: Path) -> None:
    start = tab.shown()
    tab.drag("A", 70, -45)
    tab.until(lambda: tab.changed(start, "A"), "a new picture")
    tab.slide("even", 1.2)
    tab.until(lambda: "a_with" in tab.address, "the slider in the address")
    tab.at_rest()
    tab.press("Download")
    recipe = tmp_path / "recipe.json"
    recipe.write_bytes(tab.download("Recipe, JSON"))
    values = json.loads(recipe.read_bytes())
    assert values["checkpoint"]["name"] == "digits-vae" and values["edit"]["A"]["sliders"] == {"even": 1.2}

    shown = tab.shown()
    assert not np.array_equal(shown["A"], start["A"])
    for name in "AB":
        made = render(server, str(recipe), tmp_path / f"{name}.png", "--what", name.lower())
        np.testing.assert_array_equal(made, shown[name])
    link = tab.page.locator("[data-testid=stPopoverBody] [data-testid=stCode] code").inner_text()
    assert dict(parse_qsl(urlsplit(link).query)) == tab.address and link.startswith(f"{server.url}/?")
    strip = render(server, link, tmp_path / "strip.png", "--what", "strip")
    for number in range(9):
        np.testing.assert_array_equal(strip[:, 9 * number : 9 * number + 8], shown[f"S{number}"])
