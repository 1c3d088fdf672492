"""A training on the user's images: pictures, curves and time left while it runs, and links when it has ended."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

import streamlit as st

from explorer.catalogue import training_time
from explorer.catalogue.curves import read_curves
from explorer.jobs import own_training
from explorer.jobs.image_reading import picture_address
from explorer.jobs.trainings import RunInfo, Training, trainings
from explorer.pages.shared import checkpoint_picker, curve_charts, navigation
from explorer.pages.shared.layout import late, side_by_side
from explorer.pages.shared.text import plain, with_code
from models.card import Entry
from models.training.previews import Previews, read_previews

__all__ = ["images_of", "running_on", "show"]

S = st.session_state
PHASES = {
    "preparing": "Preparing the images",
    "training": "Training",
    "encoding": "Encoding the images",
    "mapping": "Fitting the map",
}
ROWS = {"originals": "Originals", "reconstructions": "Reconstructions", "samples": "Samples"}
SIDE = 128  # pixels of a picture, at most
STYLE = """<style>
.lx-yi-rows { display: grid; gap: .35rem .75rem; grid-template-columns: max-content minmax(0, 1fr); align-items: center; }
.lx-yi-rows span { font-size: .8rem; opacity: .85; }
.lx-yi-rows div { display: grid; grid-auto-flow: column; grid-auto-columns: minmax(0, 1fr); gap: 3px; }
.lx-yi-rows img { width: 100%; display: block; image-rendering: pixelated; border-radius: 3px; }
.st-key-lx-yi-watch [data-stale] { opacity: 1 !important; }
@media (max-width: 600px) { .lx-yi-rows { grid-template-columns: minmax(0, 1fr); } }
</style>"""


def running_on(path: str) -> str:
    """Name of the running training on the images at a path; "" if there is none."""
    active = trainings().active
    return active.name if active and active.run and own_training.path_of(active.run) == path else ""


def images_of(name: str) -> tuple[str, str]:
    """Path and table of labels of the images of a run; "" if there is no such run."""
    info = _info(name)
    options = (
        info.run.options
        if info and info.run
        else info.card.data.get("options", {})
        if info and info.card
        else {}
    )
    return str(options.get("path", "")), str(options.get("labels", ""))


def show(name: str, leave: Callable[[], None]) -> None:
    """A training, running or ended; `leave` shows the proposal again."""
    st.html(STYLE)
    training = trainings().active
    if training is not None and training.name == name:
        _running(name)
        return
    info = _info(name)
    if info is None:
        st.warning(
            with_code(f"There is no training {name!r}. It may have been deleted."), icon=":material/link_off:"
        )
    else:
        _ended(info)
    with late("yi-run"):
        if st.button("Train another model", icon=":material/arrow_back:", key="yi_leave", type="tertiary"):
            leave()


def _info(name: str) -> RunInfo | None:
    return next((info for info in trainings().runs() if info.name == name), None)


@st.fragment(run_every=1.0)
def _running(name: str) -> None:
    """Progress, actions, pictures and curves; reruns the page at the end."""
    training = trainings().active
    if training is None or training.name != name:
        checkpoint_picker.refresh()
        st.rerun()
    with st.container(border=True, gap="small", key="lx-yi-watch"):
        left = training.seconds_left
        remaining = (
            f" · about {training_time.in_words(left)} left" if left is not None and training.share < 1 else ""
        )
        st.markdown(f"**{plain(training.title)}** · {PHASES[training.phase]}")
        st.progress(training.share, with_code(training.what + remaining))
        _buttons(training)
        _open_at_once(training)
        pictures, curves = side_by_side([6, 5], "lx-yi-live")
        with pictures:
            _pictures(training)
        with curves:
            known = read_curves(training.folder)
            if known.steps:
                curve_charts.curve_chart(known, "yi_curve", logarithmic=False, height=260, live=True)


def _buttons(training: Training) -> None:
    """Buttons: open in Explore, pause, stop, cancel."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if training.newest:
            _explore(training.newest, "Open in Explore")
        if training.phase == "training":
            if st.button(
                "Pause",
                icon=":material/pause:",
                key="yi_pause",
                help="Saves the state, so that the training can be resumed.",
                disabled=training.ending,
            ):
                training.pause()
            if st.button(
                "Stop here",
                icon=":material/stop:",
                key="yi_stop",
                disabled=training.ending,
                help="Ends the training and keeps the best model so far.",
            ):
                training.stop()
        elif training.phase == "preparing" and st.button("Cancel", icon=":material/stop:", key="yi_cancel"):
            training.cancel()
        if training.ending:
            st.caption("Ending …")
        elif not training.newest:
            st.caption("The first map appears about half a minute after the training has started.")


