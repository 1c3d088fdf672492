"""The shell of every page as a Streamlit component: the notice of a lost server, focus in popovers."""

from __future__ import annotations

from explorer.components.bundle import component

__all__ = ["KEY", "shell"]

KEY = "lx-shell"


def shell() -> None:
    """Mounts the shell, once per page.

    Raises:
        FileNotFoundError: If the bundle is missing.
    """
    component("shell")(data={}, key=KEY)
