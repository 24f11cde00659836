"""Runs of several jobs: matrices, needs, conditions, reusable workflows, concurrency, re-runs and cancelling."""

from __future__ import annotations

from typing import Any

import httpx

from tests.localhub.repository import SAMPLE, put


def flow(client: httpx.Client, jobs: str, on: str = "push", head: str = "") -> None:
    put(client, ".github/workflows/ci.yml", f"name: CI\non: {on}\n{head}\njobs:\n{jobs}")


def ends(client: httpx.Client, run: dict[str, Any], **query: Any) -> dict[str, str]:
    """The jobs of a run by name, with their conclusions."""
    found = client.get(f"{SAMPLE}/actions/runs/{run['id']}/jobs", params={"per_page": 100, **query}).json()["jobs"]
    return {job["name"]: job["conclusion"] for job in found}


def latest(client: httpx.Client) -> dict[str, Any]:
    run: dict[str, Any] = client.get(f"{SAMPLE}/actions/runs").json()["workflow_runs"][0]
    return run


def notes(client: httpx.Client, run: dict[str, Any], name: str) -> list[str]:
    """What the check run of a job remarks."""
    checks = client.get(f"{SAMPLE}/check-suites/{run['check_suite_id']}/check-runs", params={"check_name": name}).json()
    (check,) = checks["check_runs"]
    told = client.get(f"{SAMPLE}/check-runs/{check['id']}/annotations").json()
    return [note["message"] for note in told if note["annotation_level"] == "failure"]


def log(client: httpx.Client, run: dict[str, Any], name: str) -> list[str]:
    found = client.get(f"{SAMPLE}/actions/runs/{run['id']}/jobs", params={"per_page": 100}).json()["jobs"]
    job = next(one for one in found if one["name"] == name)
    text = client.get(f"{SAMPLE}/actions/jobs/{job['id']}/logs", follow_redirects=True).text
    return [line.split(" ", 1)[1] for line in text.splitlines()]


def test_needs_conditions_outputs_and_matrices(hub: Any) -> None:
    with hub.client("alice") as alice, hub.bot() as bot:
        flow(alice, """
  plan:
    runs-on: ubuntu-latest
    outputs: {list: '${{ steps.x.outputs.list }}', odd: "${{ format('it''s {0} }}', steps.x.outcome) }}"}
    steps: [{id: x, run: 'echo "list=[{\\"v\\": \\"3.10\\"}, {\\"v\\": 4}]" >> "$GITHUB_OUTPUT"'}]
  legs:
    needs: plan
    runs-on: ubuntu-latest
    strategy: {fail-fast: false, matrix: {include: '${{ fromJSON(needs.plan.outputs.list) }}'}}
    steps: [{run: 'test ${{ matrix.v }} = 3.10 && echo "${{ needs.plan.outputs.odd }} ${{ strategy.job-total }}"'}]
  named:
    name: Named ${{ matrix.os }} / ${{ matrix.n }}
    runs-on: ${{ matrix.os }}
    strategy: {matrix: {os: [ubuntu-latest], n: [1, 2], exclude: [{n: 2}]}}
    steps: [{run: 'true'}]
  after: {needs: legs, runs-on: ubuntu-latest, steps: [{run: 'true'}]}
  anyway: {needs: [legs, plan], if: always(), runs-on: ubuntu-latest, steps: [{run: 'echo ${{ join(needs.*.result) }}'}]}
  chained: {needs: anyway, runs-on: ubuntu-latest, steps: [{run: 'true'}]}
  failed: {needs: legs, if: failure(), runs-on: ubuntu-latest, steps: [{run: 'true'}]}
  picky: {needs: plan, if: "contains(needs.plan.outputs.list, '5')", runs-on: ubuntu-latest, steps: [{run: 'true'}]}
  soft: {continue-on-error: '${{ github.ref_name == ''main'' }}', runs-on: ubuntu-latest, steps: [{run: 'false'}]}
  over: {needs: soft, runs-on: ubuntu-latest, steps: [{run: 'test ${{ needs.soft.result }} = success'}]}
  broken: {needs: plan, if: fromJSON(needs.plan.outputs.odd), runs-on: ubuntu-latest, steps: [{run: 'true'}]}
  where: {runs-on: windows-latest, steps: [{run: 'true'}]}
""")  # fmt: skip
        hub.settle()
        run = latest(bot)
        assert ends(bot, run) == {
            "plan": "success", "legs (3.10)": "success", "legs (4)": "failure", "Named ubuntu-latest / 1": "success",
            "after": "skipped", "anyway": "success", "chained": "skipped", "failed": "success", "picky": "skipped",
            "soft": "failure", "over": "success", "broken": "failure", "where": "failure",
        }  # fmt: skip
        assert run["conclusion"] == "failure"
        assert "it's success } 2" in log(bot, run, "legs (3.10)")
        assert "failure,success" in log(bot, run, "anyway")
        assert "Error parsing fromJson" in notes(bot, run, "broken")[0]
        assert "windows-latest" in notes(bot, run, "where")[0]


