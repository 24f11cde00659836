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
from typing import Any

import pytest

from localhub.actions import plan
from localhub.actions.act_log import Job
from localhub.actions.checkouts import Checkout
from localhub.actions.runner import Execution, Request, Runner
from localhub.actions.sandbox import Sandbox
from localhub.actions.templates import Known
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
        self.sha = subprocess.check_output(["git", "rev-parse", "main"], cwd=git, text=True).strip()

    def run(self, job: str, **options: Any) -> Job:
        return self.runner.run(self.request(job, **options))

    def request(self, job: str, **options: Any) -> Request:
        workflow = parse(
            ".github/workflows/ci.yml", f"name: CI\non: push\njobs:\n  job:\n    runs-on: ubuntu-latest\n{job}"
        )
        assert isinstance(workflow, Workflow), workflow
        env = {"GITHUB_REPOSITORY": "octo/demo", "GITHUB_SERVER_URL": "http://127.0.0.1:1", "GITHUB_RUN_ID": "7"}
        env |= {"GITHUB_REF": "refs/heads/main", "GITHUB_REF_NAME": "main", "GITHUB_SHA": self.sha}
        known = Known({}, {"github": {"ref": "refs/heads/main", "sha": self.sha}, "env": {"act": None}})
        document = plan.document(workflow, "job", workflow.jobs["job"], known, "push")
        checkouts = {"run": Checkout(self.sha, "main", url="http://127.0.0.1:1/octo/demo")}
        steps = workflow.jobs["job"]["steps"]
        event = {"ref": "refs/heads/main", "after": self.sha, "deleted": False}
        return Request(document, steps, self.git, self.sha, checkouts, "push", event, "ann", env, **options)


@pytest.fixture(scope="module")
def world(scratch: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    tree = tmp_path_factory.mktemp("tree")
    (tree / "hello.sh").write_text("#!/bin/sh\necho hello from $0\n")
    (tree / "hello.sh").chmod(0o755)
    (tree / "js").mkdir()
    (tree / "js" / "action.yml").write_text("runs: {using: node20, main: main.js}")
    (tree / "js" / "main.js").write_text("console.log('node says hi')")
    (tree / "act").mkdir()
    (tree / "act" / "action.yml").write_text("runs: {using: composite, steps: [{run: echo local action, shell: sh}]}")
    who = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}
    for command in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run(["git", *command], cwd=tree, check=True, env=os.environ | who)
    git = tmp_path_factory.mktemp("bare") / "demo.git"
    subprocess.run(["git", "clone", "-q", "--bare", str(tree), str(git)], check=True)
    return World(scratch, git)


def said(job: Job) -> list[str]:
    return [line.split(" ", 1)[1] for line in job.log.splitlines() if "##[" not in line]


def test_a_job_checks_out_runs_and_reports(world: World) -> None:
    job = world.run("""
    outputs: {v: '${{ steps.x.outputs.v }}', both: 'v=${{ steps.x.outputs.v }} ${{ steps.x.outputs.lines }}'}
    steps:
      - run: test -z "$(ls -A)"
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
          printf 'lines<<EOF\\na\\nb\\nEOF\\n' >> "$GITHUB_OUTPUT"
          echo '# Report' >> "$GITHUB_STEP_SUMMARY"
          echo '::warning file=a.py,line=3,col=5,endColumn=9,title=Care::mind the gap'
          echo "$GITHUB_REPOSITORY $GITHUB_REF_NAME $GITHUB_RUN_ID $GITHUB_EVENT_NAME $(git rev-parse HEAD) $GITHUB_SHA" > out
          cat out
          git status --short; git remote get-url origin; git branch --show-current
      - run: exit 3
        continue-on-error: true
      - if: github.ref == 'refs/heads/other'
        run: echo never
      - name: Called ${{ steps.x.outputs.v }}
        run: test "${{ github.sha }} ${{ env.ACT }}" = "$GITHUB_SHA "
""")
    assert job.conclusion == "success", job.log
    assert [(step.number, step.name, step.conclusion) for step in job.steps] == [
        (1, "Set up job", "success"),
        (2, 'Run test -z "$(ls -A)"', "success"),
        (3, "Run actions/checkout@v4", "success"),
        (4, "Run actions/setup-python@v5", "success"),
        (5, "Run ./act", "success"),
        (6, "Say", "success"),
        (7, "Run exit 3", "success"),
        (8, "Run echo never", "skipped"),
        (9, "Called 42", "success"),
        (10, "Complete job", "success"),
    ]
    lines = said(job)
    assert "hello from ./hello.sh" in lines
    assert "42" in lines
    assert "local action" in lines
    assert f"octo/demo main 7 push {world.sha} {world.sha}" in lines
    assert lines[lines.index("http://127.0.0.1:1/octo/demo") + 1] == "main"
    assert "?? out" in lines
    assert job.summary == "# Report\n"
    assert job.outputs == {"v": "42", "both": "v=42 a\nb"}
    (note,) = [a for a in job.annotations if a.level == "warning"]
    assert (note.path, note.start_line, note.title, note.message) == ("a.py", 3, "Care", "mind the gap")
    assert (note.start_column, note.end_column) == (5, 9)


