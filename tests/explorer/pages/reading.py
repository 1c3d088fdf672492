"""Readers for tests of pages: address, warnings, HTML, and data of components."""

from __future__ import annotations

import json
from typing import Any

from streamlit.testing.v1 import AppTest


def address(at: AppTest) -> dict[str, str]:
    """The parameters in the address bar."""
    assert not at.exception, at.exception[0].value
    return {name: value[0] if isinstance(value, list) else value for name, value in at.query_params.items()}


def warnings_shown(at: AppTest) -> str:
    """The text of all warnings."""
    assert not at.exception, at.exception[0].value
    return " ".join(warning.value for warning in at.warning).replace("\\", "")


def html(at: AppTest) -> str:
    """All HTML elements of the page."""
    return " ".join(element.proto.body for element in at.get("html"))  # type: ignore[attr-defined]


def components(at: AppTest) -> list[dict[str, Any]]:
    """The data of each component; the shell, which every page has, receives none."""
    protos = [element.proto for element in at.get("bidi_component")]  # type: ignore[attr-defined]
    received = (json.loads(p.json if p.HasField("json") else p.mixed.json) for p in protos)
    return [data for data in received if data]


def component(at: AppTest) -> dict[str, Any]:
    """The data of the only component."""
    (data,) = components(at)
    return data
