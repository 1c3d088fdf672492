"""The Directions page: make a direction, estimate it in several ways, measure it, save and export it."""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import replace

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from explorer.jobs.direction_study import Estimate
from explorer.latent.directions.estimators import METHODS, NAMES, cosine, cosines
from explorer.latent.directions.mean_difference import Direction
from explorer.latent.statistics.registry import STATISTICS, tooltip
from explorer.pages.directions import (
    answer,
    charts,
    choice,
    estimators,
    shelf,
    url,
)
from explorer.pages.directions.state import page
from explorer.pages.directions.url import Limits, Shown
from explorer.pages.shared import (
    checkpoint_picker,
    image_picker,
)
from explorer.pages.shared.layout import show_warnings, side_by_side
from explorer.pages.shared.plotly_chart import draw_downloadable_chart
from explorer.pages.shared.text import plain, with_code
from explorer.scene import direction_sources
from explorer.scene.direction_sources import ResolvedSource
from explorer.scene.loaded import Loaded

LEAKAGE = "explorer.pages.directions.leakage"
PAPERS = (
    "[Larsen et al. 2015](https://arxiv.org/abs/1512.09300) · [White 2016](https://arxiv.org/abs/1609.04468) · "
    "[Shen et al. 2020](https://arxiv.org/abs/1907.10786)"
)


def main() -> None:
    """Source, estimators, charts, leakage, and the saved directions."""
    entries = checkpoint_picker.entries()
    loaded = page.open_checkpoint(entries)
    if loaded is None:
        show_warnings(page.problems)
        checkpoint_picker.nothing_yet(entries)
        return
    settle(loaded)
    if not loaded.has(page.shown.item):  # an upload that was deleted elsewhere
        page.shown = replace(page.shown, item=0)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        checkpoint_picker.button(entries, loaded, switch_model)
        choice.choose_source(loaded, page.shown, page.update, page.report)
    show_warnings(page.problems)
    shown: Shown = page.shown
    if shown.kind == "groups" and not loaded.groups:
        st.caption(
            "Groups by value. For groups of your own, select images on Explore with the lasso, the box, a filter or a "
            "search, and press **Save as group**; the group then appears in these lists."
        )
    try:
        resolved = resolve_shown(loaded, shown)
    except ValueError as error:
        st.warning(with_code(str(error)), icon=":material/edit:")
    else:
        if resolved.point is not None:
            answer.answer(loaded, shown.text, resolved.point)
        else:
            show(loaded, resolved, shown)
    shelf.shelf(loaded)
    page.write_address({"model": loaded.name} | url.query(page.shown, loaded.token_of))
    st.caption(checkpoint_picker.facts(loaded))


def settle(loaded: Loaded) -> None:
    """Fills in what is shown: from the address, or the defaults."""

    def reader(query: dict[str, str], _: object) -> tuple[Shown, list[str]]:
        default = Shown(*direction_sources.default(loaded))
        limits = Limits(loaded.directions, loaded.has, loaded.atlas.names.from_address)
        shown, problems = url.from_query(query, default, limits)
        if shown.kind != "expression":  # an invalid expression stays, so that it can be corrected
            try:
                resolve_shown(loaded, shown)
            except ValueError as error:
                problems = [*problems, str(error)]
                shown = replace(shown, kind=default.kind, text=default.text)
        if shown.kind == "items":  # older links contain rows
            items = direction_sources.two_items(loaded, shown.text)
            shown = replace(shown, text=",".join(map(loaded.token_of, items)))
        return shown, problems

    page.load(reader)


def switch_model(name: str) -> None:
    """Shows another checkpoint, from its defaults."""
    page.switch_checkpoint(name)


def resolve_shown(loaded: Loaded, shown: Shown) -> ResolvedSource:
    """Resolves the source of the direction; cached if it takes a while.

    Raises:
        ValueError: If the source is invalid.
    """
    slow = shown.kind in ("pc", "groups")
    slow = slow or (shown.kind == "attribute" and not shown.text.startswith("own-"))
    if not slow:
        return direction_sources.resolve(loaded, shown.kind, shown.text)
    groups = tuple(loaded.groups.values()) if "@" in shown.text else ()
    mark = (loaded.name, loaded.version, loaded.count, shown.kind, shown.text, hash(groups))
    return _resolve(loaded, mark, shown.kind, shown.text)


@st.cache_resource(max_entries=8, show_spinner="Reading the latents …")
def _resolve(_loaded: Loaded, mark: tuple[object, ...], kind: str, text: str) -> ResolvedSource:
    return direction_sources.resolve(_loaded, kind, text)


