"""Which changed Python file needs which other, so that plans put first what others import."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping

from bot.demo.replay.trees import Entry, Tree


def edges(paths: Iterable[str], tree: Tree) -> dict[str, set[str]]:
    """For each path of `paths` that is Python in `tree`: the other paths among them that it imports."""
    wanted = {p for p in paths if p.endswith(".py") and p in tree}
    names = {name: path for path in sorted(wanted) for name in module_names(path, tree)}
    found: dict[str, set[str]] = {}
    for path in wanted:
        targets = {names[hit] for tried in _imported(path, tree) if (hit := next((n for n in tried if n in names), ""))}
        found[path] = targets - {path}
    return found


def module_names(path: str, tree: Mapping[str, Entry]) -> list[str]:
    """The dotted names under which a file can be imported: from every folder above it that is no package."""
    parts = path.removesuffix(".py").split("/")
    if parts[-1] == "__init__":
        parts = parts[:-1]
    names = []
    for start in range(len(parts)):
        names.append(".".join(parts[start:]))
        if "/".join([*parts[: start + 1], "__init__.py"]) in tree:
            break
    return [name for name in names if name]


def _imported(path: str, tree: Tree) -> Iterator[list[str]]:
    """What each import may mean, the most exact name first."""
    try:
        module = ast.parse(tree[path].data)
    except (SyntaxError, ValueError):
        return
    package = path.removesuffix(".py").split("/")[:-1]
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from ([alias.name] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            homes = [[node.module] if node.module else []]
            if node.level:
                home = package[: len(package) - node.level + 1]
                homes = [[*home[start:], *homes[0]] for start in range(len(home) + 1)]
            bases = [".".join(parts) for parts in homes if parts]
            for alias in node.names:
                yield [*(f"{base}.{alias.name}" for base in bases), *bases]
