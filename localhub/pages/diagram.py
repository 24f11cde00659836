"""A Mermaid flow chart as text that can be read: its steps, and which one comes before which.

No script draws here; a diagram of another kind is shown as its source.
"""

from __future__ import annotations

import html
import re
from itertools import pairwise

_HEAD = re.compile(r"^(graph|flowchart)\b")
_NODE = re.compile(r"""^(?P<id>[\w-]+)(?:[\[({>]+"?(?P<label>.*?)"?[\])}]+)?(?::::[\w-]+)?$""")
_ARROW = re.compile(r"\s*(?:--+>|==+>|-\.+->|---+)(?:\|[^|]*\|)?\s*")

_NO_STEP = ("%%", "classDef", "class ", "style ", "linkStyle", "click ", "subgraph", "end", "direction")


def readable(source: str) -> str:
    """A figure: a list of the steps with what they wait for, the source folded below it."""
    steps = _steps(source)
    folded = f'<pre class="code"><code>{html.escape(source)}</code></pre>'
    if not steps:
        return f'<figure class="diagram"><figcaption>Diagram (Mermaid source)</figcaption>{folded}</figure>\n'
    items = "".join(f"<li>{_item(label, waits)}</li>" for label, waits in steps)
    return (
        f'<figure class="diagram"><figcaption>What comes after what</figcaption><ul class="edges">{items}</ul>'
        f"<details><summary>Mermaid source</summary>{folded}</details></figure>\n"
    )


def _item(label: str, waits: list[str]) -> str:
    after = " and ".join(f"<em>{html.escape(each)}</em>" for each in waits)
    return f"<strong>{html.escape(label)}</strong>" + (f" after {after}" if after else "")


def _steps(source: str) -> list[tuple[str, list[str]]]:
    """(label, labels of the steps before it), in the order of the source; empty when it is no simple flow chart."""
    lines = [line.strip().rstrip(";") for line in source.splitlines() if line.strip()]
    if not lines or not _HEAD.match(lines[0]):
        return []
    labels: dict[str, str] = {}
    before: dict[str, list[str]] = {}
    for line in lines[1:]:
        if line.startswith(
            ("%%", "classDef", "class ", "style ", "linkStyle", "click ", "subgraph", "end", "direction")
        ):
            continue
        nodes = [_NODE.match(part) for part in _ARROW.split(line)]
        if not all(nodes):
            return []
        names = [match["id"] for match in nodes if match]
        for match in nodes:
            if match:
                labels[match["id"]] = match["label"] or labels.get(match["id"], match["id"])
                before.setdefault(match["id"], [])
        for left, right in pairwise(names):
            before[right].append(left)
    return [(label, [labels[each] for each in before[name]]) for name, label in labels.items()]