def show(loaded: Loaded, resolved: ResolvedSource, shown: Shown) -> None:
    """A direction: its estimators, actions, charts and leakage."""
    others = [loaded.directions[name] for name in shown.hold if name in loaded.directions]
    matrix = np.stack([d.vector for d in others]) if others else np.zeros((0, loaded.latent), np.float32)
    source = f"{shown.kind}:{shown.text}:{_mark(resolved)}:{hash(matrix.tobytes()):x}"
    estimates, study = estimators.estimates_of(loaded, resolved, source, matrix)
    method = shown.method if shown.method in estimates else "mean"
    vectors, problems = estimators.vectors_of(estimates, resolved, matrix)
    with st.container(border=True):
        head(resolved)
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            image_picker.chooser(
                loaded,
                shown.item if shown.item < loaded.count else None,
                lambda item: page.update(item=item),
                page.report,
                "dr_on",
                "Apply to image",
            )
            own = shown.text if shown.kind == "attribute" else ""
            choice.choose_hold(loaded, shown, own, page.update)
        estimators.progress(study)
        before = estimates[method].vector
        if others and before is not None:
            held_cosines(others, before, vectors.get(method))
        z = loaded.latents([shown.item])[0]
        estimators.rows(loaded, resolved, estimates, vectors, problems, z, method)
        if len(estimates) > 1:
            follows = "auc" if resolved.scale is None else "rank_correlation"
            st.caption(
                reliability_note(estimates, follows),
                help="\n\n".join(map(tooltip, (follows, "angle", "sides"))),
            )
        if vectors:
            with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
                if len(estimates) > 1:
                    choice.choose_method(method, list(estimates), page.update)
            if method in vectors:
                shelf.save(loaded, resolved, replace(shown, method=method), vectors[method])
    if method in vectors:
        pictures(loaded, resolved, vectors, method)
        missing = len(vectors) + len(problems) < len(estimates)
        fitting = missing and study is not None and not study.error  # also where it has ended since
        leakage(loaded, resolved, shown, vectors, fitting=fitting)


def head(resolved: ResolvedSource) -> None:
    """What the direction is made of, with its equation."""
    if resolved.sides is None:
        st.caption(
            f"{plain(resolved.made[0].upper() + resolved.made[1:])}. Strength 1 adds it once. {PAPERS}"
        )
        formula(
            r"z' = z + s\,v",
            "z is the image's latent, s the strength, v the direction, z' the latent that is decoded.",
        )
        return
    with_, without = resolved.sides.counts
    st.caption(
        f"From {without:,} images **{plain(resolved.names[1])}** to {with_:,} **{plain(resolved.names[0])}**. Strength 1 moves a "
        f"latent along the direction by the distance between the means of the two groups. {PAPERS}"
    )
    formula(
        r"z' = z + s\,v, \qquad v = w\,\frac{w^\top(\mu_1 - \mu_0)}{w^\top w}",
        "z is the image's latent, s the strength, v the direction, z' the latent that is decoded. w is the "
        "estimate, of any length; μ₁ and μ₀ are the mean latents of the two groups, and the fraction sets the length of v.",
    )


def formula(latex: str, symbols: str) -> None:
    """An equation and its symbols, in a closed expander."""
    with st.expander("Formula"):
        st.latex(latex)
        st.caption(symbols)


def held_cosines(
    others: list[Direction], before: NDArray[np.float32], after: NDArray[np.float32] | None
) -> None:
    """The cosine to each direction held fixed, before and after."""
    if after is None:
        return
    rows = ["| Held fixed | Cosine before | after |", "|---|---|---|"]
    for other in others:
        values = [f"{cosine(vector, other.vector):+.3f}".replace("-", "−") for vector in (before, after)]
        rows.append(
            f"| {plain(other.title)} | {values[0]} | {values[1].replace('−0.000', '0.000').replace('+0.000', '0.000')} |"
        )
    st.markdown("\n".join(rows))
    st.caption(
        "The direction is made orthogonal to those held fixed (cosine 0). The cosine between the direction before and after "
        f"is {abs(cosine(before, after)):.2f}. AUC and angle error below are those after."
    )


def reliability_note(estimates: dict[str, Estimate], follows: str) -> str:
    """Definitions of AUC or rank correlation and of the angle error, and the p-value of the difference between the sides."""
    note = " ".join(f"*{STATISTICS[key].name}*: {STATISTICS[key].definition}" for key in (follows, "angle"))
    p_value = next((e.p_value for e in estimates.values() if e.p_value is not None), None)
    return note + ("" if p_value is None else f" The sides differ with p = {p_value:.3g} (199 permutations).")


