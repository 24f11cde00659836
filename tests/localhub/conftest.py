"""A running localhub for each test, GitHub's schemas as the judge of every answer, and what several files begin with."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.localhub.asker import Asker
from tests.localhub.clone import Work
from tests.localhub.hooks import Delivery
from tests.localhub.repository import SAMPLE, branch, put
from tests.localhub.schemas import validate_answer
from tests.localhub.schemas import validate_hook as _validate_hook
from tests.localhub.world import World


@pytest.fixture(scope="session")
def key_pem() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


@pytest.fixture(scope="session")
def worlds() -> Iterator[list[World]]:
    """The world that the last test left in good order, if there is one."""
    kept: list[World] = []
    yield kept
    for world in kept:
        world.close()


@pytest.fixture
def hub(worlds: list[World], tmp_path_factory: pytest.TempPathFactory, key_pem: str) -> Iterator[World]:
    """A freshly seeded localhub."""
    yield from _lent(worlds, tmp_path_factory, key_pem)


@pytest.fixture(scope="module")
def kept_hub(worlds: list[World], tmp_path_factory: pytest.TempPathFactory, key_pem: str) -> Iterator[World]:
    """One localhub for all tests of a module, for what takes long to furnish; no test may need it untouched."""
    yield from _lent(worlds, tmp_path_factory, key_pem)


def _lent(worlds: list[World], tmp_path_factory: pytest.TempPathFactory, key_pem: str) -> Iterator[World]:
    world = worlds.pop() if worlds else World(tmp_path_factory.mktemp("world") / "hub", key_pem)
    yield world
    try:
        world.reset()
    except BaseException:
        world.close()
        raise
    worlds.append(world)


@pytest.fixture
def pull(hub: Any) -> dict[str, Any]:
    """Alice's pull request that changes lines 3 and 30 of a file on main."""
    with hub.client("alice") as alice:
        lines = [f"line {n}" for n in range(1, 41)]
        put(alice, "a.txt", "\n".join(lines) + "\n")
        branch(alice, "topic")
        lines[2], lines[29] = "LINE 3", "LINE 30"
        put(alice, "a.txt", "\n".join(lines) + "\n", "topic")
        made = alice.post(f"{SAMPLE}/pulls", json={"title": "Topic", "head": "topic", "base": "main"})
        assert made.status_code == 201, made.text
    hub.settle()
    hub.hooks.clear()
    found: dict[str, Any] = made.json()
    return found


@pytest.fixture
def asker(hub: Any) -> Asker:
    return Asker(hub)


@pytest.fixture
def work(hub: Any, tmp_path: Path) -> Work:
    return Work(hub, tmp_path)


@pytest.fixture(scope="session")
def validate() -> Callable[..., Any]:
    return validate_answer


@pytest.fixture(scope="session")
def validate_hook() -> Callable[[Delivery], dict[str, Any]]:
    return _validate_hook


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium, started once a file: while Playwright is up its event loop is the process's running one."""
    chromium = shutil.which("chromium") or "/usr/bin/chromium"
    if not Path(chromium).exists():
        pytest.skip("needs Debian's chromium: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    arguments = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=arguments)
        yield opened
        opened.close()
