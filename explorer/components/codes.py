"""The code grid to paint on, and samples to click, as Streamlit components.

Python passes the data in and receives the codes at the end of a stroke. While painting, the browser talks to
`explorer.live.codes` over its own socket.
"""

from __future__ import annotations

from typing import Any

from explorer.components.bundle import component

__all__ = ["grid", "samples"]

NAME = "codes"


def grid(data: dict[str, Any], key: str = "codes") -> object:
    """Shows the codes of two images, the first to paint on, and the codebook.

    Arguments:
        data: The front end's `GridData`: model, levels, codes, edit and revision.
        key: Streamlit's key.

    Returns:
        The last edit sent by the browser (untrusted JSON), or None.

    Raises:
        FileNotFoundError: If the bundle is missing.
    """
    return component(NAME)(data={"part": "grid", **data}, key=key, on_edit_change=lambda: None).edit


def samples(data: dict[str, Any], key: str = "code_samples") -> object:
    """Shows samples, each to load as A or B.

    Arguments:
        data: The front end's `SamplesData`.
        key: Streamlit's key.

    Returns:
        The last choice sent by the browser (untrusted JSON), or None.

    Raises:
        FileNotFoundError: If the bundle is missing.
    """
    return component(NAME)(data={"part": "samples", **data}, key=key, on_edit_change=lambda: None).edit
