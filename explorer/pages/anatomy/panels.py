"""The panels of the Anatomy page, each with its equation and its source."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from explorer.catalogue import families
from explorer.components import anatomy as components
from explorer.jobs import likelihood_estimates
from explorer.jobs.likelihood_estimates import SAMPLES, SAMPLES_AT_MOST
from explorer.jobs.runner import Job, start
from explorer.latent.geometry.off_data import away, in_range
from explorer.latent.statistics.densities import active, kl_to_prior
from explorer.pages.anatomy import charts
from explorer.pages.shared.layout import job_notice, side_by_side
from explorer.pages.shared.plotly_chart import draw_downloadable_chart
from explorer.pages.shared.text import with_code
from explorer.scene.engine import engine
from explorer.scene.inspection import EncodedImage, expected_reconstruction, has_likelihood
from explorer.scene.likelihood import density
from explorer.scene.loaded import Loaded
from explorer.sharing import exports
from models.card import Card
from models.criterion import ELBO

__all__ = ["bound", "deterministic_latent", "estimates", "exact_density", "has_bound", "heading"]

S = st.session_state
KINGMA = ("Kingma & Welling 2013", "https://arxiv.org/abs/1312.6114")
BURDA = ("Burda et al. 2015", "https://arxiv.org/abs/1509.00519")
MINKA = (
    "Minka 2005",
    "https://www.microsoft.com/en-us/research/publication/divergence-measures-and-message-passing/",
)
DINH = ("Dinh et al. 2016", "https://arxiv.org/abs/1605.08803")
THEIS = ("Theis et al. 2015", "https://arxiv.org/abs/1511.01844")
NOISE_DRAWS = 16  # draws of the dequantisation noise for a flow
SAMPLED = 64  # posterior draws for the mean of the reconstruction term
CURVES_AT_MOST = 20  # images whose curves are cached in a tab
ON_THE_LINE, AT_RANDOM = 9, 9  # latents decoded in each strip
# Streamlit stacks columns below 640 px only, but a panel with its equation needs more than half of that.
STYLE = """<style>
@media (max-width: 1100px) {
  [class*="st-key-an-pair-"] > div > [data-testid="stHorizontalBlock"] { flex-wrap: wrap; }
  [class*="st-key-an-pair-"] > div > div > [data-testid="stColumn"] { min-width: 100%; }
}
</style>"""


def has_bound(loaded: Loaded, encoded: EncodedImage) -> bool:
    """Whether the model has a posterior and a likelihood, and so a bound on log p(x)."""
    return encoded.std is not None and has_likelihood(loaded)


@contextmanager
def panel(title: str, formula: str, papers: tuple[tuple[str, str], ...], text: str = "") -> Iterator[None]:
    """A titled box that starts with its equation, a text and its sources."""
    with st.container(border=True):
        _head(title, formula, papers, text)
        yield


def _head(title: str, formula: str, papers: tuple[tuple[str, str], ...], text: str = "") -> None:
    links = " · ".join(f"[{name}]({address})" for name, address in papers)
    st.markdown(f"##### {title}")
    st.latex(formula)
    st.caption(f"{text} {links}".strip())


def _pair(name: str) -> tuple[Any, Any]:
    """Containers of two panels: side by side, or one below the other in a narrow window."""
    with st.container(key=f"an-pair-{name}"):
        left, right = st.columns(2)
    return left, right


def heading(loaded: Loaded, encoded: EncodedImage) -> None:
    """The heading of the live image."""
    st.html(STYLE)
    if encoded.std is None:
        formula = r"z = f(x), \qquad \hat x = g(z)"
        _head(
            "From the image to its latent and back",
            formula,
            family_paper(loaded),
            "The encoder f gives a single latent z, from which the decoder g reconstructs the image. Grey "
            "points are the latents of the other images: drag z away from them to decode latents that no "
            "image has. Δ is the distance from the image's latent, in standard deviations of all latents.",
        )
        return
    formula = (
        r"z = \mu(x) + \sigma(x) \odot \varepsilon, \quad \varepsilon \sim \mathcal{N}(0, I), \quad "
        r"\hat x = \mathbb{E}[x|z]"
    )
    _head(
        "From the image to its posterior, to a latent, and back",
        formula,
        (KINGMA,),
        "The encoder gives a mean μ(x) and a standard deviation σ(x) for each dimension of the latent: the "
        "posterior. The ellipses show 1 and 2 standard deviations. Drag z, the latent that is decoded: the "
        "two dimensions on the map change, the others stay the same. ε is the distance of z from the mean "
        "in standard deviations.",
    )


def family_paper(loaded: Loaded) -> tuple[tuple[str, str], ...]:
    """The paper of the model's family, as (text, link); none for a checkpoint without a card."""
    card = loaded.entry.card
    description = families.family(card.model).description if card else None
    return ((f"{description.paper}, {description.year}", description.link),) if description else ()


