"""Tests of a chart's downloads: a camera for PNG, and self-contained HTML."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from explorer.live import made_files
from explorer.pages.shared.plotly_chart import config


def script() -> None:
    from explorer.pages.shared.plotly_chart import draw_downloadable_chart

    draw_downloadable_chart(
        {"data": [{"type": "bar", "x": ["a"], "y": [3]}], "layout": {}}, "one", "faces-along"
    )


def test_a_chart_offers_a_camera_and_a_page() -> None:
    at = AppTest.from_function(script).run()
    assert not at.exception
    (button,) = at.button
    assert button.label == "Interactive, HTML"
    button.click().run()
    assert not at.exception and not at.warning
    page = next(reversed(made_files._held.values()))
    assert page.name == "faces-along.html" and b"Plotly" in page.data
    assert len(at.get("plotly_chart")) == 1


def small() -> None:
    from explorer.pages.shared.plotly_chart import draw_chart

    draw_chart({"data": [{"type": "bar", "x": ["a"], "y": [3]}], "layout": {}}, "one", "faces-along")


def test_a_small_chart_has_only_the_camera() -> None:
    at = AppTest.from_function(small).run()
    assert not at.exception
    assert len(at.get("plotly_chart")) == 1 and not at.button


def test_the_corner_has_only_the_camera() -> None:
    found = config("faces-along", scrollZoom=True)
    assert found["modeBarButtons"] == [["toImage"]] and found["scrollZoom"] is True
    assert found["toImageButtonOptions"] == {"format": "png", "scale": 3, "filename": "faces-along"}
