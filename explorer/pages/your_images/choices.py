"""The user's choices for a source of images, stored with the source so that they survive a reload."""

from __future__ import annotations

from typing import Any

import streamlit as st

from explorer.jobs.image_sources import ImageSource

__all__ = ["Choices"]

S = st.session_state


class Choices:
    """The choices for one source."""

    def __init__(self, source: ImageSource) -> None:
        self._source = source
        self._id = f"{abs(hash((source.path, source.labels))):x}"

    def __call__(self, name: str, default: Any) -> Any:
        """A choice, or the default."""
        return self._source.choices.get(name, default)

    def key(self, name: str) -> str:
        """Streamlit's key of a control."""
        return f"yi_{name}_{self._id}"

    def store(self, name: str) -> None:
        """Stores the value of a control."""
        self._source.choices[name] = S[self.key(name)]

    def control(self, name: str) -> dict[str, Any]:
        """Arguments of a control: its key, and a callback that stores its value."""
        return {"key": self.key(name), "on_change": self.store, "args": (name,)}
