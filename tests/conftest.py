"""What every test shares."""

from __future__ import annotations

import signal

import pytest

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A script's background job ignores it, and so would all that the tests start: a run could not be cancelled.
    signal.signal(signal.SIGINT, signal.default_int_handler)


LONG = ("scenarios/test_kill.py", "bot/", "scenarios/")
"""Where the long groups are: begun first, one beside shorter tests, as begun last they would run on alone."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what takes long, and keep groups together.

    Together under `--dist loadgroup`: pytest 9.2 no longer reads the name that xdist 3.8 writes it into.
    """
    items.sort(key=lambda item: next((n for n, part in enumerate(LONG) if f"tests/{part}" in item.nodeid), len(LONG)))
    if not getattr(config.option, "loadgroup", False):
        return
    for item in items:
        mark = item.get_closest_marker("xdist_group")
        if mark is not None and mark.args and "@" not in item.nodeid:
            item._id = f"{item.nodeid}@{mark.args[0]}"  # type: ignore[attr-defined]
