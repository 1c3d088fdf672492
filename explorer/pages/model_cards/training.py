"""Training from the page: what to train, how long it will take, the runs and how each of them stands."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import streamlit as st

from explorer.catalogue import families, training_time
from explorer.catalogue.curves import read_curves
from explorer.catalogue.data_titles import data_name
from explorer.catalogue.families import Setting
from explorer.jobs.own_training import is_own
from explorer.jobs.trainings import (
    MAP_IMAGES,
    RunInfo,
    Training,
    as_text,
    check_name,
    command_line,
    free_name,
    plan,
    runs_folder,
    shown,
    trainings,
)
from explorer.pages.shared import checkpoint_picker, curve_charts, navigation
from explorer.pages.shared.layout import late, side_by_side
from explorer.pages.shared.text import plain
from models import MODELS
from models.card import TRAINING
from models.configuration import config_from_dict
from models.data import DATASETS, OWN, SEQUENCES, Dataset, data_available
from models.training.train import Run

__all__ = ["show"]

S = st.session_state
PHASES = {
    "preparing": "Preparing its images",
    "training": "Training",
    "encoding": "Encoding its images",
    "mapping": "Laying out its map",
}
TITLES = {
    "ready": "Ready", "bare": "Trained, not encoded", "unfinished": "Unfinished", "empty": "Nothing saved",
    "failed": "Could not start", "cancelled": "Cancelled",
    "elsewhere": "Going on elsewhere", "broken": "Cannot be used",
}  # fmt: skip
RESTARTED = ("unfinished", "empty", "failed", "cancelled")  # runs whose settings may be tried again
MAIN = ("latent", "network", "width")  # settings that stand before the others
WIDE_CODES = {"sparse-ae": 64, "k-sparse-ae": 64}  # few of many units speak
LONG = 1800.0  # s; beyond, a terminal is the better place
EPOCHS_AT_MOST, BATCH_AT_MOST = 10_000, 4096
IMAGES_AT_LEAST, SEED_AT_MOST = 20, 2**31 - 1
STEADY = (
    "<style>.st-key-lx-under-way [data-stale] { opacity: 1 !important; }"  # it is drawn every second
    ".st-key-lx-under-way-head { flex-wrap: nowrap; }</style>"
)
KNOWN = DATASETS | SEQUENCES
KEEP: Any = {"persist_state": "session"}


def show() -> None:
    """The form on the left, the runs on the right."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption("Of the data sets that the explorer knows.", width="content")
        if st.button(
            "Train on your own images", icon=":material/photo_library:", key="train-yours", type="tertiary"
        ):
            navigation.show(navigation.YOUR_IMAGES, {})
    left, right = side_by_side([5, 6], "lx-train")
    with left:
        _form()
    with right:
        _runs()


# What to train


def _form() -> None:
    """Choices with small defaults, the command that they make, and the time it will take."""
    st.subheader("A small training", anchor=False)
    model, data = _model_and_data()
    shape, images = KNOWN[data].shape, KNOWN[data].images
    family, place = families.family(model), f"{model}_{data}"
    name = st.text_input(
        "Name", free_name(f"{data}-{model}"), key=f"train_name_{place}_{_made()}", max_chars=64,
        help="Lower-case letters, digits, dots, dashes, underscores. Its folder and its checkpoint are called so.",
    )  # fmt: skip
    config = _settings(model, data, place)
    values = _course(family.closed_form, shape, images, place)
    title = f"{data}, {family.about.title}, {_dimensions(config, shape)}-D"
    try:
        run, steps = plan(Run(model, data, config, title=title, **values), images)
        config_from_dict(MODELS[model].Config, {**config, "image_shape": shape})
        check_name(name)
    except ValueError as error:
        st.warning(plain(str(error)), icon=":material/edit:")
        return
    used = min(run.limit or images, images)
    st.markdown(_estimate(run, shape, steps, used, family.closed_form))
    st.code(
        as_text(command_line(run, runs_folder() / name)), language="bash", wrap_lines=True
    )  # the very command
    _start(run, name)


def _model_and_data() -> tuple[str, str]:
    left, right = st.columns(2)
    known = list(MODELS)
    model = left.selectbox("Model", known, index=known.index("vae") if "vae" in known else 0, key="train_model",
                           format_func=families.title, help="The zoo has a table of all of them.", **KEEP)  # fmt: skip
    fitting, key = _fitting(model)
    data = right.selectbox("Data set", list(fitting), key=key, format_func=_data_title, **KEEP)
    if reason := _unavailable(data):
        st.caption(plain(reason))
    return model, data


