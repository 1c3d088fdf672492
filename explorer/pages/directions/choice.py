"""Controls of the source of a direction: an attribute, two groups, two images, a component, an expression."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from explorer.latent.attribute_values import extent, value_names
from explorer.latent.directions.estimators import METHODS
from explorer.pages.directions.url import HELD_AT_MOST, Shown
from explorer.pages.shared.item_field import item_field
from explorer.pages.shared.text import plain
from explorer.scene.direction_sources import (
    KINDS,
    components,
    default,
    side_mask,
    two_items,
    value_keys,
)
from explorer.scene.loaded import Loaded

__all__ = ["choose_hold", "choose_method", "choose_source", "first_text"]

S = st.session_state
Choose = Callable[..., None]
VALUES, REST = "values", "rest"
EXAMPLES = "such as smile - 0.5*glasses, or test 12 + test 40 - test 7 with items"


def choose_source(loaded: Loaded, shown: Shown, choose: Choose, report: Callable[[str], None]) -> None:
    """Controls of the kind of source and of the source itself.

    Arguments:
        loaded: The model.
        shown: What is shown.
        choose: Called with `kind` and `text` of another source.
        report: Called with a message if the typed text names no image.
    """
    kinds = [kind for kind in KINDS if loaded.directions or kind != "attribute"]
    S.dr_kind = shown.kind
    st.selectbox(
        "Direction from",
        kinds,
        key="dr_kind",
        format_func=KINDS.__getitem__,
        width=190,
        on_change=lambda: choose(kind=S.dr_kind, text=first_text(loaded, S.dr_kind)),
    )
    controls = {"attribute": _attribute, "groups": _groups, "pc": _component, "expression": _expression}
    controls["items"] = lambda loaded, text, choose: _items(loaded, text, choose, report)
    controls[shown.kind](loaded, shown.text, lambda text: choose(of=shown.kind, text=text))


def first_text(loaded: Loaded, kind: str) -> str:
    """The source shown first for a kind."""
    if kind == "attribute":
        return default(loaded)[1]
    if kind == "groups":
        groups = [f"@{name}" for name in loaded.groups]
        return "~".join([*groups, REST][:2]) if groups else f"{_first_value(loaded)}~{REST}"
    if kind == "items":
        return f"{loaded.token_of(0)},{loaded.token_of(loaded.count - 1)}"
    if kind == "pc":
        return "1"
    names = list(loaded.directions)[:2]
    return f"{names[0]} - 0.5*{names[1]}" if len(names) == 2 else f"{loaded.name_of(0)} - {loaded.name_of(1)}"


def choose_hold(loaded: Loaded, shown: Shown, own: str, choose: Choose) -> None:
    """A multiselect of directions to hold fixed, without the direction itself."""
    others = {name: d.title for name, d in loaded.directions.items() if name != own}
    if not others:
        return
    S.dr_hold = [name for name in shown.hold if name in others]
    st.multiselect(
        "Hold fixed",
        list(others),
        key="dr_hold",
        format_func=others.__getitem__,
        width=330,
        max_selections=HELD_AT_MOST,
        placeholder="Other directions",
        on_change=lambda: choose(hold=tuple(S.dr_hold)),
        help="The direction is made orthogonal to these, so that moving along it does not change their projections.",
    )


def choose_method(shown: str, offered: list[str], choose: Choose) -> None:
    """The estimator whose direction the rest of the page uses."""
    S.dr_method = shown
    st.segmented_control(
        "Estimator",
        offered,
        key="dr_method",
        format_func=METHODS.__getitem__,
        required=True,
        on_change=lambda: choose(method=S.dr_method),
        help="Its estimate is saved, exported, tried on Explore and shown in the charts below",
    )


def _attribute(loaded: Loaded, text: str, choose: Choose) -> None:
    names = {name: direction.title for name, direction in loaded.directions.items()}
    S.dr_attribute = text if text in names else next(iter(names))
    st.selectbox(
        "Attribute",
        list(names),
        key="dr_attribute",
        format_func=names.__getitem__,
        width=220,
        on_change=lambda: choose(S.dr_attribute),
    )


def _items(loaded: Loaded, text: str, choose: Choose, report: Callable[[str], None]) -> None:
    try:
        start, end = two_items(loaded, text)
    except ValueError:  # the page shows the reason
        start, end = 0, loaded.count - 1

    def put(start: int | None, end: int | None) -> None:
        choose(",".join(loaded.token_of(item) for item in (start, end) if item is not None))

    item_field(loaded, "From image", "dr_start", start, lambda item: put(item, end), report)
    item_field(loaded, "To image", "dr_end", end, lambda item: put(start, item), report)
    st.button(
        "",
        icon=":material/swap_horiz:",
        key="dr_swap",
        help="Swap",
        on_click=lambda: put(end, start),
    )


def _component(loaded: Loaded, text: str, choose: Choose) -> None:
    _, shares = _components(loaded, loaded.name, loaded.version, loaded.count)
    numbers = [str(place + 1) for place in range(len(shares))]
    S.dr_component = text if text in numbers else "1"
    st.selectbox(
        "Component",
        numbers,
        key="dr_component",
        width=220,
        on_change=lambda: choose(S.dr_component),
        format_func=lambda n: f"{n} · {100 * shares[int(n) - 1]:.1f} % of the variance",
    )


def _expression(loaded: Loaded, text: str, choose: Choose) -> None:
    S.dr_expression = text
    st.text_input(
        "Expression",
        key="dr_expression",
        width=380,
        max_chars=300,
        on_change=lambda: choose(S.dr_expression),
        placeholder=EXAMPLES,
        help=f"Directions by name and items by their names, {EXAMPLES}. "
        f"Directions: {plain(', '.join(loaded.directions))}",
    )


def _groups(loaded: Loaded, text: str, choose: Choose) -> None:
    one, _, other = text.partition("~")
    _side(loaded, one, "With", "dr_with", False, lambda side: choose(f"{side}~{other}"))
    _side(loaded, other, "Without", "dr_without", one != REST, lambda side: choose(f"{one}~{side}"))


def _side(loaded: Loaded, text: str, label: str, key: str, rest: bool, choose: Choose) -> None:
    """One side: a saved group, images by their values, or all images that are not on the other side."""
    names = {f"@{name}": group.title for name, group in loaded.groups.items()}
    names |= {VALUES: "Images by value"} if loaded.atlas.attributes else {}
    names |= {REST: "All other images"} if rest or text == REST else {}
    selected = text if text in names else VALUES
    S[key] = selected if selected in names else next(iter(names))
    st.selectbox(
        label,
        list(names),
        key=key,
        format_func=names.__getitem__,
        width=190,
        on_change=lambda: choose(_first_value(loaded) if S[key] == VALUES else S[key]),
    )
    if S[key] == VALUES and loaded.atlas.attributes:
        _by_value(loaded, text, key, choose)


def _by_value(loaded: Loaded, text: str, key: str, choose: Choose) -> None:
    """The attributes and values that a side's images must have."""
    attributes: dict[str, Any] = dict(loaded.atlas.attributes)
    chosen = {
        name: value
        for name, _, value in (part.partition("=") for part in text.split("&"))
        if name in attributes
    }
    try:
        count = f"{int(side_mask(loaded, text).sum()):,} images"
    except ValueError:
        count = "No image"

    def changed() -> None:
        selected = S[f"{key}_by"] or [next(iter(attributes))]
        choose("&".join(f"{name}={_value(attributes[name], f'{key}_{name}')}" for name in selected))

    with (
        st.popover(count, icon=":material/filter_alt:", key=f"{key}_values"),
        st.container(width=320, gap="small"),
    ):
        S[f"{key}_by"] = list(chosen)
        st.multiselect(
            "Images with",
            list(attributes),
            key=f"{key}_by",
            format_func=lambda name: attributes[name].title,
            on_change=changed,
            max_selections=6,
        )
        for name, value in chosen.items():
            _one_value(attributes[name], value, f"{key}_{name}", changed)