def pictures(
    loaded: Loaded, resolved: ResolvedSource, vectors: dict[str, NDArray[np.float32]], method: str
) -> None:
    """Cosines between the directions, and a scatter plot of the collection along the chosen one."""
    left, right = side_by_side([1, 1], "dr-charts", gap="small")
    with left, st.container(border=True):
        named = {
            METHODS[name] if resolved.sides is not None else "This direction": v
            for name, v in vectors.items()
        }
        nearest = most_similar(loaded, vectors[method], 12 - len(named))
        named |= {d.title: d.vector for d in nearest}
        st.markdown("##### Cosines between directions")
        chart = charts.cosine_map(cosines(np.stack(list(named.values()))), list(named))
        draw_downloadable_chart(chart, "dr-cosines", f"{loaded.name}-cosines")
        st.caption(
            "1: the same, 0: unrelated, −1: opposite. The estimates, and the attributes whose directions are most similar or "
            "opposite."
        )
    with right, st.container(border=True):
        st.markdown("##### The collection along the direction")
        vector = vectors[method]
        rows, places = _places(
            loaded, loaded.name, loaded.version, loaded.count, vector, _mark(resolved), resolved
        )
        sides = [(name, mask[rows]) for name, mask in zip(resolved.names, resolved.masks or (), strict=False)]
        chart = charts.scatter(places, sides, rows, resolved.title)
        draw_downloadable_chart(chart, "dr-along", f"{loaded.name}-along")
        more = f" {len(rows):,} of {loaded.count:,} images." if len(rows) < loaded.count else ""
        ends = (
            " The dotted lines are the means of the two groups."
            if resolved.masks
            else " 0 is the mean of all images."
        )
        st.caption(
            "Horizontal: position along the direction, in units of its strength. Vertical: the first principal component "
            f"orthogonal to it.{ends}{more}"
        )


def most_similar(loaded: Loaded, vector: NDArray[np.float32], count: int) -> list[Direction]:
    """The model's directions with the largest absolute cosine to a vector, without the vector itself."""
    sizes = {name: abs(cosine(d.vector, vector)) for name, d in loaded.directions.items()}
    order = sorted((name for name, size in sizes.items() if size < 0.9999), key=lambda name: -sizes[name])
    return [loaded.directions[name] for name in order[: max(0, min(6, count))]]


def leakage(
    loaded: Loaded,
    resolved: ResolvedSource,
    shown: Shown,
    vectors: dict[str, NDArray[np.float32]],
    *,
    fitting: bool,
) -> None:
    """The panel that measures what else an edit changes; `fitting` tells whether further estimators will follow."""
    if importlib.util.find_spec(LEAKAGE) is None:
        return
    chosen = []
    for name, vector in vectors.items():
        title = f"{resolved.title[:50]}, {NAMES[name]}" if resolved.sides is not None else resolved.title
        made = shelf.as_direction(loaded, resolved, replace(shown, method=name), vector, title)
        chosen.append(replace(made, group=resolved.group or "Yours", kind=resolved.kind))
    module = importlib.import_module(LEAKAGE)
    source = None
    if resolved.sides is not None and resolved.masks is not None:
        with_, without = resolved.masks
        others = np.zeros((loaded.count, resolved.sides.others.shape[1]))
        others[with_ | without] = resolved.sides.others
        hold = [name for name in shown.hold if name in loaded.directions]
        held = [loaded.directions[name].vector for name in hold if loaded.directions[name].kind == "own"]
        source = module.Source(
            list(vectors),
            with_.astype(np.int8) - without.astype(np.int8),
            others,
            [name for name in hold if loaded.directions[name].kind != "own"],
            np.stack(held) if held else np.zeros((0, loaded.latent), np.float32),
        )
    module.panel(loaded, chosen, source=source, fitting=fitting)


@st.cache_data(max_entries=24, show_spinner=False)
def _places(
    _loaded: Loaded,
    name: str,
    version: str,
    count: int,
    vector: NDArray[np.float32],
    mark: str,
    _source: ResolvedSource,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The images of the scatter plot, and their positions."""
    rows = np.arange(count)
    if count > charts.POINTS:
        rows = np.sort(np.random.default_rng(0).choice(count, charts.POINTS, replace=False))
    mean = _loaded.atlas.mean
    origin = (mean[_source.masks[1]] if _source.masks else mean).mean(0, np.float64)
    return rows, charts.along(mean[rows], vector, origin)


def _mark(resolved: ResolvedSource) -> str:
    """Identifies the sides of a source, which change when a group is redefined."""
    return f"{hash(tuple(mask.tobytes() for mask in resolved.masks)):x}" if resolved.masks else ""


main()
