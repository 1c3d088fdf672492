"""The live sockets and the arrays fetched over HTTP, as Starlette routes for the app.

The browser fetches geometry once: every answer carries an ETag derived from what it depends on, and a URL
with the current `?v=` can be cached forever.
"""

from __future__ import annotations

import hashlib
import io
import logging
import re
from collections.abc import Callable, Sequence
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

from explorer.fields import MODEL_NAME, MODELS, VIEW_ID
from explorer.live import deferred, made_files
from explorer.live.anatomy import AnatomyConnection
from explorer.live.codes import CodeGridConnection
from explorer.live.compare import CompareConnection
from explorer.live.map_points import pack_points
from explorer.live.messages import Frame, parse
from explorer.live.origins import is_own_origin
from explorer.live.stage import LiveConnection, StageConnection
from explorer.live.time_page import SequenceConnection

if TYPE_CHECKING:
    from explorer.scene.engine import Engine
    from explorer.scene.loaded import Loaded
    from explorer.scene.view import View

__all__ = ["BUNDLES", "REFUSED", "preview_address", "routes"]

BUNDLES = Path(__file__).resolve().parent.parent / "components" / "frontend" / "dist"
LOG = logging.getLogger(__name__)

REFUSED = 4403  # WebSocket close code: origin not accepted
LEVEL = re.compile(r"\d")  # of discrete codes
INDEX = re.compile(r"\d{1,2}")  # of a picture of the filmstrip
BUNDLE_NAME = re.compile(r"[a-z]{1,32}(-[A-Z0-9]{8})?\.(js|css)")
ATTEMPT = re.compile(r"again-\d{1,3}")
MEDIA = {"js": "text/javascript", "css": "text/css"}
FOREVER = "public, max-age=31536000, immutable"
CHECK = "no-cache"  # cache, but revalidate each time
PREVIEWS = 6  # pictures in a preview
LAYOUT = 2  # version of the arrays below; raised when their format changes


class NotThere(ValueError):
    """The requested resource does not exist (404)."""


def _engine() -> Engine:
    """The engine; imports torch on first use."""
    return deferred.engine.engine()


# The socket


async def socket(connection: WebSocket) -> None:
    """`/live/socket`: the stage."""
    await _serve(connection, StageConnection)


async def anatomy_socket(connection: WebSocket) -> None:
    """`/live/anatomy`: one image in one model."""
    await _serve(connection, AnatomyConnection)


async def codes_socket(connection: WebSocket) -> None:
    """`/live/codes`: a grid of discrete codes."""
    await _serve(connection, CodeGridConnection)


async def compare_socket(connection: WebSocket) -> None:
    """`/live/compare`: several models on the same images."""
    await _serve(connection, CompareConnection)


async def time_socket(connection: WebSocket) -> None:
    """`/live/time`: beliefs and futures of a sequence model."""
    await _serve(connection, SequenceConnection)


async def _serve(connection: WebSocket, kind: type[LiveConnection]) -> None:
    """Closes connections from other origins without reading from them, and serves the rest.

    A rejection before the handshake would look like a lost connection to the page, which could then not tell
    the user which setting to change.
    """
    if not is_own_origin(connection.headers):
        origin = ascii(connection.headers.get("origin", ""))[:100]
        LOG.warning("The page of %s was refused. Set LATENT_ALLOWED_ORIGINS to accept it.", origin)
        await connection.accept()
        await connection.close(REFUSED, "This server does not accept pages of this origin.")
        return
    await kind(connection, _engine).run()


# HTTP


def _guarded(make: Callable[[Request], Response], *, public: bool = False) -> Callable[[Request], object]:
    """Runs a route in a thread; rejects other origins unless it is public; errors become plain text."""

    @wraps(make)
    async def route(request: Request) -> Response:
        if not public and not is_own_origin(request.headers):
            return PlainTextResponse("Other origins are refused.", 403)
        try:
            return await run_in_threadpool(make, request)
        except NotThere as error:
            return _problem(str(error), 404)
        except ValueError as error:
            return _problem(str(error), 400)

    return route