def bound(loaded: Loaded, encoded: EncodedImage, shown: tuple[int, int]) -> None:
    """The two terms of the ELBO, and the KL of each dimension."""
    if encoded.std is None:
        return
    kl = kl_to_prior(encoded.mean, encoded.std)
    left, right = _pair("bound")
    with left:
        _terms(loaded, encoded, float(kl.sum()))
    with right:
        _dimensions(loaded, kl, shown)


def _terms(loaded: Loaded, encoded: EncodedImage, kl: float) -> None:
    formula = (
        r"-\mathrm{ELBO}(x) = \underbrace{\mathbb{E}_{q(z|x)}[-\log p(x|z)]}_{\text{reconstruction}} + "
        r"\underbrace{\mathrm{KL}\big(q(z|x)\,\|\,p(z)\big)}_{\text{KL}} \;\ge\; -\log p(x)"
    )
    with panel("The bound and its two terms", formula, (KINGMA,)):
        cost, error = _expected(loaded, encoded)
        average = _test_average(loaded)
        columns = st.columns(3)
        terms = {"Reconstruction": cost, "KL": kl, "−ELBO": cost + kl}
        for column, (name, value) in zip(columns, terms.items(), strict=True):
            column.metric(
                f"{name}, nats",
                charts.short(value),
                None if average is None else _difference(value - average[name]),
                delta_color="off",
                delta_arrow="off",
            )
        bars = {"This image": (cost, kl)}
        if average is not None:
            bars["Test average"] = (average["Reconstruction"], average["KL"])
        draw_downloadable_chart(charts.bound_bars(bars), "anatomy_bound", f"{loaded.name}-bound")
        text = (
            "−ELBO bounds −log p(x), the negative log-likelihood of the image, from above. Reconstruction: "
            "the cost of the image given its latent. KL: the cost of the latent, the divergence of its "
            f"posterior from the prior. Reconstruction is a mean over {SAMPLED} draws from the posterior (± "
            f"{error:.2g} nats); the KL is exact."
        )
        if average is None:
            text += f" No test average yet: `python -m models evaluate {loaded.name} --write`."
        st.caption(text)
        _trained(loaded)


def _trained(loaded: Loaded) -> None:
    """The training objective: −ELBO itself, or another one with its formula."""
    card = loaded.entry.card
    if card is None:
        return
    criterion = families.criterion(card)
    if criterion.name == ELBO:
        st.caption(f"Training minimises −ELBO. {criterion.objective}")
        return
    st.caption(f"Training minimises another objective: {criterion.objective}")
    st.latex(criterion.full_formula)


def _difference(difference: float) -> str:
    """The difference from the test average, as text."""
    side = "above" if difference >= 0 else "below"
    return f"{charts.short(abs(difference))} {side} the test average"


def _dimensions(loaded: Loaded, kl: NDArray[np.float64], shown: tuple[int, int]) -> None:
    formula = (
        r"\mathrm{KL} = \sum_d \tfrac12\big(\mu_d^2 + \sigma_d^2 - 1 - \log \sigma_d^2\big), \quad "
        r"d \text{ is active if } \operatorname{Var}_x\,\mu_d(x) > 0.01"
    )
    with panel("KL of each dimension", formula, (KINGMA, BURDA)):
        test, average = _test_codes(loaded)
        units = active(test)
        on_map = [dimension for dimension in shown if dimension < len(kl)]
        draw_downloadable_chart(charts.kl_bars(kl, average, units, on_map), "anatomy_kl", f"{loaded.name}-kl")
        st.caption(
            f"{int(units.sum())} of {len(units)} dimensions are active over the test images of the atlas. "
            "▼ marks those on the map. The posterior of an inactive dimension equals the prior: its KL is "
            "near 0, and it carries no information about the image. μ and σ are mean and standard deviation "
            "of the image's posterior in dimension d."
        )


