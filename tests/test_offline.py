"""Everything runs on this machine: a server, a training and a render connect to nothing else and leave no traces at home.

Python's own connections are heard by an audit hook. Native code passes no hook: strace hears it, where it may run.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from models.system.offline import SWITCHES
from tests.browser.driving import free_port, until

ROOT = Path(__file__).resolve().parents[1]
# With one of these a library takes the machine for a build server and keeps silent.
BUILD_SERVERS = {"CI", "TF_BUILD", "GITHUB_ACTIONS", "GITLAB_CI", "TRAVIS", "JENKINS_URL"}
HOOK = """
import os, sys
def hear(event, values):
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = values[0]
    elif event in ("socket.connect", "socket.sendto") and isinstance(values[1], tuple):
        host = values[1][0] if values[1][:2] != ("8.8.8.8", 1) else ""
    else:
        return
    if str(host) not in ("None", "", "localhost", "127.0.0.1", "::1", "0.0.0.0"):
        with open(os.environ["HEARD"], "a") as file:
            print(event, values, file=file)
sys.addaudithook(hear)
"""
REMOTE = re.compile(
    r'sin_addr=inet_addr\("(?!127\.)[^"]*"\)|sin6_port=.*inet_pton\(AF_INET6, "(?!::1")[^"]*"'
)
# Streamlit finds this machine's address by connecting a datagram socket, over which nothing is sent. The hook knows it.
OWN_ADDRESS = 'sin_port=htons(1), sin_addr=inet_addr("8.8.8.8")'


def traced() -> list[str]:
    """The start of a command that writes down its connections; empty where strace may not run."""
    strace = shutil.which("strace")
    command = (
        [strace, "-f", "--seccomp-bpf", "-e", "trace=connect,sendto,sendmsg,sendmmsg", "-o"] if strace else []
    )
    works = strace and not subprocess.run([*command, os.devnull, "true"], capture_output=True).returncode
    return command if works else []


class Watch:
    """Runs commands in a home directory of their own, and hears where they connect to."""

    def __init__(self, folder: Path, checkpoints: Path) -> None:
        self.home, self.heard, self.trace = folder / "home", folder / "heard", folder / "trace"
        self.home.mkdir()
        (folder / "hook").mkdir()
        (folder / "hook" / "sitecustomize.py").write_text(HOOK)
        kept = {k: v for k, v in os.environ.items() if k not in BUILD_SERVERS | set(SWITCHES)}
        self.environment = kept | {
            "HOME": str(self.home),
            "XDG_CACHE_HOME": str(self.home / ".cache"),
            "HEARD": str(self.heard),
            "PYTHONPATH": f"{folder / 'hook'}{os.pathsep}{ROOT}",
            "OMP_NUM_THREADS": "1",
            "LATENT_CHECKPOINT_DIR": str(checkpoints),
            "LATENT_CACHE_DIR": str(folder / "cache"),
        }
        command = traced()
        self.start_of_command = [*command, str(self.trace)] if command else []

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Starts `python ...`."""
        return subprocess.Popen(
            [*self.start_of_command, sys.executable, *arguments],
            cwd=ROOT,
            env=self.environment,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def run(self, *arguments: str) -> None:
        """Runs `python ...` to its end, which must be a good one."""
        with self.start(*arguments) as process:
            said, _ = process.communicate(timeout=300)
        assert process.returncode == 0, said

    def check(self) -> None:
        """Nothing was connected to but this machine, and nothing was left at home."""
        assert not self.heard.exists(), self.heard.read_text()
        if self.trace.exists():
            lines = self.trace.read_text(errors="replace").splitlines()
            remote = [line for line in lines if REMOTE.search(line) and OWN_ADDRESS not in line]
            assert not remote, remote[:5]
        assert not [path for path in self.home.rglob("*") if path.is_file()]


@pytest.fixture
def watch(tmp_path: Path, copy_of_tiny: Path) -> Watch:
    return Watch(tmp_path, copy_of_tiny.parent)


def test_the_watch_hears_what_connects_elsewhere(watch: Watch) -> None:
    code = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('192.0.2.1', 9))"
    watch.run("-c", code)
    with pytest.raises(AssertionError, match=r"192\.0\.2\.1"):
        watch.check()
    watch.heard.unlink()
    if watch.trace.exists():
        with pytest.raises(AssertionError, match=r"192\.0\.2\.1"):
            watch.check()


def test_a_training_and_a_render_stay_on_this_machine(watch: Watch, tmp_path: Path) -> None:
    train = "train vae --data digits --epochs 1 --limit 100 --set latent=2 width=2 --out"
    watch.run("-m", "models", *train.split(), str(tmp_path / "run"))
    watch.check()
    watch.run(
        "-m", "explorer", "render", "?model=tiny-vae&view=umap&a=3&b=8", "--out", str(tmp_path / "a.png")
    )
    watch.check()


def test_a_server_stays_on_this_machine(watch: Watch) -> None:
    port = free_port()
    address = f"localhost:{port}"
    options = f"--server.port {port} --server.headless true".split()
    server = watch.start("-m", "streamlit", "run", "app.py", *options)

    def answers() -> bool:
        assert server.poll() is None, server.stdout and server.stdout.read()
        try:
            with urlopen(f"http://{address}/_stcore/health", timeout=2):
                return True
        except OSError:
            return False

    try:
        until(answers, "the server", 120)
        with pytest.raises(InvalidStatus):  # for another origin Streamlit would ask who this machine is
            connect(f"ws://{address}/_stcore/stream", origin=Origin("https://elsewhere.example"))
        finished = run_page(address)
        assert finished == ForwardMsg.FINISHED_SUCCESSFULLY
        until(lambda: compiled(server.pid), "a decoder that ONNX Runtime runs", 60)
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.communicate()
    watch.check()


def run_page(address: str) -> int:
    """Runs the Explore page as a browser does; how the script finished."""
    subprotocols = [Subprotocol("streamlit")]
    with connect(f"ws://{address}/_stcore/stream", subprotocols=subprotocols, max_size=None) as page:
        message = BackMsg()
        message.rerun_script.query_string = "model=tiny-vae"
        page.send(message.SerializeToString())
        while True:
            answer = ForwardMsg.FromString(page.recv(120))  # type: ignore[arg-type]
            if answer.WhichOneof("type") == "script_finished":
                return answer.script_finished


def compiled(pid: int) -> bool:
    """Whether a process of the group has ONNX Runtime in its memory; true where that cannot be seen."""
    maps = [Path(f"/proc/{each}/maps") for each in group(pid)]
    return not maps or any("onnxruntime" in path.read_text(errors="replace") for path in maps)


def group(pid: int) -> list[int]:
    """The processes of a group."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[2] == str(pid):
            found.append(int(stat.parent.name))
    return found
