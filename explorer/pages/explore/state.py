"""What Explore has taken from its stage in one browser tab, for the page and its selection."""

from __future__ import annotations

from explorer.pages.shared.page_state import PageState

__all__ = ["page"]

page = PageState[None]("explore")
