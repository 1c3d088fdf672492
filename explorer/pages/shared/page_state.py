"""What a page shows in one browser tab: its checkpoint, what it shows of it, and what went wrong.

One mechanism for all pages. The state is one object in Streamlit's session. Streamlit may end a run at any access to the
session, where a newer run waits; what the methods of this object change together therefore changes together or not at all.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar, cast

import streamlit as st

from explorer.pages.shared import address, carried_checkpoint, checkpoint_picker
from explorer.scene.loaded import Loaded
from models.card import Card, CheckpointError, Entry

__all__ = ["PageState", "State", "able", "chosen"]

T = TypeVar("T")
Refusal = Callable[[Card], str]
ADDRESSES = 64  # of its own that a page knows again


@dataclass(eq=False)
class State(Generic[T]):
    """The state of one page in one tab."""

    model: str = ""  # name of the checkpoint
    asked: dict[str, str] = field(default_factory=dict)  # parameters of the address that `shown` is read from
    shown: T | None = None  # None until it has been read
    problems: list[str] = field(default_factory=list)  # sentences for the user
    revision: int = 0  # rises when the page, not the hand, changes what is shown
    kept: Any = None  # what was shown of the checkpoint before
    taken: dict[str, object] = field(
        default_factory=dict
    )  # component -> its newest message that was followed
    addresses: deque[dict[str, str]] = field(default_factory=lambda: deque(maxlen=ADDRESSES))

    def turn_to(self, name: str, asked: dict[str, str], problems: list[str], kept: Any = None) -> None:
        """Goes over to a checkpoint; what is shown of it is read anew."""
        self.model, self.asked, self.shown, self.problems, self.kept = name, asked, None, problems, kept

    def is_news(self, asked: dict[str, str]) -> bool:
        """Whether an address asks for something that the page has neither followed nor put there itself.

        The browser tells the address with each run. After quick edits it still tells one of before, which asks for
        nothing.
        """
        known = asked in self.addresses
        self.remember(asked)
        return bool(asked) and not known

    def remember(self, asked: dict[str, str]) -> None:
        """Notes an address as one of the page's own."""
        if asked not in self.addresses:
            self.addresses.append(asked)

    def take(self, component: str, received: object, follow: Callable[[Any], bool]) -> bool:
        """Follows a component's newest message unless that was done before; Streamlit gives it to every run.

        Arguments:
            component: The component's name.
            received: Its newest message, untrusted JSON; None where there is none.
            follow: Does what the message says; gives whether the page must show it.

        Returns:
            Whether it was new and the page must show it.
        """
        if received is None or received == self.taken.get(component):
            return False
        shows = follow(received)
        self.taken[component] = received
        return shows


