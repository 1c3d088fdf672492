"""Tests of the search through many texts, against one text at a time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from explorer.latent.text_search import TextSearch

TEXTS = st.lists(st.text(alphabet="aAbß \n\té", max_size=6), min_size=1, max_size=12)


@given(TEXTS, st.text(alphabet="abs ", min_size=1, max_size=3))
def test_the_rows_are_those_of_a_search_one_by_one(texts: list[str], phrase: str) -> None:
    folded = [" ".join(text.casefold().split()) for text in texts]
    texts_searched = TextSearch(texts)
    assert texts_searched.containing(phrase).tolist() == [
        row for row, text in enumerate(folded) if phrase in text
    ]
    assert texts_searched.equal(phrase).tolist() == [row for row, text in enumerate(folded) if phrase == text]


def test_file_names_are_found_by_a_part_and_as_a_whole() -> None:
    texts_searched = TextSearch([f"Picture {n}.png" for n in range(1000)])
    assert texts_searched.containing("99.png").tolist() == list(range(99, 1000, 100))
    assert texts_searched.equal("picture 99.png").tolist() == [99]
    assert texts_searched.containing("jpg").tolist() == texts_searched.equal("picture").tolist() == []
