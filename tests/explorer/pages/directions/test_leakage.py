"""The leakage panel: button, table, comparisons, and reasons why nothing can be measured."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from explorer.jobs.runner import start
from explorer.pages.directions import leakage
from explorer.pages.directions.leakage import compared, table_html, target_of, why_not
from explorer.scene.engine import engine
from explorer.scene.loaded import Loaded
from tests.explorer.pages.reading import html, warnings_shown

SCRIPT = """
from dataclasses import replace

from explorer.scene.engine import engine
from explorer.pages.directions.leakage import panel

loaded = engine().open_sync("digits-vae")
plain = loaded.directions["digit-0"]
panel(loaded, [] if {empty} else [plain, replace(plain, title="Digit: 0, turned", vector=plain.vector[::-1].copy())])
"""


@pytest.fixture
def loaded() -> Loaded:
    return engine().open_sync("digits-vae")


def opened(empty: bool = False) -> AppTest:
    return AppTest.from_string(SCRIPT.format(empty=empty), default_timeout=90).run()


def wait(at: AppTest, done: Callable[[], bool], seconds: float = 240) -> None:
    """Reruns the page until a condition is true."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "It took too long."
        time.sleep(0.3)
        at.run()


def column(title: str, **changes: Any) -> dict[str, Any]:
    return {
        "title": title,
        "reached": True,
        "apart": True,
        "strength": 1.25,
        "images": 50,
        "success": 0.96,
        "success_interval": [0.91, 0.99],
        "dependency": 0.041,
        "dependency_interval": [0.03, 0.06],
        "worst": {"attribute": "smile", "ratio": 0.25},
        "leaks": {"smile": True, "hair": False},
        "p_values": {},
        "target": "hat",
        "movements": {"smile": 0.5, "hat": 2.0, "hair": 0.01},
        "drifts": {"smile": -0.4, "hat": 2.0},
    } | changes


def table(*columns: dict[str, Any]) -> dict[str, Any]:
    titles = {"smile": "Smile", "hat": "Hat", "hair": "Hair"}
    return {
        "columns": list(columns),
        "control": {
            "count": 3,
            "success": 0.9,
            "dependency": 0.8,
            "dependency_range": [0.6, 1.1],
            "worst": 2.0,
        },
        "attributes": {name: {"title": title, "kind": "binary"} for name, title in titles.items()},
    }


def test_a_table_has_the_summary_on_top_and_the_target_first() -> None:
    found = table_html(
        table(
            column("Hat"),
            column(
                "Hat & <i>others</i>",
                success=0.5,
                success_interval=[0.4, 0.6],
                dependency=0.3,
                dependency_interval=[0.15, 0.45],
                reached=False,
            ),
        )
    )
    rows = found.split("<tr")[2:]
    assert [row.split("</th>")[0].rsplit(">", 1)[1] for row in rows] == [
        "Strength",
        "Success",
        "Dependency",
        "Worst case",
        "Random directions",
        "Hat (target)",
        "Smile",
        "Hair",
    ]
    assert "96 % ✓" in rows[1] and "91 %–99 %" in rows[1] and "50 % ✗" in rows[1]
    assert "0.04 ✓" in rows[2] and "0.30 ?" in rows[2], (
        "an interval that contains the threshold decides nothing"
    )
    assert "0.25" in rows[3] and "Smile" in rows[3] and "0.80" in rows[4] and "0.60–1.10" in rows[4]
    assert "1.25 *" in rows[0] and "changes the most" in rows[0]
    assert "2.00 ↑" in rows[5] and "<b>0.50 ↓</b>" in rows[6] and "25% of the target" in rows[6]
    assert "0.01<" in rows[7] and "<b>" not in rows[7]  # a categorical attribute has no direction of change
    assert "Hat &amp; &lt;i&gt;others&lt;/i&gt;" in found and "<i>" not in found


def test_missing_numbers_are_dashes() -> None:
    found = table_html(
        table(
            column(
                "Own",
                success=None,
                dependency=None,
                movements={"hat": 0.0},
                worst={"attribute": "", "ratio": None},
            )
        )
        | {"control": None}
    )
    assert found.count("<td>–</td>") == 6


