"""What a run looks like while it goes on: the growing tree, and what people did."""

from __future__ import annotations

import json
import sys
from collections import deque
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text
from rich.tree import Tree

STYLE = {
    "done": "green", "landed": "green", "working": "yellow", "checking": "cyan", "review": "magenta",
    "landing": "cyan", "slice": "magenta", "judging": "cyan", "preview": "magenta", "failed": "bold red",
    "parked": "bold red", "cancelled": "strike dim", "planning": "yellow", "running": "yellow",
}  # fmt: skip
STORY = 8


class LiveView:
    """Draws on a terminal; elsewhere it writes one line per thing that happened."""

    def __init__(self, title: str, console: Console) -> None:
        self._title, self._console = title, console
        self._story: deque[str] = deque(maxlen=STORY)
        self._live: Live | None = None
        self._status: Mapping[str, Any] = {}

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live = Live(self._drawn(), console=self._console, refresh_per_second=8, transient=True)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
            self._console.print(drawn(self._status))

    def tell(self, words: str) -> None:
        """Something happened that is worth a line."""
        self._story.append(words)
        if self._live is None:
            self._console.print(Text(words), soft_wrap=True)
        self._draw()

    def show(self, status: Mapping[str, Any]) -> None:
        """The newest state of the trees."""
        if status:
            self._status = status
            self._draw()

    def _draw(self) -> None:
        if self._live is not None:
            self._live.update(self._drawn())

    def _drawn(self) -> Group:
        story = Text("\n".join(self._story), style="dim")
        return Group(Text(self._title, style="bold"), drawn(self._status), story)


def drawn(status: Mapping[str, Any]) -> Group:
    """All trees of a status."""
    return Group(*(_tree(tree) for tree in status.get("trees", [])))


def _tree(tree: Mapping[str, Any]) -> Tree:
    made = Tree(Text(f"#{tree['root']} {tree.get('title', '')} · {tree.get('state', '')}", style="bold"))
    nodes: dict[str, Tree] = {}
    for node in sorted(tree["nodes"], key=lambda n: (n["key"].count("/"), n.get("number") or 0, n["key"])):
        parent = nodes.get(node.get("parent") or "", made)
        nodes[node["key"]] = made if node.get("parent") is None else parent.add(_line(node))
    return made


def _line(node: Mapping[str, Any]) -> Text:
    state = node.get("state") or ""
    line = Text()
    line.append(f"{state:<9} ", style=STYLE.get(state, ""))
    if node["kind"] == "task" or node.get("number"):
        line.append(f"#{node.get('number')} ", style="dim")
    line.append(node["title"])
    if node.get("pull"):
        line.append(f"  pull #{node['pull']}", style="dim")
    if (node.get("attempt") or 0) > 1:
        line.append(f"  attempt {node['attempt']}", style="yellow")
    if state in ("parked", "failed") and node.get("reason"):
        line.append(f"  {node['reason']}", style="red")
    return line


def print_status(url: str, *, as_json: bool) -> int:
    """The `status` command: one look at a running bot."""
    import httpx

    try:
        answer = httpx.get(f"{url.rstrip('/')}/status.json", timeout=10)
        answer.raise_for_status()
        found = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        print(f"no bot answers at {url}: {error}. Start one with `branchwork serve`, or give --url.", file=sys.stderr)
        return 1
    if as_json:
        print(json.dumps(found))
    else:
        Console().print(drawn(found) if found["trees"] else "No tree yet: label an issue.")
    return 0
