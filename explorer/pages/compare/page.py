"""The Compare page: several models of one data set on the same images, with a live view and metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, cast

import streamlit as st

from explorer.components.compare import compare
from explorer.pages.compare import (
    metrics,
    pictures,
)
from explorer.pages.compare import (
    state as compare_state,
)
from explorer.pages.compare.choice import by_data, first_choice, kind, ready_series
from explorer.pages.compare.state import State
from explorer.pages.shared import carried_checkpoint, checkpoint_picker
from explorer.pages.shared.layout import show_warnings
from explorer.pages.shared.page_state import PageState, connection_of, is_outdated
from explorer.pages.shared.text import plain
from explorer.scene.comparison import MODELS, Comparison, compare_models
from explorer.scene.views import default_view, resolve
from models.card import Card

S = st.session_state
page = PageState[State]("compare")
LENGTH_LIMIT = 2000  # characters of one parameter
SECTIONS = {
    "reconstructions": "Reconstructions",
    "samples": "Samples",
    "dimensions": "Dimensions",
    "metrics": "Metrics",
    "spaces": "Latent spaces",
}
# In a narrow window the models have their own line.
STYLE = """<style>
@media (max-width: 1000px) { .st-key-compare-controls > .st-key-compare_pick { flex: 1 1 100%; } }
</style>"""
VIEW_TITLES = {"umap": "UMAP", "raw": "both dimensions", "strip": "the one dimension"}
Groups = dict[str, list[checkpoint_picker.Entry]]


def main() -> None:
    """Choice of models, the live comparison, and the sections below."""
    entries = checkpoint_picker.entries()
    groups = by_data(entries)
    start(entries, groups)
    if not groups:
        nothing_yet(entries)
        return
    group = shown_group(groups)
    controls(groups, group)
    comparison = opened(groups[group])
    if comparison is None:
        show_warnings(S.compare_problems)
        st.info(
            f"Choose {MODELS[0]} to {MODELS[1]} models of {plain(group)}, or one of the suggestions.",
            icon=":material/compare:",
        )
        broken(entries)
        return
    state = shown_state(comparison)
    take_release(getattr(S.get("compare"), "state", None), comparison)
    state = S.compare_state
    show_warnings(S.compare_problems)
    heard = {"heard": S.get("compare_heard", 0)}
    received = compare(component_data(comparison, state) | heard)
    if take_release(received, comparison):  # after a restart of the server the page has the newer state
        st.rerun()
    section = sections(comparison, groups[group], group)
    write_address(comparison, section)
    broken(entries)


# Choice of models


def start(entries: Sequence[checkpoint_picker.Entry], groups: Groups) -> None:
    """Reads the address on the first run."""
    if "compare_models" in S:
        return
    S.compare_problems, S.compare_revision, S.compare_fresh = [], 0, True
    query = {name: value[:LENGTH_LIMIT] for name, value in st.query_params.items()}
    S.compare_asked = query
    S.compare_models = first_choice(groups, carried_checkpoint.current())
    names = [name for name in query.get("models", query.get("model", "")).split(",") if name]
    if names:
        S.compare_models = named_models(names, entries, groups)
    S.compare_section = query.get("below", "")
    S.compare_colour = query.get("colour")


def named_models(
    names: list[str], entries: Sequence[checkpoint_picker.Entry], groups: Groups
) -> tuple[str, ...]:
    """The models named in an address, as far as they can be compared; a single one is filled up to two."""
    usable = {entry.name: title for title, group in groups.items() for entry in group}
    reasons = {entry.name: entry.error for entry in entries if entry.error}
    models: list[str] = []
    for name in dict.fromkeys(names):
        if name in reasons:
            S.compare_problems.append(f"The checkpoint {name[:40]!r} cannot be used: {reasons[name]}")
        elif name not in usable:
            S.compare_problems.append(
                f"The address names {name[:40]!r}, which does not exist or is the only model of its data set."
            )
        elif models and usable[name] != usable[models[0]]:
            S.compare_problems.append(
                f"{name} was trained on {usable[name]}, not on {usable[models[0]]}. It is left out."
            )
        else:
            models.append(name)
    if len(models) > MODELS[1]:
        S.compare_problems.append(f"At most {MODELS[1]} models can be compared. The others are left out.")
    if not models:
        return first_choice(groups)
    others = [entry.name for entry in groups[usable[models[0]]] if entry.name not in models]
    return tuple((models + others[: max(0, MODELS[0] - len(models))])[: MODELS[1]])


def shown_group(groups: Groups) -> str:
    """The data set whose models are shown."""
    group_of = {entry.name: title for title, entries in groups.items() for entry in entries}
    known = [name for name in S.compare_models if name in group_of]
    title = group_of[known[0]] if known else S.get("compare_group", "")
    S.compare_group = title if title in groups else next(iter(groups))
    return str(S.compare_group)


def choose(names: Sequence[str]) -> None:
    """Shows other models, with the same image if they share it."""
    S.compare_models, S.compare_fresh, S.compare_problems = tuple(names), True, []
    S.compare_asked = {"item": str(S.compare_state.item)} if "compare_state" in S else {}


def choose_group(groups: Groups) -> None:
    title = S.compare_data
    S.compare_group, S.compare_colour = title, None
    choose(first_choice({title: groups[title]}))


def controls(groups: Groups, group: str) -> None:
    """Data set, models, suggested series, colours."""
    entries = groups[group]
    titles = {entry.name: full_title(entry.card) for entry in entries if entry.card}
    st.html(STYLE)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="compare-controls"):
        if len(groups) > 1:
            S.compare_data = group
            st.selectbox(
                "Data set",
                list(groups),
                key="compare_data",
                width=150,
                on_change=choose_group,
                args=(groups,),
            )
        S.compare_pick = [name for name in S.compare_models if name in titles]
        st.multiselect(
            "Models side by side",
            list(titles),
            key="compare_pick",
            format_func=lambda name: titles.get(name, name),
            max_selections=MODELS[1],
            placeholder="Choose two or more",
            on_change=lambda: choose(S.compare_pick),
        )
        series(group, entries)
        colour_picker()


def full_title(card: Card) -> str:
    """A model's title, with its family unless that is clear from the title."""
    family = kind(card)
    return card.title if family in card.title or card.model == "vae" else f"{card.title} · {family}"


