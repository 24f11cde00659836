"""Failed comparisons of the machine show both sides."""

import pytest

for module in (
    "driver",
    "reading",
    "base",
    "issue_machine",
    "pull_machine",
    "milestone_machine",
    "conversation_machine",
    "door",
):
    pytest.register_assert_rewrite(f"tests.localhub.machine.{module}")
