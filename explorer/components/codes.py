"""The code grid to paint on, and samples to click, as Streamlit components.

Python hands over what to show and hears of the codes when a hand lets go. Painting itself never comes here: the
browser speaks with `explorer.live.codes` over its own socket.
"""

from __future__ import annotations

from typing import Any

from explorer.components.bundle import component

__all__ = ["grid", "samples"]

NAME = "codes"


def grid(data: dict[str, Any], key: str = "codes") -> object:
    """Shows two images' codes, the one to paint on, and the codebook.

    Arguments:
        data: Model, levels, codes, edit and revision, as the front end's `GridData` has them.
        key: Streamlit's key.

    Returns:
        The edit as the browser last let go of it (untrusted JSON), or None if nothing was painted yet.

    Raises:
        FileNotFoundError: If the bundle is missing.
    """
    return component(NAME)(data={"part": "grid", **data}, key=key, on_edit_change=lambda: None).edit


def samples(data: dict[str, Any], key: str = "code_samples") -> object:
    """Shows samples, each to be taken as A or B.

    Arguments:
        data: As the front end's `SamplesData` has them.
        key: Streamlit's key.

    Returns:
        The last choice as the browser made it (untrusted JSON), or None if there was none yet.

    Raises:
        FileNotFoundError: If the bundle is missing.
    """
    return component(NAME)(data={"part": "samples", **data}, key=key, on_edit_change=lambda: None).edit