def test_secrets_are_masked_line_by_line_and_kept_out_of_outputs(world: World) -> None:
    job = world.run(
        """
    outputs: {leak: '${{ steps.x.outputs.v }}', fine: 'ok'}
    env: {TOKEN: '${{ secrets.TOKEN }}', KEY: '${{ secrets.KEY }}', V: '${{ vars.V }}'}
    steps:
      - id: x
        run: echo "$TOKEN / $V"; echo "$KEY"; echo "v=$TOKEN" >> "$GITHUB_OUTPUT"
""",
        secrets={"TOKEN": "s3cret", "KEY": "line one\nline two"},
        variables={"V": "open"},
    )
    assert job.conclusion == "success"
    assert said(job) == ["*** / open", "***", "***"]
    assert job.outputs == {"fine": "ok"}
    assert [note.message for note in job.annotations] == ["Skip output 'leak' since it may contain secret."]


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ("[{run: 'echo ::set-env name=A::1'}]", "`set-env` command is disabled"),
        ("[{run: 'echo novalue >> $GITHUB_OUTPUT'}]", "invalid format 'novalue'"),
        ("[{uses: ./missing}]", "missing"),
        ("[{shell: pwsh, run: x}]", "Cannot find: pwsh"),
        ("[{run: 'kill -9 $$'}]", ""),
        ("[{run: x, if: fromJSON(env.NO)}]", ""),
        ("[{run: 'kill -9 -1'}]", ""),
    ],
)
def test_nothing_goes_green_that_should_not(world: World, steps: str, message: str) -> None:
    job = world.run(f"    steps: {steps}")
    assert job.conclusion == "failure", job.log
    failures = [note.message for note in job.annotations if note.level == "failure"]
    assert failures
    assert message in failures[0], failures


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node.js here")
@pytest.mark.parametrize(
    ("asked", "warned"), [("3.1", False), ("3.99", True), ("3.x", False), (">=3.5", False), ("2.7", True)]
)
def test_another_python_than_asked_for_is_told(world: World, asked: str, warned: bool) -> None:
    asked = ".".join(platform_python().split(".")[:2]) if asked == "3.1" else asked
    job = world.run(f"    steps: [{{uses: actions/setup-python@v5, with: {{python-version: '{asked}'}}}}]")
    assert job.conclusion == "success", job.log
    assert [note.level for note in job.annotations] == (["warning"] if warned else [])


def platform_python() -> str:
    """The system's Python, which is what the sandbox has."""
    said = subprocess.check_output(["/usr/bin/python3", "-V"], text=True)
    return said.split()[1]


def test_node_is_there_for_what_needs_it(world: World) -> None:
    job = world.run("""
    steps:
      - uses: actions/checkout@v4
      - uses: ./js
      - run: test -n "${{ hashFiles('hello.sh') }}" && test -z "${{ hashFiles('nothing') }}"
""")
    assert job.conclusion == "success", job.log
    assert "node says hi" in said(job)


