"""The whole flow with every way to the network closed."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deidrelease.settings import ReleaseConfig

# On import urllib3 opens a socket that it never connects, to see whether the machine speaks IPv6.
_PROBED = "import urllib3\n"
_NO_SOCKETS = """
import socket, sys
def refuse(*arguments, **options):
    print("NETWORK", arguments, file=sys.stderr, flush=True)
    raise OSError("no network")
socket.getaddrinfo = socket.create_connection = socket.gethostbyname = refuse
socket.socket.connect = socket.socket.connect_ex = socket.socket.sendto = refuse
class Closed(socket.socket):
    def __init__(self, *arguments, **options): refuse(*arguments)
socket.socket = Closed
def hook(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "socket.gethostbyname"):
        refuse(event, *arguments)
sys.addaudithook(hook)
"""


@pytest.mark.slow
def test_the_flow_needs_no_socket(
    make_config: Callable[..., ReleaseConfig], run_alone: Callable[..., Any], tmp_path: Path
) -> None:
    ended = run_alone(make_config(tmp_path / "run"), _PROBED + _NO_SOCKETS)
    assert ended.returncode == 0, ended.error
    assert "NETWORK" not in ended.error
    stages = ["split", "annotator", "adapt", "generate", "annotate", "train", "evaluate", "audit", "gate"]
    assert list(ended.ran) == stages


def test_the_block_would_be_noticed(
    make_config: Callable[..., ReleaseConfig], run_alone: Callable[..., Any], tmp_path: Path
) -> None:
    reach = "try:\n    socket.create_connection(('127.0.0.1', 9))\nexcept OSError: pass\n"
    ended = run_alone(make_config(tmp_path / "run"), _NO_SOCKETS + reach, until="split")
    assert "NETWORK" in ended.error


_DETECT = """
import os, tempfile
home = os.environ["HOME"] = os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp()
from deidrelease.cli.main import cli
for language in ("es", "sv", "en"):
    cli(["detect", sys.argv[1], "--out", f"{sys.argv[2]}/{language}.jsonl", "--language", language],
        standalone_mode=False)
from huggingface_hub import constants
assert constants.HF_HUB_OFFLINE
assert os.listdir(home) == [], "something was kept in the user's folder"
"""


@pytest.mark.slow
def test_detection_needs_no_socket_and_leaves_no_cache(corpus: Path, tmp_path: Path) -> None:
    pytest.importorskip("presidio_analyzer", reason="the extra presidio is not installed")
    script = [sys.executable, "-c", _PROBED + _NO_SOCKETS + _DETECT, str(corpus), str(tmp_path)]
    done = subprocess.run(script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "NETWORK" not in done.stderr
    for language in ("es", "sv", "en"):
        found = (tmp_path / f"{language}.jsonl").read_text(encoding="utf-8")
        # Checking an address is what would fetch the list of suffixes.
        assert '"label":"EMAIL_ADDRESS"' in found
