"""A report: the contents of the stage as one self-contained HTML file, with the recipe to reproduce it.

It loads nothing: pictures are inlined, the map is SVG, and a content security policy forbids everything else.
All text from cards, titles and labels is escaped.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from html import escape
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.catalogue import families
from explorer.catalogue.data_titles import data_name
from explorer.catalogue.metrics import name_of, protocol
from explorer.fields import HANDLE_NAMES
from explorer.inference.engine import Decoded
from explorer.latent.geometry.projections import ScatterProjection
from explorer.latent.statistics.registry import STATISTICS
from explorer.live.frame_plan import plan_frame
from explorer.live.messages import Frame, FrameHeader, Handle, Strip
from explorer.live.stage import frame_header, item_labels
from explorer.scene.loaded import Loaded, attribute_values
from explorer.scene.view import View
from explorer.sharing.exports import chart_html, picture_png
from explorer.sharing.map_drawing import Shades, chart, draw, legend, shade, shade_style
from explorer.sharing.recipe import FRAMES, Shown, recipe_of, to_json
from explorer.workspace.stage_edit import Edit, link

__all__ = ["colour_title", "map_html", "report_html"]

NEAREST = 8  # neighbours of each handle
LABELS = 4  # attributes shown per neighbour
SCORES = {
    "kl": "KL to the prior (nats)",
    "error": "Reconstruction error",
    "neighbour_distance": "Distance to neighbours",
}

Decode = Callable[[NDArray[np.float32]], NDArray[np.uint8]]


class Answer(NamedTuple):
    """The decoded frame of an edit."""

    pictures: dict[str, NDArray[np.uint8]]  # A, B, S0, S1 …, (H, W, C)
    header: FrameHeader  # gauges, nearest items, the path on the map
    near: NDArray[np.int64]  # items nearest to A and B, (2, k)
    distance: NDArray[np.float64]


def report_html(shown: Shown, decode: Decode, colour: str | None = None) -> bytes:
    """Renders the report.

    Arguments:
        shown: The contents of the stage.
        decode: From latents (M, D) to pictures, uint8 (M, H, W, C).
        colour: The attribute that colours the points; None for a single colour.

    Raises:
        ValueError: If the map is not on this machine.
    """
    loaded, view, edit = shown.loaded, _view(shown), shown.edit
    answer = _answer(loaded, view, edit, decode)
    shades = _shades(loaded, colour)
    card = loaded.entry.card
    title = card.title if card else loaded.name
    parts = [
        _head(f"{title} · Latent Explorer", shade_style(shades)),
        f"<header><h1>{escape(title)}</h1><p>{escape(_subtitle(loaded, view))}</p></header>",
        f'<section><h2>Pictures</h2><div class="pair">{_ends(loaded, edit, answer)}</div></section>',
        f"<section><h2>From A to B</h2>{_strip(edit, answer)}</section>",
        "<section><h2>The "
        f"map</h2>{draw(view.xy, shades, _places(edit), _path(answer))}{legend(shades)}</section>",
        f"<section><h2>Directions added</h2>{_added(loaded, edit)}</section>",
        f"<section><h2>Nearest in latent space</h2>{_neighbours(loaded, answer, decode)}</section>",
        f"<section><h2>The checkpoint</h2>{_facts(loaded)}{_metrics(loaded)}</section>",
        f"<section><h2>Reproduce</h2>{_replay(loaded, view, edit, colour)}</section>",
        "</main></body></html>\n",
    ]
    return "\n".join(parts).encode()


def map_html(shown: Shown, decode: Decode, colour: str | None = None) -> bytes:
    """Renders the map as an interactive chart in one HTML file.

    Raises:
        ValueError: If the map is not on this machine.
    """
    loaded, view, edit = shown.loaded, _view(shown), shown.edit
    answer = _answer(loaded, view, edit, decode)
    hover = [f"{loaded.atlas.names.name(item)} · {_labels(loaded, item)}" for item in range(loaded.count)]
    card = loaded.entry.card
    title = f"{card.title if card else loaded.name} · {view.id}"
    return chart_html(chart(view.xy, _shades(loaded, colour), _places(edit), _path(answer), hover, title))


def colour_title(loaded: Loaded, colour: str) -> str:
    """Display title of the attribute or score that colours the points."""
    attribute = loaded.atlas.attributes.get(colour)
    return attribute.title if attribute else SCORES.get(colour, colour)


def _view(shown: Shown) -> View:
    if shown.view is None:
        raise ValueError("The map of this recipe is not on this machine, so it cannot be drawn.")
    return shown.view


def _answer(loaded: Loaded, view: View, edit: Edit, decode: Decode) -> Answer:
    """Decodes the frame as the live socket does."""
    a, b = (Handle(h.item, h.x, h.y, dict(h.sliders)) for h in (edit.A, edit.B))
    strip = Strip(edit.frames or FRAMES, edit.path)
    frame = Frame(0, ("A", "B", "strip"), {"A": a, "B": b}, strip, edit.residual, edit.level)
    plan = plan_frame(loaded, view, frame)
    wanted = NEAREST + 3
    if isinstance(view.projection, ScatterProjection):
        wanted = max(wanted, view.projection.forward_count)
    index, distance = loaded.neighbours.nearest(plan.z, min(wanted, loaded.count))
    pictures = decode(plan.z)
    header = frame_header(loaded, view, frame, plan, Decoded(pictures, index, distance, 0.0, 0.0))
    ends = [plan.handles["A"], plan.handles["B"]]
    shown = {name: pictures[row] for name, row in zip(plan.names, plan.rows, strict=True)}
    return Answer(shown, header, index[ends], distance[ends])


def _shades(loaded: Loaded, colour: str | None) -> Shades:
    values = None if colour is None else attribute_values(loaded, colour)
    if colour is None or values is None:
        return shade(loaded.count, None)
    attribute = loaded.atlas.attributes.get(colour)
    kind, labels = (attribute.kind, attribute.labels) if attribute else ("continuous", ())
    return shade(loaded.count, values, kind, colour_title(loaded, colour), labels)


def _places(edit: Edit) -> dict[str, tuple[float, float]]:
    return {"A": (edit.A.x, edit.A.y), "B": (edit.B.x, edit.B.y)}


def _path(answer: Answer) -> NDArray[np.float64]:
    return np.array(answer.header.path, float).reshape(-1, 2)


# Parts of the page


def _subtitle(loaded: Loaded, view: View) -> str:
    card = loaded.entry.card
    kind = families.title(card.model) if card else ""
    axes = " × ".join(axis for axis in view.axes if axis)
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return " · ".join(part for part in (loaded.name, kind, f"map {view.id}", axes, now) if part)


def _ends(loaded: Loaded, edit: Edit, answer: Answer) -> str:
    ends = []
    for name in HANDLE_NAMES:
        percentile, handle = answer.header.handles[name].percentile, getattr(edit, name)
        item = loaded.name_of(handle.item)
        ends.append(
            f"<figure>{_picture(answer.pictures[name], f'Picture {name}')}<figcaption><b>{name}</b> from "
            f"{escape(item)}{_gauge_text(percentile)}</figcaption></figure>"
        )
    return "".join(ends)


def _gauge_text(percentile: float | None) -> str:
    """A picture's gauge as text and as a bar; empty if the model has none."""
    return "" if percentile is None else f" · {_verdict(percentile)}{_gauge(percentile)}"


