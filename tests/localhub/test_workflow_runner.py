"""Workflow files run for real: git, act and bubblewrap."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from localhub.actions import plan
from localhub.actions.act_log import Job
from localhub.actions.runner import Execution, Outcome, Request, Runner
from localhub.actions.sandbox import Sandbox
from localhub.actions.workflows import Workflow, parse


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    # pytest's own folders are closed to the unprivileged uid that jobs run under.
    folder = Path(tempfile.mkdtemp(prefix="localhub-runner-"))
    yield folder
    shutil.rmtree(folder)


class World:
    def __init__(self, scratch: Path, git: Path) -> None:
        self.runner = Runner(Sandbox(scratch))
        self.git = git

    def run(self, jobs: str, execution: Execution | None = None, **options: float) -> Outcome:
        request = self.request(f"name: CI\non: push\njobs:\n{jobs}", **options)
        return self.runner.run(request, execution=execution)

    def request(self, text: str, **options: float) -> Request:
        workflow = parse(".github/workflows/ci.yml", text)
        assert isinstance(workflow, Workflow), workflow
        sha = subprocess.check_output(["git", "rev-parse", "main"], cwd=self.git, text=True).strip()
        env = {"GITHUB_REPOSITORY": "octo/demo", "GITHUB_SERVER_URL": "http://127.0.0.1:1", "GITHUB_RUN_ID": "7"}
        event = {"ref": "refs/heads/main", "after": sha, "deleted": False}
        document = plan.document(workflow, 2)
        return Request(workflow, document, self.git, sha, "refs/heads/main", "push", event, "ann", env, **options)


@pytest.fixture(scope="module")
def world(scratch: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    tree = tmp_path_factory.mktemp("tree")
    (tree / "hello.sh").write_text("#!/bin/sh\necho hello from $0\n")
    (tree / "hello.sh").chmod(0o755)
    (tree / "act").mkdir()
    (tree / "act" / "action.yml").write_text("runs: {using: composite, steps: [{run: echo local action, shell: sh}]}")
    who = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}
    for command in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run(["git", *command], cwd=tree, check=True, env=os.environ | who)
    git = tmp_path_factory.mktemp("bare") / "demo.git"
    subprocess.run(["git", "clone", "-q", "--bare", str(tree), str(git)], check=True)
    return World(scratch, git)


def by_name(outcome: Outcome) -> dict[str, Job]:
    assert outcome.problem is None
    return {job.name: job for job in outcome.jobs}


def said(job: Job) -> list[str]:
    return [line.split(" ", 1)[1] for line in job.log.splitlines() if "##[" not in line]


def test_a_job_checks_out_runs_and_reports(world: World) -> None:
    outcome = world.run("""
  test:
    runs-on: ubuntu-latest
    outputs: {v: '${{ steps.x.outputs.v }}'}
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with: {python-version: '3.11'}
      - uses: ./act
      - name: Say
        id: x
        run: |
          ./hello.sh
          python -c 'print(6 * 7)'
          echo v=42 >> "$GITHUB_OUTPUT"
          echo '# Report' >> "$GITHUB_STEP_SUMMARY"
          echo '::warning file=a.py,line=3,title=Care::mind the gap'
          echo "$GITHUB_REPOSITORY $GITHUB_REF_NAME $GITHUB_RUN_ID $GITHUB_EVENT_NAME $(git rev-parse HEAD) $GITHUB_SHA" > out
          cat out
      - run: exit 3
        continue-on-error: true
      - if: github.ref == 'refs/heads/other'
        run: echo never
""")
    job = by_name(outcome)["test"]
    assert job.conclusion == "success"
    assert [(step.number, step.name, step.conclusion) for step in job.steps] == [
        (1, "Set up job", "success"),
        (2, "Run actions/checkout@v4", "success"),
        (3, "Run actions/setup-python@v5", "success"),
        (4, "Run ./act", "success"),
        (5, "Say", "success"),
        (6, "Run exit 3", "failure"),
        (7, "Run echo never", "skipped"),
        (8, "Complete job", "success"),
    ]
    sha = subprocess.check_output(["git", "rev-parse", "main"], cwd=world.git, text=True).strip()
    assert "hello from ./hello.sh" in said(job)
    assert "42" in said(job)
    assert "local action" in said(job)
    assert f"octo/demo main 7 push {sha} {sha}" in said(job)
    assert job.summary == "# Report\n"
    assert job.outputs == {"v": "42"}
    (note,) = [a for a in job.annotations if a.level == "warning"]
    assert (note.path, note.start_line, note.title, note.message) == ("a.py", 3, "Care", "mind the gap")


def test_needs_outputs_conditions_and_matrix(world: World) -> None:
    jobs = by_name(
        world.run("""
  first:
    runs-on: ubuntu-latest
    outputs: {v: '${{ steps.x.outputs.v }}'}
    steps: [{id: x, run: echo v=5 >> $GITHUB_OUTPUT}]
  legs:
    needs: first
    runs-on: ubuntu-latest
    strategy: {fail-fast: false, matrix: {n: [4, 5]}}
    steps: [{run: 'test ${{ matrix.n }} = ${{ needs.first.outputs.v }}'}]
  after:
    needs: legs
    runs-on: ubuntu-latest
    steps: [{run: 'true'}]
  anyway:
    needs: legs
    if: always()
    runs-on: ubuntu-latest
    steps: [{run: 'true'}]
""")
    )
    assert {name: job.conclusion for name, job in jobs.items()} == {
        "first": "success", "legs (4)": "failure", "legs (5)": "success", "anyway": "success",
    }  # fmt: skip
    assert jobs["legs (4)"].annotations[0].message == "Process completed with exit code 1."


def test_a_rerun_of_failed_jobs_keeps_outputs_and_legs(world: World) -> None:
    request = world.request("""
