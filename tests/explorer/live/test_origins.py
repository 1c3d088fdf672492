"""Which requests are the server's own: by their origin, by the host they name, and across sites."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from explorer.live.origins import OwnHosts, is_own_origin


def own(host: str, *origins: str) -> bool:
    raw = [(b"host", host.encode())] + [(b"origin", origin.encode()) for origin in origins]
    return is_own_origin(Headers(raw=raw))


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("localhost:8501", "http://localhost:8501"),
        ("127.0.0.1:8501", "http://127.0.0.1:8501"),
        ("[::1]:8501", "http://[::1]:8501"),
        ("localhost", "http://localhost"),
        ("localhost:80", "http://localhost"),
        ("LOCALHOST:8501", "http://localhost:8501"),
        ("192.168.1.20:8501", "http://192.168.1.20:8501"),
    ],
)
def test_own_origins(host: str, origin: str) -> None:
    assert own(host, origin)
    assert own(host)


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("localhost:8501", "http://localhost:8502"),
        ("localhost:8501", "http://127.0.0.1:8501"),
        ("localhost:8501", "http://evil.example"),
        ("evil.example:8501", "http://evil.example:8501"),  # DNS rebinding
        ("localhost:8501", "null"),
        ("localhost:8501", ""),
        ("localhost:8501", "http://localhost:8501/x"),
        ("localhost:8501", "http://a@localhost:8501"),
        ("localhost:8501", "ftp://localhost:8501"),
        ("localhost:8501", "http://localhost:port"),
        ("localhost:8501", "http://localhost.evil.example:8501"),
    ],
)
def test_other_origins(host: str, origin: str) -> None:
    assert not own(host, origin)


def test_two_origins_are_none_of_ours() -> None:
    assert not own("localhost:8501", "http://localhost:8501", "http://localhost:8501")


def test_named_origins_are_let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENT_ALLOWED_ORIGINS", "https://faces.example, https://a.example/ *")
    assert own("inside:8501", "https://faces.example")
    assert own("inside:8501", "https://a.example")
    assert not own("inside:8501", "https://b.example")
    monkeypatch.setenv("STREAMLIT_SERVER_ADDRESS", "box.local")
    assert own("box.local:8501", "http://box.local:8501")
    assert not own("box.local:8501", "http://localhost:8501")


@pytest.fixture
def client() -> TestClient:
    """A server with a page and a socket, behind the check."""

    async def page(_: object) -> PlainTextResponse:
        return PlainTextResponse("the page")

    async def socket(connection: WebSocket) -> None:
        await connection.accept()
        await connection.send_text("the socket")
        await connection.close()

    paths = ("/", "/live/bundle/stage.js", "/data")
    routes = [*(Route(path, page) for path in paths), WebSocketRoute("/_stcore/stream", socket)]
    return TestClient(Starlette(routes=routes, middleware=[Middleware(OwnHosts)]), "http://localhost:8501")


@pytest.mark.parametrize(
    "host", ["localhost:8501", "LOCALHOST", "127.0.0.1:8501", "[::1]:8501", "10.0.0.7:80"]
)
def test_the_page_and_its_socket_answer_to_own_hosts(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"host": host}).text == "the page"
    with client.websocket_connect("/_stcore/stream", headers={"host": host}) as socket:
        assert socket.receive_text() == "the socket"


@pytest.mark.parametrize(
    "host",
    ["evil.example:8501", "localhost.evil.example", "localhost:port", "", "a@localhost", "evil.example/"],
)
def test_nothing_answers_to_a_foreign_name(client: TestClient, host: str) -> None:
    for path in ("/", "/live/bundle/stage.js", "/data"):
        answer = client.get(path, headers={"host": host})
        assert answer.status_code == 403 and "LATENT_ALLOWED_ORIGINS" in answer.text
    origin = {"host": host, "origin": f"http://{host}"}
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/_stcore/stream", headers=origin):
        pass


def test_other_sites_may_link_to_the_page_but_read_nothing(client: TestClient) -> None:
    site = {"sec-fetch-site": "cross-site"}
    link = site | {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert client.get("/", headers=link).status_code == 200
    for mode, dest in (("no-cors", "image"), ("cors", "empty"), ("navigate", "iframe")):
        answer = client.get("/data", headers=site | {"sec-fetch-mode": mode, "sec-fetch-dest": dest})
        assert answer.status_code == 403 and "other sites" in answer.text
    assert client.get("/live/bundle/stage.js", headers=site).status_code == 200, "code that anybody has"
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/_stcore/stream", headers=site):
        pass


def test_hosts_and_sites_that_a_setting_names_are_let_in(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATENT_ALLOWED_ORIGINS", "https://faces.example")
    assert client.get("/data", headers={"host": "faces.example"}).status_code == 200
    site = {"origin": "https://faces.example", "sec-fetch-site": "cross-site", "host": "inside:8501"}
    assert client.get("/data", headers=site).status_code == 200
    assert client.get("/data", headers={"host": "inside:8501"}).status_code == 403
