"""Pushes and pull requests run the repository's workflow files, and everyone is told."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from tests.localhub.repository import SAMPLE, branch, put
from tests.localhub.runs import WORKFLOW, jobs, log, runs


def test_a_push_runs_the_workflow_and_tells(hub: Any, validate: Any, validate_hook: Any) -> None:
    with hub.client("alice") as alice, hub.bot() as bot:
        sha = put(alice, ".github/workflows/ci.yml", WORKFLOW)
        hub.settle()
        (run,) = validate(
            bot.get(f"{SAMPLE}/actions/runs", params={"head_sha": sha}), "ReposOwnerRepoActionsRunsGetResponse200"
        )["workflow_runs"]
        assert (run["event"], run["status"], run["conclusion"], run["head_branch"]) == (
            "push",
            "completed",
            "success",
            "main",
        )
        validate(bot.get(f"{SAMPLE}/actions/runs/{run['id']}"), "WorkflowRun")
        listed = bot.get(f"{SAMPLE}/actions/runs/{run['id']}/jobs")
        (job,) = validate(listed, "ReposOwnerRepoActionsRunsRunIdJobsGetResponse200")["jobs"]
        validate(bot.get(f"{SAMPLE}/actions/jobs/{job['id']}"), "Job")
        assert [step["name"] for step in job["steps"]] == [
            "Set up job", "Run actions/checkout@v4", "Look", 'Run echo "::notice file=README.md,line=1::read me"', "Complete job",
        ]  # fmt: skip
        assert f"push refs/heads/main   {sha} {sha}" in log(bot, job)
        packed = bot.get(f"{SAMPLE}/actions/runs/{run['id']}/logs", follow_redirects=True)
        archive = zipfile.ZipFile(io.BytesIO(packed.content))
        assert archive.namelist()[0] == "0_test.txt"
        assert {"test/2_Run actions_checkout@v4.txt", "test/3_Look.txt"} <= set(archive.namelist())
        own = archive.read("test/3_Look.txt").decode()
        assert "##[group]Look" in own
        assert "README.md" in own
        assert "read me" not in own, "that is the next step's"

        checks = bot.get(f"{SAMPLE}/commits/main/check-runs")
        (check,) = validate(checks, "ReposOwnerRepoCommitsRefCheckRunsGetResponse200")["check_runs"]
        assert (check["id"], check["name"], check["conclusion"]) == (job["id"], "test", "success")
        assert check["app"]["slug"] == "github-actions"
        (note,) = validate(bot.get(f"{SAMPLE}/check-runs/{check['id']}/annotations"), "list[CheckAnnotation]")
        assert (note["path"], note["annotation_level"], note["message"]) == ("README.md", "notice", "read me")
        suites = bot.get(f"{SAMPLE}/commits/{sha}/check-suites")
        found = validate(suites, "ReposOwnerRepoCommitsRefCheckSuitesGetResponse200")["check_suites"]
        assert [(one["app"]["slug"], one["conclusion"]) for one in found if one["app"]["slug"] == "github-actions"] == [
            ("github-actions", "success")
        ]
        validate(bot.get(f"{SAMPLE}/actions/workflows"), "ReposOwnerRepoActionsWorkflowsGetResponse200")

        for event, action in (
            ("workflow_run", "requested"), ("workflow_run", "in_progress"), ("workflow_run", "completed"),
            ("workflow_job", "queued"), ("workflow_job", "in_progress"), ("workflow_job", "completed"),
            ("check_run", "created"), ("check_run", "completed"), ("check_suite", "requested"), ("check_suite", "completed"),
        ):  # fmt: skip
            validate_hook(hub.hooks.delivery(event, action))


def test_a_pull_request_is_tested_merged_with_its_base(hub: Any, validate_hook: Any) -> None:
    with hub.client("alice") as alice, hub.bot() as bot:
        put(alice, ".github/workflows/ci.yml", WORKFLOW.replace("[push, pull_request]", "pull_request"))
        branch(alice, "topic")
        put(alice, "mine.txt", "x", "topic")
        put(alice, "theirs.txt", "y", "main")
        pull = alice.post(f"{SAMPLE}/pulls", json={"title": "T", "head": "topic", "base": "main"}).json()
        hub.settle()
        (run,) = runs(bot)
        head = pull["head"]["sha"]
        assert (run["event"], run["head_sha"], run["head_branch"], run["conclusion"]) == (
            "pull_request",
            head,
            "topic",
            "success",
        )
        assert [one["number"] for one in run["pull_requests"]] == [pull["number"]]
        (job,) = jobs(bot, run)
        text = log(bot, job)
        assert f"pull_request refs/pull/{pull['number']}/merge topic main" in text
        assert "mine.txt" in text.split()
        assert "theirs.txt" in text.split()
        assert head not in text.split("pull_request ")[1].splitlines()[0]
        told = hub.hooks.wait("check_run", "completed")["check_run"]
        assert (told["head_sha"], [one["number"] for one in told["pull_requests"]]) == (head, [pull["number"]])

        put(alice, "more.txt", "z", "topic")
        hub.settle()
        assert [run["event"] for run in runs(bot)] == ["pull_request", "pull_request"]


def test_failed_jobs_run_again(hub: Any) -> None:
    flow = """