class PageState(Generic[T]):
    """The state of a page in the tab whose run asks for it.

    Arguments:
        page: The start of the page's keys in the session, e.g. "pt".
        kind: The part of what is shown on which it depends what controls there are, e.g. the kind of a source.
    """

    def __init__(self, page: str, kind: Callable[[T], object] = lambda _: None) -> None:
        self.page, self.kind = page, kind

    @property
    def now(self) -> State[T]:
        """The state itself."""
        return cast("State[T]", st.session_state.setdefault(f"lx_page_{self.page}", State()))

    @property
    def model(self) -> str:
        """The name of the checkpoint that is shown."""
        return self.now.model

    @property
    def shown(self) -> T:
        """What is shown of the checkpoint; `read` comes first."""
        return cast("T", self.now.shown)

    @shown.setter
    def shown(self, shown: T) -> None:
        self.now.shown = shown

    @property
    def problems(self) -> list[str]:
        """Sentences for the user."""
        return self.now.problems

    @property
    def revision(self) -> int:
        """Rises when the page, not the hand, changes what is shown."""
        return self.now.revision

    def opened(self, entries: list[Entry], refusal: Refusal = lambda _: "") -> Loaded | None:
        """The checkpoint that is to be shown, opened; None where none fits.

        The address decides, then the checkpoint that was chosen last on any page, then the first that fits.

        Arguments:
            entries: All checkpoints.
            refusal: Why the page cannot show a checkpoint, as a sentence; "" where it can.
        """
        state, fit, asked = self.now, able(entries, refusal), address.parameters()
        if state.is_news(asked) or not state.model:
            name, problem = chosen(asked, entries, fit, refusal)
            if name == asked.get("model") or not carried_checkpoint.current():
                carried_checkpoint.choose(name)
            state.turn_to(name, asked, [problem] if problem else [])
        names = [entry.name for entry in fit if entry.card]
        follow = carried_checkpoint.followed(self.page, state.model, names)
        if follow and "model" not in asked:
            state.turn_to(follow, {}, [])
        while state.model:
            try:
                return checkpoint_picker.open_model(state.model)
            except CheckpointError as error:
                fit = [entry for entry in fit if entry.name != state.model]
                told = [*state.problems, f"{error} Showing another checkpoint instead."]
                state.turn_to(next((entry.name for entry in fit if entry.card), ""), {}, told)
        return None

    def read(self, reader: Callable[[dict[str, str], Any], tuple[T, list[str]]]) -> bool:
        """Fills in what is shown, unless that was done.

        Arguments:
            reader: Given the address's parameters and what was kept of the checkpoint before (None for nothing); gives
                what to show, and a sentence for each part of the address that does not hold.

        Returns:
            Whether it was read anew.
        """
        state = self.now
        if state.shown is not None:
            return False
        shown, problems = reader(state.asked, state.kept)
        told = [f"In the address: {problem} Using the default." for problem in problems]
        state.shown, state.kept, state.problems = shown, None, [*state.problems, *told]
        state.revision += 1
        return True

    def put(self, *, of: object = None, revise: bool = False, **changes: Any) -> None:
        """Changes parts of what is shown.

        Arguments:
            of: The kind for which the control stands that asks for it. One of a kind that was left may still speak when
                it goes; it is not heard.
            revise: Whether the component must take over what is shown.
            changes: Fields of what is shown.
        """
        state = self.now
        if of is not None and of != self.kind(cast("T", state.shown)):
            return
        state.shown = replace(cast("Any", state.shown), **changes)
        state.problems = []
        state.revision += revise

    def tell(self, problem: str) -> None:
        """Shows what cannot be followed."""
        self.now.problems = [problem]

    def leave(self, name: str, *, kept: Any = None, asked: dict[str, str] | None = None) -> None:
        """Goes over to another checkpoint.

        Arguments:
            name: The checkpoint's.
            kept: What `read` is given to start from; None for the defaults.
            asked: What an address of it would ask for.
        """
        carried_checkpoint.choose(name)
        self.now.turn_to(name, asked or {}, [], kept)

    def take(self, component: str, received: object, read: Callable[[Any], T | None]) -> bool:
        """Takes over what a component sent when the hand let go; what does not hold is told and left.

        Arguments:
            component: The component's name.
            received: Its newest message, untrusted JSON; None where there is none.
            read: Gives what to show, or None where the message is of something else; raises ValueError where it does not
                hold.

        Returns:
            Whether it was new and of what is shown.
        """
        state = self.now

        def follow(received: Any) -> bool:
            try:
                shown = read(received)
            except ValueError as error:
                state.problems = [f"The browser sent an edit that does not hold: {error}"]
                return True
            if shown is None:
                return False
            state.shown, state.problems = shown, []
            return True

        return state.take(component, received, follow)

    def write_address(self, wanted: dict[str, str]) -> None:
        """Puts what is shown into the address bar, and remembers that it did."""
        self.now.remember(wanted)
        address.put(wanted)


def able(entries: list[Entry], refusal: Refusal) -> list[Entry]:
    """The checkpoints that a page can show, and those that cannot be read."""
    return [entry for entry in entries if entry.card is None or not refusal(entry.card)]


def chosen(
    asked: dict[str, str], entries: list[Entry], fit: list[Entry], refusal: Refusal
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
