"""Which images to open: a path on the machine that runs the explorer, or an upload; and a table of labels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from explorer.jobs import image_sources
from explorer.pages.shared.text import plain
from explorer.pages.shared.uploader import uploader
from explorer.pages.your_images.url import Asked

__all__ = ["empty", "show"]

S = st.session_state
EXAMPLE = "python -m explorer open ~/photos"
FORMS = (
    (
        "A folder",
        "with one folder for each class, `train`, `validation` and `test` above them, or all images in one",
    ),
    (
        "A table beside the images",
        "`metadata.csv`, `.jsonl` or `.parquet` with a column `file_name`, or a CelebA-style list",
    ),
    ("A zip", "of any of these"),
    ("A Parquet file", "as Hugging Face writes it: a column of pictures, and others of labels"),
    ("A WebDataset", "a tar file in which files of one name belong together"),
    ("A NumPy array", "`.npy` or `.npz`: N×H×W or N×H×W×C, of bytes or of numbers from 0 to 1"),
)


def show(asked: Asked, choose: Callable[[Asked], None]) -> None:
    """The fields above everything else; `choose` is called with other images to open."""
    if S.get("yi_field_of") != asked:  # another source was opened: the fields follow
        S.yi_field_of, S.yi_path, S.yi_labels = asked, asked.path, asked.labels
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="lx-yi-source"):
        with (
            st.form("yi_source", border=False, width="content"),
            st.container(horizontal=True, vertical_alignment="bottom", gap="small"),
        ):
            path = st.text_input(
                "Folder or file",
                key="yi_path",
                placeholder="~/photos, or ~/photos.zip",
                width=400,
                help="On the machine that runs the explorer. Nothing leaves that machine.",
            )
            labels = st.text_input(
                "Table of labels (optional)",
                key="yi_labels",
                placeholder="~/labels.csv",
                width=230,
                help="CSV, Parquet or JSONL with a row for each image; any column may name the file. Needed where the "
                "labels lie neither beside the images nor in their folders' names.",
            )
            opened = st.form_submit_button("Open", icon=":material/folder_open:")
        with st.popover("Upload a file", icon=":material/upload:", key="yi_upload_open"):
            _upload(choose)
    if opened:
        _open(path or "", labels or "", choose)
    if problem := S.get("yi_problem"):
        st.error(plain(problem), icon=":material/error:")


def empty() -> None:
    """What can be opened, and how, while nothing is."""
    st.subheader("From a folder of images to a map", anchor=False)
    st.markdown(
        "Open your images, and the explorer reads them and their labels, trains a model of them while you watch, and "
        "lays them out as a map on which pictures follow your hand. Nothing leaves this machine."
    )
    st.markdown("\n".join(f"- **{name}** {about}" for name, about in FORMS))
    st.markdown("The same from a terminal:")
    st.code(EXAMPLE, language=None)


def _open(path: str, labels: str, choose: Callable[[Asked], None]) -> None:
    """Opens what was typed, or says what is wrong with it."""
    try:
        found = Asked(
            _existing(path, "The path"), _existing(labels, "The table of labels") if labels.strip() else ""
        )
    except ValueError as error:
        S.yi_problem = str(error)
        return
    S.yi_problem = ""
    image_sources.opened(found.path, found.labels).retry()
    choose(found)


def _existing(text: str, what: str) -> str:
    """A typed path as an absolute one.

    Raises:
        ValueError: If there is nothing.
    """
    text = text.strip().strip("\"'")
    if not text:
        raise ValueError(f"{what} is empty. Type the path of a folder or a file, such as ~/photos.")
    try:
        path = Path(text).expanduser().resolve()
        there = path.exists()
    except (OSError, RuntimeError, ValueError):
        there = False
    if not there:
        raise ValueError(
            f"{what} must be a folder or a file on the machine that runs the explorer. {text[:200]!r} is not there."
        )
    return str(path)


def _upload(choose: Callable[[Asked], None]) -> None:
    """Keeps an uploaded file in the cache folder, and opens it."""
    st.caption(
        "A zip of images, or a Parquet, tar, npy or npz file. It is kept in the cache folder of this machine."
    )
    # The types are not listed: a wrong file is to get our message, which says what is wrong with it.
    file = uploader("File", image_sources.UPLOAD_MIB, key="yi_upload")
    if file is None or S.get("yi_uploaded") == file.file_id:
        return
    S.yi_uploaded = file.file_id
    try:
        path = image_sources.keep_upload(file.name, file.getvalue())
    except (ValueError, OSError) as error:
        S.yi_problem = str(error)
        st.rerun()
    S.yi_problem = ""
    choose(Asked(str(path)))