def estimates(loaded: Loaded, encoded: EncodedImage) -> None:
    """Three estimates of log p(x) over the number of samples, and the two directions of the divergence."""
    left, right = _pair("estimates")
    with left:
        _growth(loaded, encoded)
    with right:
        _divergences()


def _growth(loaded: Loaded, encoded: EncodedImage) -> None:
    formula = (
        r"\begin{gathered}"
        r"\underbrace{\log \tfrac1L \textstyle\sum_l p(x|z_l)}_{\text{naive},\ z_l \sim p(z)} \qquad "
        r"\underbrace{\tfrac1L \textstyle\sum_l \log w_l}_{\text{ELBO}} \;\le\; "
        r"\underbrace{\log \tfrac1L \textstyle\sum_l w_l}_{\text{importance-weighted}} \\"
        r"w_l = p(x|z_l)\,p(z_l) / q(z_l|x), \quad z_l \sim q(z|x)"
        r"\end{gathered}"
    )
    text = (
        "Three estimates of log p(x), the log-likelihood of the image. With L draws each is on average too "
        "low: the ELBO stays so, the importance-weighted estimate approaches log p(x) as L grows, and the "
        "naive one, drawn from the prior p(z), needs far too many draws."
    )
    with panel("Estimates of log p(x) over the number of samples", formula, (BURDA,), text):
        if not has_likelihood(loaded):
            st.info("This model has no likelihood, so log p(x) cannot be estimated.")
            return
        _growth_live(loaded, encoded)


def _growth_live(loaded: Loaded, encoded: EncodedImage) -> None:
    """Starts and shows the job of one image; results are cached in the tab."""
    key = (loaded.name, loaded.version, encoded.item, encoded.source)
    if S.get("an_job") is not None and S.an_job_key != key:
        S.an_job.cancel()
        S.an_job = None
    if S.get("an_job") is not None:
        st.fragment(_growing, run_every=0.8)(key)
        return
    curves = S.setdefault("an_curves", {}).get(key)
    if S.get("an_ended"):
        st.warning(with_code(S.pop("an_ended")), icon=":material/info:")
    samples = _next_samples(0 if curves is None else curves["samples"])
    if samples:
        label = "Draw the rest" if curves is not None and samples == SAMPLES else f"Draw {samples:,} samples"
        st.button(
            label,
            icon=":material/play_arrow:",
            key="an_draw",
            on_click=_start,
            args=(loaded, encoded, key, samples),
            help="In another process, so that dragging stays smooth",
        )
    if curves is not None:
        _show_curves(curves, loaded.name)


def _next_samples(drawn: int) -> int:
    """Number of samples to offer after `drawn`: the default, then four times as many; 0 at the limit."""
    if drawn < SAMPLES:
        return SAMPLES
    return min(4 * drawn, SAMPLES_AT_MOST) if drawn < SAMPLES_AT_MOST else 0


def _growing(key: tuple[Any, ...]) -> None:
    """Progress, Cancel and the curves so far; at the end the page is rerun without the timer."""
    job: Job | None = S.get("an_job")
    if job is None:
        return
    running = job.running  # read first, so that the last result is not missed
    cache: dict[Any, Any] = S.setdefault("an_curves", {})
    if known := job.result or job.partial:
        cache[key] = known
        while len(cache) > CURVES_AT_MOST:
            cache.pop(next(iter(cache)))
    curves = cache.get(key)
    if not running:
        S.an_job = None
        if job.result is None:
            S.an_ended = f"The estimates ended early: {job.error}"
        st.rerun()
    if job_notice(job.share, job.what, "an_cancel"):
        job.cancel()
    if curves is not None:
        _show_curves(curves, key[0])