def test_what_happens_is_told_in_its_order(hub: Any, validate_hook: Any) -> None:
    with hub.client("alice") as alice:
        flow(alice, "  a: {runs-on: ubuntu-latest, steps: [{run: 'true'}]}\n")
        hub.settle()
        told = [(each.event, each.action) for each in hub.hooks.deliveries if each.event not in ("push", "check_suite")]
        assert told == [
            ("workflow_run", "requested"), ("check_run", "created"), ("workflow_job", "queued"),
            ("workflow_run", "in_progress"), ("workflow_job", "in_progress"), ("workflow_job", "completed"),
            ("check_run", "completed"), ("workflow_run", "completed"),
        ]  # fmt: skip
        suites = [(each.action, each.payload["check_suite"]["app"]["slug"]) for each in hub.hooks.find("check_suite")]
        assert suites == [("requested", "branchwork"), ("completed", "github-actions")]
        for each in hub.hooks.deliveries:
            validate_hook(each)


def test_a_failing_leg_ends_the_others_unless_told_not_to(hub: Any) -> None:
    with hub.client("alice") as alice, hub.bot() as bot:
        flow(alice, """
  fast:
    runs-on: ubuntu-latest
    strategy: {matrix: {n: [1, 2, 3]}}
    steps: [{run: 'test ${{ matrix.n }} = 1 && { sleep 0.3; exit 1; } || sleep 120'}]
  one:
    runs-on: ubuntu-latest
    needs: fast
    if: always()
    strategy: {max-parallel: 1, fail-fast: false, matrix: {n: [1, 2]}}
    steps: [{run: echo}]
""")  # fmt: skip
        hub.settle()
        run = latest(bot)
        assert ends(bot, run) == {
            "fast (1)": "failure", "fast (2)": "cancelled", "fast (3)": "cancelled", "one (1)": "success", "one (2)": "success",
        }  # fmt: skip
        assert run["conclusion"] == "failure"
        told = [(each.action, each.payload["workflow_job"]["name"]) for each in hub.hooks.find("workflow_job")]
        side_by_side = [told.index(("in_progress", f"fast ({n})")) for n in (1, 2)]
        assert max(side_by_side) < told.index(("completed", "fast (1)")), "legs run side by side"
        assert told.index(("completed", "one (1)")) < told.index(("in_progress", "one (2)")), "but for max-parallel"