on: push
jobs:
  first:
    runs-on: ubuntu-latest
    outputs: {v: '${{ steps.x.outputs.v }}'}
    steps: [{id: x, run: exit 9}]
  legs:
    needs: first
    runs-on: ubuntu-latest
    strategy: {matrix: {n: [4, 5]}}
    steps: [{run: 'test "it''s ${{ matrix.n }}" = "${{ needs.first.outputs.v }}"'}]
""")
    plan.rerun(request.document, {"first": {"v": "it's 5"}}, {"legs": [{"n": 5}]})  # type: ignore[arg-type]
    outcome = world.runner.run(request)
    assert [(job.name, job.conclusion) for job in outcome.jobs] == [("first", "success"), ("legs (5)", "success")]


def test_jobs_see_no_network_and_nothing_of_the_machine(world: World) -> None:
    job = by_name(
        world.run("""
  probe:
    runs-on: ubuntu-latest
    steps:
      - run: |
          id -u; wc -l < /proc/net/route; ls /; ls /root /work /home 2>&1 | grep -v directory
          tr '\\0' '\\n' < /proc/1/environ
          touch /usr/x /dev/x 2>&1 | wc -l; unshare -U true 2>/dev/null || echo no namespaces
          python3 -c 'import socket; socket.socket(socket.AF_VSOCK)' 2>&1 | tail -1
""")
    )["probe"]
    lines = said(job)
    assert lines[:2] == ["1000", "1"]
    assert "no namespaces" in lines
    assert "PermissionError: [Errno 1] Operation not permitted" in lines
    assert not {"root", "work", "var", "opt"} & set(lines)
    assert not [line for line in lines if line.startswith("PATH=")]


def test_the_time_limit_ends_the_whole_tree(world: World) -> None:
    started = time.monotonic()
    outcome = world.run(
        "  slow:\n    runs-on: ubuntu-latest\n    steps: [{run: 'sleep 987 & sleep 988'}, {run: 'true'}]", time_limit=1
    )
    assert time.monotonic() - started < 10
    (job,) = outcome.jobs
    assert job.conclusion == "cancelled"
    assert "maximum execution time of 1 seconds" in job.annotations[0].message
    assert [step.conclusion for step in job.steps] == ["success", "cancelled", "skipped", "success"]
    running = subprocess.run(["pgrep", "-fx", "sleep 98[78]"], capture_output=True, check=False)
    assert running.stdout == b""


def test_a_job_ends_at_its_own_timeout(world: World) -> None:
    outcome = world.run("  slow:\n    timeout-minutes: 0.01\n    runs-on: ubuntu-latest\n    steps: [{run: sleep 60}]")
    assert [job.conclusion for job in outcome.jobs] == ["cancelled"]
    assert "maximum execution time of 0.6 seconds" in outcome.jobs[0].annotations[0].message


def test_a_run_can_be_cancelled_from_another_thread(world: World) -> None:
    execution = Execution()
    begun = threading.Event()
    results: list[Outcome] = []
    request = world.request("on: push\njobs: {slow: {runs-on: ubuntu-latest, steps: [{run: sleep 60}]}}")

    def go() -> None:
        results.append(world.runner.run(request, 1, lambda job: begun.set(), execution))

    thread = threading.Thread(target=go)
    thread.start()
    assert begun.wait(10)
    execution.cancel("The run was canceled by @ann.")
    thread.join(10)
    assert results[0].cancelled
    assert results[0].jobs[0].conclusion == "cancelled"


def test_without_the_sandbox_nothing_runs(world: World, tmp_path: Path) -> None:
    closed = tmp_path / "tools"
    closed.mkdir(mode=0)
    runner = Runner(Sandbox(tmp_path / "scratch", toolchain=closed))
    outcome = runner.run(world.request("on: push\njobs: {a: {runs-on: ubuntu-latest, steps: [{run: 'true'}]}}"))
    assert outcome.jobs == []
    assert "The self-test of the sandbox failed" in str(outcome.problem)


def test_the_toolchain_comes_first(world: World, scratch: Path) -> None:
    tools = scratch / "toolchain"
    (tools / "bin").mkdir(parents=True)
    (tools / "lib").mkdir()
    (tools / "lib" / "extra.py").write_text("print('from the toolchain')\n")
    (tools / "bin" / "pytest").write_text("#!/bin/sh\necho a pytest\n")
    (tools / "bin" / "pytest").chmod(0o755)
    for path in (tools, tools / "bin", tools / "lib"):
        path.chmod(0o755)
    runner = Runner(Sandbox(scratch / "with-tools", toolchain=tools))
    text = "on: push\njobs: {a: {runs-on: ubuntu-latest, steps: [{run: 'pytest; python3 -m extra; touch /toolchain/x || true'}]}}"
    (job,) = runner.run(world.request(text)).jobs
    assert said(job)[:2] == ["a pytest", "from the toolchain"]
    assert not (tools / "x").exists()


def test_a_run_costs_little_beyond_its_own_commands(world: World) -> None:
    world.run("  a:\n    runs-on: ubuntu-latest\n    steps: [{run: 'true'}]")
    costs = []
    for _ in range(5):
        began = _processor_seconds()
        world.run("  a:\n    runs-on: ubuntu-latest\n    steps: [{uses: actions/checkout@v4}, {run: 'true'}]")
        costs.append(_processor_seconds() - began)
    # Processor time, which other work on the machine does not lengthen; alone on it a run takes 0.11 s in all.
    assert min(costs) < 0.5


def _processor_seconds() -> float:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