def series(group: str, entries: list[checkpoint_picker.Entry]) -> None:
    """A popover with suggested series of models."""
    ready = ready_series(group, entries)
    if not ready:
        return
    with st.popover("Suggestions", icon=":material/view_column:"), st.container(gap="xxsmall", width=300):
        for one in ready:
            st.button(
                one.title,
                key=f"series-{'-'.join(one.names)}",
                width="stretch",
                type="tertiary",
                disabled=one.names == S.compare_models,
                on_click=choose,
                args=(one.names,),
            )


def colour_picker() -> None:
    """A selectbox of colours; the options are those of the last run."""
    titles = {"none": "One colour"} | S.get("compare_colours", {})
    colour = S.compare_colour or "none"
    S.compare_colour_by = colour if colour in titles else "none"
    st.selectbox(
        "Colour by",
        list(titles),
        key="compare_colour_by",
        format_func=titles.__getitem__,
        width=150,
        on_change=lambda: setattr(S, "compare_colour", S.compare_colour_by),
    )


def opened(entries: Sequence[checkpoint_picker.Entry]) -> Comparison | None:
    """The chosen models, opened; None if there are too few."""
    models = []
    for name in S.compare_models:
        if name not in {entry.name for entry in entries}:
            continue
        try:
            models.append(checkpoint_picker.open_model(name))
        except ValueError as error:
            S.compare_problems.append(f"{error} {name} is left out.")
    if len(models) < MODELS[0]:
        return None
    try:
        comparison = compare_models(models, [resolve(model, default_view(model)) for model in models])
    except ValueError as error:
        S.compare_problems.append(str(error))
        return None
    comparison.models[0].originals.start()
    return comparison


# The state


def shown_state(comparison: Comparison) -> State:
    """The state; for newly chosen models, from the address or the first image."""
    attributes = comparison.models[0].atlas.attributes
    S.compare_colours = {name: attribute.title for name, attribute in attributes.items()}
    if S.compare_fresh:
        S.compare_fresh = False
        S.compare_revision += 1
        query = S.pop("compare_asked", {})
        S.compare_state, problems = compare_state.from_query(
            query, len(comparison.models), comparison.count, comparison.from_address
        )
        S.compare_problems += [f"In the address: {problem} Using the default." for problem in problems]
        fix_colour(attributes)
    return cast("State", S.compare_state)


def fix_colour(attributes: Mapping[str, Any]) -> None:
    """Replaces an invalid colour by the first categorical attribute."""
    colour = S.compare_colour
    if colour == "none" or colour in attributes:
        return
    if colour is not None:
        known = ", ".join(attributes)
        S.compare_problems.append(f"In the address: `colour` must be one of: {known}. Got {colour[:40]!r}.")
    categorical = (name for name, attribute in attributes.items() if attribute.kind == "categorical")
    S.compare_colour = next(categorical, next(iter(attributes), "none"))
    st.rerun()  # the colour picker above was already rendered


