"""Random sequences of what people and bots do, against a model of GitHub's rules."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.localhub.machine.machine import Machine

QUIET = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]


def run(hub: Any, **bounds: Any) -> None:
    class Bound(Machine):
        world = hub

    run_state_machine_as_test(
        Bound, settings=settings(deadline=None, suppress_health_check=QUIET, database=None, **bounds)
    )


def test_localhub_keeps_githubs_rules(hub: Any) -> None:
    run(hub, max_examples=12, stateful_step_count=15, derandomize=True)


@pytest.mark.slow
def test_localhub_keeps_githubs_rules_for_long(hub: Any) -> None:
    run(hub, max_examples=60, stateful_step_count=40, print_blob=True)
