"""Training from the page: the form, the estimated time, and the runs with their states."""

from __future__ import annotations

import math
from typing import Any

import streamlit as st

from explorer.catalogue import families, training_time
from explorer.catalogue.curves import read_curves
from explorer.catalogue.data_titles import data_name
from explorer.catalogue.families import Setting
from explorer.fields import SEED_AT_MOST
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
from explorer.pages.shared.text import plain, with_code
from models import MODELS
from models.card import TRAINING
from models.configuration import config_from_dict
from models.data import DATASETS, OWN, SEQUENCES, Dataset, data_available
from models.training.train import Run

__all__ = ["show"]

S = st.session_state
PHASES = {
    "preparing": "Preparing the images",
    "training": "Training",
    "encoding": "Encoding the images",
    "mapping": "Fitting the map",
}
TITLES = {
    "ready": "Ready",
    "bare": "Trained, not encoded",
    "unfinished": "Unfinished",
    "empty": "Nothing saved",
    "failed": "Could not start",
    "cancelled": "Cancelled",
    "elsewhere": "Running elsewhere",
    "broken": "Cannot be used",
}
RESTARTED = ("unfinished", "empty", "failed", "cancelled")  # states of runs whose settings can be reused
MAIN = ("latent", "network", "width")  # settings shown first
WIDE_LATENTS = {"sparse-ae": 64, "k-sparse-ae": 64}  # few of many units are active
LONG = 1800.0  # seconds; for longer trainings a terminal is recommended
EPOCHS_AT_MOST, BATCH_AT_MOST = 10_000, 4096
IMAGES_AT_LEAST = 20
STEADY = (
    "<style>.st-key-lx-under-way [data-stale] { opacity: 1 !important; }"  # redrawn every second
    ".st-key-lx-under-way-head { flex-wrap: nowrap; }</style>"
)
KNOWN = DATASETS | SEQUENCES
KEEP: Any = {"persist_state": "session"}


def show() -> None:
    """The form on the left, the runs on the right."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption("On one of the built-in data sets.", width="content")
        if st.button(
            "Train on your own images", icon=":material/photo_library:", key="train-yours", type="tertiary"
        ):
            navigation.show(navigation.YOUR_IMAGES, {})
    left, right = side_by_side([5, 6], "lx-train")
    with left:
        _form()
    with right:
        _runs()


# Form


def _form() -> None:
    """The settings with small defaults, the resulting command, and the estimated time."""
    st.subheader("A small training", anchor=False)
    model, data = _model_and_data()
    shape, images = KNOWN[data].shape, KNOWN[data].images
    family, suffix = families.family(model), f"{model}_{data}"
    name = st.text_input(
        "Name",
        free_name(f"{data}-{model}"),
        key=f"train_name_{suffix}_{_changes()}",
        max_chars=64,
        help="Lower-case letters, digits, dots, dashes, underscores. Names the folder and the checkpoint.",
    )
    config = _settings(model, data, suffix)
    values = _schedule(family.closed_form, shape, images, suffix)
    title = f"{data}, {family.description.title}, {_dimensions(config, shape)}-D"
    try:
        run, steps = plan(Run(model, data, config, title=title, **values), images)
        config_from_dict(MODELS[model].Config, {**config, "image_shape": shape})
        check_name(name)
    except ValueError as error:
        st.warning(with_code(str(error)), icon=":material/edit:")
        return
    used = min(run.limit or images, images)
    st.markdown(_estimate(run, shape, steps, used, family.closed_form))
    st.code(as_text(command_line(run, runs_folder() / name)), language="bash", wrap_lines=True)
    _start(run, name)


def _model_and_data() -> tuple[str, str]:
    left, right = st.columns(2)
    known = list(MODELS)
    model = left.selectbox(
        "Model",
        known,
        index=known.index("vae") if "vae" in known else 0,
        key="train_model",
        format_func=families.title,
        help="The tab “The zoo” describes all models.",
        **KEEP,
    )
    fitting, key = _fitting(model)
    data = right.selectbox("Data set", list(fitting), key=key, format_func=_data_title, **KEEP)
    if reason := _unavailable(data):
        st.caption(with_code(reason))
    return model, data


def _fitting(model: str) -> tuple[dict[str, Dataset], str]:
    """The data sets for a model (images or sequences), and the key of their selectbox."""
    if families.family(model).spec.sequence:
        return SEQUENCES, "train_sequences"
    return {name: data for name, data in DATASETS.items() if name != OWN}, "train_data"


@st.cache_data(ttl=30, show_spinner=False)
def _unavailable(data: str) -> str | None:
    return data_available(data)


def _data_title(name: str) -> str:
    """A data set with the size of its images."""
    channels, height, width = KNOWN[name].shape
    return f"{name} · {width}×{height} {'colour' if channels == 3 else 'grey'}"


def _settings(model: str, data: str, suffix: str) -> dict[str, Any]:
    """The settings of the model's family."""
    known = {setting.name: setting for setting in families.settings(model)}
    small = _small(model, KNOWN[data].shape)
    config: dict[str, Any] = {}
    first = [known[name] for name in MAIN if name in known]
    for column, setting in zip(st.columns(len(first)), first, strict=True):
        with column:
            config[setting.name] = _control(setting, small, suffix)
    others = [setting for setting in known.values() if setting.name not in MAIN]
    if others:
        with st.expander(f"Settings of the {families.title(model)}"):
            for setting in others:
                config[setting.name] = _control(setting, small, suffix)
    return config


