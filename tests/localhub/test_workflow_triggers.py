"""What starts workflows, with which commit, and what a run sees of its cause."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import nacl.public
import pytest

from localhub.actions import cron
from tests.localhub.repository import SAMPLE, branch, put
from tests.localhub.runs import runs

SAY = "runs-on: ubuntu-latest, steps: [{run: 'echo \"$GITHUB_EVENT_NAME $GITHUB_REF $GITHUB_SHA\"'}]"


def log(client: httpx.Client, run: dict[str, Any]) -> str:
    job = client.get(f"{SAMPLE}/actions/runs/{run['id']}/jobs").json()["jobs"][0]
    return client.get(f"{SAMPLE}/actions/jobs/{job['id']}/logs", follow_redirects=True).text


def test_issues_dispatches_and_other_runs_start_workflows_of_the_default_branch(hub: Any, validate_hook: Any) -> None:
    with hub.client("alice") as alice, hub.bot() as bot:
        put(
            alice,
            ".github/workflows/talk.yml",
            f"""
name: Talk
run-name: About ${{{{ github.event.issue.title || github.event.client_payload.word }}}}
on:
  issues: {{types: [opened]}}
  issue_comment: {{}}
  repository_dispatch: {{types: [go]}}
jobs: {{a: {{{SAY}}}}}
""",
        )
        sha = put(
            alice,
            ".github/workflows/after.yml",
            f"name: After\non: {{workflow_run: {{workflows: [Talk], types: [completed]}}}}\njobs: {{a: {{{SAY}}}}}",
        )
        hub.settle()
        assert runs(bot) == []
        issue = alice.post(f"{SAMPLE}/issues", json={"title": "A word"}).json()
        hub.settle()
        after, talk = runs(bot)
        assert (talk["event"], talk["display_title"], talk["head_sha"]) == ("issues", "About A word", sha)
        assert (after["name"], after["event"], after["conclusion"]) == ("After", "workflow_run", "success")
        assert f"issues refs/heads/main {sha}" in log(bot, talk)
        alice.patch(f"{SAMPLE}/issues/{issue['number']}", json={"title": "Another"})
        alice.post(f"{SAMPLE}/issues/{issue['number']}/comments", json={"body": "hm"})
        hub.settle()
        assert [run["event"] for run in runs(bot)] == ["workflow_run", "issue_comment", "workflow_run", "issues"]
        assert alice.post(f"{SAMPLE}/dispatches", json={"event_type": ""}).status_code == 422
        body = {"event_type": "go", "client_payload": {"word": "now"}}
        assert alice.post(f"{SAMPLE}/dispatches", json=body).status_code == 204
        assert alice.post(f"{SAMPLE}/dispatches", json=body | {"event_type": "no"}).status_code == 204
        hub.settle()
        (run,) = runs(bot, event="repository_dispatch")
        assert run["display_title"] == "About now"


def test_dispatch_inputs_have_types(hub: Any) -> None:
    with hub.client("alice") as alice, hub.bot() as bot:
        put(
            alice,
            ".github/workflows/hand.yml",
            """
on:
  workflow_dispatch:
    inputs:
      flag: {type: boolean, default: false}
      n: {type: number, default: 3}
      pick: {type: choice, options: [a, b]}
      must: {required: true}
jobs:
  a:
    if: inputs.flag && inputs.n == 3
    runs-on: ubuntu-latest
    steps: [{run: 'echo "$A $B ${{ inputs.pick }} ${{ github.event.inputs.must }}"', env: {A: '${{ inputs.flag }}', B: '${{ github.event.inputs.flag == true }}'}}]
""",
        )
        where = f"{SAMPLE}/actions/workflows/hand.yml/dispatches"
        for inputs, words in (
            ({}, "Required input 'must' not provided"),
            ({"must": "x", "other": "y"}, "Unexpected inputs provided"),
            ({"must": "x", "pick": "c"}, "not in the list of allowed values"),
            ({"must": "x", "flag": "maybe"}, "not a boolean"),
        ):
            answer = bot.post(where, json={"ref": "main", "inputs": inputs})
            assert (answer.status_code, words in answer.json()["message"]) == (422, True), answer.text
        assert bot.post(where, json={"ref": "main", "inputs": {"must": "go", "flag": "true"}}).status_code == 204
        hub.settle()
        (run,) = runs(bot)
        assert run["conclusion"] == "success"
        assert "true false a go" in log(bot, run)


def test_pull_requests_run_on_the_merge_and_its_base(hub: Any) -> None:
    with hub.client("alice") as alice, hub.bot() as bot:
        flow = f"on: {{pull_request: {{types: [opened, ready_for_review, closed], paths: ['src/**']}}, pull_request_target: {{}}}}\njobs: {{a: {{{SAY}}}}}"
        base = put(alice, ".github/workflows/ci.yml", flow)
        branch(alice, "topic")
        branch(alice, "docs")
        put(alice, "src/a", "1", "topic")
        put(alice, "docs/a", "1", "docs")
        pull = alice.post(f"{SAMPLE}/pulls", json={"title": "T", "head": "topic", "base": "main", "draft": True}).json()
        hub.settle()
        on_base, on_merge = sorted(runs(bot), key=lambda run: run["event"], reverse=True)
        assert (on_base["event"], on_base["head_sha"], on_merge["event"]) == (
            "pull_request_target",
            base,
            "pull_request",
        )
        assert (on_merge["head_sha"], on_merge["head_branch"]) == (pull["head"]["sha"], "topic")
        assert f"pull_request refs/pull/{pull['number']}/merge " in log(bot, on_merge)
        assert f"pull_request_target refs/heads/main {base}" in log(bot, on_base)
        alice.post(f"{SAMPLE}/pulls", json={"title": "D", "head": "docs", "base": "main"})
        hub.settle()
        assert runs(bot)[0]["event"] == "pull_request_target", "no path of it is under src/"
        assert len(runs(bot, event="pull_request")) == 1

        before = log(bot, on_merge).split("/merge ")[1].split()[0]
        put(alice, "elsewhere", "2")
        assert bot.post(f"{SAMPLE}/actions/runs/{on_merge['id']}/rerun").status_code == 201
        hub.settle()
        assert before in log(bot, on_merge), "a re-run tests the commit of the first run, as on GitHub"

        put(alice, "src/a", "other")
        put(alice, "src/a", "mine", "topic")
        alice.put(f"{SAMPLE}/pulls/{pull['number']}", json={})
        hub.settle()
        assert len(runs(bot, event="pull_request")) == 1, "what conflicts runs nothing"


def test_a_pull_request_from_a_fork_is_tested_without_secrets(hub: Any, validate: Any) -> None:
    where = "/repos/alice/open"
    flow = """