def _verdict(percentile: float) -> str:
    """The verdict of the gauge, worded as on the page."""
    level = "near the data" if percentile < 90 else "unusual" if percentile < 99 else "off the data"
    return f"{level}, {_ordinal(percentile)} percentile"


def _ordinal(value: float) -> str:
    number = round(value)
    ending = "th" if 11 <= number % 100 <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _gauge(percentile: float) -> str:
    return f'<span class="gauge"><i style="left:{percentile:.1f}%"></i></span>'


def _strip(edit: Edit, answer: Answer) -> str:
    frames = [name for name in answer.pictures if name.startswith("S")]
    off = answer.header.off
    captions = [f"<figcaption>{_gauge(value)}<small>{_ordinal(value)}</small></figcaption>" for value in off]
    shown = "".join(
        f"<figure>{_picture(answer.pictures[name], f'Step {place} of the path')}{caption}</figure>"
        for place, (name, caption) in enumerate(zip(frames, captions or [""] * len(frames), strict=True))
    )
    words = {"straight": "a straight line", "great-circle": "a great circle"}
    known = STATISTICS["gauge"]
    gauge = f" Below each picture, {known.name.lower()} ({known.unit}): {escape(known.definition)}"
    return (
        f'<div class="strip">{shown}</div><p class="note">Along {words.get(edit.path, escape(edit.path))}.'
        f"{gauge if off else ''}</p>"
    )


