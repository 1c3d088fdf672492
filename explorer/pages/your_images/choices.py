"""What was chosen for a source of images; kept with the source, so that a reload finds it."""

from __future__ import annotations

from typing import Any

import streamlit as st

from explorer.jobs.image_sources import ImageSource

__all__ = ["Choices"]

S = st.session_state


class Choices:
    """The choices of one source."""

    def __init__(self, source: ImageSource) -> None:
        self._source = source
        self._place = f"{abs(hash((source.path, source.labels))):x}"

    def __call__(self, name: str, default: Any) -> Any:
        """The choice of this name."""
        return self._source.choices.get(name, default)

    def key(self, name: str) -> str:
        """Streamlit's key of the control of this name."""
        return f"yi_{name}_{self._place}"

    def keep(self, name: str) -> None:
        """Takes the control's value over."""
        self._source.choices[name] = S[self.key(name)]

    def control(self, name: str) -> dict[str, Any]:
        """Arguments of a control of this name."""
        return {"key": self.key(name), "on_change": self.keep, "args": (name,)}
