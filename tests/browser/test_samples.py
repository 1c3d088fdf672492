"""The Samples page in a browser: another seed, an enlarged sample, a handle on it, and Back."""

from __future__ import annotations

import numpy as np

from tests.browser.conftest import NewPage
from tests.browser.driving import StagePage


class SamplesPage(StagePage):
    """The Samples page in one browser tab."""

    def visit(self, query: str) -> SamplesPage:
        self.page.goto(f"{self.url}/samples?{query}")
        self.page.wait_for_selector("[data-testid=gallery] canvas.lx-painted", timeout=90_000)
        self.page.wait_for_selector(
            '[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=90_000
        )
        return self

    def sample(self, index: int) -> np.ndarray:
        return self.canvas(self.get(f"picture-{index}").locator("canvas"))


def opened(new_page: NewPage, query: str, **options: object) -> SamplesPage:
    made = new_page(**options)
    tab = SamplesPage(made.page, made.url)
    tab.errors = made.errors
    return tab.visit(query)


def test_another_seed_an_enlarged_sample_and_a_handle_on_it(new_page: NewPage) -> None:
    tab = opened(new_page, "model=yours-vae&count=12&seed=3")
    before = tab.sample(4)
    tab.press("Another seed")
    tab.until(lambda: tab.address.get("seed") != "3", "another seed in the address")
    tab.until(lambda: not np.array_equal(tab.sample(4), before), "other samples")
    seed = tab.address["seed"]
    wanted = tab.sample(4)
    assert np.array_equal(
        opened(new_page, f"model=yours-vae&count=12&seed={seed}", width=700).sample(4), wanted
    )
    tab.get("picture-4").click()
    tab.page.wait_for_selector("[data-testid=picture-4][aria-pressed=true]")
    tab.page.get_by_role("button", name="Put A on it").click()
    tab.wait_ready()
    assert int(tab.address["a"].split(",")[0]) >= 2**30
    assert np.abs(tab.picture("A").astype(int) - wanted.astype(int)).max() <= 1, "the handle shows the sample"


def test_the_plane_of_two_dimensions(new_page: NewPage) -> None:
    tab = opened(new_page, "model=flat-vae&show=manifold&side=9")
    assert tab.get("gallery").locator("canvas").count() == 81
    assert not np.array_equal(tab.sample(0), tab.sample(80))
