"""Accepts requests only from pages of this server and to its own names, and those named in the settings.

Any page in the user's browser can send requests to this server: across sites, or from a foreign name that resolves to
this machine (DNS rebinding). The former are recognised by their origin, the latter by their Host.
"""

from __future__ import annotations

import ipaddress
import os

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from models.system import settings

__all__ = ["OwnHosts", "is_own_host", "is_own_origin"]

LOCAL = {"localhost", "127.0.0.1", "::1"}
SERVER_ADDRESSES = ("STREAMLIT_SERVER_ADDRESS", "STREAMLIT_BROWSER_SERVER_ADDRESS")
LIVE, BUNDLE = "/live/", "/live/bundle/"
DOCUMENT = ("navigate", "document")  # a link from anywhere may lead here
SHOWN = 80  # characters of a name in a message


def is_own_origin(headers: Headers) -> bool:
    """Whether a request comes from a page of this server, or from a program, which sends no origin.

    A page's origin must equal the requested Host, and the host must be trusted: local, a numeric address, which DNS
    cannot redirect, or one named by LATENT_ALLOWED_ORIGINS or Streamlit's server address.

    References:
        | The WebSocket Protocol, RFC 6455, section 10.2
        | https://www.rfc-editor.org/rfc/rfc6455#section-10.2
    """
    origins = headers.getlist("origin")
    if not origins:
        return True
    if len(origins) > 1:
        return False
    origin = origins[0].strip().lower()
    if origin in settings.allowed_origins():
        return True
    source = settings.authority(origin)
    hosts = headers.getlist("host")
    if source is None or len(hosts) != 1:
        return False
    asked = settings.authority(f"{origin.partition(':')[0]}://{hosts[0].strip().lower()}")
    return source == asked and _is_trusted(source[0])


def is_own_host(headers: Headers) -> bool:
    """Whether the Host that a request names is trusted; its port may differ behind a proxy."""
    hosts = headers.getlist("host")
    asked = settings.authority(f"http://{hosts[0].strip().lower()}") if len(hosts) == 1 else None
    if asked is None:
        return False
    if headers.get("origin", "").strip().lower() in settings.allowed_origins():
        return True  # a proxy may have replaced the host
    allowed = {
        authority[0] for origin in settings.allowed_origins() if (authority := settings.authority(origin))
    }
    return asked[0] in allowed or _is_trusted(asked[0])


def is_cross_site(headers: Headers) -> bool:
    """Whether the browser says that another site's page sends the request, other than by a link to follow.

    References:
        | Fetch Metadata Request Headers, W3C, section 2
        | https://www.w3.org/TR/fetch-metadata/
    """
    if headers.get("sec-fetch-site") != "cross-site":
        return False
    if headers.get("origin", "").strip().lower() in settings.allowed_origins():
        return False
    return (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")) != DOCUMENT


def _is_trusted(host: str) -> bool:
    if host in LOCAL or host in {os.environ.get(name, "").lower() for name in SERVER_ADDRESSES}:
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


class OwnHosts:
    """ASGI middleware that refuses other Hosts and requests across sites, for the pages and their socket.

    The live sockets are let through: they check for themselves and close with a code that the page can explain.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers 403, or passes the request on."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        headers, path = Headers(scope=scope), scope["path"]
        live_socket = scope["type"] == "websocket" and LIVE in path
        if live_socket or not (reason := _reason(headers, path, scope["scheme"])):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send(
                {"type": "websocket.close", "code": 1008, "reason": "This host or site is not accepted."}
            )
        else:
            await PlainTextResponse(reason, 403)(scope, receive, send)


def _reason(headers: Headers, path: str, scheme: str) -> str:
    """Why a request is refused; "" if it is not."""
    if not is_own_host(headers):
        host = headers.get("host", "")[:SHOWN]
        return (
            f"This server does not answer to the name {host!a}. Open it as localhost or by its numeric address, or "
            f"start it with the page's origin: LATENT_ALLOWED_ORIGINS={scheme}://{ascii(host)[1:-1]}"
        )
    if BUNDLE not in path and is_cross_site(headers):
        return (
            "Requests from pages of other sites are refused. LATENT_ALLOWED_ORIGINS can name their origins."
        )
    return ""
