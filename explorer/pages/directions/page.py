"""The Directions page: attribute arithmetic. Make a direction, estimate it in several ways, measure it, save and export it."""

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
from explorer.pages.shared.text import plain
from explorer.scene import direction_sources
from explorer.scene.direction_sources import ResolvedSource
from explorer.scene.loaded import Loaded

LEAKAGE = "explorer.pages.directions.leakage"
PAPERS = (
    "[Larsen et al. 2015](https://arxiv.org/abs/1512.09300) · [White 2016](https://arxiv.org/abs/1609.04468) · "
    "[Shen et al. 2020](https://arxiv.org/abs/1907.10786)"
)


def main() -> None:
    """Controls, the estimators, what they have in common, and the shelf."""
    entries = checkpoint_picker.entries()
    loaded = page.open_checkpoint(entries)
    if loaded is None:
        show_warnings(page.problems)
        checkpoint_picker.nothing_yet(entries)
        return
    settle(loaded)
    if not loaded.has(page.shown.item):  # an own picture that was deleted elsewhere
        page.shown = replace(page.shown, item=0)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        checkpoint_picker.button(entries, loaded, switch_model)
        choice.choose_source(loaded, page.shown, page.update, page.report)
    show_warnings(page.problems)
    shown: Shown = page.shown
    if shown.kind == "groups" and not loaded.groups:
        st.caption(
            "These two groups are told by their values. To take any images you like, select them on Explore with the "
            "lasso, the box, a filter or a search, and press **Save as group**: the group then appears in these lists."
        )
    try:
        resolved = resolve_shown(loaded, shown)
    except ValueError as error:
        st.warning(plain(str(error)), icon=":material/edit:")
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
        if shown.kind != "expression":  # what was typed stays, to be mended
            try:
                resolve_shown(loaded, shown)
            except ValueError as error:
                problems = [*problems, str(error)]
                shown = replace(shown, kind=default.kind, text=default.text)
        if shown.kind == "items":  # older links name rows
            items = direction_sources.two_items(loaded, shown.text)
            shown = replace(shown, text=",".join(map(loaded.token_of, items)))
        return shown, problems

    page.load(reader)


def switch_model(name: str) -> None:
    """Shows another checkpoint, from its defaults."""
    page.switch_checkpoint(name)


def resolve_shown(loaded: Loaded, shown: Shown) -> ResolvedSource:
    """What the source comes to; what takes a while is kept.

    Raises:
        ValueError: If it does not hold.
    """
    kept = shown.kind == "pc" or shown.kind == "groups"
    kept = kept or (shown.kind == "attribute" and not shown.text.startswith("own-"))
    if not kept:
        return direction_sources.resolve(loaded, shown.kind, shown.text)
    groups = tuple(loaded.groups.values()) if "@" in shown.text else ()
    mark = (loaded.name, loaded.version, loaded.count, shown.kind, shown.text, hash(groups))
    return _resolve(loaded, mark, shown.kind, shown.text)


@st.cache_resource(max_entries=8, show_spinner="Reading the latents …")
def _resolve(_loaded: Loaded, mark: tuple[object, ...], kind: str, text: str) -> ResolvedSource:
    return direction_sources.resolve(_loaded, kind, text)


def show(loaded: Loaded, resolved: ResolvedSource, shown: Shown) -> None:
    """A direction: its estimators, its place among others, and what can be done with it."""
    others = [loaded.directions[name] for name in shown.hold if name in loaded.directions]
    matrix = np.stack([d.vector for d in others]) if others else np.zeros((0, loaded.latent), np.float32)
    source = f"{shown.kind}:{shown.text}:{_mark(resolved)}:{hash(matrix.tobytes()):x}"
    estimates, study = estimators.known(loaded, resolved, source, matrix)
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
                "Try it on image",
            )
            own = shown.text if shown.kind == "attribute" else ""
            choice.choose_hold(loaded, shown, own, page.update)
        estimators.progress(study)
        before = estimates[method].vector
        if others and before is not None:
            holding(others, before, vectors.get(method))
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
        leakage(loaded, resolved, shown, vectors)


def head(resolved: ResolvedSource) -> None:
    """What the direction is, with its equation."""
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
        f"latent, along the direction, as far as the means of the two groups are apart. {PAPERS}"
    )
    formula(
        r"z' = z + s\,v, \qquad v = w\,\frac{w^\top(\mu_1 - \mu_0)}{w^\top w}",
        "z is the image's latent, s the strength, v the direction, z' the latent that is decoded. w is what an estimator "
        "gives, of any length; μ₁ and μ₀ are the mean latents of the two groups, and the fraction sets the length of v.",
    )


