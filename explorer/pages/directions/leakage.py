"""The leakage panel of the Directions page: other attributes that an edit changes, and ground truth beside the edit."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any, cast

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from explorer.fields import SEED_AT_MOST
from explorer.jobs import messages
from explorer.jobs.leakage import DIRECTIONS_AT_MOST, Request
from explorer.jobs.leakage import table as leakage_table
from explorer.jobs.runner import Job, start
from explorer.latent.directions.estimators import cosine
from explorer.latent.directions.leakage import targets
from explorer.latent.directions.mean_difference import Direction
from explorer.latent.statistics.registry import STATISTICS, tooltip
from explorer.pages.anatomy.charts import COST, QUIET, RATE
from explorer.pages.shared.file_button import file_button
from explorer.pages.shared.layout import job_notice, side_by_side
from explorer.pages.shared.plotly_chart import draw_downloadable_chart
from explorer.pages.shared.pressing import pressed
from explorer.pages.shared.text import plain, with_code
from explorer.scene.loaded import Loaded
from models.data import data_available
from models.evaluation.classifier_cache import is_cached

__all__ = ["Source", "compared", "panel", "table_html", "target_of", "why_not"]

S = st.session_state
KEPT_AT_MOST = 8  # cached tables per session
SUCCESS, DEPENDENCY = 0.9, 0.2  # thresholds of a good direction
SAME = 0.9999  # cosine from which two directions count as equal
COUNTS = (200, 400, 1000)
COLOURS = (QUIET, RATE, COST, "#2aa198", "#9b59b6", "#c2920b", "#d6336c", "#0c8599")
BARS = (
    "Each direction is applied at the smallest strength that changes the target in 95 % of a separate set of images. "
    "**Success** is good from 90 %, **dependency** up to 0.2.\n\n"
) + "\n\n".join(map(tooltip, ("success", "dependency", "drift", "balanced_accuracy", "overconfidence")))
STYLE = """<style>
.lx-leak { overflow-x: auto; }
.lx-leak table { border-collapse: separate; border-spacing: 2px; border: 0; width: auto; margin: 0; }
.lx-leak th, .lx-leak td { border: 0; padding: 5px 12px; font-size: 13px; font-weight: 400; text-align: center;
  font-variant-numeric: tabular-nums; border-radius: 4px; }
