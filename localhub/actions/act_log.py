"""act's JSON lines -> what happened to a job and its steps. No I/O; the caller says when each line came."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from localhub.actions.plan import OUTPUTS_STEP, step_ids, step_names

LOG_LIMIT = 4_000_000
ANNOTATION_LIMIT = 50
LATE = 0.5  # seconds by which we may hear of a step's begin or end too late
_EXIT = re.compile(r"(?:exit status |exitcode ')(\d+)")
_MISSING = re.compile(r"failed to read 'action\.yml' from action '([^']*)'")
_LEVELS = {"error": "failure", "warning": "warning", "notice": "notice"}
#: Commands that GitHub no longer carries out: the step that prints one fails.
_FORBIDDEN = ("set-env", "add-path")
_SHOWN = ("group", "endgroup", "debug")
_NOISE = ("docker connection", "unable to get git ref")


@dataclass(frozen=True)
class Annotation:
    """A remark on lines of a file; `level` is notice, warning or failure."""

    path: str
    start_line: int
    end_line: int
    level: str
    message: str
    title: str | None = None
    start_column: int | None = None
    end_column: int | None = None


@dataclass
class Step:
    """A step of a job; times are seconds since the epoch, None while it has not begun or ended."""

    number: int
    name: str
    status: str = "queued"
    conclusion: str | None = None
    started: float | None = None
    completed: float | None = None


@dataclass
class Job:
    """One job as far as it has come."""

    steps: list[Step]
    started: float
    completed: float | None = None
    conclusion: str | None = None
    log: str = ""
    summary: str = ""
    annotations: list[Annotation] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)


class Reader:
    """Feeds on act's lines; `feed` is true when a step began or ended."""

    def __init__(self, steps: Sequence[Mapping[str, Any]], now: float, masks: Sequence[str] = ()) -> None:
        names = step_names(steps)
        found = [Step(1, "Set up job", "in_progress", None, now)]
        found += [Step(number, name) for number, name in enumerate(names, 2)]
        self.job = Job(found, now)
        self.errors: list[str] = []
        self._ids = step_ids(steps)
        self._limits = [step.get("timeout-minutes") for step in steps]
        self._dynamic = {at for at, name in enumerate(names) if "${{" in name}
        self._masks = sorted({line for mask in masks for line in mask.splitlines() if line.strip()}, key=len)[::-1]
        self._lines: list[str] = []
        self._size = 0
        self._result: str | None = None
        self._failed = False
        self._tolerated: tuple[str, ...] = ()
        self._exit: tuple[str, tuple[str, ...]] | None = None
        """How a step ended, held back until the next begins: act may tell it before the last lines that it printed."""

    def feed(self, line: str, now: float) -> bool:
        """Take one line that came at `now`."""
        try:
            entry = json.loads(line)
        except ValueError:
            entry = None
        if not isinstance(entry, dict) or "jobID" not in entry:
            text = line.strip() if not isinstance(entry, dict) else str(entry.get("msg", ""))
            loud = not isinstance(entry, dict) or entry.get("level") in ("error", "fatal")
            if loud and text and not any(noise in text for noise in _NOISE):
                self.errors = [*self.errors[-9:], text[:1000]]
            return False
        return self._take(entry, now)

    def _take(self, entry: Mapping[str, Any], now: float) -> bool:
        message = str(entry.get("msg", ""))
        if self._exit is not None and message.startswith("⭐ Run ") and _path(entry)[:1] != self._exit[1]:
            self._release(now)
        if entry.get("raw_output"):
            self.log(message.rstrip("\r\n"), now)
            return False
        if "command" in entry:
            self._command(entry, now)
            return False
        if "jobResult" in entry:
            self._result = str(entry["jobResult"])
            return False
        if message == "Failed but continue next step":
            self._tolerated = _path(entry)
        step = self._step(entry)
        if "stepResult" in entry:
            return self._step_done(step, entry, now)
        if message.startswith("⭐ Run ") and step is not None and step.number > 1:
            if step.number - 2 in self._dynamic:
                prefix = "Run " if step.name.startswith("Run ") else ""
                step.name = prefix + (str(entry.get("step") or "").strip().splitlines() or [""])[0]
            step.status, step.started = "in_progress", now
            self.log(f"##[group]{step.name}", now)
            self.log("##[endgroup]", now)
            return True
        if message.startswith("this step has been cancelled"):
            self._late(step, now)
        elif entry.get("level") == "error" and _EXIT.search(message):
            self._exit = self._exit or (message, _path(entry)[:1])  # an action ends as the step in it that failed
        elif entry.get("level") == "error":
            self._error(message, now)
        return False

    def _release(self, now: float) -> None:
        if self._exit is not None:
            self._error(self._exit[0], now)
            self._exit = None

    def _step(self, entry: Mapping[str, Any]) -> Step | None:
        if "stepid" in entry:
            return self.job.steps[0] if entry["stepid"] == ["--setup-job"] else None
        path = _path(entry)
        if len(path) != 1 or entry.get("stage") != "Main":
            return None
        at = self._ids.get(path[0])
        return None if at is None else self.job.steps[at + 1]

    def _step_done(self, step: Step | None, entry: Mapping[str, Any], now: float) -> bool:
        result, path = str(entry["stepResult"]), _path(entry)
        tolerated = path == self._tolerated
        # A step inside an action (a longer path) also fails the step that uses the action, which is what counts.
        if result == "failure" and len(path) <= 1 and not tolerated:
            self._failed = True
        if step is None:
            return False
        # With continue-on-error a step concludes with success, whatever its outcome (docs, `steps` context).
        step.status, step.conclusion, step.completed = "completed", "success" if tolerated else result, now
        step.started = step.started if step.started is not None else now
        return True

    def _late(self, step: Step | None, now: float) -> None:
        """A step was ended by act: say so when it was by its own `timeout-minutes`, of which act says nothing."""
        limit = None if step is None else self._limits[step.number - 2]
        if step is None or limit is None or step.started is None:
            return
        minutes, rest = divmod((step.completed or now) - step.started + LATE, 60)
        # What an expression came to is not told: it must have been whole minutes, as act takes no others.
        if minutes >= 1 and (minutes == limit if isinstance(limit, int) else rest < 2 * LATE):
            self._error(f"The action '{step.name}' has timed out after {minutes:.0f} minutes.", now)

    def _command(self, entry: Mapping[str, Any], now: float) -> None:
        command = str(entry["command"])
        argument = str(entry.get("arg", ""))
        if command in _LEVELS:
            self._remark(command, entry.get("kvPairs") or {}, argument, now)
        elif command == "summary":
            self.job.summary += str(entry.get("content", ""))
        elif command == "set-output":
            if _path(entry) == (OUTPUTS_STEP,):
                self._output(str(entry.get("name", "")), argument)
        elif command in _FORBIDDEN and entry.get("level") == "error":
            self._failed = True
            self._error(str(entry.get("msg", "")), now)
            step = self._step(entry)
            if step is not None:
                step.conclusion = "failure"
        elif command in _SHOWN:
            self.log(f"##[{command}]{argument}", now)

    def _remark(self, command: str, pairs: Mapping[str, Any], argument: str, now: float) -> None:
        text = argument.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%")
        line = _number(pairs.get("line")) or 1
        end = max(line, _number(pairs.get("endLine")) or line)
        column = _number(pairs.get("col"))
        # Columns belong to remarks on one line only.
        columns = (column, _number(pairs.get("endColumn")) or column) if line == end else (None, None)
        note = Annotation(
            str(pairs.get("file") or ".github"), line, end, _LEVELS[command], text, pairs.get("title"), *columns
        )
        self.annotate(note)
        self.log(f"##[{command}]{text}", now)

    def annotate(self, note: Annotation) -> None:
        """Keep a remark; GitHub keeps 50 of a job."""
        if len(self.job.annotations) < ANNOTATION_LIMIT:
            self.job.annotations.append(note)

    def _output(self, name: str, text: str) -> None:
        if "***" in text or any(mask in text for mask in self._masks):
            message = f"Skip output '{name}' since it may contain secret."
            self.annotate(Annotation(".github", 1, 1, "warning", message))
        else:
            self.job.outputs[name] = text

    def _error(self, message: str, now: float) -> None:
        match, missing = _EXIT.search(message), _MISSING.match(message)
        text = f"Process completed with exit code {match[1]}." if match else message
        if missing:
            text = (f"Can't find 'action.yml', 'action.yaml' or 'Dockerfile' under '{missing[1]}'. "
                    "Did you forget to run actions/checkout before running your local action?")  # fmt: skip
        self.log(f"##[error]{text}", now)
        line = max(1, len(self._lines))
        self.annotate(Annotation(".github", line, line, "failure", text))

    def end(self, now: float, reason: str | None, status: int) -> Job:
        """The process has ended with `status`; `reason` says why it was made to end, if it was."""
        job = self.job
        self._release(now)
        if reason is not None:
            self.annotate(Annotation(".github", 1, 1, "failure", reason))
            self.log(f"##[error]{reason}", now)
        conclusion = "cancelled" if reason is not None else self._verdict(status)
        if conclusion == "failure" and not any(note.level == "failure" for note in job.annotations):
            why = "; ".join(self.errors[-3:]) or f"The runner ended with status {status}."
            self.annotate(Annotation(".github", 1, 1, "failure", f"The job could not be run: {why}"[:4000]))
            self.log(f"##[error]The job could not be run: {why}", now)
        job.conclusion, job.completed = conclusion, now
        for step in job.steps:
            if step.status != "completed":
                step.conclusion = "cancelled" if step.status == "in_progress" else "skipped"
                step.status, step.started, step.completed = "completed", step.started or now, now
            elif step.conclusion == "failure" and reason is not None and step is self._last():
                step.conclusion = "cancelled"
        job.steps.append(Step(len(job.steps) + 1, "Complete job", "completed", "success", now, now))
        self.flush()
        return job

    def _last(self) -> Step | None:
        """The step that was under way when the job was told to end: act calls it failed."""
        return next((step for step in self.job.steps if step.conclusion == "failure"), None)

    def _verdict(self, status: int) -> str:
        # Green only when act says so in every way that it has.
        good = self._result == "success" and status == 0 and not self._failed
        return "success" if good else "failure"

    def flush(self) -> None:
        """Put the lines so far into the job."""
        self.job.log = "\n".join(self._lines) + "\n" if self._lines else ""

    def log(self, text: str, now: float) -> None:
        """A line of the log, without secrets."""
        for mask in self._masks:
            text = text.replace(mask, "***")
        if self._size > LOG_LIMIT:
            return
        for line in text.split("\n"):
            self._size += len(line) + 30
            self._lines.append(f"{_stamp(now)} {line}" if self._size <= LOG_LIMIT else "…the log is cut here")


def _path(entry: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(part) for part in entry.get("stepID") or ())


def _number(value: Any) -> int | None:
    try:
        return max(1, int(value))
    except (TypeError, ValueError):
        return None


def _stamp(now: float) -> str:
    # GitHub writes seven digits of the second.
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"
