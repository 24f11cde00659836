"""Would a workflow file start for this event on this branch? GitHub's filter rules, without I/O.

Source: GitHub's "Workflow syntax", sections `on.<event>.branches|branches-ignore|paths|paths-ignore|types` and the
filter pattern cheat sheet.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import yaml

Event = Literal["pull_request", "push"]


def starts(text: str, event: Event, branch: str, changed: Sequence[str] | None = None) -> bool:
    """Whether the workflow in `text` starts; `branch` is the pull request's base or the pushed branch.

    `changed` are the changed paths, None when unknown (a path filter then counts as met). A file that is no valid
    YAML counts as starting: GitHub reports it as a failed run.
    """
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError:
        return True
    if not isinstance(document, Mapping):
        return False
    # YAML 1.1 reads the bare word `on` as the boolean true.
    triggers = document.get("on", document.get(True))
    match triggers:
        case str():
            return triggers == event or (event == "pull_request" and triggers == "pull_request_target")
        case list():
            return event in triggers
        case Mapping():
            if event not in triggers:
                return False
            return _filters(triggers[event] or {}, event, branch, changed)
        case _:
            return False


def _filters(rules: Mapping[str, Any], event: Event, branch: str, changed: Sequence[str] | None) -> bool:
    if event == "pull_request" and "types" in rules:
        types = rules["types"] if isinstance(rules["types"], list) else [rules["types"]]
        if not {"opened", "synchronize"} & set(types):
            return False
    if "branches" in rules:
        if not included(_strings(rules["branches"]), branch):
            return False
    elif "branches-ignore" in rules:
        if included(_strings(rules["branches-ignore"]), branch):
            return False
    elif event == "push" and ("tags" in rules or "tags-ignore" in rules):
        return False
    if changed is None:
        return True
    if "paths" in rules:
        return any(included(_strings(rules["paths"]), path) for path in changed)
    if "paths-ignore" in rules:
        return not all(included(_strings(rules["paths-ignore"]), path) for path in changed) or not changed
    return True


def _strings(value: object) -> list[str]:
    return [str(v) for v in value] if isinstance(value, list) else [str(value)]


def included(patterns: Sequence[str], name: str) -> bool:
    """Patterns in order; one that begins with `!` takes a name out again, a later one may put it back."""
    inside = False
    for pattern in patterns:
        if pattern.startswith("!"):
            if _match(pattern[1:], name):
                inside = False
        elif _match(pattern, name):
            inside = True
    return inside


def _match(pattern: str, name: str) -> bool:
    out: list[str] = []
    i = 0
    while i < len(pattern):
        if pattern.startswith("**/", i) and (i == 0 or pattern[i - 1] == "/"):
            out.append("(?:.*/)?")
            i += 3
            continue
        if pattern.startswith("**", i):
            out.append(".*")
            i += 2
            continue
        char = pattern[i]
        if char == "*":
            out.append("[^/]*")
        elif char in "?+" and out:
            out.append(char)
        elif char == "[" and (end := pattern.find("]", i)) > i:
            out.append(pattern[i : end + 1])
            i = end
        elif char == "\\" and i + 1 < len(pattern):
            i += 1
            out.append(re.escape(pattern[i]))
        else:
            out.append(re.escape(char))
        i += 1
    return re.fullmatch("".join(out), name) is not None
