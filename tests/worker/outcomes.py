"""What became of a workspace, as a test expects it."""

from __future__ import annotations

from worker.workspace import Committed, Refused


def committed(result: object) -> Committed:
    assert isinstance(result, Committed), result
    return result


def refused(result: object) -> str:
    assert isinstance(result, Refused), result
    return result.reason
