"""The Compare page: several models of one data set on the same images, with a live view and metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, cast

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer.components.compare import compare
from explorer.pages.compare import metrics, pictures
from explorer.pages.compare import state as compare_state
from explorer.pages.compare.choice import by_data, first_choice, kind, ready_series
from explorer.pages.compare.state import Shown, State
from explorer.pages.shared import address, carried_checkpoint, checkpoint_picker
from explorer.pages.shared.layout import show_warnings
from explorer.pages.shared.page_state import PageState
from explorer.pages.shared.text import plain
from explorer.scene.comparison import MODELS, Comparison, compare_models
from explorer.scene.views import default_view, resolve
from models.card import Card

S = st.session_state
page = PageState[Shown]("compare")
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
    read_address(entries, groups)
    if not groups:
        nothing_yet(entries)
        return
    group = shown_group(groups)
    toolbar = controls(groups, group)
    comparison = opened(groups[group])
    if comparison is None:
        show_warnings(page.problems)
        st.info(
            f"Choose {MODELS[0]} to {MODELS[1]} models of {plain(group)}, or one of the suggestions.",
            icon=":material/compare:",
        )
        broken(entries)
        return
    settle(comparison)
    with toolbar:
        colour_picker(comparison)
    take_release(getattr(S.get("compare"), "state", None), comparison)
    show_warnings(page.problems)
    received = compare(component_data(comparison) | {"heard": page.heard})
    if take_release(received, comparison):  # after a restart of the server the page has the newer state
        st.rerun()
    section = sections(comparison, groups[group], group)
    write_address(comparison, section)
    broken(entries)


# Choice of models


def read_address(entries: Sequence[checkpoint_picker.Entry], groups: Groups) -> None:
    """Reads which models to show from a new address; `settle` reads the rest of it."""
    state, query = page.now, address.parameters()
    new = state.is_new(query)  # also remembers it, as the browser may send it again
    if state.shown is not None and not new:
        return
    problems: list[str] = []
    names = [name for name in query.get("models", query.get("model", "")).split(",") if name]
    models = first_choice(groups, carried_checkpoint.current())
    if names:
        models, problems = named_models(names, entries, groups)
    state.reset(",".join(models), query, problems)
    page.shown = Shown(models, colour=query.get("colour"), section=query.get("below", ""))


def named_models(
    names: list[str], entries: Sequence[checkpoint_picker.Entry], groups: Groups
) -> tuple[tuple[str, ...], list[str]]:
    """The models named in an address, as far as they can be compared, and a message for each other one.

    A single model is filled up to two.
    """
    usable = {entry.name: title for title, group in groups.items() for entry in group}
    reasons = {entry.name: entry.error for entry in entries if entry.error}
    models: list[str] = []
    problems: list[str] = []
    for name in dict.fromkeys(names):
        if name in reasons:
            problems.append(f"The checkpoint {name[:40]!r} cannot be used: {reasons[name]}")
        elif name not in usable:
            problems.append(
                f"The address names {name[:40]!r}, which does not exist, has no encoder, or is the only model of its "
                "data set."
            )
        elif models and usable[name] != usable[models[0]]:
            problems.append(
                f"{name} was trained on {usable[name]}, not on {usable[models[0]]}. It is left out."
            )
        else:
            models.append(name)
    if len(models) > MODELS[1]:
        problems.append(f"At most {MODELS[1]} models can be compared. The others are left out.")
    if not models:
        return first_choice(groups), problems
    others = [entry.name for entry in groups[usable[models[0]]] if entry.name not in models]
    return tuple((models + others[: max(0, MODELS[0] - len(models))])[: MODELS[1]]), problems


def shown_group(groups: Groups) -> str:
    """The data set whose models are shown."""
    group_of = {entry.name: title for title, entries in groups.items() for entry in entries}
    known = [name for name in page.shown.models if name in group_of]
    title = group_of[known[0]] if known else page.shown.group
    group = title if title in groups else next(iter(groups))
    page.shown = replace(page.shown, group=group)
    return group


def choose(names: Sequence[str], **changes: Any) -> None:
    """Shows other models, with the same image if they share it."""
    if page.shown.state is not None:
        page.now.query = {"item": str(page.shown.state.item)}
    page.update(models=tuple(names), state=None, **changes)
    page.now.model = ",".join(names)


def choose_group(groups: Groups) -> None:
    title = S.compare_data
    choose(first_choice({title: groups[title]}), group=title, colour=None)


def controls(groups: Groups, group: str) -> DeltaGenerator:
    """Data set, models and suggested series; returns their container."""
    entries = groups[group]
    titles = {entry.name: full_title(entry.card) for entry in entries if entry.card}
    st.html(STYLE)
    toolbar = st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="compare-controls")
    with toolbar:
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
        S.compare_pick = [name for name in page.shown.models if name in titles]
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
    return toolbar


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
                plain(one.title),
                key=f"series-{'-'.join(one.names)}",
                width="stretch",
                type="tertiary",
                disabled=one.names == page.shown.models,
                on_click=choose,
                args=(one.names,),
            )


def colour_picker(comparison: Comparison) -> None:
    """A selectbox of the attributes that can colour the maps."""
    attributes = comparison.models[0].atlas.attributes
    titles = {"none": "One colour"} | {name: attribute.title for name, attribute in attributes.items()}
    S.compare_colour_by = page.shown.colour
    st.selectbox(
        "Colour by",
        list(titles),
        key="compare_colour_by",
        format_func=titles.__getitem__,
        width=150,
        on_change=lambda: page.update(colour=S.compare_colour_by),
    )


def opened(entries: Sequence[checkpoint_picker.Entry]) -> Comparison | None:
    """The chosen models, opened; None if there are too few."""
    models = []
    for name in page.shown.models:
        if name not in {entry.name for entry in entries}:
            continue
        try:
            models.append(checkpoint_picker.open_model(name))
        except ValueError as error:
            add_problems([f"{error} {name} is left out."])
    if len(models) < MODELS[0]:
        return None
    try:
        comparison = compare_models(models, [resolve(model, default_view(model)) for model in models])
    except ValueError as error:
        add_problems([str(error)])
        return None
    comparison.models[0].originals.start()
    return comparison


def add_problems(problems: Sequence[str]) -> None:
    """Adds messages for the user, each once."""
    page.now.problems = list(dict.fromkeys([*page.problems, *problems]))


# The state


def settle(comparison: Comparison) -> None:
    """Fills in what newly chosen models show: from the address, or the defaults."""
    state, shown = page.now, page.shown
    if shown.state is not None:
        return
    live, problems = compare_state.from_query(
        state.query, len(comparison.models), comparison.count, comparison.from_address
    )
    problems = [f"In the address: {problem} Using the default." for problem in problems]
    colour, problem = valid_colour(shown.colour, comparison.models[0].atlas.attributes)
    add_problems([*problems, *problem])
    section = shown.section if shown.section in SECTIONS else next(iter(SECTIONS))
    page.shown = replace(shown, state=live, colour=colour, section=section)
    state.revision += 1


def valid_colour(colour: str | None, attributes: Mapping[str, Any]) -> tuple[str, list[str]]:
    """The colour, or the first categorical attribute if it is invalid, with a message."""
    if colour is not None and (colour == "none" or colour in attributes):
        return colour, []
    categorical = (name for name, attribute in attributes.items() if attribute.kind == "categorical")
    default = next(categorical, next(iter(attributes), "none"))
    if colour is None:
        return default, []
    known = ", ".join(attributes)
    return default, [f"In the address: `colour` must be one of: {known}. Got {colour[:40]!r}."]


def take_release(received: object, comparison: Comparison) -> bool:
    """Adopts the state sent by the component at the end of a gesture; reports and ignores invalid input.

    Returns:
        Whether it was new and for these models.
    """

    def read(received: object) -> Shown | None:
        names = [model.name for model in comparison.models]
        if not isinstance(received, Mapping) or received.get("models") != names:
            return None
        live = compare_state.from_json(received, len(names), comparison.count)
        return replace(page.shown, state=live)

    return page.handle_release("comparison", received, read)


def component_data(comparison: Comparison) -> dict[str, Any]:
    """The component's data: small values, and the URLs of the arrays that the browser fetches."""
    names = ",".join(model.name for model in comparison.models)
    version = "?v=" + "-".join(model.version for model in comparison.models)
    base = f"/live/compare/{names}"
    attribute = comparison.models[0].atlas.attributes.get(page.shown.colour or "")
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
        "state": live_state().as_json(),
        "revision": page.revision,
    }


