"""Fields for the images to open: a path on the server or an upload, and a table of labels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from explorer.jobs import image_sources
from explorer.pages.shared.text import with_code
from explorer.pages.shared.uploader import uploader
from explorer.pages.your_images.url import Shown

__all__ = ["empty", "show"]

S = st.session_state
EXAMPLE = "python -m explorer open ~/photos"
FORMS = (
    (
        "A folder",
        "with one subfolder per class, optionally below `train`, `validation` and `test`, or without subfolders",
    ),
    (
        "A table beside the images",
        "`metadata.csv`, `.jsonl` or `.parquet` with a column `file_name`, or a CelebA-style list",
    ),
    ("A zip", "of any of these"),
    ("A Parquet file", "as Hugging Face writes it: a column of pictures, and others of labels"),
    ("A WebDataset", "a tar file in which files with the same stem belong together"),
    ("A NumPy array", "`.npy` or `.npz`: N×H×W or N×H×W×C, of bytes or of values in 0 to 1"),
)


def show(shown: Shown, choose: Callable[[Shown], None]) -> None:
    """The fields; `choose` is called with the images to open."""
    if S.get("yi_field_of") != shown:  # another source was opened
        S.yi_field_of, S.yi_path, S.yi_labels = shown, shown.path, shown.labels
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
                help="CSV, Parquet or JSONL with a row per image; any column may name the file. Needed if the labels are "
                "neither in folder names nor in a table beside the images.",
            )
            opened = st.form_submit_button("Open", icon=":material/folder_open:")
        with st.popover("Upload a file", icon=":material/upload:", key="yi_upload_open"):
            _upload(choose)
    if opened:
        _open(path or "", labels or "", choose)
    if problem := S.get("yi_problem"):
        st.error(with_code(problem), icon=":material/error:")


def empty() -> None:
    """Instructions, while no images are open."""
    st.subheader("From a folder of images to a map", anchor=False)
    st.markdown(
        "Open your images. The explorer reads them and their labels, trains a model on them while you watch, and "
        "shows them on a map. Nothing leaves this machine."
    )
    st.markdown("\n".join(f"- **{name}** {about}" for name, about in FORMS))
    st.markdown("From the command line:")
    st.code(EXAMPLE, language=None)


def _open(path: str, labels: str, choose: Callable[[Shown], None]) -> None:
    """Opens the typed path, or reports what is wrong with it."""
    try:
        shown = Shown(
            _existing(path, "The path"), _existing(labels, "The table of labels") if labels.strip() else ""
        )
    except ValueError as error:
        S.yi_problem = str(error)
        return
    S.yi_problem = ""
    image_sources.opened(shown.path, shown.labels).retry()
    choose(shown)


def _existing(text: str, what: str) -> str:
    """Makes a typed path absolute.

    Raises:
        ValueError: If it is empty or does not exist.
    """
    text = text.strip().strip("\"'")
    if not text:
        raise ValueError(f"{what} is empty. Type the path of a folder or a file, such as ~/photos.")
    try:
        path = Path(text).expanduser().resolve()
        exists = path.exists()
    except (OSError, RuntimeError, ValueError):
        exists = False
    if not exists:
        raise ValueError(
            f"{what} must be a folder or a file on the machine that runs the explorer. {text[:200]!r} does not exist."
        )
    return str(path)


def _upload(choose: Callable[[Shown], None]) -> None:
    """Stores an uploaded file in the cache folder and opens it."""
    st.caption(
        "A zip of images, or a Parquet, tar, npy or npz file. It is stored in this machine's cache folder."
    )
    # File types are not restricted here, so that a wrong file gets our message, which gives the reason.
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
    choose(Shown(str(path)))
