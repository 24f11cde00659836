"""How many issues a search finds, where that is kept: for repositories, a state, a kind, and a label or an author.

Anything else that a query says is None here: only a look at the issues tells.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from localhub import issuequery, issueterms

if TYPE_CHECKING:
    from localhub.auth import Actor
    from localhub.hub import Hub

_STATES = ("open", "closed")
_KINDS = {"issue": 0, "pr": 1, "pull-request": 1}


def known(hub: Hub, actor: Actor, tokens: list[str], readable: tuple[list[int], list[int]]) -> int | None:
    """`readable`: the repositories whose issues, and those whose pull requests the actor may read."""
    states, kinds = set(_STATES), {0, 1}
    homes: set[int] = set()
    facets = [("", "")]
    placed = False
    for token in tokens:
        found = issuequery.QUALIFIER.fullmatch(token)
        if found is None or found[1]:
            return None
        key, value = found[2], found[3].replace('"', "")
        if key in issuequery.HOMES:
            homes |= _named(hub, actor, key, value)
            placed = True
        elif key in ("is", "state", "type") and value.lower() in _STATES:
            states &= {value.lower()}
        elif key in ("is", "type") and value.lower() in _KINDS:
            kinds &= {_KINDS[value.lower()]}
        elif key == "label" and "," not in found[3]:
            facets.append(("label", value.lower()))
        elif key == "author":
            facets.append(("author", str(issueterms.account(hub, actor, value))))
        elif key != "sort":
            return None
    if len(facets) > 2:  # one besides that of all
        return None
    sql = """SELECT COALESCE(SUM(n), 0) FROM search_counts WHERE kind = ? AND value = ? AND is_pull = ?
             AND repo_id IN (SELECT value FROM json_each(?)) AND state IN (SELECT value FROM json_each(?))"""
    looked = [(kind, [repo for repo in readable[kind] if not placed or repo in homes]) for kind in kinds]
    asked = [(*facets[-1], kind, json.dumps(ids), json.dumps(list(states))) for kind, ids in looked]
    return sum(int(hub.db.value(sql, *values)) for values in asked)


def _named(hub: Hub, actor: Actor, key: str, value: str) -> set[int]:
    """The repositories that a term names."""
    sql = issueterms.home(hub, actor, key, value)
    condition = sql.text.replace("x.repo_id", "id")
    return {row["id"] for row in hub.db.rows(f"SELECT id FROM repos WHERE {condition or '0 = 1'}", *sql.values)}  # noqa: S608
