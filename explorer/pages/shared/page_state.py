"""The state of a page in one browser tab: its checkpoint, what it shows of it, and messages for the user.

All pages share this mechanism. The state is one object in Streamlit's session. Streamlit may abort a run at
any access to the session when a newer run is waiting; methods of this object change its fields together or
not at all.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar, cast

import streamlit as st

from explorer.pages.shared import address, carried_checkpoint, checkpoint_picker
from explorer.scene.loaded import Loaded
from models.card import Card, CheckpointError, Entry

__all__ = ["PageState", "State", "able", "chosen", "connection_of", "is_outdated"]

T = TypeVar("T")
Refusal = Callable[[Card], str]
QUERIES = 64  # recent addresses of its own that a page recognises


@dataclass(eq=False)
class State(Generic[T]):
    """The state of one page in one tab."""

    model: str = ""  # name of the checkpoint; several on Compare, separated by commas
    query: dict[str, str] = field(default_factory=dict)  # parameters of the address that `shown` is read from
    shown: T | None = None  # None until read from `query`
    problems: list[str] = field(default_factory=list)  # messages for the user
    revision: int = 0  # incremented when the page, not the component, changes `shown`
    previous: Any = None  # what was shown of the previous checkpoint
    handled: dict[str, object] = field(default_factory=dict)  # component -> its last message that was applied
    heard: int = 0  # the connection over which the last message of the component came
    serial: int = 0  # the number of that message, where the component counts them
    queries: deque[dict[str, str]] = field(default_factory=lambda: deque(maxlen=QUERIES))

    def reset(self, name: str, query: dict[str, str], problems: list[str], previous: Any = None) -> None:
        """Switches to a checkpoint; `shown` is then read from `query`."""
        self.model, self.query, self.shown = name, query, None
        self.problems, self.previous = problems, previous

    def is_new(self, query: dict[str, str]) -> bool:
        """Whether an address is neither one that the page has read nor one that it has written.

        The browser sends its address with each run. After quick edits it may still send an older one.
        """
        known = query in self.queries
        self.remember(query)
        return bool(query) and not known

    def remember(self, query: dict[str, str]) -> None:
        """Marks an address as known."""
        if query not in self.queries:
            self.queries.append(query)

    def handle(self, component: str, message: object, apply: Callable[[Any], bool]) -> bool:
        """Applies a component's newest message once; Streamlit passes it to every run.

        Arguments:
            component: Name of the component.
            message: Its newest message, untrusted JSON; None if there is none.
            apply: Applies the message; returns whether the page must show the result. A run may be aborted
                inside it, so applying the same message twice must give the same result.

        Returns:
            Whether the message was new and the page must show its result.
        """
        if message is None or message == self.handled.get(component):
            return False
        shows = apply(message)
        self.handled[component] = message
        return shows


class PageState(Generic[T]):
    """Access to the state of a page in the tab of the current run.

    Arguments:
        page: Prefix of the page's keys in the session, e.g. "pt".
        kind: The part of `shown` that determines which widgets are rendered, e.g. the kind of a source.
    """

    def __init__(self, page: str, kind: Callable[[T], object] = lambda _: None) -> None:
        self.page, self.kind = page, kind

    @property
    def now(self) -> State[T]:
        """The state itself."""
        return cast("State[T]", st.session_state.setdefault(f"lx_page_{self.page}", State()))

    @property
    def model(self) -> str:
        """Name of the checkpoint."""
        return self.now.model

    @property
    def shown(self) -> T:
        """What is shown of the checkpoint; available after `load`."""
        return cast("T", self.now.shown)

    @shown.setter
    def shown(self, shown: T) -> None:
        self.now.shown = shown

    @property
    def problems(self) -> list[str]:
        """Messages for the user."""
        return self.now.problems

    @property
    def revision(self) -> int:
        """Incremented when the page, not the component, changes `shown`."""
        return self.now.revision

    @property
    def heard(self) -> int:
        """The connection over which the last message of the component came; the component asks until it is its own."""
        return self.now.heard

    def open_checkpoint(self, entries: list[Entry], refusal: Refusal = lambda _: "") -> Loaded | None:
        """Opens the checkpoint to show; None if no checkpoint fits.

        The address decides, then the checkpoint last chosen on any page, then the first that fits.

        Arguments:
            entries: All checkpoints.
            refusal: Returns why the page cannot show a checkpoint; "" if it can.
        """
        state, fit, query = self.now, able(entries, refusal), address.parameters()
        if state.is_new(query) or not state.model:
            name, problem = chosen(query, entries, fit, refusal)
            if name == query.get("model") or not carried_checkpoint.current():
                carried_checkpoint.choose(name)
            state.reset(name, query, [problem] if problem else [])
        names = [entry.name for entry in fit if entry.card]
        follow = carried_checkpoint.followed(self.page, state.model, names)
        if follow and "model" not in query:
            state.reset(follow, {}, [])
        while state.model:
            try:
                return checkpoint_picker.open_model(state.model)
            except CheckpointError as error:
                fit = [entry for entry in fit if entry.name != state.model]
                problems = [*state.problems, f"{error} Showing another checkpoint instead."]
                state.reset(next((entry.name for entry in fit if entry.card), ""), {}, problems)
        return None

    def load(self, reader: Callable[[dict[str, str], Any], tuple[T, list[str]]]) -> bool:
        """Reads `shown` from the address, if not done yet.

        Arguments:
            reader: Receives the parameters of the address and what was shown of the previous checkpoint (None
                for nothing); returns what to show, and a message for each invalid parameter.

        Returns:
            Whether it was read now.
        """
        state = self.now
        if state.shown is not None:
            return False
        shown, problems = reader(state.query, state.previous)
        messages = [f"In the address: {problem} Using the default." for problem in problems]
        state.shown, state.previous, state.problems = shown, None, [*state.problems, *messages]
        state.revision += 1
        return True

    def update(self, *, of: object = None, revise: bool = False, **changes: Any) -> None:
        """Changes fields of `shown`.

        Arguments:
            of: The kind for which the widget that calls this is rendered. Calls from widgets of another kind,
                which are no longer rendered, are ignored.
            revise: Whether the component must adopt the change.
            changes: New values of the fields.
        """
        state = self.now
        if state.shown is None:  # the click was on a page that shows another checkpoint by now
            return
        if of is not None and of != self.kind(state.shown):
            return
        state.shown = replace(cast("Any", state.shown), **changes)
        state.problems = []
        state.revision += revise

    def report(self, problem: str) -> None:
        """Shows a problem to the user."""
        self.now.problems = [problem]

    def switch_checkpoint(
        self, name: str, *, previous: Any = None, query: dict[str, str] | None = None
    ) -> None:
        """Switches to another checkpoint.

        Arguments:
            name: Its name.
            previous: Passed to the `reader` of `load`, to keep what both checkpoints can show.
            query: Parameters to read, as in an address.
        """
        carried_checkpoint.choose(name)
        self.now.reset(name, query or {}, [], previous)

    def handle_release(self, component: str, message: object, read: Callable[[Any], T | None]) -> bool:
        """Adopts what a component sends at the end of a gesture; invalid input is reported and ignored.

        A message that builds on data older than the page's last change is ignored too: the component adopts that change.

        Arguments:
            component: Name of the component.
            message: Its newest message, untrusted JSON; None if there is none.
            read: Returns what to show, or None if the message refers to something else; raises ValueError if
                it is invalid.

        Returns:
            Whether the message was new and refers to what is shown.
        """
        state = self.now

        def apply(message: Any) -> bool:
            state.heard = connection_of(message)
            if is_outdated(message, state.revision):
                return False
            try:
                shown = read(message)
            except ValueError as error:
                state.problems = [f"The browser sent an invalid edit: {error}"]
                return True
            if shown is None:
                return False
            state.shown, state.problems = shown, []
            return True

        return state.handle(component, message, apply)

    def write_address(self, query: dict[str, str]) -> None:
        """Writes the address of what is shown, and remembers it."""
        self.now.remember(query)
        address.put(query)


def connection_of(message: object) -> int:
    """The connection that a message names; 0 if it names none."""
    connection = message.get("connection") if isinstance(message, Mapping) else None
    return connection if type(connection) is int else 0


def is_outdated(message: object, revision: int) -> bool:
    """Whether a message builds on an older revision of the data than the page's."""
    own = message.get("revision") if isinstance(message, Mapping) else None
    return type(own) is int and own < revision