def test_the_button_measures_and_the_table_stays() -> None:
    at = opened()
    assert warnings_shown(at) == "" and at.selectbox(key="dl_images").value == 400
    assert "Not measured yet" in at.caption[-1].value
    assert "a classifier for digits is trained" in at.caption[1].value
    at.selectbox(key="dl_images").set_value(200)
    at.button(key="dl_measure").click().run()
    assert at.button(key="dl_measure").disabled and at.button(key="dl_cancel")
    wait(at, lambda: "Success" in html(at))
    assert warnings_shown(at) == ""
    found = html(at)
    assert "Digit: 0, turned" in found and "Digit (target)" in found and found.count("<img") == 4 * 4
    assert "There is no other attribute" in " ".join(each.value for each in at.caption)
    assert "images cannot be drawn again" in " ".join(each.value for each in at.caption)
    assert not at.button(key="dl_measure").disabled
    at.number_input(key="dl_seed").set_value(3).run()
    assert "Success" not in html(at) and "Not measured yet" in at.caption[-1].value
    at.number_input(key="dl_seed").set_value(0).run()
    assert "Success" in html(at)


def test_it_waits_until_all_estimators_are_fitted() -> None:
    """A table of some of them would not be shown beside all."""
    script = SCRIPT.format(empty=False)
    at = AppTest.from_string(
        script.replace("panel(loaded, ", "panel(loaded, fitting=True, chosen="), default_timeout=90
    )
    assert at.run().button(key="dl_measure").disabled
    assert not opened().button(key="dl_measure").disabled


def test_it_can_be_cancelled() -> None:
    at = opened()
    at.button(key="dl_measure").click().run()
    at.button(key="dl_cancel").click().run()
    wait(at, lambda: "Cancelled" in warnings_shown(at), 60)
    assert not at.button(key="dl_measure").disabled


def test_a_failed_measurement_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        leakage, "start", lambda function, request: start(function, replace(request, model="no-such-model"))
    )
    at = opened()
    at.button(key="dl_measure").click().run()
    wait(at, lambda: "Nothing was measured" in warnings_shown(at), 90)
    assert "no-such-model" in warnings_shown(at)


def test_without_directions_it_says_where_to_choose_one() -> None:
    at = opened(empty=True)
    assert "Choose a direction above" in at.info[0].value and not at.button


def test_it_explains_what_cannot_be_measured(loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    assert why_not(loaded) is None
    atlas = loaded.atlas
    for changes, reason in (
        ({"attributes": {}}, "so leakage cannot be measured"),
        ({"split": ["train"] * len(atlas)}, "no images of the test split"),
    ):
        monkeypatch.setattr(loaded, "atlas", replace(atlas, **changes))  # type: ignore[arg-type]
        assert reason in str(why_not(loaded))


def test_a_missing_data_set_is_named(loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LATENT_DATA_DIR", raising=False)
    card = loaded.entry.card
    assert card is not None
    monkeypatch.setattr(
        loaded, "entry", replace(loaded.entry, card=replace(card, data={"name": "lpc-sprites"}))
    )
    reason = str(why_not(loaded))
    assert "those of lpc-sprites are not on this machine" in reason and "LATENT_DATA_DIR is not set" in reason


def test_targets_are_found_by_name_and_by_title(loaded: Loaded) -> None:
    three = loaded.directions["digit-3"]
    assert target_of(loaded, three) == "digit-3"
    own = replace(three, name="own-three", title="Digit: 3, linear SVM")
    assert target_of(loaded, own) == "digit-3"
    assert target_of(loaded, replace(own, title="Digit: 33")) is None
    assert target_of(loaded, replace(own, title="beach - rest")) is None


def test_the_mean_difference_comes_before_others(loaded: Loaded) -> None:
    three = loaded.directions["digit-3"]
    other = replace(three, title="Digit: 3, LDA", vector=np.roll(three.vector, 1))
    assert [each.title for each in compared(loaded, [other], "digit-3")] == [
        "Digit: 3, before (mean difference)",
        "Digit: 3, LDA",
    ]
    longer = replace(three, vector=2 * three.vector)
    assert compared(loaded, [other, longer], "digit-3") == [other, longer]
    assert compared(loaded, [other], None) == [other]
    assert len(compared(loaded, [other] * 9, "digit-3")) == 8