on: push
jobs:
  good:
    runs-on: ubuntu-latest
    outputs: {v: '${{ steps.x.outputs.v }}'}
    steps: [{id: x, run: echo v=7 >> "$GITHUB_OUTPUT"}]
  bad:
    needs: good
    runs-on: ubuntu-latest
    steps: [{run: 'test "$GITHUB_RUN_ATTEMPT ${{ needs.good.outputs.v }}" = "2 7"'}]
  after:
    needs: bad
    runs-on: ubuntu-latest
    steps: [{run: 'true'}]
"""
    with hub.client("alice") as alice, hub.bot() as bot:
        put(alice, ".github/workflows/flow.yml", flow)
        hub.settle()
        (run,) = runs(bot, status="failure")
        assert {job["name"]: job["conclusion"] for job in jobs(bot, run)} == {
            "good": "success",
            "bad": "failure",
            "after": "skipped",
        }
        assert bot.post(f"{SAMPLE}/actions/runs/{run['id']}/rerun-failed-jobs").status_code == 201
        hub.settle()
        (run,) = runs(bot)
        assert (run["run_attempt"], run["conclusion"]) == (2, "success")
        assert {job["name"]: (job["conclusion"], job["run_attempt"]) for job in jobs(bot, run)} == {
            "good": ("success", 1), "bad": ("success", 2), "after": ("success", 2),
        }  # fmt: skip
        assert len(jobs(bot, run, filter="all")) == 5
        assert bot.post(f"{SAMPLE}/actions/runs/{run['id']}/rerun").status_code == 201
        hub.settle()
        assert runs(bot)[0]["run_attempt"] == 3
        suite = f"{SAMPLE}/check-suites/{run['check_suite_id']}/rerequest"
        assert bot.post(suite).status_code == 201
        hub.settle()
        assert runs(bot)[0]["run_attempt"] == 4


def test_a_run_is_cancelled(hub: Any) -> None:
    with hub.client("alice") as alice, hub.bot() as bot:
        put(
            alice,
            ".github/workflows/slow.yml",
            "on: push\njobs: {slow: {runs-on: ubuntu-latest, steps: [{run: sleep 120}]}}",
        )
        hub.hooks.wait("workflow_job", "in_progress")
        (run,) = runs(bot, status="in_progress")
        assert bot.post(f"{SAMPLE}/actions/runs/{run['id']}/rerun").status_code == 403
        assert bot.post(f"{SAMPLE}/actions/runs/{run['id']}/cancel").status_code == 202
        hub.settle()
        assert runs(bot)[0]["conclusion"] == "cancelled"
        assert [job["conclusion"] for job in jobs(bot, run)] == ["cancelled"]
        assert bot.post(f"{SAMPLE}/actions/runs/{run['id']}/cancel").status_code == 409


def test_a_newer_run_takes_the_place_of_its_group(hub: Any) -> None:
    flow = """
