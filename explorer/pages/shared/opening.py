"""Which checkpoint a page opens: the address decides, then the one that was chosen last, then the first that fits."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from explorer.pages.shared import address, carried_checkpoint, checkpoint_picker
from explorer.scene.loaded import Loaded
from models.card import Card, CheckpointError, Entry

__all__ = ["able", "chosen", "leave", "opened"]

S = st.session_state


def opened(page: str, entries: list[Entry], refusal: Callable[[Card], str] = lambda _: "") -> Loaded | None:
    """The model that is to be shown, opened; None where no checkpoint fits.

    The page finds in the session, under its own start: `model`, `asked` (the address to read), `shown` (None where it is
    to be read) and `problems`.

    Arguments:
        page: The start of the page's keys in the session, e.g. "pt".
        entries: All checkpoints.
        refusal: Why the page cannot show a checkpoint, as a sentence; "" where it can.
    """
    S.setdefault(f"{page}_problems", [])
    fit = able(entries, refusal)
    asked = address.parameters()
    if address.is_news(page, asked) or f"{page}_model" not in S:
        name, problem = chosen(asked, entries, fit, refusal)
        if name == asked.get("model") or not carried_checkpoint.current():
            carried_checkpoint.choose(name)
        _turn_to(page, name, asked, [problem] if problem else [])
    names = [entry.name for entry in fit if entry.card]
    follow = carried_checkpoint.followed(page, S[f"{page}_model"], names)
    if follow and "model" not in asked:
        _turn_to(page, follow, {}, [])
    while S[f"{page}_model"]:
        try:
            return checkpoint_picker.open_model(S[f"{page}_model"])
        except CheckpointError as error:
            broken = S[f"{page}_model"]
            fit = [entry for entry in fit if entry.name != broken]
            told = [*S[f"{page}_problems"], f"{error} Showing another checkpoint instead."]
            _turn_to(page, next((entry.name for entry in fit if entry.card), ""), {}, told)
    return None


def able(entries: list[Entry], refusal: Callable[[Card], str]) -> list[Entry]:
    """The checkpoints that a page can show, and those that cannot be read."""
    return [entry for entry in entries if entry.card is None or not refusal(entry.card)]


def chosen(
    asked: dict[str, str], entries: list[Entry], fit: list[Entry], refusal: Callable[[Card], str]
) -> tuple[str, str]:
    """The checkpoint to show, and a sentence where it is not the one that the address asks for."""
    names = [entry.name for entry in fit if entry.card]
    if "model" not in asked and carried_checkpoint.current() in names:
        return carried_checkpoint.current(), ""
    other = next((entry for entry in entries if entry.card and entry.name == asked.get("model")), None)
    if other is None or other.card is None or other.name in names:
        return address.model(fit)
    problem = refusal(other.card)
    instead = _instead(other.card, fit)
    return instead, f"{problem} Showing {instead} instead." if instead else problem


def _instead(card: Card, fit: list[Entry]) -> str:
    """The checkpoint that stands in for one that a page cannot show: of the same data, else the usual one."""
    cards = [entry.card for entry in fit if entry.card]
    alike = [each for each in cards if each.data["name"] == card.data["name"]]
    usual = [each for each in cards if each.name == address.DEFAULT_MODEL]
    return next((each.name for each in [*alike, *usual, *cards]), "")


def leave(page: str, name: str, asked: dict[str, str] | None = None) -> None:
    """Goes over to another checkpoint, from its defaults, or to what an address of it would ask for."""
    carried_checkpoint.choose(name)
    _turn_to(page, name, asked or {}, [])


def _turn_to(page: str, name: str, asked: dict[str, str], problems: list[str]) -> None:
    S[f"{page}_model"], S[f"{page}_asked"], S[f"{page}_shown"] = name, asked, None
    S[f"{page}_problems"] = problems