def test_steps_see_nothing_of_the_runner_s_own_environment(world: World) -> None:
    job = world.run("    steps: [{run: 'command -v git && env'}]")
    assert job.conclusion == "success", job.log
    names = {line.split("=")[0] for line in said(job) if "=" in line}
    assert {"PATH", "HOME", "CI", "RUNNER_TEMP", "GITHUB_WORKSPACE"} <= names
    assert not [line for line in said(job) if line.startswith("PATH=/nonexistent")]
    assert not [name for name in names if name.startswith(("LOCALHUB", "GH_"))]


def test_jobs_see_no_network_and_nothing_of_the_machine(world: World) -> None:
    job = world.run("""
    steps:
      - run: |
          id -u; wc -l < /proc/net/route; ls /; ls /root /work /home 2>&1 | grep -v directory
          tr '\\0' '\\n' < /proc/1/environ
          touch /usr/x /dev/x 2>&1 | wc -l; unshare -U true 2>/dev/null || echo no namespaces
          python3 -c 'import socket; socket.socket(socket.AF_VSOCK)' 2>&1 | tail -1
""")
    lines = said(job)
    assert lines[:2] == ["1000", "1"]
    assert "no namespaces" in lines
    assert "PermissionError: [Errno 1] Operation not permitted" in lines
    assert not {"root", "work", "var", "opt"} & set(lines)
    assert not [line for line in lines if line.startswith("PATH=")]


def test_the_time_limit_ends_the_whole_tree(world: World) -> None:
    started = time.monotonic()
    job = world.run(
        "    steps: [{run: 'sleep 987 & sleep 988'}, {run: 'true'}, {if: always(), run: echo last}]", time_limit=1
    )
    assert time.monotonic() - started < 10
    assert job.conclusion == "cancelled"
    assert "maximum execution time of 1 seconds" in job.annotations[0].message
    assert [step.conclusion for step in job.steps] == ["success", "cancelled", "skipped", "success", "success"]
    assert said(job) == ["last"]
    running = subprocess.run(["pgrep", "-fx", "sleep 98[78]"], capture_output=True, check=False)
    assert running.stdout == b""


def test_a_run_can_be_cancelled_from_another_thread(world: World) -> None:
    execution = Execution()
    begun = threading.Event()
    results: list[Job] = []
    request = world.request("    steps: [{run: 'trap \"\" INT TERM; sleep 60'}, {if: cancelled(), run: echo cleaned}]")

    def go() -> None:
        results.append(world.runner.run(request, 1, lambda reader: begun.set(), execution))

    thread = threading.Thread(target=go)
    thread.start()
    assert begun.wait(10)
    execution.cancel("The run was canceled by @ann.")
    thread.join(10)
    assert results[0].conclusion == "cancelled"
    assert said(results[0]) == ["cleaned"]


def test_without_the_sandbox_nothing_runs(world: World, tmp_path: Path) -> None:
    closed = tmp_path / "tools"
    closed.mkdir(mode=0)
    runner = Runner(Sandbox(tmp_path / "scratch", toolchain=closed))
    job = runner.run(world.request("    steps: [{run: 'true'}]"))
    assert job.conclusion == "failure"
    assert "The self-test of the sandbox failed" in job.annotations[0].message


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
    job = runner.run(world.request("    steps: [{run: 'pytest; python3 -m extra; touch /toolchain/x || true'}]"))
    assert said(job)[:2] == ["a pytest", "from the toolchain"]
    assert not (tools / "x").exists()


def test_a_run_costs_little_beyond_its_own_commands(world: World) -> None:
    world.run("    steps: [{run: 'true'}]")
    costs = []
    for _ in range(5):
        began = _processor_seconds()
        world.run("    steps: [{uses: actions/checkout@v4}, {run: 'true'}]")
        costs.append(_processor_seconds() - began)
    # Processor time, which other work on the machine does not lengthen; alone on it a run takes 0.11 s in all.
    assert min(costs) < 0.5


def _processor_seconds() -> float:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
