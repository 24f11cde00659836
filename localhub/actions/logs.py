"""The logs of a run as GitHub packs them: a file for each job, and a folder for each job with a file for each step."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from localhub.db import Row


def packed(jobs: Iterable[Row]) -> bytes:
    """A zip file of jobs with `name`, `log` and `steps` (JSON)."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, job in enumerate(jobs):
            name = _file(job["name"])
            archive.writestr(f"{number}_{name}.txt", job["log"])
            for step, (title, text) in by_step(job["log"], json.loads(job["steps"])).items():
                archive.writestr(f"{name}/{step}_{_file(title)}.txt", text)
    return data.getvalue()


def by_step(log: str, steps: Sequence[Mapping[str, Any]]) -> dict[int, tuple[str, str]]:
    """Number -> (name, its part of the log). A part begins where the step's group is opened; before that, set-up.

    Steps without a word, which were skipped, have no part.
    """
    parts: dict[int, list[str]] = {}
    names = {int(step["number"]): str(step["name"]) for step in steps}
    waiting, at = [number for number in names if number > 1], 1
    for line in log.splitlines(keepends=True):
        text = line.partition(" ")[2].rstrip("\r\n")
        begun = next((number for number in waiting if text == f"##[group]{names[number]}"), None)
        if begun is not None:
            at, waiting = begun, [number for number in waiting if number > begun]
        parts.setdefault(at, []).append(line)
    return {number: (names.get(number, ""), "".join(lines)) for number, lines in parts.items()}


def _file(name: str) -> str:
    return name.replace("/", "_").replace(":", "")
