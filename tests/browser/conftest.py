"""One real server and one Chromium for all browser tests; a failure leaves a screenshot."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright

from tests.browser.driving import Server, StagePage
from tests.explorer.checkpoints import break_weights, train_digits

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
]
NewPage = Callable[..., StagePage]
PAGES = pytest.StashKey[list[StagePage]]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks all tests of this folder as browser tests."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with digits-vae (the default), flat-vae with two dimensions, a flow, and one that is broken.

    Workspaces outlast a test, so tests that save something use yours-vae.
    """
    folder = tmp_path_factory.mktemp("checkpoints")
    train_digits(folder / "digits-vae")
    train_digits(folder / "flat-vae", title="Flat digits", latent=2, epochs=6)
    train_digits(folder / "flow-digits", title="Flow", epochs=1, model="real-nvp")
    train_digits(folder / "yours-vae", title="Yours", epochs=15)
    train_digits(folder / "rotten-vae", latent=2, epochs=1)
    break_weights(folder / "rotten-vae")
    return folder


@pytest.fixture(scope="session")
def server(checkpoints: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running server."""
    folder = tmp_path_factory.mktemp("server")
    running = Server(checkpoints, folder / "cache", folder / "log.txt")
    try:
        running.start()
        yield running
    finally:
        running.kill()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A headless Chromium."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def cached_context(chromium: Browser) -> BrowserContext:
    """A context that keeps the code of the pages from test to test, which loads them in half the time."""
    return chromium.new_context()


@pytest.fixture
def new_page(
    request: pytest.FixtureRequest, server: Server, chromium: Browser, cached_context: BrowserContext
) -> Iterator[NewPage]:
    """Opens tabs, each with its own storage; fails if any raised an error."""
    opened: list[StagePage] = []
    request.node.stash[PAGES] = opened

    def make(**options: Any) -> StagePage:
        viewport: ViewportSize = {
            "width": options.pop("width", 1440),
            "height": options.pop("height", 900),
        }
        if options or opened:  # a second tab must not share the storage of the first
            page = chromium.new_context(viewport=viewport, **options).new_page()
        else:
            page = cached_context.new_page()
            page.set_viewport_size(viewport)
        opened.append(StagePage(page, server.url))
        return opened[-1]

    yield make
    errors = [error for page in opened for error in page.errors]
    for page in opened:
        if page.page.context is cached_context:
            clear_storage(page.page)
            page.page.close()
        else:
            page.page.context.close()
    assert not errors, f"The page raised: {errors}"


@pytest.fixture
def cached_page(cached_context: BrowserContext) -> Iterator[Page]:
    """A page without stored data, 1440 × 1000 pixels."""
    page = cached_context.new_page()
    page.set_viewport_size({"width": 1440, "height": 1000})
    yield page
    clear_storage(page)
    page.close()


def clear_storage(page: Page) -> None:
    """Deletes what the pages of this origin have stored, but not their code."""
    session = page.context.new_cdp_session(page)
    origin = "/".join(page.url.split("/")[:3])
    kinds = "cookies,local_storage,indexeddb"
    session.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": kinds})
    session.detach()


@pytest.fixture
def tab(new_page: NewPage) -> StagePage:
    """The explorer without address parameters, ready."""
    return new_page().open()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Adds a screenshot of each open tab to the report of a failure."""
    report = yield
    if report.when == "call" and report.failed:
        factory = item.config._tmp_path_factory  # type: ignore[attr-defined]
        for number, tab in enumerate(item.stash.get(PAGES, [])):
            path = factory.mktemp("screenshots") / f"{item.name[:60].replace('/', '-')}-{number}.png"
            try:
                tab.page.screenshot(path=path, timeout=5_000)
                report.sections.append(("screenshot", f"{path}\n{tab.page.url}"))
            except Exception as error:
                report.sections.append(("screenshot", f"None could be taken: {error}"))
    return report