def _fitting(model: str) -> tuple[dict[str, Dataset], str]:
    """The data sets that a model learns from, images or sequences, and the key of the choice among them."""
    if families.family(model).spec.sequence:
        return SEQUENCES, "train_sequences"
    return {name: data for name, data in DATASETS.items() if name != OWN}, "train_data"


@st.cache_data(ttl=30, show_spinner=False)
def _unavailable(data: str) -> str | None:
    return data_available(data)


def _data_title(name: str) -> str:
    """A data set with the size of its pictures."""
    channels, height, width = KNOWN[name].shape
    return f"{name} · {width}×{height} {'colour' if channels == 3 else 'grey'}"


def _settings(model: str, data: str, place: str) -> dict[str, Any]:
    """The model's own settings; only what such a model has is asked for."""
    known = {setting.name: setting for setting in families.settings(model)}
    small = _small(model, KNOWN[data].shape)
    config: dict[str, Any] = {}
    first = [known[name] for name in MAIN if name in known]
    for column, setting in zip(st.columns(len(first)), first, strict=True):
        with column:
            config[setting.name] = _ask(setting, small, place)
    own = [setting for setting in known.values() if setting.name not in MAIN]
    if own:
        with st.expander(f"Settings of the {families.title(model)}"):
            for setting in own:
                config[setting.name] = _ask(setting, small, place)
    return config


def _small(model: str, shape: tuple[int, int, int]) -> dict[str, Any]:
    """Defaults with which a training takes about a minute."""
    side = max(shape[1:])
    latent = WIDE_CODES.get(model, 8 if side < 16 else 10 if side < 48 else 32)
    return {"latent": latent, "width": 16, "k": 8}


def _ask(setting: Setting, small: dict[str, Any], place: str) -> Any:
    """The control of a setting, by its kind; its meaning is the help text."""
    key, label = f"train_{setting.name}_{place}", setting.name.replace("_", " ").capitalize()
    value = small.get(setting.name, setting.default)
    about = setting.meaning.replace("`", "")
    if setting.choices:
        return st.selectbox(
            label, setting.choices, index=setting.choices.index(value), key=key, help=about, **KEEP
        )
    if setting.kind is bool:
        return st.toggle(label, value, key=key, help=about, **KEEP)
    if setting.kind is int:
        return int(st.number_input(label, 0, None, value, 1, key=key, help=about, **KEEP) or 0)
    if setting.kind is float:
        return float(
            st.number_input(label, 0.0, None, float(value), format="%g", key=key, help=about, **KEEP) or 0
        )
    return st.text_input(label, value, key=key, help=about, **KEEP)


