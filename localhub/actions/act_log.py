"""act's JSON lines -> what happened to jobs and steps. No I/O; the caller says when each line came."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from localhub.actions.plan import declared_outputs, leg_key, leg_name, step_ids, step_names
from localhub.actions.workflows import Workflow

LOG_LIMIT = 4_000_000
ANNOTATION_LIMIT = 50
_EXIT = re.compile(r"(?:exit status |exitcode ')(\d+)")
_LEVELS = {"error": "failure", "warning": "warning", "notice": "notice"}


@dataclass(frozen=True)
class Annotation:
    """A remark on lines of a file; `level` is notice, warning or failure."""

    path: str
    start_line: int
    end_line: int
    level: str
    message: str
    title: str | None = None


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
    """One leg as far as it has come. `outputs` is None when they need evaluating by the runner itself."""

    key: str
    job_id: str
    matrix: Mapping[str, Any]
    name: str
    started: float
    steps: list[Step]
    completed: float | None = None
    conclusion: str | None = None
    log: str = ""
    summary: str = ""
    annotations: list[Annotation] = field(default_factory=list)
    outputs: dict[str, str] | None = None


@dataclass
class _Seen:
    """What is needed to judge a leg: act marks every leg of a matrix failed when one is."""

    job: Job
    lines: list[str] = field(default_factory=list)
    size: int = 0
    failed: bool = False
    errors: bool = False
    tolerated: tuple[str, ...] = ()
    outputs: dict[tuple[str, str], str] = field(default_factory=dict)


class Reader:
    """Feeds on act's lines; `feed` returns the job that just began, moved or ended, if any."""

    def __init__(self, workflow: Workflow) -> None:
        self.workflow = workflow
        self.errors: list[str] = []
        self._seen: dict[str, _Seen] = {}

    @property
    def jobs(self) -> list[Job]:
        """The legs seen so far, in the order of their start."""
        return [seen.job for seen in self._seen.values()]

    def feed(self, line: str, now: float) -> Job | None:
        """Take one line that came at `now`."""
        try:
            entry = json.loads(line)
        except ValueError:
            entry = None
        if not isinstance(entry, dict):
            self._complain(line.strip())
            return None
        job_id = str(entry.get("jobID"))
        if job_id not in self.workflow.jobs:
            if entry.get("level") in ("error", "fatal"):
                self._complain(str(entry.get("msg", "")))
            return None
        seen, begun = self._leg(job_id, entry.get("matrix") or {}, now)
        changed = self._take(seen, entry, now)
        return seen.job if begun or changed else None

    def _complain(self, text: str) -> None:
        if text:
            self.errors = [*self.errors[-9:], text[:1000]]

    def finish(self, now: float, reason: str | None) -> list[Job]:
        """End what has not ended, as cancelled; returns these legs. `reason` becomes their annotation."""
        ended = []
        for seen in self._seen.values():
            if seen.job.conclusion is None:
                if reason:
                    seen.job.annotations.append(Annotation(".github", 1, 1, "failure", reason))
                    self._log(seen, now, f"##[error]{reason}")
                self._end(seen, now, "cancelled")
                ended.append(seen.job)
        return ended

    def _leg(self, job_id: str, matrix: Mapping[str, Any], now: float) -> tuple[_Seen, bool]:
        key = leg_key(job_id, matrix)
        if key in self._seen:
            return self._seen[key], False
        declared = self.workflow.jobs[job_id]
        steps = [Step(1, "Set up job", "in_progress", None, now)]
        steps += [Step(number, name) for number, name in enumerate(step_names(declared), 2)]
        job = Job(key, job_id, matrix, leg_name(job_id, declared, matrix), now, steps)
        self._seen[key] = _Seen(job)
        return self._seen[key], True

    def _take(self, seen: _Seen, entry: Mapping[str, Any], now: float) -> bool:
        message = str(entry.get("msg", ""))
        if entry.get("raw_output"):
            self._log(seen, now, message.rstrip("\r\n"))
            return False
        if "command" in entry:
            self._command(seen, entry, now)
            return False
        if "jobResult" in entry:
            self._end(seen, now, self._verdict(seen, str(entry["jobResult"])))
            return True
        if message == "Failed but continue next step":
            seen.tolerated = _path(entry)
        step = self._step(seen, entry)
        if "stepResult" in entry:
            return self._step_done(seen, step, entry, now)
        if message.startswith("⭐ Run ") and step is not None and step.number > 1:
            step.status, step.started = "in_progress", now
            self._log(seen, now, f"##[group]{step.name}")
            self._log(seen, now, "##[endgroup]")
            return True
        if entry.get("level") == "error":
            self._error(seen, message, now)
        return False

    def _verdict(self, seen: _Seen, result: str) -> str:
        steps = seen.job.steps[1:]
        if seen.failed or result == "success":
            return "failure" if seen.failed else "success"
        if any(step.status == "in_progress" for step in steps):
            return "cancelled"
        # act calls every leg of a matrix failed when one is: this one passed if it ran and nothing in it went wrong.
        passed = seen.job.matrix and not seen.errors and any(step.conclusion for step in steps)
        return "success" if passed else result

    def _step(self, seen: _Seen, entry: Mapping[str, Any]) -> Step | None:
        if "stepid" in entry:
            return seen.job.steps[0] if entry["stepid"] == ["--setup-job"] else None
        path = _path(entry)
        if len(path) != 1 or entry.get("stage") != "Main":
            return None
        at = step_ids(self.workflow.jobs[seen.job.job_id]).get(path[0])
        return None if at is None else seen.job.steps[at + 1]

    def _step_done(self, seen: _Seen, step: Step | None, entry: Mapping[str, Any], now: float) -> bool:
        result, path = str(entry["stepResult"]), _path(entry)
        # A step inside an action (a longer path) also fails the step that uses the action, which is what counts.
        if result == "failure" and len(path) <= 1 and path != seen.tolerated:
            seen.failed = True
        if step is None:
            return False
        step.status, step.conclusion, step.completed = "completed", result, now
        step.started = step.started if step.started is not None else now
        return True

    def _command(self, seen: _Seen, entry: Mapping[str, Any], now: float) -> None:
        command = str(entry["command"])
        if command in _LEVELS:
            pairs = entry.get("kvPairs") or {}
            line = _number(pairs.get("line"), 1)
            text = str(entry.get("arg", "")).replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%")
            file = str(pairs.get("file") or ".github")
            end = max(line, _number(pairs.get("endLine"), line))
            if len(seen.job.annotations) < ANNOTATION_LIMIT:
                note = Annotation(file, line, end, _LEVELS[command], text, pairs.get("title"))
                seen.job.annotations.append(note)
            self._log(seen, now, f"##[{command}]{text}")
        elif command == "summary":
            seen.job.summary += str(entry.get("content", ""))
        elif command == "set-output":
            path = _path(entry)
            if len(path) == 1:
                seen.outputs[(path[0], str(entry.get("name", "")))] = str(entry.get("arg", ""))

    def _error(self, seen: _Seen, message: str, now: float) -> None:
        seen.errors = True
        match = _EXIT.search(message)
        text = f"Process completed with exit code {match[1]}." if match else message
        self._log(seen, now, f"##[error]{text}")
        if len(seen.job.annotations) < ANNOTATION_LIMIT:
            line = max(1, len(seen.lines))
            seen.job.annotations.append(Annotation(".github", line, line, "failure", text))

    def _end(self, seen: _Seen, now: float, conclusion: str) -> None:
        job = seen.job
        job.conclusion, job.completed = conclusion, now
        for step in job.steps:
            if step.status != "completed":
                step.conclusion = "cancelled" if step.status == "in_progress" else "skipped"
                step.status, step.started, step.completed = "completed", step.started or now, now
        job.steps.append(Step(len(job.steps) + 1, "Complete job", "completed", "success", now, now))
        job.log = "\n".join(seen.lines) + "\n" if seen.lines else ""
        job.outputs = declared_outputs(self.workflow.jobs[job.job_id], seen.outputs)

    def _log(self, seen: _Seen, now: float, text: str) -> None:
        if seen.size > LOG_LIMIT:
            return
        seen.size += len(text) + 30
        seen.lines.append(f"{_stamp(now)} {text}" if seen.size <= LOG_LIMIT else "…the log is cut here")


def _path(entry: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(part) for part in entry.get("stepID") or ())


def _number(value: Any, default: int) -> int:
    try:
        return max(1, int(value))
    except (TypeError, ValueError):
        return default


def _stamp(now: float) -> str:
    # GitHub writes seven digits of the second.
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"
