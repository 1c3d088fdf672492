"""The Outliers page: which images of a collection are outliers by which score, where they lie, and how one's own pictures score."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from explorer.catalogue.outlier_scores import SCORES, Score, usable
from explorer.pages.outliers import (
    charts,
    panels,
    ranking,
)
from explorer.pages.outliers import (
    gallery as outliers_gallery,
)
from explorer.pages.outliers import (
    uploads as outliers_uploads,
)
from explorer.pages.outliers import url as link
from explorer.pages.outliers.ranking import Scored, scored, texts
from explorer.pages.outliers.url import Shown
from explorer.pages.shared import (
    checkpoint_picker,
    image_picker,
)
from explorer.pages.shared.layout import show_warnings, side_by_side
from explorer.pages.shared.page_state import PageState
from explorer.pages.shared.plotly_chart import draw_downloadable_chart
from explorer.scene.engine import engine
from explorer.scene.loaded import Loaded
from explorer.scene.view import View
from explorer.scene.views import default_view, resolve

S = st.session_state
page = PageState[Shown]("ol", lambda shown: shown.score)
FIRST = (
    "regret",
    "density",
    "kl",
    "neighbour_distance",
    "error",
)  # what is shown first, of those already computed


def main() -> None:
    """Controls, the score's histogram and map, the gallery, and what else can be asked."""
    entries = checkpoint_picker.entries()
    S.setdefault("ol_told", "")
    loaded = page.open_checkpoint(entries)
    if loaded is None:
        show_warnings(page.problems)
        checkpoint_picker.nothing_yet(entries)
        return
    scores = usable(loaded.decoder.model.spec)
    values, broken = panels.known(loaded, scores)
    settle(loaded, scores, values)
    shown: Shown = page.shown
    score = SCORES[shown.score]
    found = scored(values[shown.score], score, shown)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        checkpoint_picker.button(entries, loaded, switch_model)
        choose_score(scores, values)
        if found is not None:
            panels.choose_threshold(found, shown, partial(page.update, of=shown.score))
            panels.save_group(loaded, found, tell)
            panels.download(loaded, found, values)
    show_warnings([*page.problems, *broken])
    if S.ol_told:
        st.success(S.ol_told, icon=":material/check:")
        S.ol_told = ""
    panels.explain(loaded, score, len(values))
    panels.compute(loaded, score, values[shown.score])
    uploads = outliers_uploads.current(loaded)
    view = resolve(loaded, default_view(loaded))
    if found is not None:
        said = texts(loaded, values)
        chosen = overview(loaded, view, found, said, uploads)
        gallery(loaded, found, values, chosen)
        compare(found, values, said)
    outliers_uploads.panel(loaded, score, found, values[shown.score])
    write_address(loaded)
    st.caption(checkpoint_picker.facts(loaded))


def settle(loaded: Loaded, scores: Sequence[Score], values: dict[str, NDArray[np.float64]]) -> None:
    """Fills in what is shown: from the address, or a score that is already there."""
    loaded.originals.start()
    keys = [score.key for score in scores]
    ready = [key for key in (*FIRST, *keys) if key in keys and np.isfinite(values[key]).any()]
    page.load(lambda query, _: link.from_query(query, Shown((ready or keys)[0]), keys))


def choose_score(scores: Sequence[Score], values: dict[str, NDArray[np.float64]]) -> None:
    """Chooses the score."""
    named = {
        score.key: score.title + ("" if np.isfinite(values[score.key]).any() else " · not computed yet")
        for score in scores
    }
    S.ol_score = page.shown.score
    st.selectbox(
        "Score",
        list(named),
        key="ol_score",
        format_func=named.__getitem__,
        width=290,
        on_change=lambda: page.update(score=S.ol_score, cut=None, page=1, sort=""),
    )


def overview(
    loaded: Loaded, view: View, found: Scored, said: Sequence[str], uploads: outliers_uploads.Uploads | None
) -> NDArray[np.int64]:
    """The histogram with its threshold and the map; rows that were chosen on the map."""
    mine = outliers_uploads.scores_of(loaded, found.score, uploads)
    left, right = side_by_side([1, 1], "ol-overview", gap="small")
    with left:
        draw_downloadable_chart(
            charts.histogram(found.values, found.odd, found.cut, found.score, mine),
            "ol-histogram",
            f"{loaded.name}-{found.score.key}",
            alt=f"Histogram of {found.score.title} over {len(found.values)} images",
            below=lambda: panels.drag_threshold(found, mine, partial(page.update, of=found.score.key)),
        )
        st.caption(f"{found.sentence} {found.alarms(outliers_uploads.held_out(loaded))}")
    with right:
        xy = np.empty((0, 2), np.float32) if uploads is None else view.projection.forward(uploads.latents)
        event = st.plotly_chart(
            charts.place_on_map(
                view.xy,
                found.everywhere(loaded.count),
                found.known(loaded.count),
                said,
                np.asarray(xy, np.float32),
                [] if uploads is None else uploads.titles,
            ),
            key=f"ol-map-{loaded.name}",
            on_select="rerun",
            selection_mode=("points", "box", "lasso"),
            config={"displaylogo": False, "scrollZoom": True, "modeBarButtonsToRemove": ["autoScale2d"]},
            alt="Where the outliers lie on the map",
        )
    return chosen_rows(event, loaded.count)


