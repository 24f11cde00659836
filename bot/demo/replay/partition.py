"""Who does what: a difference between two trees becomes tasks and sub-planners, with what must come before what."""

from __future__ import annotations

import heapq
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from bot.demo.replay.imports import edges
from bot.demo.replay.parts import Parts, by_size, by_words
from bot.demo.replay.script import Script
from bot.demo.replay.trees import FileChange, Tree, changes

CODE = (".py", ".js", ".ts", ".go", ".rs", ".c", ".h", ".cc", ".cpp", ".java", ".rb", ".sh", ".pyx")
PACKAGING = {"setup.py", "setup.cfg", "pyproject.toml", "PKG-INFO", "MANIFEST.in", "VERSION"}


@dataclass(frozen=True, slots=True)
class Piece:
    """One file, or one numbered part of its change."""

    path: str
    lines: int
    what: str
    """new file · changed · deleted"""
    part: int = 0
    count: int = 0


@dataclass(slots=True)
class Job:
    """One task: pieces that belong together."""

    pieces: list[Piece]
    needs: set[int] = field(default_factory=set)
    """positions of other jobs"""

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(p.path for p in self.pieces))

    @property
    def lines(self) -> int:
        return sum(p.lines for p in self.pieces)


class Replay:
    """BASE, TARGET and the script, with everything that follows from them computed once."""

    def __init__(self, base: Tree, target: Tree, script: Script) -> None:
        self.base, self.target, self.script = base, target, script
        self.changes: dict[str, FileChange] = {c.path: c for c in changes(base, target)}

    @cached_property
    def parts(self) -> dict[str, Parts]:
        """Files whose change comes in several parts: shared ones by the script, big texts by size."""
        found: dict[str, Parts] = {}
        for share in self.script.share:
            found[share.path] = by_words(self.changes[share.path], list(share.by.values()))
        for change in self.changes.values():
            big = change.lines > 2 * self.script.max_lines and not change.path.endswith(CODE)
            if big and change.path not in found and (parts := by_size(change, self.script.max_lines)):
                found[change.path] = parts
        return found

    @cached_property
    def _edges(self) -> dict[str, set[str]]:
        """path → changed paths that come first: what it imports; for a deletion, those that used to import it."""
        found: dict[str, set[str]] = {path: set() for path in self.changes}
        for path, needs in edges(self.changes, self.target).items():
            found[path] |= needs
        gone = {p for p, c in self.changes.items() if c.after is None}
        for path, needs in edges(self.changes, self.base).items():
            for lost in needs & gone:
                if path not in gone:
                    found[lost].add(path)
        return found

    def jobs(self, paths: Iterable[str], most: int | None = None) -> list[Job]:
        """The tasks for these changed paths, each after what it needs. The same paths give the same tasks."""
        most = most or self.script.max_lines
        chosen = [p for p in sorted(paths) if p in self.changes]
        shared = {s.path: s for s in self.script.share}
        clusters = self._clusters([p for p in chosen if p not in shared])
        order = self._ordered(clusters)
        jobs: list[Job] = []
        home: dict[str, int] = {}
        for cluster in order:
            for job in self._cluster_jobs(cluster, shared):
                own = [p for p in job.paths if p not in shared]
                needs = {home[n] for p in own for n in self._edges[p] if n in home}
                for share in (shared[n] for p in own for n in self._edges[p] if n in shared):
                    if not set(own) & set(share.by):  # who brings a part of it itself waits for no other part
                        needs |= {home[n] for n in share.by if n in home}
                last = jobs[-1] if jobs else None
                if last is not None and self._fits(last, job, most):
                    last.pieces += job.pieces
                    last.needs |= needs - {len(jobs) - 1}
                else:
                    jobs.append(job)
                    job.needs = needs
                for path in job.paths:
                    if path not in shared:
                        home[path] = len(jobs) - 1
        self._chain_parts(jobs)
        return jobs

    def _fits(self, last: Job, job: Job, most: int) -> bool:
        small = last.lines + job.lines <= most and len(last.pieces) + len(job.pieces) <= self.script.max_files
        alone = any(p.count for p in (*last.pieces, *job.pieces))
        return small and not alone and kind(last.paths[0]) == kind(job.paths[0]) and area(last.paths) == area(job.paths)

    def _chain_parts(self, jobs: Sequence[Job]) -> None:
        """Parts of one big file go one after the other; parts that a script shares out do not wait."""
        shared = {s.path for s in self.script.share}
        seen: dict[str, int] = {}
        for at, job in enumerate(jobs):
            for piece in job.pieces:
                if piece.count and piece.path not in shared:
                    if piece.path in seen:
                        job.needs.add(seen[piece.path])
                    seen[piece.path] = at

    def _piece(self, path: str, part: int = 0) -> Piece:
        change = self.changes[path]
        what = "new file" if change.before is None else "deleted" if change.after is None else "changed"
        if not part:
            return Piece(path, change.lines, what)
        atoms = [a for a in self.parts[path].atoms if a.part == part]
        size = sum(a.end - a.start + len(a.lines) for a in atoms)
        return Piece(path, max(1, size), what, part, self.parts[path].count)

    def _cluster_jobs(self, cluster: Sequence[str], shared: Mapping[str, object]) -> list[Job]:
        if len(cluster) == 1 and cluster[0] in self.parts:
            return [Job([self._piece(cluster[0], n)]) for n in range(1, self.parts[cluster[0]].count + 1)]
        pieces = [self._piece(p) for p in cluster]
        for share in self.script.share:
            for part, owner in enumerate(share.by, 1):
                if owner in cluster:
                    pieces.append(self._piece(share.path, part))
        step = self.script.max_files
        return [Job(pieces[at : at + step]) for at in range(0, len(pieces), step)]

    def _clusters(self, paths: Sequence[str]) -> list[tuple[str, ...]]:
        """A module with its tests; what imports each other in a circle; a file and the folder that takes its name."""
        leader = {p: p for p in paths}

        def find(path: str) -> str:
            while leader[path] != path:
                path = leader[path]
            return path

        for path in paths:
            if path in self.parts:
                continue
            module = tested(path, paths)
            if module and module not in self.parts:
                leader[find(path)] = find(module)
            for above in _above(path):
                if above in leader:
                    leader[find(path)] = find(above)
        merged = _members(leader, find)
        graph = {k: {find(n) for p in v for n in self._edges[p] if n in leader} - {k} for k, v in merged.items()}
        for loop in circles(graph):
            for other in loop[1:]:
                leader[find(other)] = find(loop[0])
        return list(_members(leader, find).values())

    def _ordered(self, clusters: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
        """Topological; among those that are free, neighbours of a folder stay together, texts and packaging last."""
        home = {p: i for i, cluster in enumerate(clusters) for p in cluster}
        needs = [{home[n] for p in c for n in self._edges[p] if n in home} - {i} for i, c in enumerate(clusters)]
        feeds: dict[int, list[int]] = {}
        for i, some in enumerate(needs):
            for n in some:
                feeds.setdefault(n, []).append(i)
        rank = [(kind(c[0]), area(c), c[0], i) for i, c in enumerate(clusters)]
        free = [rank[i] for i, some in enumerate(needs) if not some]
        heapq.heapify(free)
        out: list[tuple[str, ...]] = []
        while free:
            at = heapq.heappop(free)[-1]
            out.append(clusters[at])
            for fed in feeds.get(at, ()):
                needs[fed].discard(at)
                if not needs[fed]:
                    heapq.heappush(free, rank[fed])
        return out


def kind(path: str) -> int:
    """Code first, then texts and data, packaging last."""
    name = path.rsplit("/", 1)[-1]
    if name in PACKAGING or ".egg-info/" in path:
        return 2
    return 0 if path.endswith(CODE) else 1


def area(paths: Sequence[str]) -> str:
    """The folder of the first file that is no test."""
    main = next((p for p in paths if not is_test(p)), paths[0])
    return os.path.dirname(main)


def is_test(path: str) -> bool:
    name = path.rsplit("/", 1)[-1]
    return bool(re.match(r"test_|.*_test\.|conftest\.", name))


def tested(path: str, paths: Sequence[str]) -> str | None:
    """The module among `paths` that a test file is named after; with several, the one in the most alike folder."""
    name = path.rsplit("/", 1)[-1]
    match = re.fullmatch(r"test_(\w+)\.py|(\w+)_test\.py", name)
    if not match:
        return None
    stem = (match[1] or match[2]) + ".py"
    near = set(path.split("/"))
    found = [p for p in paths if p.rsplit("/", 1)[-1] == stem and p != path]
    return max(found, key=lambda p: (len(near & set(p.split("/"))), p), default=None)


def circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """Strongly connected components of two or more, by Tarjan's algorithm without recursion."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    held: set[str] = set()
    found: list[list[str]] = []
    for start in sorted(graph):
        if start in index:
            continue
        work = [(start, iter(sorted(graph[start])))]
        index[start] = low[start] = len(index)
        stack.append(start)
        held.add(start)
        while work:
            node, rest = work[-1]
            after = next(rest, None)
            if after is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    loop = stack[stack.index(node) :]
                    del stack[stack.index(node) :]
                    held.difference_update(loop)
                    if len(loop) > 1:
                        found.append(sorted(loop))
            elif after not in index:
                index[after] = low[after] = len(index)
                stack.append(after)
                held.add(after)
                work.append((after, iter(sorted(graph[after]))))
            elif after in held:
                low[node] = min(low[node], index[after])
    return found


def _above(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:n]) for n in range(1, len(parts))]


def _members(leader: Mapping[str, str], find: object) -> dict[str, tuple[str, ...]]:
    assert callable(find)
    groups: dict[str, list[str]] = {}
    for path in leader:
        groups.setdefault(find(path), []).append(path)
    return {k: tuple(sorted(v, key=lambda p: (is_test(p), p))) for k, v in groups.items()}
