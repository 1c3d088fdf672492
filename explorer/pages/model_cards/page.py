"""The Models page: the checkpoints as cards, a small training of one's own, and the zoo they come from."""

from __future__ import annotations

import streamlit as st

from explorer.catalogue import families
from explorer.pages.model_cards import cards, training
from explorer.pages.shared.text import plain

PARTS = {"Checkpoints": "", "Train": "train", "The zoo": "zoo"}  # tab -> its name in the address


def main() -> None:
    """One of the three parts, or one checkpoint where the address names it."""
    asked = st.query_params.get("checkpoint")
    if asked is not None and cards.details(asked[:64]):
        return
    asked = st.query_params.get("part", "")
    named = {name: label for label, name in PARTS.items()}
    parts = st.tabs(
        list(PARTS), default=named.get(asked, "Checkpoints"), key="models_part", on_change="rerun"
    )
    shown = next(label for label, part in zip(PARTS, parts, strict=True) if part.open)
    write_address(PARTS[shown])
    with parts[list(PARTS).index(shown)]:
        {"Checkpoints": cards.overview, "Train": training.show, "The zoo": show_zoo}[shown]()


def write_address(part: str) -> None:
    """Leaves nothing in the address but the part that is shown."""
    wanted = {"part": part} if part else {}
    if st.query_params.to_dict() != wanted:
        st.query_params.from_dict(wanted)


def show_zoo() -> None:
    """The table of all models, and what can honestly be asked of each."""
    rows = ["| Model | Year | Paper | What it is | Prior to sample | log p(x) |", "|---|---|---|---|---|---|"]
    for family in families.families():
        about = family.about
        prior = "yes" if family.spec.prior else "no"
        rows.append(
            f"| **{plain(about.title)}** `{family.key}` | {about.year} | [{plain(about.paper)}]({about.link}) | "
            f"{plain(about.idea)} | {prior} | {family.spec.likelihood} |"
        )
    st.html("<style>.st-key-lx-zoo td code { white-space: nowrap; }</style>")
    with st.container(key="lx-zoo"):
        st.markdown("\n".join(rows))
    st.caption(
        "A model without a prior has no samples and no likelihood of an image, so no page offers them for it. "
        "TD-VAE has no fixed prior either: it draws the futures of a sequence, on the Time page. "
        "Train any of these: `python -m models train MODEL --data DATA`, or under Train."
    )


main()
