"""What every test shares."""

from __future__ import annotations

import pytest

LONGEST = ("kill-points", "kill-moments", "whole", "scenarios-trouble", "contract")
"""Groups that begin first, so that no worker ends alone with one of them."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep groups together under `--dist loadgroup`: pytest 9.2 no longer reads the name that xdist 3.8 writes it into."""
    if not getattr(config.option, "loadgroup", False):
        return
    items.sort(key=lambda item: LONGEST.index(_group(item)) if _group(item) in LONGEST else len(LONGEST))
    for item in items:
        if _group(item) and "@" not in item.nodeid:
            item._id = f"{item.nodeid}@{_group(item)}"  # type: ignore[attr-defined]


def _group(item: pytest.Item) -> str:
    mark = item.get_closest_marker("xdist_group")
    return str(mark.args[0]) if mark is not None and mark.args else ""
