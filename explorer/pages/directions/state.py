"""What the Directions page shows in one browser tab, for the page and its shelf."""

from __future__ import annotations

from explorer.pages.directions.url import Shown
from explorer.pages.shared.page_state import PageState

__all__ = ["page"]

page = PageState[Shown]("dr", lambda shown: shown.kind)
