"""The Outliers page: a collection's outliers by a score, their places on the map, and scores of the user's pictures."""

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
from explorer.pages.outliers.ranking import Scored, apply_threshold, hover_texts
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
)  # the first of them that is computed is the default


def main() -> None:
    """Controls, histogram and map of the score, gallery, comparison of two scores, and uploads."""
    entries = checkpoint_picker.entries()
    S.setdefault("ol_notice", "")
    loaded = page.open_checkpoint(entries)
    if loaded is None:
        show_warnings(page.problems)
        checkpoint_picker.nothing_yet(entries)
        return
    scores = usable(loaded.decoder.model.spec)
    values, broken = panels.load_scores(loaded, scores)
    settle(loaded, scores, values)
    shown: Shown = page.shown
    score = SCORES[shown.score]
    scored = apply_threshold(values[shown.score], score, shown)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        checkpoint_picker.button(entries, loaded, switch_model)
        choose_score(scores, values)
        if scored is not None:
            panels.choose_threshold(scored, shown, partial(page.update, of=shown.score))
            panels.save_group(loaded, scored, report)
            panels.download(loaded, scored, values)
    show_warnings([*page.problems, *broken])
    if S.ol_notice:
        st.success(S.ol_notice, icon=":material/check:")
        S.ol_notice = ""
    panels.explain(loaded, score, len(values))
    panels.compute(loaded, score, values[shown.score])
    uploads = outliers_uploads.current(loaded)
    view = resolve(loaded, default_view(loaded))
    if scored is not None:
        texts = hover_texts(loaded, values)
        chosen = overview(loaded, view, scored, texts, uploads)
        gallery(loaded, scored, values, chosen)
        compare(scored, values, texts)
    outliers_uploads.panel(loaded, score, scored, values[shown.score])
    write_address(loaded)
    st.caption(checkpoint_picker.facts(loaded))


def settle(loaded: Loaded, scores: Sequence[Score], values: dict[str, NDArray[np.float64]]) -> None:
    """Fills in what is shown: from the address, or the first score that is computed."""
    loaded.originals.start()
    keys = [score.key for score in scores]
    ready = [key for key in (*FIRST, *keys) if key in keys and np.isfinite(values[key]).any()]
    page.load(lambda query, _: link.from_query(query, Shown((ready or keys)[0]), keys))


def choose_score(scores: Sequence[Score], values: dict[str, NDArray[np.float64]]) -> None:
    """A selectbox of scores."""
    titles = {
        score.key: score.title + ("" if np.isfinite(values[score.key]).any() else " · not computed yet")
        for score in scores
    }
    S.ol_score = page.shown.score
    st.selectbox(
        "Score",
        list(titles),
        key="ol_score",
        format_func=titles.__getitem__,
        width=290,
        on_change=lambda: page.update(score=S.ol_score, cut=None, page=1, sort=""),
    )


