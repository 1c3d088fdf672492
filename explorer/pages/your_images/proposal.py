"""The proposal: preparation of the images, model and training time, and the button that starts the training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from html import escape
from typing import Any

import streamlit as st

from explorer.catalogue.model_choices import CHOICES, settings_for
from explorer.fields import SEED_AT_MOST
from explorer.jobs import own_training
from explorer.jobs.image_reading import ImageSummary, as_seen, picture_address
from explorer.jobs.image_sources import ImageSource
from explorer.jobs.trainings import as_text, command_line, free_name, runs_folder, trainings
from explorer.pages.shared import checkpoint_picker
from explorer.pages.shared.layout import side_by_side
from explorer.pages.shared.text import with_code
from explorer.pages.your_images import estimate, existing_model
from explorer.pages.your_images.choices import Choices
from models.data.own import Preparation
from models.training.augment import AUGMENTATIONS
from models.training.run import Run

__all__ = ["show"]

S = st.session_state
MINUTES = (1, 2, 5, 10, 20, 40, 60, 120)
FITS = {"crop": "Crop", "pad": "Pad", "stretch": "Stretch"}
VARIATIONS = {"flip": "Mirror", "shift": "Shift", "colour": "Colour and light"}  # titles of `AUGMENTATIONS`
FEW = 10_000  # a shift is proposed for fewer images
CHANNELS = {0: "Unchanged", 1: "Grey", 3: "Colour"}
STYLE = """<style>
.lx-yi-preview { display: grid; grid-template-columns: repeat(6, 1fr); gap: 8px; }
.lx-yi-preview img { width: 100%; display: block; image-rendering: pixelated; border-radius: 5px; background: #8882; }
@media (max-width: 700px) { .lx-yi-preview { grid-template-columns: repeat(3, 1fr); } }
[data-testid="stLayoutWrapper"]:has(> .st-key-lx-yi-start) { position: sticky; bottom: .5rem; z-index: 5;
  padding: .6rem .9rem; border-radius: 8px; background: light-dark(#fff, #1c2028);
  border: 1px solid light-dark(#dfe2e8, #2e343f); box-shadow: 0 4px 14px rgb(0 0 0 / 10%); }
</style>"""


def show(source: ImageSource, summary: ImageSummary, started: Callable[[str], None]) -> None:
    """The proposal, with controls to change it; `started` is called with the name of the started run."""
    st.html(STYLE)
    choices = Choices(source)
    st.subheader("Preparation", anchor=False)
    left, right = side_by_side([5, 6], "lx-yi-prepare")
    with left:
        preparation = _preparation(choices, summary)
    with right:
        _preview(summary, preparation)
    st.subheader("Model", anchor=False)
    run = _training(choices, summary, preparation)
    if run is None:
        return
    name = free_name(own_training.name_of(run))
    existing_model.show(source, summary)
    with st.expander("Command line", icon=":material/terminal:"):
        st.code(as_text(command_line(run, runs_folder() / name)), language=None, wrap_lines=True)
        st.code(f"python -m explorer.atlas {name}", language=None)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium", key="lx-yi-start"):
        _start(run, name, started)
        with st.container():
            estimate.show(run, summary.shape(preparation), summary, preparation)


def _preparation(choices: Choices, summary: ImageSummary) -> Preparation:
    """Controls of size, framing, colours and splits; returns the resulting preparation."""
    usual = Preparation.from_options(summary.proposal)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        sizes = sorted(summary.sides)
        size = st.selectbox(
            "Size",
            sizes,
            index=sizes.index(choices("size", usual.size)),
            format_func=lambda size: f"{size} pixels",
            width=130,
            help="Longer side of an image, as the model sees it.",
            **choices.control("size"),
        )
        fit = st.segmented_control(
            "Fit",
            list(FITS),
            default=choices("fit", usual.fit),
            format_func=FITS.__getitem__,
            required=True,
            help="Crop keeps the centre, Pad adds a border, Stretch changes the aspect ratio.",
            **choices.control("fit"),
        )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        channels = st.selectbox(
            "Colours",
            list(CHANNELS),
            index=list(CHANNELS).index(choices("channels", usual.channels)),
            format_func=CHANNELS.__getitem__,
            width=160,
            **choices.control("channels"),
        )
        background = st.color_picker(
            "Background",
            choices("background", usual.background),
            help="Colour of the border and of transparent pixels.",
            **choices.control("background"),
        )
    split = _split(choices, summary, usual)
    kinds = {**usual.kinds, **choices("kinds", {})}
    return replace(
        usual,
        size=int(size),
        fit=str(fit),
        channels=int(channels),
        background=str(background),
        kinds=kinds,
        **split,
    )


def _split(choices: Choices, summary: ImageSummary, usual: Preparation) -> dict[str, Any]:
    """Controls of the split, apart from splits that the source has; returns options of the preparation."""
    own = sorted(summary.splits)
    with st.expander("Validation and test images", icon=":material/call_split:"):
        if "test" in own and "validation" in own:
            st.caption("The source's own splits are kept.")
            return {}
        if own:
            st.caption(
                f"The source's own splits ({', '.join(own)}) are kept; the others are taken from train."
            )
        values: dict[str, Any] = {}
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            for name in ("validation", "test"):
                if name not in own:
                    percent = st.number_input(
                        f"{name.capitalize()}, %",
                        1,
                        40,
                        choices(name, round(100 * getattr(usual, name))),
                        1,
                        width=120,
                        **choices.control(name),
                    )
                    values[name] = (percent or 10) / 100
            values["seed"] = int(
                st.number_input(
                    "Seed",
                    0,
                    SEED_AT_MOST,
                    choices("seed", usual.seed),
                    1,
                    width=120,
                    **choices.control("seed"),
                    help="The same seed gives the same split.",
                )
                or 0
            )
            groups = {"": "None"} | {
                each.slug: each.title for each in summary.columns if each.kind != "caption"
            }
            values["group"] = st.selectbox(
                "Keep together",
                list(groups),
                index=list(groups).index(choices("group", usual.group)),
                format_func=groups.__getitem__,
                width=180,
                **choices.control("group"),
                help="Images with the same value, such as a patient or a scene, stay in one split.",
            )
    return values


def _preview(summary: ImageSummary, preparation: Preparation) -> None:
    """Some of the prepared pictures."""
    shape = summary.shape(preparation)
    pictures = [
        picture_address(as_seen(each, preparation, shape), max(shape[1:])) for each in summary.originals
    ]
    images = "".join(
        f'<img alt="Image {number} as the model will see it" src="{escape(address, quote=True)}">'
        for number, address in enumerate(pictures, 1)
    )
    st.html(f'<div class="lx-yi-preview" data-testid="your-images-preview">{images}</div>')
    st.caption(f"As the model will see them: {shape[2]}×{shape[1]} {'grey' if shape[0] == 1 else 'colour'}")


def _training(choices: Choices, summary: ImageSummary, preparation: Preparation) -> Run | None:
    """Controls of model, time and augmentation; returns the run, or None if a setting is invalid."""
    shape = summary.shape(preparation)
    key = st.radio(
        "Model",
        list(CHOICES),
        index=list(CHOICES).index(choices("model", "vae")),
        format_func=lambda key: CHOICES[key].title,
        captions=[each.meaning for each in CHOICES.values()],
        label_visibility="collapsed",
        **choices.control("model"),
    )
    minutes = st.select_slider(
        "Minutes of training",
        MINUTES,
        choices("minutes", 10),
        width=420,
        **choices.control("minutes"),
        help="A first map is ready after about half a minute, and improves during the training.",
    )
    augment = st.pills(
        "Augmentation",
        list(AUGMENTATIONS),
        selection_mode="multi",
        default=choices("augment", ["shift"] if summary.images < FEW else []),
        format_func=VARIATIONS.__getitem__,
        help="Random changes to the training images, against overfitting when there are few. Do not mirror letters or "
        "digits.",
        **choices.control("augment"),
    )
    choice = CHOICES[key]
    try:
        run = own_training.run_of(
            choice, settings_for(choice, shape), preparation, int(minutes), tuple(augment)
        )
    except ValueError as error:
        st.warning(with_code(str(error)), icon=":material/edit:")
        return None
    return run


def _start(run: Run, name: str, started: Callable[[str], None]) -> None:
    """The button that starts the training; disabled while another one runs."""
    active = trainings().active
    busy = (
        f"{active.name} is in progress. Only one training runs at a time, so that dragging stays smooth."
        if active
        else None
    )
    if st.button(
        "Train and open the map",
        type="primary",
        icon=":material/play_arrow:",
        key="yi_start",
        disabled=active is not None,
        help=busy,
    ):
        try:
            trainings().start(run, name)
        except (ValueError, OSError) as error:
            st.error(with_code(str(error)), icon=":material/error:")
            return
        checkpoint_picker.refresh()
        S.yi_started = name
        started(name)
