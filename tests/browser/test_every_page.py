"""Every page is accessible in light, dark and at 400 %, has one first heading, and looks the same after every other page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.driving import ROOT, Server, StagePage

AXE = ROOT / "explorer" / "components" / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
ADDRESSES = {
    "Codes": "codes?model=faces-vq-vae",
    "Time": "time?model=oscillator-td-vae",
    "Explore": "?model=mnist-vae-2d",
    "Directions": "directions?model=mnist-vae-2d",
    "Paths": "paths?model=mnist-vae-2d",
    "Samples": "samples?model=mnist-vae-2d",
    "Outliers": "outliers?model=mnist-vae-2d&score=kl",
    "Compare": "compare?models=mnist-vae-2d,mnist-vae-5d",
    "Anatomy": "anatomy?model=mnist-vae-2d",
    "Models": "models",
    "Your images": "your-images",
}
OPENED = ("Codes", "Time", "Explore")  # opened by their address; the bar leads to the others
# The look of each visible element of ours, whatever it shows and however wide it is: classes -> styles.
LOOK = """() => {
    const names = ["display", "position", "visibility", "fontSize", "fontWeight", "flexDirection", "flexWrap",
        "alignItems", "justifyContent", "rowGap", "columnGap", "paddingTop", "paddingLeft", "marginTop", "minHeight",
        "borderTopStyle", "borderTopLeftRadius", "overflowX", "overflowY", "touchAction", "imageRendering", "gridArea"];
    const found = {};
    for (const element of document.querySelectorAll(".stMain [class*='lx-']")) {
        if (element.closest(".lx-offline, svg") || element.hidden || !element.getClientRects().length) continue;
        const key = [...element.classList].filter((name) => name.startsWith("lx-")).sort().join(" ");
        const style = getComputedStyle(element);
        (found[key] ??= new Set()).add(names.map((name) => `${name}: ${style[name]}`).join("; "));
    }
    return Object.fromEntries(Object.entries(found).map(([key, looks]) => [key, [...looks].sort()]));
}"""
# What is wrong with the layout in a window as wide as a laptop's.
LAYOUT = """() => {
    const main = document.querySelector("[data-testid=stMain]");
    const bar = document.querySelector(".st-key-checkpoint")?.closest(".stHorizontalBlock");
    const spread = (numbers) => Math.max(0, ...numbers) - Math.min(...numbers);
    const faults = [];
    if (main.scrollWidth > main.clientWidth) faults.push("wider than the window");
    if (bar) {
        const labels = [...bar.querySelectorAll("[data-testid=stWidgetLabel] p")];
        if (spread([...bar.children].map((one) => one.getBoundingClientRect().bottom)) > 4) faults.push("two rows of controls");
        if (labels.length && spread(labels.map((one) => one.getBoundingClientRect().top)) > 4) faults.push("uneven labels");
    }
    return faults;
}"""
# What is lost or leads sideways in a window of 1280 × 1024 at 400 %; tables, films and formulas may scroll by themselves.
ENLARGED = """() => {
    const main = document.querySelector("[data-testid=stMain]");
    const scrolls = (one) => one.scrollWidth > one.clientWidth + 1 && /auto|scroll/.test(getComputedStyle(one).overflowX);
    const faults = [main, ...document.querySelectorAll(".st-key-lx-nav *")].filter(scrolls).map((one) => one.className);
    const inScroller = (one) => one !== main && one !== null && (scrolls(one) || inScroller(one.parentElement));
    for (const one of main.querySelectorAll("button, a, input, select, textarea, summary, [role=slider]")) {
        const { left, right, width } = (one.closest("[data-testid=stSlider]") ?? one).getBoundingClientRect();
        if (!one.checkVisibility({ visibilityProperty: true }) || width < 2 || one.closest(".lx-sr-only")) continue;
        if ((left < -1 || right > innerWidth + 1) && !inScroller(one.parentElement)) faults.push(one.outerHTML.slice(0, 200));
    }
    return faults;
}"""
ENLARGED_PX = {"width": 320, "height": 256}
LAPTOP_PX = {"width": 1440, "height": 900}
Look = dict[str, list[str]]


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the bundled checkpoints, so that every page has content."""
    folder = tmp_path_factory.mktemp("bundled")
    running = Server(ROOT / "checkpoints", folder / "cache", folder / "log.txt")
    try:
        running.start()
        yield running
    finally:
        running.kill()


def at_rest(page: Page, title: str) -> None:
    """Waits until the page's heading and its live components are there and Streamlit has run."""
    page.wait_for_function("title => document.querySelector('h1')?.innerText === title", arg=title)
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')
    page.wait_for_function(
        "() => !document.querySelector('.lx-stage[data-ready=false], [data-testid^=loading-]')"
    )
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')


def findings(page: Page, **options: Any) -> list[str]:
    """What axe finds that is serious or critical."""
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(AXE.read_text("utf-8"))
    violations: list[dict[str, Any]] = page.evaluate(
        "async (options) => (await axe.run(options)).violations", {"resultTypes": ["violations"]} | options
    )
    return [
        f"{rule['id']}: {node['html'][:200]} ({(node['any'] or node['all'] or node['none'])[0]['message']})"
        for rule in violations
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]


def enlarged(page: Page) -> list[str]:
    """The faults of a page at 400 %, once its components have measured themselves again."""
    for _ in range(20):
        faults: list[str] = page.evaluate(ENLARGED)
        if not faults:
            return []
        page.wait_for_timeout(250)
    return faults


def changed(before: Look, now: Look) -> dict[str, list[list[str]]]:
    """Elements shown both times of which no look is the same."""
    return {
        name: [before[name], now[name]]
        for name in before.keys() & now.keys()
        if not set(now[name]) & set(before[name])
    }


def test_every_page_is_accessible_and_looks_the_same_after_every_other(
    bundled: Server, chromium: Browser
) -> None:
    assert AXE.is_file(), "axe-core is missing: run `npm ci` in explorer/components/frontend"
    # Without transitions: a colour halfway from light to dark has less contrast than either.
    page = chromium.new_context(viewport=LAPTOP_PX, reduced_motion="reduce").new_page()
    tab = StagePage(page, bundled.url)
    page.set_default_timeout(90_000)
    fresh: dict[str, Look] = {}
    wrong: dict[str, Any] = {}
    for title, address in ADDRESSES.items():
        page.goto(f"{bundled.url}/{address}")
        at_rest(page, title)
        assert page.get_by_role("heading", level=1).all_inner_texts() == [title]
        fresh[title] = page.evaluate(LOOK)
        wrong[f"{title}, layout"] = page.evaluate(LAYOUT)
        wrong[f"{title}, light"] = findings(page)
        page.emulate_media(color_scheme="dark")
        at_rest(page, title)
        wrong[f"{title}, dark"] = findings(page, runOnly=["color-contrast"])
        page.emulate_media(color_scheme="light")
        page.set_viewport_size(ENLARGED_PX)
        at_rest(page, title)
        wrong[f"{title}, 400 %"] = enlarged(page)
        page.set_viewport_size(LAPTOP_PX)
    for title in (*ADDRESSES, "Explore"):
        if title in OPENED and f"{title}, look" not in wrong:
            page.goto(f"{bundled.url}/{ADDRESSES[title]}")
        else:
            tab.visit(title)
        at_rest(page, title)
        wrong[f"{title}, look"] = changed(fresh[title], page.evaluate(LOOK))
    page.context.close()
    assert not tab.errors
    assert not {where: what for where, what in wrong.items() if what}