on: push
concurrency: {group: '${{ github.workflow }}-${{ github.head_ref || github.ref }}', cancel-in-progress: true}
jobs: {a: {runs-on: ubuntu-latest, steps: [{uses: actions/checkout@v4}, {run: 'test -e go || sleep 120'}]}}
"""
    with hub.client("alice") as alice, hub.bot() as bot:
        put(alice, ".github/workflows/ci.yml", flow)
        hub.hooks.wait("workflow_job", "in_progress")
        put(alice, "go", "1")
        hub.settle()
        assert [run["conclusion"] for run in runs(bot)] == ["success", "cancelled"]
        waiting = flow.replace("cancel-in-progress: true", "cancel-in-progress: false").replace("sleep 120", "sleep 1")
        hub.hooks.clear()
        put(alice, ".github/workflows/ci.yml", waiting.replace("test -e go", "test -e no"))
        hub.hooks.wait("workflow_job", "in_progress")
        put(alice, "two", "2")
        put(alice, "three", "3")
        hub.settle()
        assert [run["conclusion"] for run in runs(bot)][:3] == ["success", "cancelled", "success"]


def test_what_cannot_run_here_fails_with_the_reason(hub: Any) -> None:
    flow = "on: push\njobs:\n  db:\n    runs-on: ubuntu-latest\n    services: {p: {image: postgres}}\n    steps: [{run: 'true'}]\n"
    with hub.client("alice") as alice, hub.bot() as bot:
        sha = put(alice, ".github/workflows/db.yml", flow)
        hub.settle()
        (check,) = bot.get(f"{SAMPLE}/commits/{sha}/check-runs").json()["check_runs"]
        assert (check["name"], check["conclusion"]) == ("db", "failure")
        (note,) = bot.get(f"{SAMPLE}/check-runs/{check['id']}/annotations").json()
        assert (note["path"], note["start_line"]) == (".github/workflows/db.yml", 5)
        assert "needs Docker" in note["message"]

        sha = put(alice, ".github/workflows/db.yml", "on: push\njobs: [")
        hub.settle()
        (check,) = bot.get(f"{SAMPLE}/commits/{sha}/check-runs").json()["check_runs"]
        assert (check["name"], check["conclusion"]) == (".github/workflows/db.yml", "failure")


def test_dispatch_skip_and_permissions(hub: Any) -> None:
    flow = "on: {workflow_dispatch: {inputs: {who: {default: me}}}}\njobs: {a: {runs-on: ubuntu-latest, steps: [{run: 'echo hi ${{ inputs.who }}'}]}}"
    with hub.client("alice") as alice, hub.bot() as bot, hub.client("carol") as carol:
        put(alice, ".github/workflows/hand.yml", flow)
        hub.settle()
        assert runs(bot) == []
        where = f"{SAMPLE}/actions/workflows/hand.yml/dispatches"
        assert carol.post(where, json={"ref": "main"}).status_code == 403
        assert bot.post(where, json={"ref": "nowhere"}).status_code == 422
        assert bot.post(where, json={"ref": "main", "inputs": {"who": "you"}}).status_code == 204
        hub.settle()
        (run,) = runs(bot)
        (job,) = jobs(bot, run)
        assert (run["event"], run["conclusion"]) == ("workflow_dispatch", "success")
        assert "hi you" in log(bot, job)
        put(alice, ".github/workflows/ci.yml", WORKFLOW.replace("Look", "Look [skip ci]"))
        hub.settle()
        assert len(runs(bot)) == 2, "only the commit message can skip"


def test_workflows_are_known_before_they_run_and_can_be_switched_off(hub: Any, validate: Any) -> None:
    with hub.client("alice") as alice, hub.bot({"actions": "read", "metadata": "read"}) as reader:
        put(alice, ".github/workflows/by-hand.yml", WORKFLOW.replace("[push, pull_request]", "workflow_dispatch"))
        one = f"{SAMPLE}/actions/workflows/by-hand.yml"
        flow = validate(alice.get(one), "Workflow")
        assert (flow["name"], flow["state"]) == ("CI", "active")
        assert reader.put(f"{one}/disable").status_code == 403
        assert alice.put(f"{one}/disable").status_code == 204
        assert validate(alice.get(one), "Workflow")["state"] == "disabled_manually"
        refused = alice.post(f"{one}/dispatches", json={"ref": "main"})
        assert (refused.status_code, refused.json()["message"]) == (
            422,
            "Cannot trigger a 'workflow_dispatch' on a disabled workflow",
        )
        assert alice.put(f"{SAMPLE}/actions/workflows/{flow['id']}/enable").status_code == 204
        assert alice.post(f"{one}/dispatches", json={"ref": "main"}).status_code in (200, 204)
        hub.settle()
        assert [run["conclusion"] for run in runs(alice)] == ["success"]
        alice.put(f"{one}/disable")
        put(alice, ".github/workflows/by-hand.yml", WORKFLOW)
        hub.settle()
        assert len(runs(alice)) == 1, "what is disabled is not run by a push either"