def overview(
    loaded: Loaded, view: View, scored: Scored, texts: Sequence[str], uploads: outliers_uploads.Uploads | None
) -> NDArray[np.int64]:
    """The histogram with its threshold, and the map; returns the rows selected on the map."""
    mine = outliers_uploads.scores_of(loaded, scored.score, uploads)
    left, right = side_by_side([1, 1], "ol-overview", gap="small")
    with left:
        draw_downloadable_chart(
            charts.histogram(scored.values, scored.outliers, scored.cut, scored.score, mine),
            "ol-histogram",
            f"{loaded.name}-{scored.score.key}",
            alt=f"Histogram of {scored.score.title} over {len(scored.values)} images",
            below=lambda: panels.drag_threshold(scored, mine, partial(page.update, of=scored.score.key)),
        )
        st.caption(f"{scored.sentence} {scored.alarms(outliers_uploads.held_out(loaded))}")
    with right:
        xy = np.empty((0, 2), np.float32) if uploads is None else view.projection.forward(uploads.latents)
        event = st.plotly_chart(
            charts.outlier_map(
                view.xy,
                scored.outlier_mask(loaded.count),
                scored.scored_mask(loaded.count),
                texts,
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
    """Rows of the atlas in the browser's selection on the map; invalid ones are ignored."""
    points = getattr(getattr(event, "selection", None), "points", None) or []
    rows = []
    for point in points[: count + 1]:
        row = point.get("customdata") if isinstance(point, dict) else None
        row = row[0] if isinstance(row, list) and row else row
        if type(row) is int and 0 <= row < count:
            rows.append(row)
    return np.unique(np.array(rows, np.int64))


def gallery(
    loaded: Loaded, scored: Scored, values: dict[str, NDArray[np.float64]], chosen: NDArray[np.int64]
) -> None:
    """The outliers by descending score, or the images selected on the map."""
    shown: Shown = page.shown
    if loaded.originals.state in image_picker.WAITING:
        image_picker.wait_for_originals(loaded)
    ready = {key: SCORES[key].title for key, each in values.items() if np.isfinite(each).any()}
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            st.markdown("##### Outliers" if not len(chosen) else "##### Selected on the map", width="content")
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
        rows = chosen if len(chosen) else scored.rows[scored.outliers]
        order = ranking.ordered(rows, values[S.ol_sort], SCORES[S.ol_sort])
        number = outliers_gallery.pager(shown.page, len(order), lambda number: page.update(page=number))
        items = order[(number - 1) * outliers_gallery.PER_PAGE :][: outliers_gallery.PER_PAGE].tolist()
        captions = [ranking.card_text(loaded, values, item, (shown.score, S.ol_sort)) for item in items]
        cards = outliers_gallery.cards_of_items(loaded, items, captions)
        outliers_gallery.draw_cards(
            cards, "ol-cards", lambda number: outliers_gallery.links(loaded, items[number])
        )
        if len(chosen):
            st.caption(f"{len(order):,} images. Double-click the map to deselect them.")
        elif loaded.originals.state == "absent":
            st.caption("The data set's images are not on this machine, so residuals cannot be shown.")


def compare(scored: Scored, values: dict[str, NDArray[np.float64]], texts: Sequence[str]) -> None:
    """A scatter plot of two scores."""
    shown: Shown = page.shown
    others = [key for key in values if key != shown.score and np.isfinite(values[key]).any()]
    if not others:
        return
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            st.markdown("##### Two scores", width="content")
            titles = {key: SCORES[key].title for key in others}
            S.ol_against = shown.against if shown.against in others else others[0]
            st.selectbox(
                f"{scored.score.title} against",
                others,
                key="ol_against",
                format_func=titles.__getitem__,
                width=290,
                on_change=lambda: page.update(of=shown.score, against=S.ol_against),
            )
        other = values[S.ol_against][scored.rows]
        both = np.isfinite(other)
        if not both.any():
            st.info("No image has both scores yet.", icon=":material/info:")
            return
        draw_downloadable_chart(
            charts.two_scores(
                scored.values[both],
                other[both],
                scored.outliers[both],
                (scored.score, SCORES[S.ol_against]),
                scored.cut,
                scored.rows[both],
                texts,
            ),
            "ol-two",
            f"{page.model}-{scored.score.key}-{S.ol_against}",
            alt=f"{scored.score.title} against {SCORES[S.ol_against].title}",
        )
        st.caption(ranking.agreement(scored, other, both, SCORES[S.ol_against]))


def report(text: str, problem: bool = False) -> None:
    """Shows a result, or a problem, at the next run."""
    if problem:
        page.report(text)
    else:
        S.ol_notice = text


def switch_model(name: str) -> None:
    """Shows another checkpoint, with the same score if it has that."""
    query = {"score": page.shown.score} if page.shown is not None else {}
    loaded = engine().peek(name)
    if (
        loaded is not None
        and query
        and query["score"] not in [s.key for s in usable(loaded.decoder.model.spec)]
    ):
        query = {}
    page.switch_checkpoint(name, query=query)


def write_address(loaded: Loaded) -> None:
    """Writes the address of what is shown."""
    page.write_address({"model": loaded.name} | link.query(page.shown))


main()
