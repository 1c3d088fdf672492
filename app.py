"""The ASGI app: the Streamlit pages and, on the same port, the live routes. Run it with `make run` or `latent-drag`."""

import sys
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from streamlit import config, net_util
from streamlit.runtime import memory_session_storage

import explorer
from explorer.live.origins import OwnHosts
from explorer.live.routes import routes
from explorer.server import KeptSessions, LeftPages, bound_connections, raise_limit
from models.system import settings

CONNECTIONS_AT_MOST = 512  # a page has about six
MESSAGE_AT_MOST = 4 << 20  # bytes on a socket; drawings and selections take some hundred kilobytes

for problem in settings.problems():  # the pages show them too
    print(f"Latent Explorer: {problem.text}", file=sys.stderr)

# Streamlit's own socket accepts the same origins as the live socket. About any other origin it would ask a web
# service for this machine's address; nothing here may do that.
ORIGINS = "server.corsAllowedOrigins"
config.set_option(ORIGINS, sorted({*config.get_option(ORIGINS), *settings.allowed_origins()}))
net_util.get_external_ip = lambda: None

memory_session_storage.MemorySessionStorage = KeptSessions  # type: ignore[misc, assignment]
bound_connections(min(CONNECTIONS_AT_MOST, raise_limit() // 4), MESSAGE_AT_MOST)

PAGES = Path(explorer.__file__).with_name("pages") / "main.py"
app = st.App(
    PAGES,
    routes=routes(st.get_option("server.baseUrlPath")),
    middleware=[Middleware(OwnHosts), Middleware(LeftPages)],
)
