"""Names and texts from outside show as text: no picture is fetched, nothing links, whatever they contain."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from markdown_it import MarkdownIt
from streamlit.testing.v1 import AppTest

from explorer.atlas.storage import load_atlas, save_atlas
from explorer.latent.directions.mean_difference import Direction
from explorer.pages.shared.text import JOINER, plain, with_code
from explorer.scene import engine as engine_module
from explorer.scene.engine import Engine
from explorer.workspace.storage import Group, Pin
from models import checkpoint
from models.card import ATLAS, write_card
from models.system.printable import printable
from tests.explorer.conftest import NAME, make_checkpoint

MAIN = Path(__file__).resolve().parents[2] / "explorer" / "pages" / "main.py"
HOST = "evil.example"
HOSTILE = f"```![x](//{HOST}) `<img src=//{HOST}>` www.{HOST}"  # at most as long as a title
PARTS = (
    *"`~!()<>/*_\\\n\t-+=#|.:$&; a1é",
    *(
        "``",
        "```",
        "![x](//e)",
        "[x]: //e\n\n[x]",
        "<b>",
        "<!--",
        "&lt;",
        "\n\n",
        "    a",
        "1. ",
        "2) ",
        "***",
    ),
    *(
        "---",
        "===",
        "|a|\n|-|",
        "http://e.x",
        "www.e.x",
        "a@e.x",
        ":red[a]",
        ":material/home:",
        "$$",
        "{a=b}",
    ),
    *("\u202e", "\udcff", "\ud800", "\x00", "\u2028"),
)
PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
MARKED = (
    "body",
    "label",
    "help",
    "text",
    "content",
    "caption",
)  # fields of elements that Streamlit reads as Markdown
RAW = ("html", "text", "code", "latex", "iframe")  # elements whose text it does not


def inline(source: str) -> list[Any]:
    """The inline parts of Markdown that is one paragraph."""
    blocks = PARSER.parse(source)
    assert [block.type for block in blocks] == ["paragraph_open", "inline", "paragraph_close"], source
    return list(blocks[1].children or [])


texts = some.lists(some.sampled_from(PARTS), min_size=1, max_size=14).map("".join)


@settings(deadline=None, max_examples=600)
@given(texts.filter(lambda text: text.split() != []))
def test_a_name_is_one_line_of_plain_text(text: str) -> None:
    parts = inline(plain(text))
    assert {part.type for part in parts} <= {"text", "text_special"}
    shown = "".join(part.content for part in parts)
    assert shown.replace(JOINER, "") == printable(" ".join(text.split()))
    for found in (
        "://",
        "www.",
        ":material/",
        ":material_",
        "@e",
    ):  # Streamlit searches the text that is left
        assert found not in shown.casefold()


@settings(deadline=None, max_examples=600)
@given(texts.filter(lambda text: text.split() != []))
def test_a_message_has_code_at_most(text: str) -> None:
    assert {part.type for part in inline(with_code(text))} <= {"text", "text_special", "code_inline"}


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A checkpoint whose card, attributes, pictures, groups, pins and directions all have hostile titles."""
    folder = tmp_path_factory.mktemp("hostile")
    make_checkpoint(folder / NAME)
    for name in (HOSTILE.replace("/", ":").encode(), b"na\xefve-vae"):  # cannot be used, and are listed
        os.mkdir(os.fsencode(folder) + b"/" + name)
    entry = checkpoint.read(folder / NAME)
    assert entry.card is not None
    atlas = load_atlas(entry)
    digit, ink = atlas.attributes["digit"], atlas.attributes["ink"]
    labels = tuple(f"{number}{HOSTILE}" for number in range(len(digit.labels)))
    attributes = {
        "digit": replace(digit, labels=labels, title=HOSTILE),
        "ink": replace(ink, title=f"2{HOSTILE}"),
    }
    save_atlas(folder / NAME / ATLAS, replace(atlas, attributes=attributes), entry.card.weights_sha256)
    write_card(folder / NAME, replace(entry.card, title=HOSTILE, description=HOSTILE))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LATENT_CHECKPOINT_DIR", str(folder))
        patch.setenv("LATENT_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(engine_module, "_ENGINE", made := Engine(torch.device("cpu"), workers=1))
        st.cache_data.clear()
        loaded = made.open_sync(NAME)
        z = loaded.latents([0])[0]
        own = loaded.keep_own(HOSTILE, np.zeros((8, 8, 1), np.uint8), z)
        loaded.keep_pin(Pin("item", HOSTILE, str(own.item)))
        loaded.keep_group(Group("a", HOSTILE, (0, 1, 2), HOSTILE))
        loaded.keep_direction(Direction(z, "own-a", HOSTILE, "Own", 0, 0, "own", HOSTILE))
        yield folder
        made.close()
        st.cache_data.clear()


def elements(node: Any) -> Iterator[tuple[str, Any]]:
    """The kind and the message of every element of a page."""
    for child in getattr(node, "children", {}).values():
        yield from elements(child)
    proto = getattr(node, "proto", None)
    if proto is not None:
        yield getattr(node, "type", ""), proto


def _fields(proto: Any) -> Iterator[str]:
    for field, value in proto.ListFields() if hasattr(proto, "ListFields") else ():
        if field.message_type is not None:
            for each in [value] if hasattr(value, "ListFields") else list(value):
                yield from _fields(each)
        elif isinstance(value, str) and field.name in MARKED:
            yield value


def foreign(source: str) -> list[str]:
    """What Markdown would fetch from or link to the hostile host, or show as HTML."""
    parts = [part for block in PARSER.parse(source) for part in (block, *(block.children or ()))]
    return [
        part.type
        for part in parts
        if HOST in f"{part.content} {part.attrs}"
        and part.type in ("image", "link_open", "html_inline", "html_block")
    ]


@pytest.mark.parametrize(
    "address",
    [
        {"model": HOSTILE},
        {"model": NAME, "view": HOSTILE, "colour": HOSTILE, "a": HOSTILE, "a_with": HOSTILE},
        {"page": "anatomy", "model": NAME, "item": HOSTILE},
        {"page": "directions", "model": NAME, "of": HOSTILE, "item": HOSTILE},
        {"page": "paths", "model": NAME, "path": HOSTILE},
        {"page": "compare", "models": f"{NAME},{HOSTILE}"},
        {"page": "model_cards"},
        {"page": "model_cards", "checkpoint": HOSTILE},
        {"page": "model_cards", "checkpoint": NAME},
        {"page": "your_images", "path": HOSTILE},
    ],
    ids=lambda address: "-".join(address),
)
def test_pages_show_hostile_names_as_text(address: dict[str, str], shelf: Path) -> None:
    at = AppTest.from_file(str(MAIN), default_timeout=60)
    for name, value in address.items():
        if name == "page":
            at.switch_page(f"{value}/page.py")
        else:
            at.query_params[name] = value
    at.run()
    assert not at.exception
    found = 0
    for kind, proto in elements(at._tree):
        if kind in ("html", "plotly_chart"):  # which read HTML
            assert f"<img src=//{HOST}" not in str(proto)
        for text in _fields(proto) if kind not in RAW else ():
            assert not foreign(text), f"{kind}: {text}"
            found += HOST in text.replace(JOINER, "")
    assert found, "nothing hostile is shown"