def _added(loaded: Loaded, edit: Edit) -> str:
    slugs = [
        s
        for s in dict.fromkeys([*edit.A.sliders, *edit.B.sliders])
        if edit.A.sliders.get(s) or edit.B.sliders.get(s)
    ]
    if not slugs:
        return '<p class="note">None: the handles show positions on the map only.</p>'
    rows = [
        [
            _title(loaded, slug),
            *(_signed(h.sliders.get(slug, 0.0)) for h in (edit.A, edit.B)),
            loaded.directions[slug].made
            or f"{loaded.directions[slug].count_with:,} images with, "
            f"{loaded.directions[slug].count_without:,} without",
        ]
        for slug in slugs
    ]
    table = _table(["Direction", "A", "B", "Made of"], rows, numbers=(1, 2))
    return (
        table + '<p class="note">+1 goes from the mean of the images without to the mean of those with.</p>'
    )


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−") if value else "0"


def _title(loaded: Loaded, slug: str) -> str:
    direction = loaded.directions[slug]
    return f"{direction.title} (own)" if direction.kind == "own" else direction.title


def _neighbours(loaded: Loaded, answer: Answer, decode: Decode) -> str:
    rows = []
    for row, name in enumerate("AB"):
        items = [int(item) for item in answer.near[row, :NEAREST]]
        known = loaded.originals.get(items)
        pictures = decode(loaded.latents(items)) if any(p is None for p in known) else [None] * len(items)
        shown = "".join(
            f"<figure>{_picture(made if real is None else real, loaded.name_of(item))}"
            f"<figcaption><b>{escape(loaded.name_of(item))}</b> "
            f"{distance:.2f}<small>{escape(_labels(loaded, item))}</small></figcaption></figure>"
            for item, real, made, distance in zip(items, known, pictures, answer.distance[row], strict=False)
        )
        rows.append(f'<h3>{name}</h3><div class="strip near">{shown}</div>')
    kind = (
        "Originals"
        if known[0] is not None
        else "Reconstructions; the original images are not on this machine"
    )
    return "".join(rows) + f'<p class="note">{kind}. The number is the distance in latent space.</p>'


def _labels(loaded: Loaded, item: int) -> str:
    labels = [
        title if value == "yes" else f"{title} {value}"
        for title, value in item_labels(loaded, item).items()
        if value != "no"
    ]
    return " · ".join(labels[:LABELS])


def _facts(loaded: Loaded) -> str:
    card = loaded.entry.card
    if card is None:
        return ""
    channels, height, width = loaded.shape
    facts = {
        "Name": card.name,
        "Model": families.title(card.model),
        "Latent": families.extent(families.spec_of(card)),
        "Pictures": f"{width}×{height} {'colour' if channels == 3 else 'grey'}",
        "Data": data_name(card.data),
        "Images on the map": f"{loaded.count:,}",
        "Made by": card.command,
        "About": card.description,
        "SHA-256 of the weights": card.weights_sha256,
    }
    return _table([], [[name, value] for name, value in facts.items() if value])


def _metrics(loaded: Loaded) -> str:
    card = loaded.entry.card
    rows = []
    for name, about in (card.metrics if card else {}).items():
        value = f"{about['value']:,.6g}".replace("-", "−")
        error = f" ± {about['error']:.2g}" if "error" in about else ""
        rows.append(
            [name_of(name, card), value + error, about.get("unit", ""), protocol(card, name) if card else ""]
        )
    if not rows:
        return ""
    table = _table(["Metric", "Value", "Unit", "Protocol"], rows, numbers=(1,))
    return f"<details><summary>{len(rows)} metrics</summary>{table}</details>"


