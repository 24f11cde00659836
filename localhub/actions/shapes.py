"""What jobs and problems become in the database: annotations, moments, steps."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from localhub.actions.act_log import Annotation, Job
from localhub.actions.workflows import Problem
from localhub.clock import iso


def note(one: Annotation) -> dict[str, Any]:
    return {
        "path": one.path,
        "start_line": one.start_line,
        "end_line": one.end_line,
        "annotation_level": one.level,
        "message": one.message or one.title or "(no message)",
        "title": one.title,
        "start_column": one.start_column,
        "end_column": one.end_column,
    }


def problem_note(problem: Problem) -> dict[str, Any]:
    return note(Annotation(problem.path, problem.line, problem.line, "failure", problem.message))


def moment(seconds: float) -> str:
    return iso(datetime.fromtimestamp(seconds, UTC))


def steps(job: Job) -> str:
    return json.dumps(
        [
            {
                "name": step.name,
                "status": step.status,
                "conclusion": step.conclusion,
                "number": step.number,
                "started_at": None if step.started is None else moment(step.started),
                "completed_at": None if step.completed is None else moment(step.completed),
            }
            for step in job.steps
        ]
    )