def formula(latex: str, symbols: str) -> None:
    """An equation with its symbols explained, folded away."""
    with st.expander("Formula"):
        st.latex(latex)
        st.caption(symbols)


def holding(others: list[Direction], before: NDArray[np.float32], after: NDArray[np.float32] | None) -> None:
    """The cosine to each direction that is held fixed, before and after."""
    if after is None:
        return
    rows = ["| Held fixed | Cosine before | after |", "|---|---|---|"]
    for other in others:
        told = [f"{cosine(vector, other.vector):+.3f}".replace("-", "−") for vector in (before, after)]
        rows.append(
            f"| {plain(other.title)} | {told[0]} | {told[1].replace('−0.000', '0.000').replace('+0.000', '0.000')} |"
        )
    st.markdown("\n".join(rows))
    st.caption(
        "What the direction shares with those held fixed is taken out of it (a cosine of 0 means that nothing is shared). The "
        f"cosine between the direction before and after is {abs(cosine(before, after)):.2f}. AUC and angle error below are "
        "those after."
    )


def reliability_note(estimates: dict[str, Estimate], follows: str) -> str:
    """What AUC or rank correlation and angle error are, and whether the sides differ at all."""
    note = " ".join(f"*{STATISTICS[key].name}*: {STATISTICS[key].definition}" for key in (follows, "angle"))
    p_value = next((e.p_value for e in estimates.values() if e.p_value is not None), None)
    return note + ("" if p_value is None else f" The sides differ with p = {p_value:.3g} (199 permutations).")


def pictures(
    loaded: Loaded, resolved: ResolvedSource, vectors: dict[str, NDArray[np.float32]], method: str
) -> None:
    """How the directions lie to each other, and the collection along the chosen one."""
    left, right = side_by_side([1, 1], "dr-charts", gap="small")
    with left, st.container(border=True):
        named = {
            METHODS[name] if resolved.sides is not None else "This one": v for name, v in vectors.items()
        }
        nearest = likest(loaded, vectors[method], 12 - len(named))
        named |= {d.title: d.vector for d in nearest}
        st.markdown("##### How alike the directions are")
        chart = charts.cosine_map(cosines(np.stack(list(named.values()))), list(named))
        draw_downloadable_chart(chart, "dr-cosines", f"{loaded.name}-cosines")
        st.caption(
            "Cosine between two directions: 1 the same, 0 unrelated, −1 opposite. The estimators, and the attributes whose "
            "directions are most alike or opposite."
        )
    with right, st.container(border=True):
        st.markdown("##### The collection along it")
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
            "Horizontal: where an image lies along the direction, in units of its strength. Vertical: what varies most among "
            f"the images apart from it.{ends}{more}"
        )


def likest(loaded: Loaded, vector: NDArray[np.float32], count: int) -> list[Direction]:
    """The model's directions whose cosine to a vector is the largest in size, the same one left out."""
    sizes = {name: abs(cosine(d.vector, vector)) for name, d in loaded.directions.items()}
    order = sorted((name for name, size in sizes.items() if size < 0.9999), key=lambda name: -sizes[name])
    return [loaded.directions[name] for name in order[: max(0, min(6, count))]]


def leakage(
    loaded: Loaded, resolved: ResolvedSource, shown: Shown, vectors: dict[str, NDArray[np.float32]]
) -> None:
    """What else an edit moves, judged on the pictures, where that part is there."""
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
    module.panel(loaded, chosen, source=source)


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
    """Which images the scatter shows, and where they lie."""
    rows = np.arange(count)
    if count > charts.POINTS:
        rows = np.sort(np.random.default_rng(0).choice(count, charts.POINTS, replace=False))
    mean = _loaded.atlas.mean
    origin = (mean[_source.masks[1]] if _source.masks else mean).mean(0, np.float64)
    return rows, charts.along(mean[rows], vector, origin)


def _mark(resolved: ResolvedSource) -> str:
    """Tells the sides of a source from those it had before, such as of a group that was drawn anew."""
    return f"{hash(tuple(mask.tobytes() for mask in resolved.masks)):x}" if resolved.masks else ""


main()