def test_reusable_workflows_and_local_actions(hub: Any) -> None:
    called = """
on:
  workflow_call:
    inputs: {who: {type: string, required: true}, loud: {type: boolean, default: false}, n: {type: number}}
    outputs: {said: {value: '${{ jobs.say.outputs.said }}'}}
jobs:
  say:
    runs-on: ubuntu-latest
    outputs: {said: '${{ steps.x.outputs.said }}'}
    steps:
      - id: x
        run: echo "said=hi ${{ inputs.who }} ${{ inputs.loud && 'LOUD' || 'low' }} ${{ inputs.n }} ${{ github.event_name }}" >> "$GITHUB_OUTPUT"
  then: {needs: say, runs-on: ubuntu-latest, steps: [{run: 'true'}]}
"""
    action = """
inputs: {who: {default: nobody}}
outputs: {upper: {value: '${{ steps.up.outputs.v }}'}}
runs:
  using: composite
  steps: [{id: up, shell: bash, run: 'v="${{ inputs.who }}"; echo "v=${v^^}" >> "$GITHUB_OUTPUT"'}]
"""
    with hub.client("alice") as alice, hub.bot() as bot:
        put(alice, ".github/workflows/called.yml", called)
        put(alice, ".github/actions/up/action.yml", action)
        flow(alice, """
  call:
    strategy: {matrix: {who: [ann, bob]}}
    uses: ./.github/workflows/called.yml
    with: {who: '${{ matrix.who }}', loud: true, n: 3}
  last:
    needs: call
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - {id: up, uses: ./.github/actions/up, with: {who: '${{ needs.call.outputs.said }}'}}
      - run: echo "${{ steps.up.outputs.upper }}"
  wrong: {uses: ./.github/workflows/called.yml, with: {nope: 1}}
  missing: {uses: ./.github/workflows/none.yml}
  far: {uses: octo/repo/.github/workflows/x.yml@v1}
""")  # fmt: skip
        hub.settle()
        run = latest(bot)
        assert ends(bot, run) == {
            "call (ann) / say": "success", "call (ann) / then": "success", "call (bob) / say": "success",
            "call (bob) / then": "success", "last": "success", "wrong": "failure", "missing": "failure", "far": "failure",
        }  # fmt: skip
        assert "HI BOB LOUD 3 PUSH" in log(bot, run, "last")
        assert "nope is not defined" in notes(bot, run, "wrong")[0]
        assert "workflow was not found" in notes(bot, run, "missing")[0]
        assert "same commit" in notes(bot, run, "far")[0]

        put(alice, ".github/workflows/called.yml", called.replace("run: 'true'", "run: 'test $GITHUB_RUN_ATTEMPT = 2'"))
        hub.settle()
        run = latest(bot)
        assert bot.post(f"{SAMPLE}/actions/runs/{run['id']}/rerun-failed-jobs").status_code == 201
        hub.settle()
        again = bot.get(f"{SAMPLE}/actions/runs/{run['id']}/jobs").json()["jobs"]
        assert {job["name"]: job["run_attempt"] for job in again} == {
            "call (ann) / say": 1, "call (ann) / then": 2, "call (bob) / say": 1, "call (bob) / then": 2, "last": 2,
            "wrong": 2, "missing": 2, "far": 2,
        }  # fmt: skip


def test_checkouts_of_other_refs_paths_and_depths(hub: Any) -> None:
    with hub.client("alice") as alice, hub.bot() as bot:
        sha = alice.get(f"{SAMPLE}/git/ref/heads/main").json()["object"]["sha"]
        assert alice.post(f"{SAMPLE}/git/refs", json={"ref": "refs/heads/other", "sha": sha}).status_code == 201
        put(alice, "other.txt", "x", "other")
        put(alice, "main.txt", "x")
        flow(
            alice,
            """
  good:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: test -e main.txt && test "$(git rev-list --count HEAD)" = 1 && touch stray
      - uses: actions/checkout@v4
        with: {ref: other, path: there}
      - run: test -e there/other.txt && test ! -e there/main.txt && test "$(git -C there branch --show-current)" = other
      - uses: actions/checkout@v4
        with: {fetch-depth: 0, ref: '${{ github.sha }}'}
      - run: test ! -e stray && test "$(git rev-list --count HEAD)" = 3 && git log -1 origin/other
  bad: {runs-on: ubuntu-latest, steps: [{uses: actions/checkout@v4, with: {ref: nowhere}}]}
""",
        )
        hub.settle()
        run = latest(bot)
        assert ends(bot, run) == {"good": "success", "bad": "failure"}, log(bot, run, "good")
        assert notes(bot, run, "bad")[0] == "A branch or tag with the name 'nowhere' could not be found"


