"""The refs of one repository in memory: by name, in git's order, and by what they point at."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping, Sequence


class RefIndex:
    """Names and SHAs; a move costs the same however many refs there are."""

    def __init__(self, refs: Mapping[str, str]) -> None:
        self._shas = dict(refs)
        self._order = sorted(name.encode() for name in refs)
        self._names: dict[str, set[str]] = {}
        for name, sha in refs.items():
            self._names.setdefault(sha, set()).add(name)

    def get(self, name: str) -> str | None:
        return self._shas.get(name)

    def set(self, name: str, sha: str | None) -> None:
        """Move a ref; None takes it away."""
        old = self._shas.get(name)
        if old is not None:
            same = self._names[old]
            same.discard(name)
            if not same:
                del self._names[old]
        if sha is not None:
            self._shas[name] = sha
            self._names.setdefault(sha, set()).add(name)
            if old is None:
                insort(self._order, name.encode())
        elif old is not None:
            del self._shas[name]
            del self._order[bisect_left(self._order, name.encode())]

    def at(self, sha: str) -> frozenset[str]:
        """The refs that point at this."""
        return frozenset(self._names.get(sha, ()))

    def pointed_at(self, sha: str) -> bool:
        return sha in self._names

    def below(self, folder: str) -> Iterator[str]:
        """The names that begin so, in order."""
        start = folder.encode()
        for place in range(bisect_left(self._order, start), len(self._order)):
            if not self._order[place].startswith(start):
                return
            yield self._order[place].decode()

    def listed(self, prefixes: Sequence[str] = ()) -> dict[str, str]:
        """Names and SHAs in order; a prefix is a folder, with or without its slash, or a whole name."""
        if not prefixes:
            return {name: self._shas[name] for name in map(bytes.decode, self._order)}
        found = {name for prefix in prefixes for name in self.below(prefix.removesuffix("/") + "/")}
        found |= {prefix for prefix in prefixes if prefix in self._shas}
        return {name: self._shas[name] for name in sorted(found, key=str.encode)}