def able(entries: list[Entry], refusal: Refusal) -> list[Entry]:
    """The checkpoints that a page can show, and the broken ones."""
    return [entry for entry in entries if entry.card is None or not refusal(entry.card)]


def chosen(
    query: dict[str, str], entries: list[Entry], fit: list[Entry], refusal: Refusal
) -> tuple[str, str]:
    """The checkpoint to show, and a message if it is not the one named in the address."""
    names = [entry.name for entry in fit if entry.card]
    if "model" not in query and carried_checkpoint.current() in names:
        return carried_checkpoint.current(), ""
    other = next((entry for entry in entries if entry.card and entry.name == query.get("model")), None)
    if other is None or other.card is None or other.name in names:
        return address.model(fit)
    problem = refusal(other.card)
    instead = _instead(other.card, fit)
    return instead, f"{problem} Showing {instead} instead." if instead else problem


def _instead(card: Card, fit: list[Entry]) -> str:
    """A replacement for a checkpoint that a page cannot show: of the same data, else the default."""
    cards = [entry.card for entry in fit if entry.card]
    same_data = [each for each in cards if each.data["name"] == card.data["name"]]
    default = [each for each in cards if each.name == address.DEFAULT_MODEL]
    return next((each.name for each in [*same_data, *default, *cards]), "")
