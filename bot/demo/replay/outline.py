"""A planner's children: tasks where few do it, sub-planners for folders or runs of tasks where many are needed."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from bot.demo.replay.partition import Job, Replay, area, circles, is_test, kind
from bot.demo.replay.trees import under

MAX_FLAT = 90
MAX_PATHS = 150


@dataclass(frozen=True, slots=True)
class Child:
    """One child that a plan declares."""

    id: str
    title: str
    paths: tuple[str, ...]
    lines: int
    needs: tuple[str, ...]
    job: Job | None
    """None for a sub-planner"""


def owned(replay: Replay, title: str, places: tuple[str, ...]) -> list[str]:
    """The changed paths that a goal asks for: by its own paths, else by the script's roots, else all of them."""
    if places:
        return [p for p in replay.changes if under(p, places)]
    for root in replay.script.roots:
        if root.title in title:
            return [p for p in replay.changes if under(p, root.only)]
    taken = tuple(p for root in replay.script.roots for p in root.only)
    return [p for p in replay.changes if not under(p, taken)]


def children(replay: Replay, paths: Sequence[str], may_split: bool) -> list[Child]:
    """What a planner that owns these paths declares. The same paths give the same children."""
    jobs = replay.jobs(paths)
    most = replay.script.max_tasks
    if len(jobs) <= most:
        return _named([[job] for job in jobs], jobs, paths)
    if not may_split:
        lines = replay.script.max_lines
        while len(jobs) > MAX_FLAT and lines < 1_000_000:
            lines *= 2
            jobs = replay.jobs(paths, lines)
        return _named([[job] for job in jobs], jobs, paths)
    groups = _by_area(jobs, most)
    if groups is None or len(groups) == 1 or len(groups) > MAX_FLAT:
        groups = _runs(jobs, most)
    return _named(groups, jobs, paths)


def _by_area(jobs: list[Job], most: int) -> list[list[Job]] | None:
    """One group a folder, the jobs of no folder by themselves; None where folders need each other in a circle."""
    mains = [p for job in jobs for p in job.paths if not is_test(p) and kind(p) == 0]
    common = os.path.commonpath([os.path.dirname(p) for p in mains]) if mains else ""
    named: dict[str, list[Job]] = {}
    for at, job in enumerate(jobs):
        inside = os.path.relpath(area(job.paths), common).split("/")[0] if area(job.paths) else "."
        loose = inside in (".", "..") or kind(job.paths[0]) != 0
        named.setdefault(f"\0{at}" if loose else inside, []).append(job)
    loose_jobs = sum(1 for name in named if name.startswith("\0"))
    if loose_jobs > most or len(named) == loose_jobs:
        return None
    groups = list(named.values())
    home = {id(job): str(i) for i, group in enumerate(groups) for job in group}
    shared = _splits_a_file(groups)
    graph = {
        str(i): {home[id(jobs[n])] for job in group for n in job.needs} - {str(i)} for i, group in enumerate(groups)
    }
    return None if circles(graph) or shared else groups


def _runs(jobs: list[Job], most: int) -> list[list[Job]]:
    """Neighbours in order, in at most `most` groups; parts of one file stay together."""
    size = ceil(len(jobs) / min(most, ceil(len(jobs) / most)))
    groups: list[list[Job]] = []
    for job in jobs:
        full = not groups or len(groups[-1]) >= size
        if full and not (groups and set(job.paths) & {p for j in groups[-1] for p in j.paths}):
            groups.append([job])
        else:
            groups[-1].append(job)
    return groups


def _splits_a_file(groups: list[list[Job]]) -> bool:
    seen: dict[str, int] = {}
    return any(seen.setdefault(p, i) != i for i, group in enumerate(groups) for job in group for p in job.paths)


def _named(groups: list[list[Job]], jobs: list[Job], paths: Sequence[str]) -> list[Child]:
    ids: dict[int, str] = {}
    used: set[str] = set()
    names = []
    for group in groups:
        name = _free(_slug(_subject(group)), used)
        names.append(name)
        ids |= {id(job): name for job in group}
    out = []
    for name, group in zip(names, groups, strict=True):
        needs = tuple(dict.fromkeys(ids[id(jobs[n])] for job in group for n in sorted(job.needs)))
        needs = tuple(n for n in needs if n != name)
        lines = sum(job.lines for job in group)
        if len(group) == 1:
            out.append(Child(name, _title(group[0]), group[0].paths, lines, needs, group[0]))
        else:
            own = tuple(dict.fromkeys(p for job in group for p in job.paths))
            title = f"Bring {_subject(group)}: {len(own)} files in {len(group)} tasks"
            out.append(Child(name, title, _places(own, paths), lines, needs, None))
    return out


def _places(own: tuple[str, ...], paths: Sequence[str]) -> tuple[str, ...]:
    """The paths themselves; where there are too many, folders of which everything that changed is in `own`."""
    if len(own) <= MAX_PATHS:
        return own
    others = set(paths) - set(own)
    found: list[str] = []
    for path in own:
        if under(path, tuple(found)):
            continue
        parts = path.split("/")
        tops = ["/".join(parts[:n]) + "/" for n in range(1, len(parts))]
        found.append(next((t for t in tops if not any(o.startswith(t) for o in others)), path))
    return tuple(found)


def _subject(group: list[Job]) -> str:
    if len(group) == 1:
        first = next((p for p in group[0].paths if not is_test(p)), group[0].paths[0])
        piece = group[0].pieces[0]
        return first + (f" part {piece.part}" if piece.count and len(group[0].pieces) == 1 else "")
    return area(group[0].paths) or group[0].paths[0]


def _title(job: Job) -> str:
    first = job.pieces[0]
    verb = {"new file": "Add", "deleted": "Delete", "changed": "Change"}[first.what]
    name = _subject([job])
    if first.count and len(job.pieces) == 1:
        return f"Bring part {first.part} of {first.count} of {first.path}"
    rest = [p for p in job.paths if p != name]
    tests = sum(is_test(p) for p in rest)
    more = len(rest) - tests
    tail = (" and its tests" if tests and not more else "") or (f" and {len(rest)} more" if rest else "")
    return f"{verb} {name}{tail}"


def _slug(text: str) -> str:
    words = re.sub(r"[^a-z0-9]+", "-", text.lower().removesuffix(".py")).strip("-")
    return words[-30:].strip("-") or "work"


def _free(name: str, used: set[str]) -> str:
    found, n = name, 1
    while found in used:
        n += 1
        found = f"{name}-{n}"
    used.add(found)
    return found
