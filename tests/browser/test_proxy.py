"""The page behind a proxy: below a path, and under a name that the server does not know."""

from __future__ import annotations

from tests.browser.conftest import NewPage
from tests.browser.driving import Server
from tests.browser.proxy import below


def test_the_page_works_below_a_path(new_page: NewPage, server: Server) -> None:
    with below("/teams/faces/", server.port) as address:
        tab = new_page()
        tab.page.goto(address)
        tab.wait_ready()
        before = tab.shown()
        tab.drag("A", 60, 30)
        tab.until(lambda: tab.changed(before, "A"), "another picture of A")
        tab.visit("Models")
        preview = tab.page.locator("img.lx-preview").first
        tab.until(lambda: preview.evaluate("image => image.naturalWidth > 0"), "the preview of a checkpoint")
        tab.visit("Compare")
        tab.page.wait_for_selector("[data-testid=compare][data-ready=true]", timeout=90_000)


def test_a_foreign_name_is_refused_with_the_setting_that_allows_it(new_page: NewPage, server: Server) -> None:
    tab = new_page()
    tab.page.goto(server.url.replace("localhost", "faces.localhost"))
    said = tab.page.locator("body").inner_text()
    assert f"LATENT_ALLOWED_ORIGINS=http://faces.localhost:{server.port}" in said


def test_a_component_that_cannot_be_loaded_says_so(new_page: NewPage) -> None:
    tab = new_page()
    tab.page.route("**/live/bundle/**", lambda route: route.fulfill(status=502, body="Bad gateway"))
    tab.page.goto(tab.url)
    said = tab.get("bundle-error").inner_text()
    assert "live/bundle/stage.js" in said and "status 502" in said
