"""Endpoints that wait for nothing, neither for a git process nor for a repository's lock, depending on what is asked.

Such a request is answered in the event loop's own thread; see `dispatch`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
Quick = Callable[[Any], bool]


def quick(when: Quick) -> Callable[[Endpoint], Endpoint]:
    """Mark an endpoint that is quick if this is true of the body that it gets."""

    def mark(endpoint: Endpoint) -> Endpoint:
        endpoint.__dict__["quick"] = when
        return endpoint

    return mark


def quick_when(endpoint: Callable[..., Any]) -> Quick | None:
    """As it was marked; None for one that was not."""
    return getattr(endpoint, "quick", None)
