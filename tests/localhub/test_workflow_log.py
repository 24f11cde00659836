"""What is read out of act's lines, as act wrote them, and what of a step comes to its log."""

from __future__ import annotations

import json
from typing import Any

import pytest

from localhub.actions.act_log import Reader
from tests.localhub.test_workflow_jobs import ends, flow, latest, log


@pytest.mark.parametrize(
    ("limit", "seconds", "says"),
    [
        (1, 60.1, "The action 'Run sleep 70' has timed out after 1 minutes."),
        ("${{ 2 }}", 120.2, "The action 'Run sleep 70' has timed out after 2 minutes."),
        (1, 3.0, None),
        (None, 60.1, None),
        ("${{ 5 }}", 80.0, None),
    ],
)
def test_a_step_that_took_too_long_says_so(limit: int | str | None, seconds: float, says: str | None) -> None:
    """act only says that it was cancelled, as it says of one that a person cancels."""
    steps = [{"run": "sleep 70"} | ({} if limit is None else {"timeout-minutes": limit})]
    reader = Reader(steps, 0.0)
    step = {"jobID": "st", "level": "info", "stage": "Main", "step": "sleep 70", "stepID": ["0"]}
    for entry, now in (
        (step | {"msg": "⭐ Run Main sleep 70"}, 1.0),
        (step | {"msg": "  ❌  Failure - Main sleep 70", "stepResult": "failure"}, 1.0 + seconds),
        (step | {"level": "error", "msg": "this step has been cancelled: signal: killed"}, 1.0 + seconds),
        ({"jobID": "st", "level": "info", "msg": "🏁  Job failed", "jobResult": "failure"}, 1.0 + seconds),
    ):
        reader.feed(json.dumps(entry), now)
    job = reader.end(1.0 + seconds, None, 1)
    notes = [note.message for note in job.annotations]
    assert (notes[0] if says else None) == says, notes
    assert len(notes) == 1
    assert (says or "could not be run") in job.log
    assert job.conclusion == "failure"


def test_a_local_action_that_is_not_there_is_told_in_githubs_words() -> None:
    reader = Reader([{"uses": "./nope"}], 0.0)
    lines = [f"failed to read '{name}' from action './nope' with path '' of step: lstat /a/b: no such file or directory"
             for name in ("action.yml", "action.yaml", "Dockerfile")]  # fmt: skip
    entry = {"jobID": "a", "level": "error", "stage": "Main", "stepID": ["0"], "msg": "\n".join(lines)}
    reader.feed(json.dumps(entry), 1.0)
    (note,) = reader.end(1.0, None, 1).annotations
    assert note.message == (
        "Can't find 'action.yml', 'action.yaml' or 'Dockerfile' under './nope'. Did you forget to run actions/checkout "
        "before running your local action?"
    )


@pytest.mark.parametrize("swapped", [False, True])
def test_the_exit_code_comes_after_what_the_step_printed(swapped: bool) -> None:
    """act reads a step's output beside waiting for its end, and may tell the end first."""
    step = {"jobID": "a", "level": "info", "stage": "Main", "stepID": ["0"]}
    inner = step | {"stepID": ["0", "copy"]}
    said = [
        inner | {"command": "error", "arg": "no such branch", "kvPairs": {}, "msg": "::error::no such branch"},
        inner | {"msg": "exitcode '1': failure", "level": "error"},
        step | {"msg": "exitcode '1': failure", "level": "error"},
    ]
    reader = Reader([{"run": "exit 1"}], 0.0)
    reader.feed(json.dumps(step | {"msg": "⭐ Run Main exit 1"}), 1.0)
    for entry in reversed(said) if swapped else said:
        reader.feed(json.dumps(entry), 2.0)
    reader.feed(json.dumps({"jobID": "a", "jobResult": "failure", "msg": "🏁  Job failed"}), 3.0)
    job = reader.end(3.0, None, 1)
    assert [note.message for note in job.annotations] == ["no such branch", "Process completed with exit code 1."]
    assert job.log.index("no such branch") < job.log.index("Process completed")


def test_what_a_failing_step_prints_last_is_in_its_log(hub: Any) -> None:
    """act dropped it of about one in ten."""
    with hub.client("alice") as alice, hub.bot() as bot:
        flow(alice, """
  plain: {runs-on: ubuntu-latest, strategy: {fail-fast: false, matrix: {n: [1, 2, 3, 4, 5, 6, 7, 8]}},
          steps: [{name: Fail, run: echo the very end; exit 3}]}
  named: {runs-on: ubuntu-latest, strategy: {fail-fast: false, matrix: {shell: [sh, bash]}},
          steps: [{name: Fail, shell: '${{ matrix.shell }}', run: echo the very end; exit 3}]}
""")  # fmt: skip
        hub.settle()
        names = ends(bot, latest(bot))
        assert len(names) == 10
        for name in names:
            assert "the very end" in log(bot, latest(bot), name), name
