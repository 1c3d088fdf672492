"""What Explore shows in one browser tab: map, colour and edit of a checkpoint."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.pages.shared.page_state import PageState
from explorer.workspace.stage_edit import Edit

__all__ = ["Shown", "page"]


@dataclass(frozen=True)
class Shown:
    """What the stage shows of a checkpoint."""

    view: str  # id of the map
    colour: str | None  # attribute that colours it; None for none
    edit: Edit


page = PageState[Shown]("explore")