def test_one_job_runs_again_with_what_stands_on_it(hub: Any, validate: Any) -> None:
    with hub.client("alice") as alice, hub.bot() as bot:
        flow(alice, """
  a: {runs-on: ubuntu-latest, steps: [{run: 'true'}]}
  b: {needs: a, runs-on: ubuntu-latest, steps: [{run: 'true'}]}
  c: {runs-on: ubuntu-latest, steps: [{run: 'true'}]}
""")  # fmt: skip
        hub.settle()
        run = latest(bot)
        job = next(
            one for one in bot.get(f"{SAMPLE}/actions/runs/{run['id']}/jobs").json()["jobs"] if one["name"] == "a"
        )
        assert bot.post(f"{SAMPLE}/actions/jobs/{job['id']}/rerun").status_code == 201
        hub.settle()
        again = bot.get(f"{SAMPLE}/actions/runs/{run['id']}/jobs").json()["jobs"]
        assert {one["name"]: one["run_attempt"] for one in again} == {"a": 2, "b": 2, "c": 1}
        first = validate(bot.get(f"{SAMPLE}/actions/runs/{run['id']}/attempts/1"), "WorkflowRun")
        assert (first["run_attempt"], first["conclusion"]) == (1, "success")
        assert bot.get(f"{SAMPLE}/actions/runs/{run['id']}/attempts/3").status_code == 404
        old = bot.get(f"{SAMPLE}/actions/runs/{run['id']}/attempts/1/jobs").json()["jobs"]
        assert [one["run_attempt"] for one in old] == [1, 1, 1]
        with hub.client("alice", prefix="") as page:
            shown = page.get(f"/alice/sample/actions/runs/{run['id']}").text
            assert all(f"/job/{one['id']}" in shown for one in again)


def test_cancelling_lets_always_have_its_say(hub: Any) -> None:
    with hub.client("alice") as alice, hub.bot() as bot:
        flow(alice, """
  slow:
    runs-on: ubuntu-latest
    steps: [{run: sleep 120}, {run: 'true'}, {if: always(), run: echo cleaned up}]
  after: {needs: slow, runs-on: ubuntu-latest, steps: [{run: 'true'}]}
  last: {needs: slow, if: always(), runs-on: ubuntu-latest, steps: [{run: 'echo ${{ needs.slow.result }}'}]}
  told: {needs: slow, if: cancelled(), runs-on: ubuntu-latest, steps: [{run: 'true'}]}
""")  # fmt: skip
        hub.hooks.wait("workflow_job", "in_progress")
        run = latest(bot)
        assert bot.post(f"{SAMPLE}/actions/runs/{run['id']}/cancel").status_code == 202
        hub.settle()
        run = latest(bot)
        assert run["conclusion"] == "cancelled"
        assert ends(bot, run) == {"slow": "cancelled", "after": "skipped", "last": "success", "told": "success"}
        assert "cancelled" in log(bot, run, "last")
        hub.hooks.clear()
        bot.post(f"{SAMPLE}/actions/runs/{run['id']}/rerun")
        hub.hooks.wait("workflow_job", "in_progress")
        assert bot.post(f"{SAMPLE}/actions/runs/{run['id']}/force-cancel").status_code == 202
        hub.settle()
        assert set(ends(bot, run).values()) <= {"cancelled", "skipped", "success"}
        assert latest(bot)["conclusion"] == "cancelled"


def test_groups_of_jobs_take_turns(hub: Any) -> None:
    with hub.client("alice") as alice, hub.bot() as bot:
        flow(
            alice,
            """
  a: {runs-on: ubuntu-latest, concurrency: one, steps: [{run: sleep 0.3}]}
  b: {runs-on: ubuntu-latest, concurrency: 'One', steps: [{run: 'true'}]}
""",
        )
        hub.settle()
        told = [(each.action, each.payload["workflow_job"]["name"]) for each in hub.hooks.find("workflow_job")]
        assert ends(bot, latest(bot)) == {"a": "success", "b": "success"}
        assert told.index(("completed", "a")) < told.index(("in_progress", "b"))
        stop = "{group: g, cancel-in-progress: true}"
        flow(
            alice,
            f"""
  a: {{runs-on: ubuntu-latest, concurrency: {stop}, steps: [{{run: sleep 60}}]}}
  b: {{runs-on: ubuntu-latest, concurrency: {stop}, steps: [{{run: sleep 60}}]}}
  c: {{runs-on: ubuntu-latest, concurrency: {stop}, steps: [{{run: 'true'}}]}}
""",
        )
        hub.settle()
        assert ends(bot, latest(bot)) == {"a": "cancelled", "b": "cancelled", "c": "success"}