def _start(loaded: Loaded, encoded: EncodedImage, key: tuple[Any, ...], samples: int) -> None:
    request = likelihood_estimates.Request(str(loaded.entry.path), encoded.picture, samples)
    S.an_job = start(likelihood_estimates.estimate, request)
    S.an_job_key = key


def _show_curves(curves: dict[str, Any], name: str) -> None:
    figure, off = charts.growth(curves)
    draw_downloadable_chart(figure, "an_growth", f"{name}-estimates")
    ends = [
        f"{charts.LINES[line][0]} {charts.short(curves[line][-1])}"
        for line in ("bound", "importance", "naive")
    ]
    effective = curves["effective"]
    text = (
        f"After {curves['samples']:,} samples: {', '.join(ends)} nats. Effective samples: naive "
        f"{effective['naive']:,.1f}, importance-weighted {effective['importance']:,.1f}."
    )
    if off:
        text += f" Below the chart: {', '.join(off)}."
    st.caption(text)


def _divergences() -> None:
    formula = (
        r"\mathrm{KL}(q\,\|\,p) = \int q \log \frac{q}{p} \qquad "
        r"\mathrm{KL}(p\,\|\,q) = \int p \log \frac{p}{q}"
    )
    text = "Drag p and q; the squares change q's width and height."
    with panel("The divergence has a direction", formula, (MINKA, KINGMA), text):
        components.divergence()


def exact_density(loaded: Loaded, encoded: EncodedImage) -> None:
    """For a flow: the exact density of the dequantised image, and the bound on log P(x) from it."""
    formula = (
        r"\begin{gathered}\log P(x) \geq \mathbb{E}_{q(u|x)}\Big[\log \mathcal{N}\big(f(v); 0, I\big) + "
        r"\log\left|\det \frac{\partial f}{\partial v}\right| - \log q(u|x)\Big], \\"
        r"v = 255 x + u\end{gathered}"
    )
    text = (
        "f is invertible: the latent contains the whole image, there is no posterior, and the density of v "
        "is exact. u is the dequantisation noise; the mean over it bounds log P(x) of the 8-bit image from "
        f"below. The metrics are means over {NOISE_DRAWS} draws of u. With uniform noise, the noise term is "
        "0."
    )
    with panel("An exact density, a bound on log P(x)", formula, (DINH, THEIS), text):
        terms = density(loaded, encoded.picture, NOISE_DRAWS)
        metrics = {
            "Latent, nats": charts.short(terms.latent),
            "Volume, nats": charts.short(terms.volume),
            "Noise, nats": charts.short(terms.noise),
            "log P(x) ≥, nats": charts.short(terms.total),
            "Bits/dim ≤": f"{terms.bits_per_dim:.3f}",
        }
        columns = side_by_side([1] * len(metrics), "an-exactly", least="28%", gap="small")
        for column, (name, value) in zip(columns, metrics.items(), strict=True):
            column.metric(name, value)


def deterministic_latent(loaded: Loaded, encoded: EncodedImage) -> None:
    """For a model without a posterior: what that rules out, and decoded latents away from the data."""
    card = loaded.entry.card
    if card is None:
        return
    formula, text = deterministic(card)
    with panel("What a deterministic latent lacks", formula, (*family_paper(loaded), KINGMA), text):
        left, right = _pair("lacks")
        with left:
            _strip(
                "Continuity: along a straight line away from the data",
                "From this image's latent, along a random direction.",
                loaded,
                away(encoded.mean, loaded.atlas.mean, ON_THE_LINE, S.setdefault("an_line", 0)),
            )
            st.button("Another direction", key="an_another_line", on_click=_next, args=("an_line",))
        with right:
            _strip(
                "Completeness: random latents in the range of the data",
                "Each dimension is drawn independently between its 1st and 99th percentile.",
                loaded,
                in_range(loaded.atlas.mean, AT_RANDOM, S.setdefault("an_range", 0)),
            )
            st.button("Other latents", key="an_another_range", on_click=_next, args=("an_range",))


