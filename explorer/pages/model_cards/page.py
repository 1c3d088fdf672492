"""The Models page: checkpoints as cards, training, and the list of model families."""

from __future__ import annotations

import streamlit as st

from explorer.catalogue import families
from explorer.pages.model_cards import cards, training
from explorer.pages.shared import address
from explorer.pages.shared.text import plain

TABS = {"Checkpoints": "", "Train": "train", "The zoo": "zoo"}  # tab -> its name in the address


def main() -> None:
    """One of the three tabs, or one checkpoint if the address names it."""
    checkpoint = address.parameters().get("checkpoint")
    if checkpoint is not None and cards.details(checkpoint[:64]):
        return
    labels = {name: label for label, name in TABS.items()}
    default = labels.get(address.parameters().get("part", ""), "Checkpoints")
    tabs = st.tabs(list(TABS), default=default, key="models_part", on_change="rerun")
    shown = next(label for label, tab in zip(TABS, tabs, strict=True) if tab.open)
    write_address(TABS[shown])
    with tabs[list(TABS).index(shown)]:
        {"Checkpoints": cards.overview, "Train": training.show, "The zoo": show_zoo}[shown]()


def write_address(part: str) -> None:
    """Writes the tab shown to the address bar, and nothing else."""
    query = {"part": part} if part else {}
    if st.query_params.to_dict() != query:
        st.query_params.from_dict(query)


def show_zoo() -> None:
    """A table of all model families and what each supports."""
    rows = ["| Model | Year | Paper | Idea | Prior | log p(x) |", "|---|---|---|---|---|---|"]
    for family in families.families():
        description = family.description
        prior = "yes" if family.spec.prior else "no"
        rows.append(
            f"| **{plain(description.title)}** `{family.key}` | {description.year} | "
            f"[{plain(description.paper)}]({description.link}) | {plain(description.idea)} | {prior} | "
            f"{family.spec.likelihood} |"
        )
    st.html("<style>.st-key-lx-zoo td code { white-space: nowrap; }</style>")
    with st.container(key="lx-zoo"):
        st.markdown("\n".join(rows))
    st.caption(
        "A model without a prior has neither samples nor a likelihood of images. "
        "TD-VAE has no fixed prior: it samples futures of a sequence, on the Time page. "
        "Train any of these with `python -m models train MODEL --data DATA`, or under Train."
    )


main()