on: {pull_request: {}, pull_request_target: {}}
jobs:
  a:
    runs-on: ubuntu-latest
    env: {T: '${{ secrets.TOKEN }}'}
    steps: [{uses: actions/checkout@v4}, {run: 'ls | tr "\\n" " "; echo "$GITHUB_EVENT_NAME is ${T:-poor}"'}]
"""
    with hub.client("alice") as alice, hub.client("mallory") as mallory:
        key = alice.get(f"{where}/actions/secrets/public-key").json()
        assert put(alice, ".github/workflows/ci.yml", flow, repo=where)
        box = nacl.public.SealedBox(nacl.public.PublicKey(base64.b64decode(key["key"])))
        sealed = {"encrypted_value": base64.b64encode(box.encrypt(b"rich")).decode(), "key_id": key["key_id"]}
        assert alice.put(f"{where}/actions/secrets/TOKEN", json=sealed).status_code == 201
        assert mallory.post(f"{where}/forks").status_code == 202
        sha = put(mallory, "theirs.txt", "x", repo="/repos/mallory/open")
        body = {"title": "From afar", "head": "mallory:main", "base": "main"}
        assert mallory.post(f"{where}/pulls", json=body).status_code == 201
        hub.settle()
        found = {run["event"]: run for run in alice.get(f"{where}/actions/runs").json()["workflow_runs"]}
        one = validate(alice.get(f"{where}/actions/runs/{found['pull_request']['id']}"), "WorkflowRun")
        assert (one["head_sha"], one["head_repository"]["full_name"], one["pull_requests"]) == (sha, "mallory/open", [])
        (job,) = alice.get(f"{where}/actions/runs/{one['id']}/jobs").json()["jobs"]
        text = alice.get(f"{where}/actions/jobs/{job['id']}/logs", follow_redirects=True).text
        assert "theirs.txt pull_request is poor" in text
        (job,) = alice.get(f"{where}/actions/runs/{found['pull_request_target']['id']}/jobs").json()["jobs"]
        text = alice.get(f"{where}/actions/jobs/{job['id']}/logs", follow_redirects=True).text
        assert "pull_request_target is ***" in text
        assert "theirs.txt" not in text
        assert mallory.get("/repos/mallory/open/actions/runs").json()["total_count"] == 0


def test_cron_lines_are_due_by_the_hub_s_clock(hub: Any) -> None:
    with hub.client("alice") as alice:
        flow = f"on: {{schedule: [{{cron: '30 4 * * *'}}, {{cron: '0 0 1 1 *'}}]}}\njobs: {{a: {{{SAY}}}}}"
        put(alice, ".github/workflows/nightly.yml", flow)
        hub.hub.clock.set((hub.hub.clock.now() + timedelta(days=1)).replace(hour=4, minute=20))
        hub.settle()
        count = len(runs(alice))
        hub.admin("/clock", {"advance": 300})
        hub.settle()
        assert len(runs(alice)) == count
        hub.admin("/clock", {"advance": 600})
        hub.settle()
        run = runs(alice)[0]
        assert (len(runs(alice)), run["event"], run["conclusion"]) == (count + 1, "schedule", "success")


@pytest.mark.parametrize(
    ("line", "moment", "expected"),
    [
        ("* * * * *", "2026-01-01T00:00", True),
        ("*/15 2-4,8 * * *", "2026-01-01T03:45", True),
        ("*/15 2-4,8 * * *", "2026-01-01T05:45", False),
        ("0 0 * * MON-FRI", "2026-01-02T00:00", True),
        ("0 0 * * SUN", "2026-01-02T00:00", False),
        ("0 0 13 * 5", "2026-01-02T00:00", True),
        ("0 0 13 * 5", "2026-01-13T00:00", True),
        ("0 0 13 JAN *", "2026-02-13T00:00", False),
        ("20/15 * * * *", "2026-02-13T00:35", True),
    ],
)
def test_cron_fields(line: str, moment: str, expected: bool) -> None:
    assert cron.matches(line, datetime.fromisoformat(moment).replace(tzinfo=UTC)) is expected


@pytest.mark.parametrize("line", ["", "* * * *", "60 * * * *", "* * 0 * *", "x * * * *", "5-1 * * * *", "*/0 * * * *"])
def test_what_is_no_schedule_is_refused(line: str) -> None:
    with pytest.raises(cron.CronError):
        cron.fields(line)