.lx-leak thead th { vertical-align: bottom; font-weight: 600; max-width: 220px; overflow-wrap: anywhere; }
.lx-leak th[scope="row"] { text-align: right; white-space: nowrap; }
.lx-leak tr.lx-target th, .lx-leak tr.lx-target td, .lx-leak tr.lx-sum td { font-weight: 600; }
.lx-leak tr.lx-last > * { padding-bottom: 10px; }
.lx-leak .lx-miss { color: light-dark(#b3401b, #f08a66); }
.lx-leak .lx-met { color: light-dark(#14774a, #45c48b); }
.lx-leak td.lx-picture, .lx-leak th.lx-picture { padding: 2px 4px; max-width: 104px; }
.lx-leak img { display: block; width: 80px; image-rendering: pixelated; border-radius: 4px; margin: 0 auto; }
.lx-leak .lx-none { opacity: 0.65; width: 80px; font-size: 12px; }
</style>"""


@dataclass(frozen=True, eq=False)
class Source:
    """What the directions were estimated from, so that they can be estimated again without the test images."""

    methods: Sequence[str]  # estimator of each direction; "" to use it unchanged
    sides: NDArray[np.int8]  # (N,): 1 with, -1 without, 0 neither
    others: NDArray[np.float64]  # (N, C), columns that `balanced` balances
    hold: Sequence[str]  # slugs of attribute directions held fixed
    held: NDArray[np.float32]  # other directions held fixed, (K, D)


def panel(
    loaded: Loaded,
    chosen: Sequence[Direction],
    *,
    target: str | None = None,
    source: Source | None = None,
    fitting: bool = False,
) -> None:
    """Controls, progress, table, chart, and pictures beside the ground truth.

    Arguments:
        loaded: The model.
        chosen: Directions to compare, e.g. one before and after others are held fixed.
        target: Slug of the attribute that the directions are meant to change; None to infer it from their names.
        source: What they were estimated from; None to use them unchanged.
        fitting: Whether further directions will follow; a table of fewer would not be shown beside them.
    """
    with st.container(border=True):
        st.markdown("##### What else the edit changes", help=BARS)
        st.caption(
            "Test images are decoded before and after the edit. A classifier, trained on the data set's original images, reads "
            "the attributes from both pictures."
        )
        if reason := why_not(loaded):
            st.info(with_code(reason), icon=":material/info:")
            return
        if not chosen:
            st.info("Choose a direction above to see what else it changes.", icon=":material/arrow_upward:")
            return
        key = _controls(loaded, list(chosen), target, source, fitting=fitting)
        _run()
        table = _tables().get(key)
        if table is None:
            if S.get("dl_job") is None:
                st.caption("Not measured yet.")
            return
        _draw(table)


def why_not(loaded: Loaded) -> str | None:
    """Why nothing can be measured for a model, or None."""
    if not loaded.atlas.attributes:
        return (
            f"The images of {loaded.name} have no attributes, so leakage cannot be measured. Use a labelled collection such as "
            "faces, lpc-sprites or mnist."
        )
    if "test" not in loaded.atlas.split:
        return (
            "The atlas has no images of the test split. Rebuild it: "
            f"`python -m explorer.atlas {loaded.name}`."
        )
    card = loaded.entry.card
    if card is None:
        return f"{loaded.name} has no card, so its data set is unknown."
    reason = data_available(card.data["name"], **card.data.get("options", {}))
    if reason is not None:
        return f"The classifier is trained on original images, and those of {card.data['name']} are not on this machine. {reason}"
    return None


def target_of(loaded: Loaded, direction: Direction) -> str | None:
    """The slug of the attribute whose direction this is, by name or title; None if unknown.

    A title may have a suffix after a comma, such as "Beard, linear SVM".
    """
    known = _targets(loaded)
    if direction.name in known:
        return direction.name
    titles = {slug: loaded.directions[slug].title for slug in known}
    fits = [slug for slug in known if f"{direction.title},".startswith(f"{titles[slug]},")]
    return max(fits, key=lambda slug: len(titles[slug]), default=None)


def compared(loaded: Loaded, chosen: Sequence[Direction], slug: str | None) -> list[Direction]:
    """The chosen directions, preceded by the mean difference of their attribute unless that is among them."""
    baseline = loaded.directions.get(slug or "")
    if baseline is None or any(abs(cosine(baseline.vector, each.vector)) > SAME for each in chosen):
        return list(chosen)[:DIRECTIONS_AT_MOST]
    before = replace(baseline, title=f"{baseline.title}, before (mean difference)")
    return [before, *chosen][:DIRECTIONS_AT_MOST]


def _targets(loaded: Loaded) -> list[str]:
    return [slug for slug in targets(loaded.atlas.attributes) if slug in loaded.directions]


def _controls(
    loaded: Loaded, chosen: list[Direction], target: str | None, source: Source | None, *, fitting: bool
) -> str:
    """Settings of the measurement and the button that starts it; returns the key of its table."""
    known = _targets(loaded)
    guess = target if target in known else target_of(loaded, chosen[0])
    titles = {slug: loaded.directions[slug].title for slug in known}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        slug = st.selectbox(
            "Target",
            [None, *known],
            index=0 if guess is None else known.index(guess) + 1,
            format_func=lambda name: "Attribute that changes most" if name is None else titles[name],
            key=f"dl_target-{loaded.name}-{guess}",
            width=240,
            help="The attribute that the edit should change; all others should stay. Success is only defined with a target.",
        )
        images = st.selectbox(
            "Test images",
            COUNTS,
            index=1,
            key="dl_images",
            width=130,
            help="The strength is found on half of them, and the metrics are measured on the other half.",
        )
        seed = st.number_input(
            "Seed", 0, SEED_AT_MOST, 0, key="dl_seed", width=120, help="Seed of the random choice of images."
        )
        measured = compared(loaded, chosen, slug)
        request = Request(
            str(loaded.entry.path),
            slug,
            titles=[_title(each) for each in measured],
            vectors=np.stack([each.vector for each in measured]).astype(np.float32),
            images=images,
            seed=int(seed),
            **_estimation(measured, chosen, source),
        )
        digest = hashlib.sha256(loaded.version.encode() + messages.pack(request)).hexdigest()
        if pressed(
            "Measure leakage",
            icon=":material/science:",
            type="primary",
            key="dl_measure",
            disabled=fitting or S.get("dl_job") is not None,
            help="The estimators are still being fitted." if fitting else None,
        ):
            S.dl_job = start(leakage_table, request)
            S.dl_key = digest
            S.pop("dl_failed", None)
            st.rerun()
    data = loaded.entry.card.data if loaded.entry.card else {}
    if digest not in _tables() and data and not is_cached(data["name"], data.get("options", {})):
        st.caption(
            f"The first time, a classifier for {plain(data['name'])} is trained. This takes some minutes; the classifier is then stored for all its models."
        )
    return digest


def _estimation(
    measured: Sequence[Direction], chosen: Sequence[Direction], source: Source | None
) -> dict[str, Any]:
    """Arguments that make the job estimate the directions again; a baseline is used unchanged."""
    if source is None:
        return {}
    known = {id(each): method for each, method in zip(chosen, source.methods, strict=True)}
    methods = [known.get(id(each), "") for each in measured]
    return {
        "methods": methods,
        "sides": source.sides,
        "others": source.others,
        "hold": source.hold,
        "held": source.held,
    }


def _title(direction: Direction) -> str:
    return direction.title[:100] or direction.name


def _run() -> None:
    """The job's progress, or why it failed."""
    if S.get("dl_job") is not None:
        st.fragment(run_every=0.5)(_progress)()
    elif S.get("dl_failed"):
        st.warning(with_code(f"Nothing was measured: {S.dl_failed}"), icon=":material/error:")


def _progress() -> None:
    job: Job | None = S.get("dl_job")
    if job is None:
        return
    if job.running:
        if job_notice(job.share, job.what, "dl_cancel"):
            job.cancel()
        return
    S.dl_job = None
    if job.result is None:
        S.dl_failed = job.error
    else:
        kept = _tables()
        kept[S.dl_key] = job.result
        while len(kept) > KEPT_AT_MOST:
            kept.pop(next(iter(kept)))
    st.rerun()


def _tables() -> dict[str, dict[str, Any]]:
    return cast("dict[str, dict[str, Any]]", S.setdefault("dl_tables", {}))


def _draw(table: Mapping[str, Any]) -> None:
    """Draws the table, its chart and the pictures."""
    images = table["images"]
    seen = [each["title"] for each in table["columns"] if not each["apart"]]
    caption = (
        "Mean change of each attribute's log-odds, in standard deviations over the collection; ↑ or ↓ if it mostly goes in "
        "one direction, bold if significant (false discovery rate 5 %). "
        f"Measured on {images['judged']:,} test images, the strength found on {images['to find the strength']:,} others, "
        f"seed {table['seed']}. {_reads(table)}"
    )
    if seen:
        caption += f" Used unchanged, and perhaps fitted to the test images too: {plain(', '.join(seen))}."
    left, right = side_by_side([5, 4], "leak-figures")
    with left:
        st.html(STYLE + table_html(table))
    with right:
        if len(table["attributes"]) > 1:
            draw_downloadable_chart(_chart(table), "dl_chart", f"{table['model']}-leakage")
        else:
            st.caption("There is no other attribute, so there is no dependency.")
    st.caption(caption)
    _pictures(table)
    file_button(
        st,
        "Table, CSV",
        f"{table['model']}-leakage.csv",
        lambda: _csv(table),
        "dl_csv",
        icon=":material/download:",
    )


def _reads(table: Mapping[str, Any]) -> str:
    """The accuracy and calibration of the classifier on decoded pictures, in two sentences."""
    titles = {name: each["title"].lower() for name, each in table["attributes"].items()}
    name, worst = min(table["classifier"].items(), key=lambda pair: pair[1]["value"])
    low, high = worst["interval"]
    text = (
        f"From {worst['images']:,} decoded test images the classifier reads {titles[name]} worst: {worst['measure']} "
        f"{worst['value']:.2f} ({low:.2f}–{high:.2f})."
    )
    sure = {
        key: each["overconfidence"]
        for key, each in table["classifier"].items()
        if each["overconfidence"] is not None
    }
    if sure:
        most = max(sure, key=lambda key: abs(sure[key]))
        points = f"{100 * sure[most]:+.0f}".replace("-", "−")
        text += f" Its probabilities are farthest from the share read right for {titles[most]}: {points} percentage points."
    return text


def table_html(table: Mapping[str, Any]) -> str:
    """The table as HTML: success and dependency, then a row per attribute; a column per direction.

    Arguments:
        table: From `explorer.jobs.leakage.table`.
    """
    columns = table["columns"]
    head = "".join(f'<th scope="col">{escape(each["title"])}</th>' for each in columns)
    rows = [
        _row("Strength", [_strength(each) for each in columns], "units of the direction"),
        _row(
            "Success",
            [_metric(each["success"], each["success_interval"], SUCCESS, True) for each in columns],
            STATISTICS["success"].definition,
            "lx-sum",
        ),
        _row(
            "Dependency",
            [_metric(each["dependency"], each["dependency_interval"], DEPENDENCY, False) for each in columns],
            STATISTICS["dependency"].definition,
            "lx-sum",
        ),
        _row(
            "Worst case",
            [_worst(each, table["attributes"]) for each in columns],
            "the largest change of another attribute, relative to the target's",
        ),
        _row(
            "Random directions",
            [_random(table["control"])] * len(columns),
            "mean dependency and its range, at the strength that changes as many targets",
            "lx-last",
        ),
    ]
    main = columns[0]["target"]
    order = sorted(table["attributes"], key=lambda name: name != main)
    for name in order:
        title = table["attributes"][name]["title"] + (" (target)" if name == main else "")
        cells = [_cell(each, name) for each in columns]
        rows.append(_row(title, cells, "", "lx-target lx-last" if name == main else ""))
    body = "".join(rows)
    return f'<div class="lx-leak"><table><thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _row(title: str, cells: Sequence[str], help_: str = "", kind: str = "") -> str:
    hint = f' title="{escape(help_)}"' if help_ else ""
    return f'<tr class="{kind}"><th scope="row"{hint}>{escape(title)}</th>{"".join(cells)}</tr>'


def _strength(column: Mapping[str, Any]) -> str:
    if column["reached"]:
        return f"<td>{column['strength']:.2f}</td>"
    hint = "no strength changes 95 % of the targets; this one changes the most"
    return f'<td class="lx-miss" title="{hint}">{column["strength"]:.2f} *</td>'


def _metric(value: float | None, interval: Sequence[float | None], threshold: float, least: bool) -> str:
    """A metric with its interval, and whether all, part or none of the interval meets the threshold."""
    low, high = interval
    if value is None or low is None or high is None:
        return "<td>–</td>"
    sure, possible = (low >= threshold, high >= threshold) if least else (high <= threshold, low <= threshold)
    mark, kind = ("✓", "lx-met") if sure else ("?", "") if possible else ("✗", "lx-miss")
    texts = [f"{each:.0%}".replace("%", " %") if least else f"{each:.2f}" for each in (value, low, high)]
    return f'<td class="{kind}">{texts[0]} {mark}<br><small>{texts[1]}–{texts[2]}</small></td>'


def _worst(column: Mapping[str, Any], attributes: Mapping[str, Any]) -> str:
    worst = column["worst"]
    if worst["ratio"] is None:
        return "<td>–</td>"
    return (
        f"<td>{worst['ratio']:.2f}<br><small>{escape(attributes[worst['attribute']]['title'])}</small></td>"
    )


def _random(control: Mapping[str, Any] | None) -> str:
    if control is None:
        return "<td>–</td>"
    low, high = control["dependency_range"]
    return f"<td>{control['dependency']:.2f}<br><small>{low:.2f}–{high:.2f}, success {control['success']:.0%}</small></td>"


def _cell(column: Mapping[str, Any], name: str) -> str:
    """A change, redder the closer it is to the target's; the target's is blue."""
    value = column["movements"].get(name)
    if value is None:
        return "<td>–</td>"
    target = column["movements"].get(column["target"]) or 0.0
    share = min(1.0, value / target) if target > 0 else 0.0
    own = name == column["target"]
    colour = "rgba(76, 123, 217, 0.35)" if own else f"rgba(224, 98, 58, {round(min(0.85, 1.4 * share), 3)})"
    drift = column["drifts"].get(name)
    arrow = "" if drift is None or abs(drift) < value / 2 else (" ↑" if drift > 0 else " ↓")
    hint = "" if own or target <= 0 else f' title="{value / target:.0%} of the target\'s movement"'
    text = f"<b>{value:.2f}{arrow}</b>" if column["leaks"].get(name) else f"{value:.2f}{arrow}"
    return f'<td style="background: {colour}"{hint}>{text}</td>'


def _chart(table: Mapping[str, Any]) -> go.Figure:
    """The change of each other attribute relative to the target's, one bar per direction."""
    main = table["columns"][0]["target"]
    names = [name for name in table["attributes"] if name != main]
    titles = [table["attributes"][name]["title"] for name in names]
    figure = go.Figure()
    for place, column in enumerate(table["columns"]):
        own = column["movements"].get(column["target"]) or float("nan")
        figure.add_bar(
            y=titles,
            x=[(column["movements"].get(name) or 0.0) / own for name in names],
            orientation="h",
            name=escape(column["title"]),
            marker={"color": COLOURS[place % len(COLOURS)]},
            hovertemplate="%{y}: %{x:.3f} of the target's movement<extra>"
            + escape(column["title"])
            + "</extra>",
        )
    figure.add_vline(x=DEPENDENCY, line={"width": 1.5, "dash": "dot", "color": QUIET})
    figure.update_yaxes(autorange="reversed", automargin=True)
    figure.update_xaxes(title="movement, share of the target's", rangemode="tozero")
    figure.update_layout(
        height=130 + len(names) * (12 + 8 * len(table["columns"])),
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        barmode="group",
        bargap=0.25,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    )
    return figure


def _pictures(table: Mapping[str, Any]) -> None:
    """Original, decoded, edited and ground-truth pictures of some test images."""
    items = table["pictures"]
    if not items:
        return
    true = any(item["truth"] for item in items)
    heads = ["Test image", "Original", "Decoded", *(f"Edit: {each['title']}" for each in table["columns"])]
    heads += ["Truth"] if true else []
    rows = []
    for item in items:
        cells = [item["original"], item["decoded"], *item["edits"], *([item["truth"]] if true else [])]
        sign = "+" if item["way"] > 0 else "−"
        shown = "".join(_picture(png, head) for png, head in zip(cells, heads[1:], strict=True))
        rows.append(f'<tr><th scope="row">test {item["id"]}, {sign}</th>{shown}</tr>')
    head = "".join(f'<th scope="col" class="lx-picture">{escape(each)}</th>' for each in heads)
    st.html(
        f'{STYLE}<div class="lx-leak"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
    )
    if true:
        st.caption(
            "Truth: the original drawn again with only the target changed, to the other label or to the value that the classifier "
            "reads in the last edit. Differences from it are leakage or errors of the decoder."
        )
    else:
        st.caption("There is no ground truth: these images cannot be drawn again with one attribute changed.")


def _picture(png: str | None, alt: str) -> str:
    if png is None:
        return '<td class="lx-picture"><div class="lx-none">not available</div></td>'
    return f'<td class="lx-picture"><img src="data:image/png;base64,{png}" alt="{escape(alt)}"></td>'


def _csv(table: Mapping[str, Any]) -> bytes:
    """The table as CSV: a row per direction and attribute."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(
        ["direction", "strength", "success", "dependency", "target", "attribute", "movement", "drift", "p"]
    )
    for column in table["columns"]:
        whole = [column[name] for name in ("title", "strength", "success", "dependency", "target")]
        for name, value in column["movements"].items():
            writer.writerow([*whole, name, value, column["drifts"].get(name), column["p_values"].get(name)])
    return out.getvalue().encode()