def _small(model: str, shape: tuple[int, int, int]) -> dict[str, Any]:
    """Defaults for a training of about a minute."""
    side = max(shape[1:])
    latent = WIDE_LATENTS.get(model, 8 if side < 16 else 10 if side < 48 else 32)
    return {"latent": latent, "width": 16, "k": 8}


def _control(setting: Setting, small: dict[str, Any], suffix: str) -> Any:
    """The widget of a setting, by its type; its meaning is the tooltip."""
    key, label = f"train_{setting.name}_{suffix}", setting.name.replace("_", " ").capitalize()
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


def _schedule(closed_form: bool, shape: tuple[int, int, int], images: int, suffix: str) -> dict[str, Any]:
    """Images, seed, epochs, batch and learning rate; the first two only for a model with a closed form."""
    small = 10_000 if max(shape[1:]) < 48 else 3_000
    epochs = max(3, min(30, 45_000 // min(images, small))) if max(shape[1:]) < 48 else 4
    columns = side_by_side(
        [1] * (2 if closed_form else 5), "lx-course", narrow=1500, least="84px", gap="small"
    )
    about = f"The first of {images:,} training images."
    least = (IMAGES_AT_LEAST, images)
    limit = _whole(columns[0], "Images", least, min(images, small), f"train_limit_{suffix}", about)
    values: dict[str, Any] = {"limit": 0 if limit == images else limit}
    about = "The same seed gives the same model."
    values["seed"] = _whole(columns[1], "Seed", (0, SEED_AT_MOST), 0, f"train_seed_{suffix}", about)
    if closed_form:
        return values
    about, limits = "Passes over the images.", (1, EPOCHS_AT_MOST)
    values["epochs"] = _whole(columns[2], "Epochs", limits, epochs, f"train_epochs_{suffix}", about)
    batch, limits = 64 if images < 5_000 else 128, (1, BATCH_AT_MOST)
    values["batch"] = _whole(columns[3], "Batch", limits, batch, f"train_batch_{suffix}", "Images per step.")
    with columns[4]:
        values["rate"] = st.number_input(
            "Rate",
            0.0,
            1.0,
            1e-3,
            1e-4,
            format="%g",
            key=f"train_rate_{suffix}",
            help="Peak learning rate.",
            **KEEP,
        )
    return values


def _whole(column: Any, title: str, limits: tuple[int, int], value: int, key: str, about: str) -> int:
    """A field for a whole number; 0 if it is empty."""
    with column:
        return int(st.number_input(title, *limits, value, 1, key=key, help=about, **KEEP) or 0)


def _dimensions(config: dict[str, Any], shape: tuple[int, int, int]) -> int:
    """Latent dimensions: as configured, or as many as an image has."""
    return int(config.get("latent", math.prod(shape)))


def _estimate(run: Run, shape: tuple[int, int, int], steps: int, images: int, closed_form: bool) -> str:
    """One line on the estimated time."""
    latent = _dimensions(run.config, shape)
    afterwards = f"its map {training_time.in_words(training_time.map_seconds(MAP_IMAGES, latent))}"
    if closed_form:
        return f"**{images:,} images, one fit** of a few seconds; {afterwards}."
    step = _seconds_a_step(run.model, {**run.config, "image_shape": shape}, run.batch)
    if step is None:
        return f"**{steps:,} steps.** The model is too large to measure the time of a step; {afterwards}."
    seconds = training_time.START + steps * step
    text = f"**{steps:,} steps, about {training_time.in_words(seconds)}** on one core; {afterwards}."
    return text + (" That is long: the command below also runs in a terminal." if seconds > LONG else "")


@st.cache_data(max_entries=500, show_spinner=False)
def _seconds_a_step(model: str, config: dict[str, Any], batch: int) -> float | None:
    try:
        return training_time.seconds_a_step(model, config, batch)
    except (RuntimeError, ValueError):
        return None  # not enough memory


def _start(run: Run, name: str) -> None:
    """The Start button; disabled, with a note, while another training is running."""
    active = trainings().active
    if st.button(
        "Start training",
        type="primary",
        icon=":material/play_arrow:",
        key="train_start",
        disabled=active is not None,
    ):
        _attempt(lambda: trainings().start(run, name))
    if active:
        st.caption(
            plain(f"{active.name} is running. Only one training at a time, so that dragging stays smooth.")
        )


def _attempt(work: Any) -> None:
    """Performs an action on a run; an error is shown in the next run of the page."""
    try:
        work()
        S.train_problem = ""
    except (ValueError, OSError) as error:
        S.train_problem = str(error)
    S.train_made = _changes() + 1
    checkpoint_picker.refresh()
    st.rerun()


def _changes() -> int:
    """Number of runs started or deleted, so that a new name is suggested after each."""
    return int(S.get("train_made", 0))


# Runs


def _runs() -> None:
    """All runs with their states, the active one first."""
    st.subheader("Runs", anchor=False)
    if problem := S.get("train_problem"):
        st.warning(with_code(problem), icon=":material/error:")
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
        st.caption(f"None yet. Runs are stored in {plain(shown(runs_folder()))}.")


@st.fragment(run_every=1.0)
def _under_way() -> None:
    """Progress, curve and Cancel of the active training; at its end the whole page is rerun."""
    training = trainings().active
    if training is None:
        checkpoint_picker.refresh()
        st.rerun()
    with st.container(border=True, gap="small", key="lx-under-way"):
        # Cancel is where the card of a finished run has no button.
        with st.container(horizontal=True, gap="small", vertical_alignment="center", key="lx-under-way-head"):
            st.markdown(f"**{plain(training.name)}** · {PHASES[training.phase]}")
            if is_own(training.run) and st.button("Watch", key="train_watch", icon=":material/visibility:"):
                navigation.show(navigation.YOUR_IMAGES, {"run": training.name})
            if st.button("Cancel", key="train_cancel", icon=":material/stop:"):
                training.cancel()
        left = training.seconds_left
        known = left is not None and training.share < 1
        remaining = f" · about {training_time.in_words(left)} left" if known and left is not None else ""
        st.progress(training.share, with_code(training.what + remaining))
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            if training.phase == "mapping":
                _explore(training.name, "Explore it")
            st.caption(_on_cancel(training))
        curves = read_curves(training.folder)
        if curves.steps:
            curve_charts.curve_chart(curves, "train_curve", logarithmic=_scale("live"), height=260, live=True)
            curve_charts.metric_charts(curves, "train_figure")


def _on_cancel(training: Training) -> str:
    """What Cancel keeps."""
    if training.cancelled:
        return "Stopping …"
    if training.phase == "training":
        if not (training.folder / TRAINING).is_file():
            return "Nothing is saved yet. After Cancel, training starts from the beginning."
        return "Cancel keeps the last saved state, which can be resumed."
    if training.phase == "mapping":
        return "It can be explored on its principal components while the map is fitted."
    return "Training is finished."


def _scale(name: str) -> bool:
    scale = st.segmented_control(
        "Axis",
        ["Linear", "Logarithmic"],
        default="Linear",
        required=True,
        key=f"train_scale_{name}",
        label_visibility="collapsed",
        **KEEP,
    )
    return bool(scale == "Logarithmic")


def _run(info: RunInfo) -> None:
    """One run that is not active: description, state, actions."""
    st.markdown(f"**{plain(info.name)}** · {TITLES[info.state]}")
    st.caption(plain(_about(info)))
    if error := _error(info):
        st.warning(with_code(error), icon=":material/error:")
    idle = trainings().active is None
    with st.container(horizontal=True, gap="xsmall"):
        if info.state == "ready":
            _explore(info.name, "Explore it")
            if st.button("Details", key=f"run-details-{info.name}", type="tertiary"):
                st.query_params.from_dict({"checkpoint": info.name})
                st.rerun()
        if info.state == "unfinished" and st.button(
            "Resume", key=f"resume-{info.name}", disabled=not idle, icon=":material/resume:"
        ):
            _attempt(lambda: trainings().resume(info.name))
        if info.state == "bare" and st.button(
            "Encode the images", key=f"encode-{info.name}", disabled=not idle
        ):
            _attempt(lambda: trainings().encode(info.name))
        if info.run and info.state in RESTARTED and _fits_the_form(info.run):
            st.button("Use these settings", key=f"again-{info.name}", on_click=_fill_form, args=(info.run,))
        if info.state != "elsewhere":
            _delete(info)


def _about(info: RunInfo) -> str:
    """Model, data and progress."""
    if info.card:
        facts = [*checkpoint_picker.summary(info.card)[:2], data_name(info.card.data)]
        steps = info.card.training.get("steps")
        return " · ".join([*facts, *([f"{steps:,} steps"] if isinstance(steps, int) and steps else [])])
    facts = [families.title(info.run.model), info.run.data] if info.run else []
    if info.run and info.state == "unfinished":
        facts.append(f"{info.step:,}{_planned(info.run)} steps are saved")
    if info.state == "elsewhere":
        facts.append("it wrote a file seconds ago, so it may be running in a terminal")
    if info.state == "empty":
        facts.append("ended before the first state was saved, so it cannot be resumed")
    if info.state == "cancelled":
        facts.append("nothing was saved")
    return " · ".join(facts)


def _planned(run: Run) -> str:
    """The planned number of steps as text; "" if the length is given in time."""
    if run.minutes or run.data not in KNOWN or is_own(run):
        return ""
    return f" of {plan(run, KNOWN[run.data].images)[1]:,}"


def _error(info: RunInfo) -> str:
    """Why the run failed; "" if it did not."""
    return "" if info.error in (None, "Cancelled.") else str(info.error)


def _explore(name: str, label: str) -> None:
    """Opens a run on the Explore page, with its newest map."""
    if st.button(label, key=f"explore-{name}", type="primary", icon=":material/explore:"):
        checkpoint_picker.refresh(name)
        navigation.go("Explore", name)


def _delete(info: RunInfo) -> None:
    with st.popover("Delete", icon=":material/delete:"):
        target = "the message" if info.state in ("failed", "cancelled") else shown(info.path)
        st.markdown(f"Delete {plain(target)} permanently?")
        if st.button("Delete it", key=f"delete-{info.name}", type="primary"):
            _attempt(lambda: trainings().delete(info.name))


def _fits_the_form(run: Run) -> bool:
    """Whether the form offers the run's model and data."""
    return run.model in MODELS and run.data in _fitting(run.model)[0]


def _fill_form(run: Run) -> None:
    """Fills the form with a run's settings, clipped to its limits."""
    suffix = f"{run.model}_{run.data}"
    S.train_model = run.model
    S[_fitting(run.model)[1]] = run.data
    images = KNOWN[run.data].images or 1  # 0 if it depends on the data set's options
    for setting in families.settings(run.model):
        value = run.config.get(setting.name, setting.default)
        if setting.kind in (int, float):  # `beta=4` from a terminal is an integer
            value = max(setting.kind(0), setting.kind(value))
        S[f"train_{setting.name}_{suffix}"] = value
    S[f"train_limit_{suffix}"] = min(images, max(IMAGES_AT_LEAST, run.limit or images))
    S[f"train_seed_{suffix}"] = min(SEED_AT_MOST, run.seed)
    S[f"train_epochs_{suffix}"] = min(EPOCHS_AT_MOST, run.epochs)
    S[f"train_batch_{suffix}"] = min(BATCH_AT_MOST, run.batch)
    S[f"train_rate_{suffix}"] = float(run.rate)
