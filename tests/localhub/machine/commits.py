"""A model of git: commits that each hold a few one-line files, and what merging them gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

Files = Mapping[str, str]


@dataclass(frozen=True)
class Commit:
    parents: tuple[str, ...]
    files: Files
    message: str


@dataclass
class Commits:
    """Every commit by its name in the model ("c1", "c2", …)."""

    known: dict[str, Commit] = field(default_factory=dict)

    def add(self, parents: Iterable[str], files: Files, message: str) -> str:
        name = f"c{len(self.known)}"
        self.known[name] = Commit(tuple(parents), dict(files), message)
        return name

    def reachable(self, *tips: str) -> set[str]:
        """The commits that git log shows for these tips."""
        seen: set[str] = set()
        waiting = list(tips)
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen.add(name)
                waiting += self.known[name].parents
        return seen

    def between(self, old: str, new: str) -> set[str]:
        """`git log old..new`."""
        return self.reachable(new) - self.reachable(old)

    def is_ancestor(self, one: str, other: str) -> bool:
        return one in self.reachable(other)

    def merge_bases(self, one: str, other: str) -> list[str]:
        """The best common ancestors: those that no other common ancestor can reach."""
        common = self.reachable(one) & self.reachable(other)
        beaten = {each for name in common for each in self.reachable(*self.known[name].parents)}
        return sorted(common - beaten, key=lambda name: int(name[1:]))

    def change(self, base: str, head: str) -> dict[str, tuple[str | None, str | None]]:
        """{path: (before, after)} of what `git diff base...head` shows."""
        forks = self.merge_bases(base, head)
        old, new = self.known[forks[0]].files if forks else {}, self.known[head].files
        return {path: (old.get(path), new.get(path)) for path in old | new if old.get(path) != new.get(path)}

    def merge(self, ours: str, theirs: str) -> Files | None:
        """What `git merge` makes of two commits, None for a conflict."""
        base = self._virtual(self.merge_bases(ours, theirs))
        merged = three_way(base, self.known[ours].files, self.known[theirs].files)
        return None if "<<<" in merged.values() else merged

    def _virtual(self, bases: list[str]) -> Files:
        """Several merge bases are themselves merged first; what conflicts there matches nothing later."""
        if not bases:
            return {}
        files = self.known[bases[0]].files
        for other in bases[1:]:
            inner = self._virtual(self.merge_bases(bases[0], other))
            files = three_way(inner, files, self.known[other].files)
        return files

    def rebase(self, base: str, head: str, order: Sequence[str]) -> list[tuple[str, Files]] | None:
        """The commits of `head` that `base` lacks, merges left out, each as (name, files on top of what came before).

        None when one of them conflicts. Lines of history side by side have no order of their own: they come in the
        one in which the pull request lists them, where only parents must come before their children.
        """
        on_top, replayed = self.known[base].files, []
        own = sorted(self.between(base, head), key=order.index)
        assert not any(parent in own[at:] for at, name in enumerate(own) for parent in self.known[name].parents)
        for name in own:
            commit = self.known[name]
            if len(commit.parents) > 1:
                continue
            on_top = three_way(self.known[commit.parents[0]].files, on_top, commit.files)
            if "<<<" in on_top.values():
                return None
            replayed.append((name, on_top))
        return replayed

    def oldest_first(self, names: Iterable[str]) -> list[str]:
        return sorted(names, key=lambda name: int(name[1:]))


def three_way(base: Files, ours: Files, theirs: Files) -> dict[str, str]:
    """File by file: whoever changed it wins, and both is a conflict (shown as `<<<`)."""
    merged = {}
    for path in sorted({*ours, *theirs}):
        before, our, their = base.get(path), ours.get(path), theirs.get(path)
        merged[path] = str(our if our == their or their == before else their if our == before else "<<<")
    return merged
