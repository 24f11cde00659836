"""The suite's one play of everything, which each of its tests asks about."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from localhub.events import WEBHOOKS
from tests.localhub.contract.session import Ledger, play_all
from tests.localhub.world import World

for _each in sorted((Path(__file__).parent / "plays").glob("*.py")):
    importlib.import_module(f"tests.localhub.contract.plays.{_each.stem}")


@dataclass(frozen=True)
class Played:
    ledger: Ledger
    failures: dict[str, BaseException]


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory, key_pem: str) -> Iterator[Played]:
    world = World(tmp_path_factory.mktemp("contract") / "hub", key_pem, sorted(WEBHOOKS))
    try:
        yield Played(*play_all(world))
    finally:
        world.close()
