"""A full disk stops the loop and loses nothing; with space again it goes on by itself."""

from __future__ import annotations

import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from planner.model import Address

A = Address(kind="task", key="a")


@contextmanager
def full_disk() -> Iterator[None]:
    """No file of this process can be written to: the kernel refuses, as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_the_loop_goes_on_when_there_is_space_again(toy: Any) -> None:
    engine = toy.engine()
    engine.apply_external([(A, "waits", toy.Order(name="waits", delay_s=0.3)), (A, "goes", toy.Order(name="goes"))])
    toy.until(lambda: toy.ledger.names() == ["goes"])
    toy.until(lambda: toy.counts()["unconsumed"] == 0)
    with full_disk():
        with pytest.raises(OperationalError):  # GitHub gets no 202 for what is not stored
            engine.apply_external([(A, "refused", toy.Order(name="refused"))])
        threading.Event().wait(0.6)  # the delayed action's time comes and goes
        assert toy.ledger.names() == ["goes"]
    toy.settle()
    assert toy.ledger.names() == ["goes", "waits"]
    engine.apply_external([(A, "refused", toy.Order(name="refused"))])
    toy.settle()
    assert toy.ledger.names() == ["goes", "waits", "refused"]
