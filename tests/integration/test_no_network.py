"""The whole flow with every way to the network closed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deidrelease.settings import ReleaseConfig

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
    ended = run_alone(make_config(tmp_path / "run"), _NO_SOCKETS)
    assert ended.returncode == 0, ended.error
    assert "NETWORK" not in ended.error
    assert list(ended.ran) == ["split", "annotator", "adapt", "generate", "annotate", "train", "evaluate"]


def test_the_block_would_be_noticed(
    make_config: Callable[..., ReleaseConfig], run_alone: Callable[..., Any], tmp_path: Path
) -> None:
    reach = "try:\n    socket.create_connection(('127.0.0.1', 9))\nexcept OSError: pass\n"
    ended = run_alone(make_config(tmp_path / "run"), _NO_SOCKETS + reach, until="split")
    assert "NETWORK" in ended.error