def take_release(received: object, comparison: Comparison) -> bool:
    """Adopts the state sent by the component at the end of a gesture; reports and ignores invalid input.

    Returns:
        Whether it was new and for these models.
    """

    def apply(received: object) -> bool:
        S.compare_heard = connection_of(received)
        if not isinstance(received, Mapping) or is_outdated(received, S.compare_revision):
            return False
        if received.get("models") != [model.name for model in comparison.models]:
            return False
        S.compare_problems = []
        try:
            S.compare_state = compare_state.from_json(received, len(comparison.models), comparison.count)
        except ValueError as error:
            S.compare_problems = [f"The comparison sent an invalid state: {error}"]
        return True

    return page.now.handle("comparison", received, apply)


def component_data(comparison: Comparison, state: State) -> dict[str, Any]:
    """The component's data: small values, and the URLs of the arrays that the browser fetches."""
    names = ",".join(model.name for model in comparison.models)
    version = "?v=" + "-".join(model.version for model in comparison.models)
    base = f"/live/compare/{names}"
    attribute = comparison.models[0].atlas.attributes.get(S.compare_colour or "")
    colour = attribute and {
        "name": attribute.name,
        "title": attribute.title,
        "kind": attribute.kind,
        "labels": list(attribute.labels),
        "url": f"{base}/attribute/{attribute.name}{version}",
    }
    return {
        "socket": "/live/compare",
        "models": [
            {
                "name": model.name,
                "title": pictures.title(model),
                "kind": kind(model.entry.card),
                "version": model.version,
                "latent": model.latent,
                "view": {
                    "id": view.id,
                    "title": VIEW_TITLES.get(view.id, "principal components"),
                    "url": f"{base}/view/{model.name}/{view.id}{version}",
                    "linear": view.linear,
                    "axes": list(view.axes),
                },
            }
            for model, view in zip(comparison.models, comparison.views, strict=True)
        ],
        "shape": list(comparison.models[0].shape),
        "count": comparison.count,
        "colour": colour,
        "state": state.as_json(),
        "revision": S.compare_revision,
    }


def write_address(comparison: Comparison, section: str) -> None:
    """Writes what is shown to the address bar."""
    query = {
        "models": ",".join(model.name for model in comparison.models),
        **compare_state.query(S.compare_state, comparison.token_of),
        "colour": S.compare_colour or "none",
        "below": section,
    }
    if dict(st.query_params) != query:
        st.query_params.from_dict(query)


# Sections


def sections(comparison: Comparison, entries: Sequence[checkpoint_picker.Entry], group: str) -> str:
    """Shows the selected section; returns its name."""
    if S.compare_section not in SECTIONS:
        S.compare_section = next(iter(SECTIONS))
    S.compare_below = S.compare_section
    st.segmented_control(
        "Below",
        list(SECTIONS),
        key="compare_below",
        format_func=SECTIONS.__getitem__,
        required=True,
        label_visibility="collapsed",
        on_change=lambda: setattr(S, "compare_section", S.compare_below),
    )
    section = str(S.compare_section)
    # Cards from disk: those of the models in memory may be outdated.
    known = {entry.name: entry.card for entry in entries}
    cards = [known.get(model.name) for model in comparison.models]
    draw = {
        "reconstructions": partial(pictures.reconstructions, comparison, S.compare_state.selection),
        "samples": partial(pictures.samples, comparison),
        "dimensions": partial(metrics.dimensions, comparison, cards, entries, group, choose),
        "metrics": partial(metrics.metrics, cards),
        "spaces": partial(metrics.spaces, comparison, cards),
    }
    draw[section]()
    return section


def nothing_yet(entries: Sequence[checkpoint_picker.Entry]) -> None:
    """Instructions for when no two checkpoints can be compared."""
    show_warnings(S.compare_problems)
    st.info(
        "Two checkpoints of one data set are needed. Train another one, then encode it:\n\n"
        "```\npython -m models train vae --data digits --out runs/digits-vae-2d --set latent=2\n"
        "python -m explorer.atlas digits-vae-2d\n```",
        icon=":material/model_training:",
    )
    broken(entries)


def broken(entries: Sequence[checkpoint_picker.Entry]) -> None:
    """Lists the checkpoints that cannot be used, with the reason, such as a missing atlas."""
    unusable = [entry for entry in entries if entry.error]
    if unusable:
        with st.expander(f"{len(unusable)} cannot be used", icon=":material/warning:"):
            for entry in unusable:
                st.markdown(f"**{plain(entry.name)}**")
                st.text(entry.error or "")


main()