def _problem(text: str, status: int) -> Response:
    return PlainTextResponse(text, status, headers={"Cache-Control": "no-store"})


def _cached(
    request: Request,
    make: Callable[[], bytes],
    mark: str,
    version: str,
    media_type: str,
    *,
    fixed: bool = False,
) -> Response:
    """Answers 304 if the browser has the current version, otherwise the result of `make`.

    Arguments:
        request: The request.
        make: Produces the bytes.
        mark: Identifies what they depend on.
        version: The value of `?v=` under which they never change.
        media_type: Their type.
        fixed: Whether the contents of the URL never change even without a version.
    """
    etag = f'"{hashlib.sha256(mark.encode()).hexdigest()[:20]}"'
    fixed = fixed or (request.query_params.get("v", "") == version and version != "")
    headers = {
        "ETag": etag,
        "Cache-Control": FOREVER if fixed else CHECK,
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    known = request.headers.get("if-none-match", "")
    if known.strip() == "*" or etag in {tag.strip().removeprefix("W/") for tag in known.split(",")}:
        return Response(status_code=304, headers=headers)
    return Response(make(), media_type=media_type, headers=headers)


def _named(request: Request) -> Loaded:
    """Loads the model named in the path."""
    return _opened(request.path_params["model"])


def _opened(name: str) -> Loaded:

    if not MODEL_NAME.fullmatch(name):
        raise NotThere(f"Unknown model {ascii(name)[:64]}.")
    try:
        return _engine().open_sync(name)
    except deferred.loaded.UnknownModel as error:
        raise NotThere(str(error)) from error


def _resolved(loaded: Loaded, view_id: str) -> View:
    """A view of a model, by the id in the path."""
    if not VIEW_ID.fullmatch(view_id):
        raise NotThere(f"Unknown view {ascii(view_id)[:64]}.")
    try:
        return deferred.views.resolve(loaded, view_id)
    except deferred.view.UnknownView as error:
        raise NotThere(str(error)) from error


def _mark(loaded: Loaded, *parts: str) -> str:

    return repr((LAYOUT, loaded.name, deferred.loaded.stamp(loaded.entry)[1:], parts))


def _mark_of(loaded: Loaded, what: str, view_id: str) -> tuple[str, str]:
    """The mark of data derived from a view, and its immutable version.

    There is no such version if the view uses a saved direction, which can be edited.
    """
    own = deferred.views.own_mark(loaded, view_id)
    return _mark(loaded, what, view_id, own), "" if own else loaded.version


@partial(_guarded, public=True)
def bundle(request: Request) -> Response:
    """`/live/bundle/{name}`: the built front end of a component, a chunk that several share, or the style sheet.

    `/live/bundle/again-N/{name}` is the same under another URL, for a retry after a failure that the browser has cached. The names of chunks
    and style sheet change with their contents. Public, so that a page with a rejected origin has the code that tells the
    user which setting to change.
    """
    name, attempt = request.path_params["name"], request.path_params.get("attempt", "again-1")
    match = BUNDLE_NAME.fullmatch(name)
    if not match or not ATTEMPT.fullmatch(attempt):
        raise NotThere(f"Unknown component {ascii(name)[:64]}.")
    try:
        contents = (BUNDLES / name).read_bytes()
    except OSError as error:
        raise NotThere(
            f"The component {name!r} is not built. Run `npm run build` in the frontend folder."
        ) from error
    version = hashlib.sha256(contents).hexdigest()
    asked = request.query_params.get("v", "")
    short = version[: len(asked)] if len(asked) >= 8 else version
    media_type, hashed = MEDIA[match.group(2)], match.group(1) is not None
    return _cached(request, lambda: contents, version, short, media_type, fixed=hashed)


@_guarded
def view_positions(request: Request) -> Response:
    """`/live/atlas/{model}/view/{view}?colour={name}`: the position of each item, and its value of an attribute if one is
    named, as `explorer.live.map_points` packs them.
    """
    view_id, colour = request.path_params["view"], request.query_params.get("colour")
    loaded = _named(request)
    view = _resolved(loaded, view_id)
    values = None if colour is None else _values(loaded, colour)
    mark, version = _mark_of(loaded, f"view {colour}", view_id)
    make = lambda: pack_points(loaded.count, view.xy, view.grid, values)  # noqa: E731
    return _cached(request, make, mark, version, _BYTES)


@_guarded
def attribute_column(request: Request) -> Response:
    """`/live/atlas/{model}/attribute/{name}`: the value of each item, packed like the positions."""
    loaded, name = _named(request), request.path_params["name"]
    values = _values(loaded, name)
    make = lambda: pack_points(loaded.count, values=values)  # noqa: E731
    return _cached(request, make, _mark(loaded, "attribute", name), loaded.version, _BYTES)


def _values(loaded: Loaded, name: str) -> NDArray[np.float32]:
    """The values of an attribute or a score."""
    values: NDArray[np.float32] | None = deferred.loaded.attribute_values(loaded, name)
    if values is None:
        known = ", ".join([*loaded.atlas.attributes, *loaded.atlas.scores])
        raise NotThere(f"Unknown attribute {ascii(name)[:64]} of {loaded.name}. Choose one of: {known}.")
    return values


@_guarded
def map_trust(request: Request) -> Response:
    """`/live/atlas/{model}/trust/{view}`: the share of neighbours preserved per item; same format."""
    loaded = _named(request)
    view = _resolved(loaded, request.path_params["view"])
    mark, version = _mark_of(loaded, "trust", view.id)
    make = lambda: pack_points(loaded.count, values=deferred.views.trust_of(loaded, view))  # noqa: E731
    return _cached(request, make, mark, version, _BYTES)


@_guarded
def likelihood(request: Request) -> Response:
    """`/live/atlas/{model}/likelihood/{view}?frame=…`: the exact log P(x) of the pictures of a frame.

    `frame` is the socket message that requests the same pictures. The answer is JSON: nats of "A" and "B",
    and a list of them for "strip". It is too slow for a frame of a drag; the page asks when the pointer
    rests.
    """
    frame = _frame(request)
    loaded = _named(request)
    plan = deferred.frame_plan.plan_frame(loaded, _resolved(loaded, request.path_params["view"]), frame)
    pictures = _engine().decode_sync(loaded, plan.z, background=True)
    nats = [deferred.likelihood.density(loaded, picture).total for picture in pictures]
    answer = {name: nats[row] for name, row in plan.handles.items()} | {"strip": nats[plan.strip]}
    return JSONResponse(answer, headers={"Cache-Control": "no-store"})


def _frame(request: Request) -> Frame:
    """Parses the parameter `frame`, a socket message of type "frame"."""
    frame = parse(request.query_params.get("frame", ""))
    if not isinstance(frame, Frame):
        raise ValueError('`frame` must be a message of type "frame".')
    return frame


@_guarded
def along(request: Request) -> Response:
    """`/live/atlas/{model}/along/{view}?frame=…`: the data of the slider tracks at the handles.

    The answer is JSON: the slider values `steps`, and the measurements of `explorer.live.slider_tracks` for
    each direction. The page asks when the pointer rests.
    """
    frame, loaded = _frame(request), _named(request)
    tracks = deferred.slider_tracks.measure_along(
        loaded, _resolved(loaded, request.path_params["view"]), frame
    )
    answer = {
        "steps": deferred.slider_tracks.STEPS,
        "directions": {slug: each._asdict() for slug, each in tracks.items()},
    }
    return JSONResponse(answer, headers={"Cache-Control": "no-store"})


@_guarded
def between(request: Request) -> Response:
    """`/live/atlas/{model}/between/{view}?frame=…&index=…`: a handle for a filmstrip picture, JSON."""
    frame, index = _frame(request), request.query_params.get("index", "")
    if not INDEX.fullmatch(index):
        raise ValueError(f"`index` must be a whole number of at most two digits. Got {ascii(index)[:20]}.")
    loaded = _named(request)
    view = _resolved(loaded, request.path_params["view"])
    handle, distance = deferred.strip_handle.handle_between(loaded, view, frame, int(index))
    fields = {"item": handle.item, "x": handle.x, "y": handle.y, "sliders": handle.sliders}
    return JSONResponse(fields | {"distance": distance}, headers={"Cache-Control": "no-store"})


@_guarded
def preview(request: Request) -> Response:
    """`/live/atlas/{model}/preview.png`: six decoded pictures side by side, cached on disk."""
    name = request.path_params["model"]
    if not MODEL_NAME.fullmatch(name):
        raise NotThere(f"Unknown model {ascii(name)[:64]}.")
    try:
        entry = deferred.loaded.find(name)
    except deferred.loaded.UnknownModel as error:
        raise NotThere(str(error)) from error
    mark = f"{LAYOUT} preview {name} {entry.version}"
    return _cached(request, lambda: _preview(name, entry.version), mark, entry.version, "image/png")


@_guarded
def code_map(request: Request) -> Response:
    """`/live/atlas/{model}/codes/{level}`: little-endian float32: x, y and the number of uses of each code."""
    loaded, level = _level(request)

    book = deferred.codebook.codebooks(loaded)[level]
    table = np.column_stack([book.xy, book.uses])
    mark = _mark(loaded, "codes", str(level))
    return _cached(request, lambda: table.astype("<f4").tobytes(), mark, loaded.version, _BYTES)


@_guarded
def code_looks(request: Request) -> Response:
    """`/live/atlas/{model}/codes/{level}/looks`: the picture that each code stands for, concatenated pixels."""
    loaded, level = _level(request)

    mark = _mark(loaded, "looks", str(level))
    return _cached(
        request, lambda: deferred.codebook.looks(loaded, level).tobytes(), mark, loaded.version, _BYTES
    )


def _level(request: Request) -> tuple[Loaded, int]:
    """The model and the codebook level named in the path."""
    loaded, named = _named(request), request.path_params["level"]
    books = deferred.codebook.codebooks(loaded)
    if not LEVEL.fullmatch(named) or int(named) >= len(books):
        raise NotThere(
            f"Unknown level {ascii(named)[:20]} of {loaded.name}. Choose one of 0..{len(books) - 1}."
        )
    return loaded, int(named)


@_guarded
def compare_positions(request: Request) -> Response:
    """`/live/compare/{models}/view/{model}/{view}`: map positions of the images shared by all models."""
    view_id = request.path_params["view"]
    models, rows = _together(request)
    names = [model.name for model in models]
    if request.path_params["model"] not in names:
        raise NotThere(f"Unknown model {ascii(request.path_params['model'])[:64]}. Choose one of: {names}.")
    number = names.index(request.path_params["model"])
    view = _resolved(models[number], view_id)
    mark = repr([_mark(model, "compare", view_id, names[number]) for model in models])
    make = lambda: pack_points(rows.shape[1], view.xy[rows[number]], view.grid)  # noqa: E731
    return _cached(request, make, mark, _versions(models), _BYTES)


@_guarded
def compare_column(request: Request) -> Response:
    """`/live/compare/{models}/attribute/{name}`: an attribute of the shared images."""
    models, rows = _together(request)
    name = request.path_params["name"]
    values = deferred.loaded.attribute_values(models[0], name)
    if values is None:
        raise NotThere(f"Unknown attribute {ascii(name)[:64]} of {models[0].name}.")
    own = values[rows[0]]
    mark = repr([_mark(model, "compare attribute", name) for model in models])
    make = lambda: pack_points(len(own), values=own)  # noqa: E731
    return _cached(request, make, mark, _versions(models), _BYTES)


def _together(request: Request) -> tuple[list[Loaded], NDArray[np.int64]]:
    """The models named in the path, and the rows (M, N) of their shared images."""
    names = request.path_params["models"].split(",")
    if not MODELS[0] <= len(names) <= MODELS[1]:
        raise NotThere(f"`models` must be {MODELS[0]} to {MODELS[1]} names. Got {len(names)}.")
    models = [_opened(name) for name in names]
    return models, deferred.comparison.shared_rows(models)


def _versions(models: Sequence[Loaded]) -> str:
    return "-".join(model.version for model in models)


def preview_address(name: str, version: str) -> str:
    """The URL of a checkpoint's preview, relative to the page; never changes."""
    return f"live/atlas/{name}/preview.png?v={version}"


def _preview(name: str, version: str) -> bytes:
    """The cached preview, or a new one that is then cached."""
    path = deferred.locations.cache_folder() / "previews" / f"{name}-{version}-{LAYOUT}.png"
    try:
        return path.read_bytes()
    except OSError:
        picture = _strip_png(_engine().open_sync(name))
    try:
        deferred.files.replace_file(path, lambda temporary: temporary.write_bytes(picture))
    except OSError as error:
        LOG.warning("The preview of %s is not cached. %s", name, error)
    return picture


def _strip_png(loaded: Loaded) -> bytes:
    """Pictures of items evenly spaced along the first principal component, as one PNG."""
    from PIL import Image

    order = np.argsort(
        deferred.projections.LinearProjection.pca(loaded.atlas.mean).forward(loaded.atlas.mean)[:, 0]
    )
    places = ((np.arange(PREVIEWS) + 0.5) / PREVIEWS * len(order)).astype(int)
    pictures = _engine().decode_sync(loaded, loaded.atlas.mean[order[places]], background=True)
    row = np.concatenate(list(pictures), axis=1)
    buffer = io.BytesIO()
    Image.fromarray(row[..., 0] if row.shape[2] == 1 else row).save(buffer, "PNG")
    return buffer.getvalue()


# Generated files


async def made_file(request: Request) -> Response:
    """Downloads a generated file; only the page that generated it knows its URL."""
    file = made_files.fetch(request.path_params["token"])
    if file is None:
        return PlainTextResponse("The file has expired. Generate it again on the page.", 404)
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name, safe='')}",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(file.data, media_type=_BYTES, headers=headers)