def live_state() -> State:
    """The state that the component changes; available after `settle`."""
    return cast("State", page.shown.state)


def write_address(comparison: Comparison, section: str) -> None:
    """Writes what is shown to the address bar."""
    page.write_address(
        {
            "models": ",".join(model.name for model in comparison.models),
            **compare_state.query(live_state(), comparison.token_of),
            "colour": page.shown.colour or "none",
            "below": section,
        }
    )


# Sections


def sections(comparison: Comparison, entries: Sequence[checkpoint_picker.Entry], group: str) -> str:
    """Shows the selected section; returns its name."""
    section = S.compare_below = page.shown.section
    st.segmented_control(
        "Below",
        list(SECTIONS),
        key="compare_below",
        format_func=SECTIONS.__getitem__,
        required=True,
        label_visibility="collapsed",
        on_change=lambda: page.update(section=S.compare_below),
    )
    # Cards from disk: those of the models in memory may be outdated.
    known = {entry.name: entry.card for entry in entries}
    cards = [known.get(model.name) for model in comparison.models]
    draw = {
        "reconstructions": partial(pictures.reconstructions, comparison, live_state().selection),
        "samples": partial(pictures.samples, comparison),
        "dimensions": partial(metrics.dimensions, comparison, cards, entries, group, choose),
        "metrics": partial(metrics.metrics, cards),
        "spaces": partial(metrics.spaces, comparison, cards),
    }
    draw[section]()
    return section


def nothing_yet(entries: Sequence[checkpoint_picker.Entry]) -> None:
    """Instructions for when no two checkpoints can be compared."""
    show_warnings(page.problems)
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