def _open_at_once(training: Training) -> None:
    """Opens Explore once, at the first map, if the toggle is on."""
    enabled = st.toggle("Open the first map automatically", True, key="yi_at_once", persist_state="session")
    opened: set[str] = S.setdefault("yi_opened", set())
    if enabled and training.newest and training.name not in opened and S.get("yi_started") == training.name:
        opened.add(training.name)
        _go("Explore", training.newest)


def _pictures(training: Training) -> None:
    """A fixed batch of validation images, their reconstructions, and samples."""
    try:
        previews = read_previews(training.folder)
    except (ValueError, OSError):
        return  # the next file replaces it
    if previews is None:
        st.caption("Pictures appear after the first steps.")
        return
    rows = "".join(_row(previews, name, title) for name, title in ROWS.items())
    st.html(
        f'<div class="lx-yi-rows" data-testid="your-images-previews" data-step="{previews.step}">{rows}</div>'
    )
    st.caption(f"Validation images, not used for training, after {previews.step:,} steps")


def _row(previews: Previews, name: str, title: str) -> str:
    images = "".join(
        f'<img alt="{title}, {number}" src="{escape(picture_address(each, SIDE), quote=True)}">'
        for number, each in enumerate(getattr(previews, name), 1)
    )
    return f"<span>{title}</span><div>{images}</div>" if images else ""


def _ended(info: RunInfo) -> None:
    """The state of an ended training, and buttons to continue it."""
    if info.state == "unfinished":
        st.info(plain(f"{info.name} is paused; {info.step:,} steps are saved."), icon=":material/pause:")
        if st.button(
            "Resume",
            icon=":material/play_arrow:",
            type="primary",
            key="yi_resume",
            disabled=trainings().active is not None,
        ):
            _attempt(lambda: trainings().resume(info.name))
        return
    if info.state == "bare":
        st.info(plain(f"{info.name} is trained but has no map yet."), icon=":material/map:")
        if st.button("Fit its map", type="primary", key="yi_encode", disabled=trainings().active is not None):
            _attempt(lambda: trainings().encode(info.name))
        return
    if info.state != "ready" or info.card is None:
        reason = info.error or "It ended before anything was saved."
        st.error(with_code(f"{info.name}: {reason}"), icon=":material/error:")
        return
    _done(info.name, Entry(info.name, info.path, info.card))


def _done(name: str, entry: Entry) -> None:
    """Facts about the finished model, and links to other pages."""
    st.success(plain(f"{entry.card.title if entry.card else name} is trained."), icon=":material/check:")
    facts = own_training.facts_of(entry)
    rows = "".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in facts.items())
    st.html(f'<dl class="lx-yi-facts" data-testid="your-images-done">{rows}</dl>')
    with st.container(horizontal=True, gap="small"):
        _explore(name, "Open in Explore")
        for title in ("Directions", "Outliers"):
            if st.button(title, key=f"yi_to_{title.lower()}"):
                _go(title, name)


def _explore(name: str, label: str) -> None:
    if st.button(label, type="primary", icon=":material/explore:", key="yi_explore"):
        _go("Explore", name)


def _go(title: str, name: str) -> None:
    checkpoint_picker.refresh(name)
    navigation.go(title, name)


def _attempt(work: Callable[[], Training]) -> None:
    """Continues a training, or shows why that is not possible."""
    try:
        work()
    except (ValueError, OSError) as error:
        st.error(with_code(str(error)), icon=":material/error:")
        return
    st.rerun()
