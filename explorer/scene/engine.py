"""The engine that loads checkpoints as scenes; one per process, shared by all pages and connections."""

from __future__ import annotations

import gc
import threading

from explorer.inference.engine import DecodingEngine
from explorer.scene import loaded
from explorer.scene.loaded import Loaded
from models.card import Entry

__all__ = ["Engine", "engine"]


class Engine(DecodingEngine[Loaded]):
    """Loaded checkpoints with their atlases, and the decoder threads."""

    def find(self, name: str) -> Entry:
        return loaded.find(name)

    def stamp(self, entry: Entry) -> tuple[object, ...]:
        return loaded.stamp(entry)

    def load(self, entry: Entry) -> Loaded:
        return loaded.load(entry, self.device)


_ENGINE: Engine | None = None
_ENGINE_LOCK = threading.Lock()


def engine() -> Engine:
    """The engine of this process, created on first use."""
    global _ENGINE
    with _ENGINE_LOCK:
        if _ENGINE is None:
            _ENGINE = Engine()
            gc.freeze()  # modules stay: to search them for garbage takes 0.3 s, in which no drag gets a picture
        return _ENGINE
