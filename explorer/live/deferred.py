"""Modules that need torch, imported on first use, so that the server answers before torch is loaded.

`deferred.engine.engine()` imports `explorer.scene.engine` at that moment; routes and connections reach all
heavy modules this way.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explorer.latent.geometry import projections as projections
    from explorer.latent.statistics import beliefs as beliefs
    from explorer.live import frame_plan as frame_plan
    from explorer.live import slider_tracks as slider_tracks
    from explorer.live import strip_handle as strip_handle
    from explorer.scene import codebook as codebook
    from explorer.scene import comparison as comparison
    from explorer.scene import engine as engine
    from explorer.scene import forecasts as forecasts
    from explorer.scene import inspection as inspection
    from explorer.scene import likelihood as likelihood
    from explorer.scene import loaded as loaded
    from explorer.scene import sequences as sequences
    from explorer.scene import view as view
    from explorer.scene import views as views
    from models.data import locations as locations
    from models.system import files as files

MODULES = {
    "engine": "explorer.scene.engine",
    "projections": "explorer.latent.geometry.projections",
    "beliefs": "explorer.latent.statistics.beliefs",
    "frame_plan": "explorer.live.frame_plan",
    "slider_tracks": "explorer.live.slider_tracks",
    "strip_handle": "explorer.live.strip_handle",
    "codebook": "explorer.scene.codebook",
    "comparison": "explorer.scene.comparison",
    "forecasts": "explorer.scene.forecasts",
    "inspection": "explorer.scene.inspection",
    "likelihood": "explorer.scene.likelihood",
    "loaded": "explorer.scene.loaded",
    "sequences": "explorer.scene.sequences",
    "view": "explorer.scene.view",
    "views": "explorer.scene.views",
    "locations": "models.data.locations",
    "files": "models.system.files",
}


def __getattr__(name: str) -> object:
    if name not in MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(MODULES[name])