def chosen_rows(event: object, count: int) -> NDArray[np.int64]:
    """Rows of the atlas that a browser says were chosen on the map; what does not hold is left out."""
    points = getattr(getattr(event, "selection", None), "points", None) or []
    rows = []
    for point in points[: count + 1]:
        row = point.get("customdata") if isinstance(point, dict) else None
        row = row[0] if isinstance(row, list) and row else row
        if type(row) is int and 0 <= row < count:
            rows.append(row)
    return np.unique(np.array(rows, np.int64))


def gallery(
    loaded: Loaded, found: Scored, values: dict[str, NDArray[np.float64]], chosen: NDArray[np.int64]
) -> None:
    """The outliers by descending score, or the images chosen on the map."""
    shown: Shown = page.shown
    if loaded.originals.state in image_picker.WAITING:
        image_picker.wait_for_originals(loaded)
    ready = {key: SCORES[key].title for key, each in values.items() if np.isfinite(each).any()}
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            st.markdown("##### Outliers" if not len(chosen) else "##### Chosen on the map", width="content")
            S.ol_sort = shown.sort if shown.sort in ready else shown.score
            st.selectbox(
                "Order, outliers first",
                list(ready),
                key="ol_sort",
                format_func=ready.__getitem__,
                width=250,
                on_change=lambda: page.update(
                    of=shown.score, sort="" if S.ol_sort == shown.score else S.ol_sort, page=1
                ),
            )
        rows = chosen if len(chosen) else found.rows[found.odd]
        order = ranking.ordered(rows, values[S.ol_sort], SCORES[S.ol_sort])
        number = outliers_gallery.pager(shown.page, len(order), lambda number: page.update(page=number))
        items = order[(number - 1) * outliers_gallery.PER_PAGE :][: outliers_gallery.PER_PAGE].tolist()
        told = [ranking.card_text(loaded, values, item, (shown.score, S.ol_sort)) for item in items]
        shelf = outliers_gallery.of_items(loaded, items, told)
        outliers_gallery.cards(shelf, "ol-cards", lambda number: outliers_gallery.lead(loaded, items[number]))
        if len(chosen):
            st.caption(f"{len(order):,} images. Double-click the map to let them go.")
        elif loaded.originals.state == "absent":
            st.caption("The data set's images are not on this machine: a residual needs the input.")


def compare(found: Scored, values: dict[str, NDArray[np.float64]], said: Sequence[str]) -> None:
    """Two scores against each other."""
    shown: Shown = page.shown
    others = [key for key in values if key != shown.score and np.isfinite(values[key]).any()]
    if not others:
        return
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            st.markdown("##### Two scores", width="content")
            named = {key: SCORES[key].title for key in others}
            S.ol_against = shown.against if shown.against in others else others[0]
            st.selectbox(
                f"{found.score.title} against",
                others,
                key="ol_against",
                format_func=named.__getitem__,
                width=290,
                on_change=lambda: page.update(of=shown.score, against=S.ol_against),
            )
        other = values[S.ol_against][found.rows]
        both = np.isfinite(other)
        if not both.any():
            st.info("No image has both scores yet.", icon=":material/info:")
            return
        draw_downloadable_chart(
            charts.two_scores(
                found.values[both],
                other[both],
                found.odd[both],
                (found.score, SCORES[S.ol_against]),
                found.cut,
                found.rows[both],
                said,
            ),
            "ol-two",
            f"{page.model}-{found.score.key}-{S.ol_against}",
            alt=f"{found.score.title} against {SCORES[S.ol_against].title}",
        )
        st.caption(ranking.agreement(found, other, both, SCORES[S.ol_against]))


def tell(text: str, problem: bool = False) -> None:
    """Says at the next run what came of something."""
    if problem:
        page.report(text)
    else:
        S.ol_told = text


def switch_model(name: str) -> None:
    """Shows another checkpoint, by the same score where it has that."""
    kept = {"score": page.shown.score} if page.shown is not None else {}
    loaded = engine().peek(name)
    if (
        loaded is not None
        and kept
        and kept["score"] not in [s.key for s in usable(loaded.decoder.model.spec)]
    ):
        kept = {}
    page.switch_checkpoint(name, query=kept)


def write_address(loaded: Loaded) -> None:
    """Puts what is shown into the address bar."""
    page.write_address({"model": loaded.name} | link.query(page.shown))


main()