def _one_value(attribute: Any, value: str, key: str, changed: Callable[[], None]) -> None:
    if attribute.kind != "continuous":
        names = value_names(attribute)
        chosen = value.split("|")
        S[key] = [
            name for name, key_ in zip(names, value_keys(attribute), strict=True) if {name, key_} & {*chosen}
        ]
        st.pills(
            plain(attribute.title),
            names,
            selection_mode="multi",
            key=key,
            format_func=plain,
            on_change=changed,
        )
        return
    low, high = extent(attribute)
    ends = [min(max(float(end), low), high) for end in value.split("..")] if ".." in value else [low, high]
    S[key] = (ends[0], max(ends))
    if low < high:
        st.slider(plain(attribute.title), low, high, key=key, step=(high - low) / 100, on_change=changed)


def _value(attribute: Any, key: str) -> str:
    """The values selected for an attribute; its upper values if there is no selection yet."""
    if attribute.kind == "continuous":
        low, high = extent(attribute)
        one, other = S.get(key, ((low + high) / 2, high))
        return f"{one:.6g}..{other:.6g}"
    keys = dict(zip(value_names(attribute), value_keys(attribute), strict=True))
    return "|".join(keys[name] for name in S.get(key) or [*keys][-1:])


def _first_value(loaded: Loaded) -> str:
    """The images with the last value of the first attribute, or in its upper half."""
    attributes = loaded.atlas.attributes
    name = next((n for n, a in attributes.items() if a.kind == "binary"), next(iter(attributes), ""))
    return f"{name}={_value(attributes[name], f'dr_first_{name}')}" if name else REST


@st.cache_data(max_entries=16, show_spinner=False)
def _components(_loaded: Loaded, name: str, version: str, count: int) -> Any:
    return components(_loaded)