def deterministic(card: Card) -> tuple[str, str]:
    """The objective of a model without a posterior, as a formula and as text, and its consequences."""
    criterion = families.criterion(card)
    where = rf", \quad {criterion.where}" if criterion.where else ""
    formula = (
        rf"\begin{{gathered}}\min\ \mathbb{{E}}_x\Big[{criterion.formula}\Big]{where} \\"
        r"\text{no } q(z|x),\ \text{no } p(z),\ \text{no KL: no bound on } \log p(x)\end{gathered}"
    )
    text = (
        f"{criterion.objective} Latents between and beyond those of the images are not constrained: neither "
        "**continuity** (near latents decode to similar pictures) nor **completeness** (every latent decodes "
        "to a picture) is required. So there is no ε, no ELBO, no estimate of log p(x) and no prior to "
        "sample."
    )
    return formula, text


def _next(name: str) -> None:
    S[name] += 1


def _strip(title: str, text: str, loaded: Loaded, codes: NDArray[np.float32]) -> None:
    """Decoded latents side by side, each with its distance to the data."""
    pictures = engine().decode_sync(loaded, codes, background=True)
    percentiles = loaded.neighbours.query(codes).percentile
    if percentiles is None:
        raise ValueError(f"{loaded.name} has no gauge of the distance to the data.")
    st.markdown(f"**{title}**")
    st.caption(text)
    cells = "".join(
        _cell(picture, float(share)) for picture, share in zip(pictures, percentiles, strict=True)
    )
    st.html(
        f'<div style="display:grid;grid-template-columns:repeat({len(codes)},minmax(0,88px));gap:6px">'
        f"{cells}</div>"
    )
    off = int((percentiles >= OFF).sum())
    st.caption(
        f"{off} of {len(codes)} are off the data: farther from the images than 99 % of the posterior draws "
        "of held-out images."
    )


UNUSUAL, OFF = 90, 99  # percentiles of the distance to the data, as in the stage's gauge
SIGNS = {"near the data": "#2b9a66", "unusual": "#c98a00", "off the data": "#d43d51"}


def _cell(picture: NDArray[np.uint8], percentile: float) -> str:
    verdict = "near the data" if percentile < UNUSUAL else "unusual" if percentile < OFF else "off the data"
    source = base64.b64encode(exports.picture_png(picture)).decode("ascii")
    title = escape(f"{verdict}, {percentile:.0f}th percentile of the distance to the data", quote=True)
    return (
        f'<div title="{title}"><img src="data:image/png;base64,{source}" alt="Decoded latent, {title}" '
        'style="width:100%;display:block;border-radius:4px;image-rendering:pixelated">'
        f'<div style="height:4px;margin:5px 12% 0;border-radius:2px;background:{SIGNS[verdict]}"></div></div>'
    )


@st.cache_data(max_entries=256, show_spinner=False)
def _expectation(_loaded: Loaded, _encoded: EncodedImage, mark: tuple[Any, ...]) -> tuple[float, float]:
    """Mean and standard error of the reconstruction term; `mark` identifies the image and the model."""
    return expected_reconstruction(_loaded, _encoded, SAMPLED)


def _expected(loaded: Loaded, encoded: EncodedImage) -> tuple[float, float]:
    mark = (loaded.name, loaded.version, encoded.item, encoded.source)
    return _expectation(loaded, encoded, mark)


def _test_average(loaded: Loaded) -> dict[str, float] | None:
    """The two terms over the whole test split, from the card; None if they were not measured."""
    card = loaded.entry.card
    values = [
        (card.metrics.get(name) or {}).get("value") if card else None for name in ("reconstruction", "kl")
    ]
    if not all(isinstance(value, int | float) for value in values):
        return None
    cost, kl = (float(value) for value in values)  # type: ignore[arg-type]
    return {"Reconstruction": cost, "KL": kl, "−ELBO": cost + kl}


def _test_codes(loaded: Loaded) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Posterior means of the atlas's test images (all if there are none), and their mean KL by dimension."""
    atlas = loaded.atlas
    test = np.array([split == "test" for split in atlas.split])
    rows = test if test.sum() > 1 else np.ones(len(test), bool)
    std = np.ones_like(atlas.mean[rows]) if atlas.std is None else atlas.std[rows]
    return atlas.mean[rows], kl_to_prior(atlas.mean[rows], np.maximum(std, 1e-6)).mean(0)
