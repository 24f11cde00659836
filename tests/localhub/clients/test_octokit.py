"""npm's octokit: as a person with a token, and as a GitHub App with its webhooks."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("npm")]
SOURCES = Path(__file__).with_name("octokit")
SECRET = "a webhook secret"


@pytest.fixture
def run(packages: Callable[[Path], Path], tmp_path: Path) -> Callable[..., Any]:
    """Run one of our scripts beside octokit; what it prints last, read."""
    modules = packages(SOURCES)

    def script(name: str, **environment: str) -> Any:
        for source in SOURCES.glob("*.mjs"):
            shutil.copy(source, tmp_path)
        if not (tmp_path / "node_modules").exists():
            (tmp_path / "node_modules").symlink_to(modules)
        done = subprocess.run(
            ["node", name], cwd=tmp_path, capture_output=True, text=True, timeout=300,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **environment},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return script


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@pytest.fixture
def hook_port() -> int:
    return free_port()


@pytest.fixture
def hub(localhub: Callable[..., Any], app_seed: Callable[[str], dict[str, Any]], hook_port: int) -> Any:
    return localhub(app_seed(f"http://127.0.0.1:{hook_port}/api/github/webhooks"))


def test_a_person(run: Callable[..., Any], hub: Any) -> None:
    told = run("person.mjs", HUB=hub.url, TOKEN="ghp_alice")
    assert told["created"] > 0


def test_an_app(run: Callable[..., Any], hub: Any, hook_port: int, key_pem: str) -> None:
    told = run(
        "app.mjs", HUB=hub.url, APP_ID="77", PRIVATE_KEY=key_pem, WEBHOOK_SECRET=SECRET, PORT=str(hook_port)
    )  # fmt: skip
    assert told["heard"] > 5