def _course(closed_form: bool, shape: tuple[int, int, int], images: int, place: str) -> dict[str, Any]:
    """How long to train on how much; a model with a closed form has only the latter."""
    small = 10_000 if max(shape[1:]) < 48 else 3_000
    epochs = max(3, min(30, 45_000 // min(images, small))) if max(shape[1:]) < 48 else 4
    columns = side_by_side(
        [1] * (2 if closed_form else 5), "lx-course", narrow=1500, least="84px", gap="small"
    )
    number = partial(st.number_input, step=1, **KEEP)
    with columns[0]:
        limit = number("Images", IMAGES_AT_LEAST, images, min(images, small), key=f"train_limit_{place}",
                       help=f"The first so many of {images:,} training images.")  # fmt: skip
    values: dict[str, Any] = {"limit": 0 if limit == images else int(limit or 0)}
    with columns[1]:
        values["seed"] = int(number("Seed", 0, SEED_AT_MOST, 0, key=f"train_seed_{place}",
                                    help="The same seed gives the same model.") or 0)  # fmt: skip
    if closed_form:
        return values
    with columns[2]:
        values["epochs"] = int(number("Epochs", 1, EPOCHS_AT_MOST, epochs, key=f"train_epochs_{place}",
                                      help="Passes over the images.") or 0)  # fmt: skip
    with columns[3]:
        values["batch"] = int(number("Batch", 1, BATCH_AT_MOST, 64 if images < 5_000 else 128,
                                     key=f"train_batch_{place}", help="Images a step.") or 0)  # fmt: skip
    with columns[4]:
        values["rate"] = st.number_input("Rate", 0.0, 1.0, 1e-3, 1e-4, format="%g", key=f"train_rate_{place}",
                                         help="Learning rate at its height.", **KEEP)  # fmt: skip
    return values


def _dimensions(config: dict[str, Any], shape: tuple[int, int, int]) -> int:
    """Numbers of a latent: those asked for, or as many as an image has."""
    return int(config.get("latent", math.prod(shape)))


def _estimate(run: Run, shape: tuple[int, int, int], steps: int, images: int, closed_form: bool) -> str:
    """One line on how long it will take."""
    latent = _dimensions(run.config, shape)
    afterwards = f"its map {training_time.in_words(training_time.map_seconds(MAP_IMAGES, latent))}"
    if closed_form:
        return f"**{images:,} images, one fit** of a few seconds; {afterwards}."
    each = _pace(run.model, {**run.config, "image_shape": shape}, run.batch)
    if each is None:
        return f"**{steps:,} steps.** The model is too large to try out how long one takes; {afterwards}."
    seconds = training_time.START + steps * each
    told = f"**{steps:,} steps, about {training_time.in_words(seconds)}** on one core; {afterwards}."
    return told + (" That is long: the command below runs in a terminal too." if seconds > LONG else "")


@st.cache_data(max_entries=500, show_spinner=False)
def _pace(model: str, config: dict[str, Any], batch: int) -> float | None:
    try:
        return training_time.seconds_a_step(model, config, batch)
    except (RuntimeError, ValueError):
        return None  # too large for the memory that is there


def _start(run: Run, name: str) -> None:
    """The button; while another training is going on it says so."""
    active = trainings().active
    if st.button("Start training", type="primary", icon=":material/play_arrow:", key="train_start",
                 disabled=active is not None):  # fmt: skip
        _attempt(lambda: trainings().start(run, name))
    if active:
        st.caption(
            plain(f"{active.name} is being worked on. One training at a time, so that a drag stays smooth.")
        )


def _attempt(work: Any) -> None:
    """Does something with a run; why it could not be done is told in one line at the next run."""
    try:
        work()
        S.train_problem = ""
    except (ValueError, OSError) as error:
        S.train_problem = str(error)
    S.train_made = _made() + 1
    checkpoint_picker.refresh()
    st.rerun()


def _made() -> int:
    """Counts what was started or deleted, so that a fresh name is offered each time."""
    return int(S.get("train_made", 0))


# The runs


def _runs() -> None:
    """Every run with its state, the one under way on top."""
    st.subheader("Runs", anchor=False)
    if problem := S.get("train_problem"):
        st.warning(plain(problem), icon=":material/error:")
    active = trainings().active
    if active:
        st.html(STEADY)
        _under_way()
    infos = [info for info in trainings().runs() if not (active and info.name == active.name)]
    with late("runs"):
        for info in infos:
            with st.container(border=True, gap="small"):
                _run(info)
    if not infos and not active:
        st.caption(f"None yet. A run's folder stands under {plain(shown(runs_folder()))}.")


@st.fragment(run_every=1.0)
def _under_way() -> None:
    """Progress, curve and cancel of the training that is going on; at its end the whole page is drawn anew."""
    training = trainings().active
    if training is None:
        checkpoint_picker.refresh()
        st.rerun()
    with st.container(border=True, gap="small", key="lx-under-way"):
        # Cancel stands where the card of a run that has ended has no button.
        with st.container(horizontal=True, gap="small", vertical_alignment="center", key="lx-under-way-head"):
            st.markdown(f"**{plain(training.name)}** · {PHASES[training.phase]}")
            if is_own(training.run) and st.button("Watch", key="train_watch", icon=":material/visibility:"):
                navigation.show(navigation.YOUR_IMAGES, {"run": training.name})
            if st.button("Cancel", key="train_cancel", icon=":material/stop:"):
                training.cancel()
        left = training.seconds_left
        told = (
            f" · about {training_time.in_words(left)} left" if left is not None and training.share < 1 else ""
        )
        st.progress(training.share, plain(training.what + told))
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            if training.phase == "mapping":
                _explore(training.name, "Explore it")
            st.caption(_on_cancel(training))
        curves = read_curves(training.folder)
        if curves.steps:
            curve_charts.curve_chart(curves, "train_curve", logarithmic=_scale("live"), height=260, live=True)
            curve_charts.metric_charts(curves, "train_figure")


def _on_cancel(training: Training) -> str:
    """What is left after a cancel."""
    if training.cancelled:
        return "Stopping …"
    if training.phase == "training":
        if not (training.folder / TRAINING).is_file():
            return "Nothing is saved yet. After a cancel it starts from the beginning."
        return "Cancel keeps the last saved state; it can be resumed."
    if training.phase == "mapping":
        return "It can be explored on its principal components while its map is laid out."
    return "The training is done."


def _scale(place: str) -> bool:
    scale = st.segmented_control("Axis", ["Linear", "Logarithmic"], default="Linear", required=True,
                                 key=f"train_scale_{place}", label_visibility="collapsed", **KEEP)  # fmt: skip
    return bool(scale == "Logarithmic")


def _run(info: RunInfo) -> None:
    """One run that is not under way: what it is, how it stands, what can be done."""
    st.markdown(f"**{plain(info.name)}** · {TITLES[info.state]}")
    st.caption(plain(_about(info)))
    if told := _trouble(info):
        st.warning(plain(told), icon=":material/error:")
    idle = trainings().active is None
    with st.container(horizontal=True, gap="xsmall"):
        if info.state == "ready":
            _explore(info.name, "Explore it")
            if st.button("Details", key=f"run-details-{info.name}", type="tertiary"):
                st.query_params.from_dict({"checkpoint": info.name})
                st.rerun()
        if info.state == "unfinished" and st.button("Resume", key=f"resume-{info.name}", disabled=not idle,
                                                    icon=":material/resume:"):  # fmt: skip
            _attempt(lambda: trainings().resume(info.name))
        if info.state == "bare" and st.button(
            "Encode its images", key=f"encode-{info.name}", disabled=not idle
        ):
            _attempt(lambda: trainings().encode(info.name))
        if info.run and info.state in RESTARTED and _fits_the_form(info.run):
            st.button("Use its settings", key=f"again-{info.name}", on_click=_take_over, args=(info.run,))
        if info.state != "elsewhere":
            _delete(info)


def _about(info: RunInfo) -> str:
    """Model, data and how far it came."""
    if info.card:
        facts = [*checkpoint_picker.summary(info.card)[:2], data_name(info.card.data)]
        steps = info.card.training.get("steps")
        return " · ".join([*facts, f"{steps:,} steps" if isinstance(steps, int) and steps else ""]).rstrip(
            " ·"
        )
    facts = [families.title(info.run.model), info.run.data] if info.run else []
    if info.run and info.state == "unfinished":
        facts.append(f"{info.step:,}{_planned(info.run)} steps are saved")
    if info.state == "elsewhere":
        facts.append("it wrote something seconds ago, so it may be going on in a terminal")
    if info.state == "empty":
        facts.append("it ended before the first state was saved, so there is nothing to resume")
    if info.state == "cancelled":
        facts.append("nothing of it is saved")
    return " · ".join(facts)


def _planned(run: Run) -> str:
    """Of how many steps; "" where time decides."""
    if run.minutes or run.data not in KNOWN or is_own(run):
        return ""
    return f" of {plan(run, KNOWN[run.data].images)[1]:,}"


def _trouble(info: RunInfo) -> str:
    """Why it ended, where that was not wished for."""
    return "" if info.error in (None, "Cancelled.") else str(info.error)


def _explore(name: str, label: str) -> None:
    """Opens a run on the Explore page, with its newest map."""
    if st.button(label, key=f"explore-{name}", type="primary", icon=":material/explore:"):
        checkpoint_picker.refresh(name)
        navigation.go("Explore", name)


def _delete(info: RunInfo) -> None:
    with st.popover("Delete", icon=":material/delete:"):
        what = "the message" if info.state in ("failed", "cancelled") else shown(info.path)
        st.markdown(f"Delete {plain(what)} for good?")
        if st.button("Delete it", key=f"delete-{info.name}", type="primary"):
            _attempt(lambda: trainings().delete(info.name))


def _fits_the_form(run: Run) -> bool:
    """Whether the form knows its model and its data."""
    return run.model in MODELS and run.data in _fitting(run.model)[0]


def _take_over(run: Run) -> None:
    """Puts a run's settings into the form, as far as the form can hold them."""
    place = f"{run.model}_{run.data}"
    S.train_model = run.model
    S[_fitting(run.model)[1]] = run.data
    images = KNOWN[run.data].images or 1  # 0 where its options decide
    for setting in families.settings(run.model):
        value = run.config.get(setting.name, setting.default)
        if setting.kind in (int, float):  # a terminal's `beta=4` is whole
            value = max(setting.kind(0), setting.kind(value))
        S[f"train_{setting.name}_{place}"] = value
    S[f"train_limit_{place}"] = min(images, max(IMAGES_AT_LEAST, run.limit or images))
    S[f"train_seed_{place}"] = min(SEED_AT_MOST, run.seed)
    S[f"train_epochs_{place}"] = min(EPOCHS_AT_MOST, run.epochs)
    S[f"train_batch_{place}"] = min(BATCH_AT_MOST, run.batch)
    S[f"train_rate_{place}"] = float(run.rate)
