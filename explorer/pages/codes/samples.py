"""Samples of a learnt prior over codes: temperature, seed and count, drawn in another process, to click as A or B."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import streamlit as st

from explorer.components import codes as components
from explorer.jobs import code_samples
from explorer.jobs.code_samples import TEMPERATURE_AT_MOST
from explorer.jobs.runner import Job, start
from explorer.latent.geometry.grids import from_text
from explorer.pages.shared.layout import job_notice
from explorer.scene.codebook import codebooks, latents
from explorer.scene.engine import engine
from explorer.scene.loaded import Loaded
from explorer.sharing import exports

__all__ = ["clicked", "panel"]

S = st.session_state
COUNT, COUNT_AT_MOST = 12, 24
SEED_AT_MOST = 2**31 - 1
KEPT_AT_MOST = 8  # models whose samples a session keeps


def panel(loaded: Loaded, shown: str) -> object:
    """The controls, the job, and the samples.

    Arguments:
        loaded: The model.
        shown: The codes of the painted picture as a text, whose coarser levels may be kept.

    Returns:
        The sample that was clicked last (untrusted JSON), or None.
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
        found = _samples().get(_key(loaded))
        if found is None:
            st.caption("None drawn yet.")
            return None
        return components.samples({"model": loaded.name, "shape": list(loaded.shape), **found})


def clicked(received: object, loaded: Loaded) -> str | None:
    """The codes of the sample that the browser says was clicked; None where there is none such."""
    found = _samples().get(_key(loaded))
    if found is None or not isinstance(received, Mapping) or received.get("model") != loaded.name:
        return None
    number, made = received.get("sample"), received.get("made")
    if type(number) is not int or made != found["made"] or not 0 <= number < len(found["codes"]):
        return None
    return str(found["codes"][number])


def _head(names: list[str]) -> None:
    if len(names) > 1:
        st.latex(
            r"k_{\text{top}} \sim p(k_{\text{top}}), \quad k_{\text{bottom}} \sim p(k_{\text{bottom}} | k_{\text{top}})"
        )
    else:
        st.latex(r"k_i \sim p(k_i\,|\,k_1, \dots, k_{i-1}), \quad \hat x = g(e_k)")
    st.caption(
        "The prior p is a distribution over grids of codes, learnt from the grids of the training images; a grid is drawn place "
        "by place, code kᵢ after those before it. A low temperature keeps to the most probable codes. Click a sample to load "
        "it as A or B."
    )


def _no_prior(loaded: Loaded) -> None:
    card = loaded.entry.card
    kind, data = (card.model, card.data["name"]) if card else ("vq-vae", "mnist")
    st.info(
        f"{loaded.name} was trained with `prior_depth=0`: nothing has learnt which grids of codes are likely, so there "
        "is nothing to sample from. Grids of codes drawn at random give no picture of the data. Train one with a prior:\n\n"
        f"```\npython -m models train {kind} --data {data} --prior-epochs 20 --out runs/{data}-{kind}\n```"
    )


def _controls(loaded: Loaded, shown: str, names: list[str]) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        temperature = st.slider(
            "Temperature", 0.0, TEMPERATURE_AT_MOST, 1.0, 0.05, key="cd_temperature", width=220,
            help="How varied the samples are. 1 is the prior itself; 0 takes the most probable code each time.",
        )  # fmt: skip
        count = st.number_input("Samples", 1, COUNT_AT_MOST, COUNT, key="cd_count", width=110)
        seed = st.number_input(
            "Seed", 0, SEED_AT_MOST, 0, key="cd_seed", width=130, help="The same seed, the same samples."
        )
        keep = len(names) > 1 and st.checkbox(
            f"Keep the {names[0]} of A, draw the {names[-1]}", key="cd_keep",
            help="The coarse codes of A, as it is painted now, stay; the prior draws fine codes given those.",
        )  # fmt: skip
        job: Job | None = S.get("cd_job")
        if st.button(
            "Draw", icon=":material/casino:", key="cd_draw", type="primary", disabled=job is not None
        ):
            request = code_samples.Request(
                str(loaded.entry.path), int(count), temperature, int(seed), shown if keep else None
            )
            S.cd_job = start(code_samples.draw, request)
            S.cd_job_of = _key(loaded)
            S.cd_told = f"{int(count)} samples at temperature {temperature:g}, seed {int(seed)}" + (
                f", the {names[0]} of A kept" if keep else ""
            )
            st.rerun()


def _run(loaded: Loaded) -> None:
    """The job's progress; when it has ended, its samples."""
    if S.get("cd_job") is not None:
        st.fragment(run_every=0.4)(_progress)(loaded)
    elif S.get("cd_failed"):
        st.caption(f"No samples: {S.pop('cd_failed')}")


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
        S.cd_failed = job.error or "they were of another checkpoint."
    else:
        _take(loaded, job.result)
    st.rerun()


def _take(loaded: Loaded, result: dict[str, Any]) -> None:
    """Decodes what was drawn, and keeps it."""
    books = codebooks(loaded)
    shapes = [book.grid for book in books]
    texts = [str(text) for text in result["codes"]]
    grids = [from_text(text, shapes, books[0].count) for text in texts]
    pictures = engine().decode_sync(loaded, latents(loaded, grids), background=True)
    kept = _samples()
    S.cd_made = S.get("cd_made", 0) + 1
    kept[_key(loaded)] = {
        "codes": texts,
        "pictures": [
            "data:image/png;base64," + base64.b64encode(exports.picture_png(picture)).decode("ascii")
            for picture in pictures
        ],
        "told": S.cd_told,
        "made": S.cd_made,
    }
    while len(kept) > KEPT_AT_MOST:
        kept.pop(next(iter(kept)))


def _samples() -> dict[tuple[str, str], dict[str, Any]]:
    kept: dict[tuple[str, str], dict[str, Any]] = S.setdefault("cd_samples", {})
    return kept


def _key(loaded: Loaded) -> tuple[str, str]:
    return loaded.name, loaded.version
