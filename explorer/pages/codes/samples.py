"""Samples of a learnt prior over codes, drawn in another process; a click loads one as A or B."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Mapping
from typing import Any, cast

import streamlit as st

from explorer.components import codes as components
from explorer.fields import SEED_AT_MOST
from explorer.jobs import code_samples
from explorer.jobs.code_samples import TEMPERATURE_AT_MOST
from explorer.jobs.runner import Job, start
from explorer.latent.geometry.grids import from_text
from explorer.pages.shared.layout import job_notice
from explorer.pages.shared.text import with_code
from explorer.scene.codebook import codebooks, latents
from explorer.scene.engine import engine
from explorer.scene.loaded import Loaded
from explorer.sharing import exports
from models.system.printable import printable

__all__ = ["clicked", "panel"]

S = st.session_state
COUNT, COUNT_AT_MOST = 12, 24
CACHE_SIZE = 8  # models whose samples are cached in a tab


def panel(loaded: Loaded, shown: str) -> object:
    """The controls, the job, and the samples.

    Arguments:
        loaded: The model.
        shown: Codes of the painted picture as text; their coarse level may condition the samples.

    Returns:
        The last clicked sample (untrusted JSON), or None.
    """
    with st.container(border=True):
        st.markdown("##### Samples from the prior")
        model = loaded.decoder.model
        if not model.spec.prior:
            _no_prior(loaded)
            return None
        names = [book.name for book in codebooks(loaded)]
        _head(names)
        _controls(loaded, shown, names)
        _run(loaded)
        drawn = _samples().get(_key(loaded))
        if drawn is None:
            st.caption("No samples yet.")
            return None
        return components.samples({"model": loaded.name, "shape": list(loaded.shape), **drawn})


def clicked(received: object, loaded: Loaded) -> str | None:
    """The codes of the clicked sample as sent by the browser; None if invalid or outdated."""
    drawn = _samples().get(_key(loaded))
    if drawn is None or not isinstance(received, Mapping) or received.get("model") != loaded.name:
        return None
    number, made = received.get("sample"), received.get("made")
    if type(number) is not int or made != drawn["made"] or not 0 <= number < len(drawn["codes"]):
        return None
    return str(drawn["codes"][number])


def _head(names: list[str]) -> None:
    if len(names) > 1:
        st.latex(
            r"k_{\text{top}} \sim p(k_{\text{top}}), \quad "
            r"k_{\text{bottom}} \sim p(k_{\text{bottom}} | k_{\text{top}})"
        )
    else:
        st.latex(r"k_i \sim p(k_i\,|\,k_1, \dots, k_{i-1}), \quad \hat x = g(e_k)")
    st.caption(
        "The prior p is an autoregressive distribution over grids of codes, learnt from the training images: "
        "code kᵢ is drawn given those before it. A low temperature favours probable codes. Click a "
        "sample to load it as A or B."
    )


def _no_prior(loaded: Loaded) -> None:
    card = loaded.entry.card
    kind, data = (card.model, shlex.quote(printable(card.data["name"]))) if card else ("vq-vae", "mnist")
    st.info(
        f"{loaded.name} was trained with `prior_depth=0`, so it has no prior to sample from. Grids of random "
        "codes do not decode to pictures like the data. Train one with a prior:\n\n"
        f"```\npython -m models train {kind} --data {data} --prior-epochs 20 --out runs/{data}-{kind}\n```"
    )


def _controls(loaded: Loaded, shown: str, names: list[str]) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        temperature = st.slider(
            "Temperature",
            0.0,
            TEMPERATURE_AT_MOST,
            1.0,
            0.05,
            key="cd_temperature",
            width=220,
            help="Diversity of the samples: 1 is the prior itself; 0 always takes the most probable code.",
        )
        count = st.number_input("Samples", 1, COUNT_AT_MOST, COUNT, key="cd_count", width=110)
        seed = st.number_input(
            "Seed", 0, SEED_AT_MOST, 0, key="cd_seed", width=130, help="The same seed gives the same samples."
        )
        keep = len(names) > 1 and st.checkbox(
            f"Keep the {names[0]} of A, draw the {names[-1]}",
            key="cd_keep",
            help="Keeps the coarse codes of A as painted, and samples the fine codes given those.",
        )
        job: Job | None = S.get("cd_job")
        if st.button(
            "Draw", icon=":material/casino:", key="cd_draw", type="primary", disabled=job is not None
        ):
            request = code_samples.Request(
                str(loaded.entry.path), int(count), temperature, int(seed), shown if keep else None
            )
            S.cd_job = start(code_samples.draw, request)
            S.cd_job_of = _key(loaded)
            S.cd_note = f"{int(count)} samples at temperature {temperature:g}, seed {int(seed)}" + (
                f", the {names[0]} of A kept" if keep else ""
            )
            st.rerun()


def _run(loaded: Loaded) -> None:
    """The job's progress, or why it failed."""
    if S.get("cd_job") is not None:
        st.fragment(run_every=0.4)(_progress)(loaded)
    elif S.get("cd_failed"):
        st.caption(f"No samples: {with_code(S.pop('cd_failed'))}")


def _progress(loaded: Loaded) -> None:
    job: Job | None = S.get("cd_job")
    if job is None:
        return
    if job.running:
        if job_notice(job.share, job.what, "cd_cancel"):
            job.cancel()
        return
    S.cd_job = None
    if job.result is None or S.cd_job_of != _key(loaded):
        S.cd_failed = job.error or "they were for another checkpoint."
    else:
        _take(loaded, job.result)
    st.rerun()


def _take(loaded: Loaded, result: dict[str, Any]) -> None:
    """Decodes and caches the drawn samples."""
    books = codebooks(loaded)
    shapes = [book.grid for book in books]
    texts = [str(text) for text in result["codes"]]
    grids = [from_text(text, shapes, books[0].count) for text in texts]
    pictures = engine().decode_sync(loaded, latents(loaded, grids), background=True)
    cache = _samples()
    S.cd_made = S.get("cd_made", 0) + 1
    cache[_key(loaded)] = {
        "codes": texts,
        "pictures": [
            "data:image/png;base64," + base64.b64encode(exports.picture_png(picture)).decode("ascii")
            for picture in pictures
        ],
        "note": S.cd_note,
        "made": S.cd_made,
    }
    while len(cache) > CACHE_SIZE:
        cache.pop(next(iter(cache)))


def _samples() -> dict[tuple[str, str], dict[str, Any]]:
    return cast("dict[tuple[str, str], dict[str, Any]]", S.setdefault("cd_samples", {}))


def _key(loaded: Loaded) -> tuple[str, str]:
    return loaded.name, loaded.version