def _replay(loaded: Loaded, view: View, edit: Edit, colour: str | None) -> str:
    address = link(loaded.name, view.id, colour, edit, loaded.token_of)
    recipe = to_json(recipe_of(loaded, view, edit, colour))
    file = f"{loaded.name}-recipe.json"
    data = base64.b64encode(recipe.encode()).decode()
    return (
        f"<p>As a link, after the explorer's address:</p><pre>{escape(address)}</pre>"
        f'<p>From the command line, with <a download="{escape(file)}" '
        f'href="data:application/json;base64,{data}">the recipe</a>:</p>'
        f"<pre>python -m explorer render {escape(file)} --out picture.png</pre>"
        f"<details><summary>The recipe</summary><pre>{escape(recipe)}</pre></details>"
    )


def _picture(picture: NDArray[np.uint8], alt: str) -> str:
    data = base64.b64encode(picture_png(picture)).decode()
    return f'<img src="data:image/png;base64,{data}" alt="{escape(alt)}">'


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int] = ()) -> str:
    def cells(row: Sequence[str], tag: str) -> str:
        return "".join(
            f"<{tag}{' class=n' if place in numbers else ''}>{escape(str(cell))}</{tag}>"
            for place, cell in enumerate(row)
        )

    top = f"<thead><tr>{cells(head, 'th')}</tr></thead>" if head else ""
    body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in rows)
    return f'<div class="wide"><table>{top}<tbody>{body}</tbody></table></div>'


def _head(title: str, style: str) -> str:
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}{style}</style></head><body><main>"
    )


STYLE = """
:root { color-scheme: light dark; --ink: #1a1d23; --quiet: #5d6470; --line: #dfe3e9; --page: #fff; --soft: #f5f7fa; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8eaee; --quiet: #9aa3b0; --line: #2c323c; --page: #12151a; --soft: #1a1e25; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1000px; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { margin: 0; font-size: 1.7rem; } h2 { font-size: 1.1rem; margin: 2.2rem 0 .6rem; } h3 { font-size: .95rem; margin: .8rem 0 .3rem; }
header p, .note, small { color: var(--quiet); } header p { margin: .2rem 0 0; } .note { font-size: .85rem; }
figure { margin: 0; min-width: 0; } figcaption { font-size: .85rem; margin-top: .25rem; } small { display: block; font-size: .75rem; line-height: 1.3; }
img { width: 100%; display: block; image-rendering: pixelated; border-radius: 6px; background: var(--soft); }
.pair { display: grid; grid-template-columns: repeat(2, minmax(0, 300px)); gap: 1.2rem; }
.strip { display: grid; grid-auto-flow: column; grid-auto-columns: minmax(58px, 1fr); gap: .5rem; overflow-x: auto; }
.near { grid-auto-columns: minmax(74px, 1fr); }
.gauge { display: block; position: relative; height: 5px; margin: .45rem 0 .2rem; border-radius: 3px;
  background: linear-gradient(to right, #9bcfae 90%, #e3b04b 90% 99%, #d9534f 99%); }
.gauge i { position: absolute; top: -3px; width: 3px; height: 11px; margin-left: -1px; background: var(--ink); border-radius: 1px; }
svg { width: 100%; height: auto; background: var(--soft); border: 1px solid var(--line); border-radius: 8px; display: block; }
svg .walk { fill: none; stroke: var(--ink); stroke-width: 1.5; stroke-dasharray: 3 3; } svg .step { fill: var(--ink); }
.legend { display: flex; flex-wrap: wrap; gap: .2rem .9rem; align-items: center; font-size: .85rem; margin: .5rem 0; }
.legend small { display: inline; } .legend .dot { display: inline-block; width: .7em; height: .7em; border-radius: 50%; margin-right: .3em; }
.ramp { display: inline-flex; } .ramp i { width: 6px; height: 10px; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .9rem; }
td, th { text-align: left; vertical-align: top; padding: .25rem .9rem .25rem 0; border-bottom: 1px solid var(--line); }
td:last-child { overflow-wrap: anywhere; }
td:first-child { white-space: nowrap; } .n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
pre { background: var(--soft); border: 1px solid var(--line); border-radius: 6px; padding: .6rem .8rem; white-space: pre-wrap; overflow-wrap: anywhere; font-size: .8rem; }
details { margin: .8rem 0; } summary { cursor: pointer; } a { color: inherit; }
@media (max-width: 600px) { td:first-child { white-space: normal; } }
@media print { details > * { display: revert; } section { break-inside: avoid; } }
"""
