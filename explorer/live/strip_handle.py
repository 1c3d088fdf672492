"""A handle that approximates one picture of the filmstrip."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explorer.live.frame_plan import plan_frame
from explorer.live.messages import Frame, Handle
from explorer.scene.handles import place_handles

if TYPE_CHECKING:
    from explorer.scene.loaded import Loaded
    from explorer.scene.view import View

__all__ = ["NEAREST", "handle_between"]

NEAREST = 24  # images tried, besides those of A and B


def handle_between(loaded: Loaded, view: View, frame: Frame, index: int) -> tuple[Handle, float]:
    """Finds the handle whose latent is closest to a latent of the filmstrip.

    A handle has an image, a map position and sliders. The position is that of the strip's latent, the sliders
    are interpolated from A's to B's, and the image is the one that leaves the smallest difference.

    Arguments:
        loaded: The model.
        view: The map.
        frame: Handles and strip.
        index: Of the picture in the strip, from 0.

    Returns:
        The handle, and the distance of its latent from the strip's, in the unit of the latents.

    Raises:
        ValueError: If there is no such picture, or the model has no such item, direction or level.
    """
    if frame.strip is None:
        raise ValueError("`frame` must request the strip. Got none.")
    count = frame.strip.frames
    if not 0 <= index < count:
        raise ValueError(f"`index` must be one of 0..{count - 1}, the strip's pictures. Got {index}.")
    z = plan_frame(loaded, view, frame).z[index]
    a, b = frame.handles["A"], frame.handles["B"]
    share = index / (count - 1)
    blended = {
        slug: round((1 - share) * a.sliders.get(slug, 0.0) + share * b.sliders.get(slug, 0.0), 6)
        for slug in {*a.sliders, *b.sliders}
    }
    sliders = {slug: value for slug, value in blended.items() if value}
    added = np.zeros(loaded.latent, np.float32)
    for slug, value in sliders.items():
        added += np.float32(value) * loaded.directions[slug].vector
    x, y = (float(v) for v in view.projection.forward((z - added)[None])[0])
    nearest = loaded.neighbours.nearest(z[None], min(NEAREST, loaded.count))[0][0]
    items = list(dict.fromkeys([a.item, b.item, *nearest.tolist()]))
    tried = [Handle(item, x, y, sliders) for item in items]
    # At the ends of the strip, A and B at their own positions are exact.
    tried += [a] if index == 0 else [b] if index == count - 1 else []
    distance = np.linalg.norm(place_handles(loaded, view, tried, frame.residual, frame.level) - z, axis=1)
    best = int(distance.argmin())
    return tried[best], float(distance[best])
