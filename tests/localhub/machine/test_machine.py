"""Random sequences of what people and bots do, against a model of GitHub's rules."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.localhub.machine.base import Base
from tests.localhub.machine.conversation_machine import ConversationMachine
from tests.localhub.machine.issue_machine import IssueMachine
from tests.localhub.machine.milestone_machine import MilestoneMachine
from tests.localhub.machine.pull_machine import PullMachine

QUIET = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]


class Everything(IssueMachine, MilestoneMachine, PullMachine, ConversationMachine):
    """All in one history: closing keywords, shared numbers, what both are told of, reviews of what is pushed away."""


def run(kind: type[Base], hub: Any, **bounds: Any) -> None:
    class Bound(kind):  # type: ignore[valid-type,misc]
        world = hub

    run_state_machine_as_test(
        Bound, settings=settings(deadline=None, suppress_health_check=QUIET, database=None, **bounds)
    )


KINDS = (IssueMachine, MilestoneMachine, PullMachine, ConversationMachine)


@pytest.mark.parametrize("kind", KINDS)
def test_localhub_keeps_githubs_rules(hub: Any, kind: type[Base]) -> None:
    """Always the same sequences, and no shrinking, which takes minutes: the slow test does both."""
    run(kind, hub, max_examples=3, stateful_step_count=15, derandomize=True, phases=[Phase.generate])


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*KINDS, Everything])
def test_localhub_keeps_githubs_rules_for_long(hub: Any, kind: type[Base]) -> None:
    run(kind, hub, max_examples=15, stateful_step_count=40, print_blob=True)