_BYTES = "application/octet-stream"

_ROUTES: Sequence[BaseRoute] = [
    WebSocketRoute("/socket", socket),
    WebSocketRoute("/anatomy", anatomy_socket),
    WebSocketRoute("/codes", codes_socket),
    WebSocketRoute("/compare", compare_socket),
    WebSocketRoute("/time", time_socket),
    Route("/bundle/{name}", bundle),
    Route("/bundle/{attempt}/{name}", bundle),
    Route("/atlas/{model}/view/{view}", view_positions),
    Route("/atlas/{model}/attribute/{name}", attribute_column),
    Route("/atlas/{model}/trust/{view}", map_trust),
    Route("/atlas/{model}/likelihood/{view}", likelihood),
    Route("/atlas/{model}/along/{view}", along),
    Route("/atlas/{model}/between/{view}", between),
    Route("/atlas/{model}/codes/{level}", code_map),
    Route("/atlas/{model}/codes/{level}/looks", code_looks),
    Route("/atlas/{model}/preview.png", preview),
    Route("/file/{token}", made_file),
    Route("/compare/{models}/view/{model}/{view}", compare_positions),
    Route("/compare/{models}/attribute/{name}", compare_column),
]


def routes(base: str = "") -> list[BaseRoute]:
    """The routes of an app, all below /live.

    Arguments:
        base: The path that the app is served under, such as "teams/faces"; empty for the root.
    """
    base = base.strip("/")
    return [Mount(f"/{base}/live" if base else "/live", routes=_ROUTES)]
