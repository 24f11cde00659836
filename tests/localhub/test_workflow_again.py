"""Running again what failed of a matrix: its leg, and nothing green without it."""

from __future__ import annotations

from typing import Any

from localhub.actions.graph import Graph, Seen
from localhub.actions.templates import Known
from localhub.actions.workflows import Workflow, parse
from tests.localhub.repository import SAMPLE, put
from tests.localhub.test_workflow_jobs import ends, flow, latest, log

STEPS = "steps: [{run: 'true'}]"


def test_a_leg_that_failed_runs_again_and_counts(hub: Any) -> None:
    with hub.client("alice") as alice, hub.bot() as bot:
        flow(alice, """
  legs:
    runs-on: ubuntu-latest
    strategy: {fail-fast: false, matrix: {n: [1, 2, 3]}}
    steps: [{run: 'test ${{ matrix.n }} != 2 || test "$GITHUB_RUN_ATTEMPT" = 3'}]
  after: {needs: legs, if: always(), runs-on: ubuntu-latest, steps: [{run: 'echo ${{ needs.legs.result }}'}]}
""")  # fmt: skip
        hub.settle()
        run = latest(bot)
        legs = {"legs (1)": "success", "legs (2)": "failure", "legs (3)": "success", "after": "success"}
        assert (run["conclusion"], ends(bot, run)) == ("failure", legs)

        assert bot.post(f"{SAMPLE}/actions/runs/{run['id']}/rerun-failed-jobs").status_code == 201
        hub.settle()
        run = latest(bot)
        assert (run["conclusion"], ends(bot, run)) == ("failure", legs)
        assert log(bot, run, "after")[-1] == "failure"
        found = bot.get(f"{SAMPLE}/actions/runs/{run['id']}/attempts/2/jobs").json()["jobs"]
        assert {job["name"] for job in found if job["run_attempt"] == 2} == {"legs (2)", "after"}

        (leg,) = (job for job in found if job["name"] == "legs (2)")
        assert bot.post(f"{SAMPLE}/actions/jobs/{leg['id']}/rerun").status_code == 201
        hub.settle()
        run = latest(bot)
        assert (run["conclusion"], run["run_attempt"]) == ("success", 3)
        assert ends(bot, run) == dict.fromkeys(legs, "success")
        assert log(bot, run, "after")[-1] == "success"


def test_a_leg_of_a_called_workflow_runs_again(hub: Any) -> None:
    """One that fail-fast ended too; a matrix that was skipped or could not be made stays what it was."""
    with hub.client("alice") as alice, hub.bot() as bot:
        called = """
  inner:
    runs-on: ubuntu-latest
    strategy: {matrix: {n: [1, 2]}}
    steps: [{run: 'test ${{ matrix.n }} != 2 || test "$GITHUB_RUN_ATTEMPT" = 2'}]
  never: {if: false, runs-on: ubuntu-latest, strategy: {matrix: {n: [1, 2]}}, steps: [{run: 'true'}]}
"""
        text = f"on: {{workflow_call: {{}}}}\njobs:\n{called}"
        put(alice, ".github/workflows/called.yml", text)
        flow(alice, "  call: {uses: ./.github/workflows/called.yml}\n")
        hub.settle()
        run = latest(bot)
        assert run["conclusion"] == "failure"
        assert bot.post(f"{SAMPLE}/actions/runs/{run['id']}/rerun-failed-jobs").status_code == 201
        hub.settle()
        run = latest(bot)
        assert run["conclusion"] == "success"
        assert ends(bot, run)["call / inner (2)"] == "success"
        assert ends(bot, run)["call / never"] == "skipped"


def _graph(listed: str, *rows: Seen) -> Graph:
    text = (
        f"on: push\njobs: {{a: {{runs-on: x, strategy: {{matrix: {{n: '${{{{ fromJSON(vars.N) }}}}'}}}}, {STEPS}}}}}\n"
    )
    workflow = parse(".github/workflows/a.yml", text)
    assert isinstance(workflow, Workflow), workflow
    return Graph(workflow, Known({"vars": {"N": listed}}), rows, lambda path: None)


def test_only_a_new_attempt_gets_legs_that_are_not_there() -> None:
    """A variable that has changed since the legs were made adds none to them."""

    def leg(n: int, *, old: bool = False) -> Seen:
        return Seen(f'a {{"n": {n}}}', "a", {"n": n}, "success", old=old)

    assert [new.leg.matrix for new in _graph("[1, 2]").new] == [{"n": 1}, {"n": 2}]
    assert _graph("[1, 2, 3]", leg(1), leg(2)).done
    assert _graph("nonsense", leg(1), leg(2)).done
    again = _graph("[1, 2]", leg(1, old=True))
    assert ([new.leg.matrix for new in again.new], again.done) == ([{"n": 2}], False)
    assert _graph("[1, 2]", leg(1, old=True), leg(2)).done
    whole = Seen("a {}", "a", {}, "skipped", old=True)
    assert _graph("[1, 2]", whole).done
    (wrong,) = _graph("nonsense", leg(1, old=True)).new
    assert (wrong.conclusion, wrong.leg.key) == ("failure", "a {}")
    assert _graph("nonsense", leg(1, old=True), Seen("a {}", "a", {}, "failure")).done
