"""State of the Explore page in one browser tab, shared by the page and its selection."""

from __future__ import annotations

from explorer.pages.shared.page_state import PageState

__all__ = ["page"]

page = PageState[None]("explore")
