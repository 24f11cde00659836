"""PyGithub, and a reader of its objects to their last attribute: it raises for a wrong type."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import github
from github.GithubException import BadAttributeException
from github.GithubObject import GithubObject

QUICK: dict[str, Any] = {"retry": None, "seconds_between_writes": 0, "seconds_between_requests": 0, "timeout": 30}
Connect = Callable[[str], github.Github]


def read(*things: GithubObject) -> None:
    """Every attribute, which also completes what was known in part only."""
    for thing in things:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            _read(thing)


def _read(thing: GithubObject) -> None:
    for name in dir(type(thing)):
        if not name.startswith("_") and isinstance(getattr(type(thing), name), property):
            try:
                getattr(thing, name)
            except BadAttributeException as error:
                raise AssertionError(f"{type(thing).__name__}.{name}: {error}") from error
