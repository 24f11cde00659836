"""`localhub/CONTRACT.md`: what localhub has of GitHub's API and what of it is proved, written from the ledger alone."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from graphql import GraphQLSchema

from tests.localhub.contract import judge
from tests.localhub.contract.catalogue import NEW, OLD, Operation, operations
from tests.localhub.contract.graphqldocs import our_schema, roots
from tests.localhub.contract.routes import UNDOCUMENTED, implemented
from tests.localhub.contract.session import Ledger, vocabulary

PATH = Path(__file__).parents[3] / "localhub" / "CONTRACT.md"
PAGES = PATH.with_name("documented.json")
_HEAD = """\
# What localhub has of GitHub's API

Made by `make contract`, which plays every operation and judges it; do not edit. A test fails when this page says something
else than what was just proved, so nothing that is *validated* here goes backwards unseen.

*Validated* means: sent over HTTP in the contract suite, with the request, the answer, its headers and the documented
refusals held to GitHub's own description ([githubkit-schemas](https://pypi.org/project/githubkit-schemas/) for models,
[@octokit/openapi](https://www.npmjs.com/package/@octokit/openapi) for statuses), for API version 2022-11-28; where the
column says so for 2026-03-10 too. A list counts when it was not empty, and was read in pages of one when it had two entries.
*Refusals* are the error statuses that were provoked and agreed.
"""


def render(ledger: Ledger) -> str:
    schema = our_schema()
    parts = [
        _HEAD,
        _summary(ledger, schema),
        _rest(ledger),
        _missing(),
        _beyond(),
        _webhooks(ledger),
        _graphql(ledger, schema),
    ]
    return "\n".join(part.rstrip() + "\n" for part in parts)


def pages() -> str:
    """`localhub/documented.json`: where GitHub documents each operation that localhub has."""
    rows = {one.key: one.page for one in implemented().values()}
    return "{\n" + ",\n".join(f'  "{key}": "{rows[key]}"' for key in sorted(rows)) + "\n}\n"


def backwards(committed: str, now: str) -> list[str]:
    """The rows that the committed page calls validated and that are not any more."""
    pattern = re.compile(r"^\| (`[^`]+`) .*\| validated \|$", re.M)
    return sorted(set(pattern.findall(committed)) - set(pattern.findall(now)))


def status(ledger: Ledger, operation: Operation) -> str:
    proof = ledger.operations[operation.id]
    if proof.breaches:
        return "disagrees"
    return "validated" if proof.validated(operation) else "not proved"


def _summary(ledger: Ledger, schema: GraphQLSchema) -> str:
    have = implemented().values()
    validated = sum(status(ledger, each) == "validated" for each in have)
    heard = sum(not ledger.webhooks.get(each, ["absent"]) for each in vocabulary())
    asked = roots(schema)
    lines = [
        ("REST operations", len(operations()), len(have), validated),
        ("Webhooks with their actions", len(_all_webhooks()), len(vocabulary()), heard),
        ("GraphQL queries and mutations", "", len(asked), len(asked & ledger.documents.proved)),
    ]
    return _table(("", "GitHub has", "localhub has", "validated"), lines)


def _rest(ledger: Ledger) -> str:
    groups: dict[str, list[Operation]] = defaultdict(list)
    for operation in implemented().values():
        groups[operation.group].append(operation)
    all_of = Counter(each.group for each in operations().values())
    text = ["## REST"]
    for group in sorted(groups):
        rows = [
            (f"`{each.id.split('/')[1]}`", f"`{each.method} {each.path}`", _seen(ledger, each, refused=False),
             _seen(ledger, each, refused=True), "yes" if ledger.operations[each.id].validated(each, NEW) else "",
             status(ledger, each))
            for each in sorted(groups[group], key=lambda each: (each.path, each.method))
        ]  # fmt: skip
        text += ["", f"### {group}: {len(rows)} of {all_of[group]}", ""]
        text.append(_table(("Operation", "Call", "Success", "Refusals", NEW, "Status"), rows).rstrip())
    return "\n".join(text) + "\n"


def _seen(ledger: Ledger, operation: Operation, *, refused: bool) -> str:
    statuses = ledger.operations[operation.id].statuses
    seen = {each for each in statuses[OLD] | statuses[NEW] if (each >= 400) == refused and each != 304}
    return " ".join(map(str, sorted(seen)))


def _missing() -> str:
    have = implemented()
    absent: dict[str, list[str]] = defaultdict(list)
    for operation in operations().values():
        if operation.id not in have:
            absent[operation.group].append(operation.id.split("/")[1])
    touched = {each.group for each in have.values()}
    text = ["## Not implemented", "", "A call to any of these is answered 404, as an address that is not there.", ""]
    text += [
        f"- **{group}** ({len(absent[group])}): {', '.join(sorted(absent[group]))}"
        for group in sorted(touched & set(absent))
    ]
    rest = ", ".join(f"{group} ({len(absent[group])})" for group in sorted(set(absent) - touched))
    return "\n".join([*text, f"- Whole groups: {rest}"]) + "\n"


def _beyond() -> str:
    rows = [(f"`{key}`", why) for key, why in sorted(UNDOCUMENTED.items())]
    about = "GitHub's description does not have these; github.com answers them all the same."
    return f"## Beside the description\n\n{about}\n\n{_table(('Call', 'What it is'), rows)}"


def _all_webhooks() -> set[tuple[str, str | None]]:
    return {(event, action) for event in judge.webhook_names() for action in judge.webhook_actions(event)}


def _webhooks(ledger: Ledger) -> str:
    rows = []
    known: dict[str, set[str | None]] = defaultdict(set)
    for event, action in _all_webhooks():
        known[event].add(action)
    for event, action in sorted(vocabulary(), key=str):
        wrong = ledger.webhooks.get((event, action))
        proved = "not proved" if wrong is None else "disagrees" if wrong else "validated"
        rows.append((f"`{event}{'.' + action if action else ''}`", proved))
    ours: dict[str, set[str | None]] = defaultdict(set)
    for event, action in vocabulary():
        ours[event].add(action)
    partly = [
        f"- **{event}**: {', '.join(sorted(map(str, known[event] - ours[event])))}"
        for event in sorted(ours)
        if known[event] - ours[event]
    ]
    never = ", ".join(sorted(set(known) - set(ours)))
    text = f"## Webhooks\n\n{_table(('Event', 'Status'), rows)}\nNever sent, of events that are otherwise sent:\n\n"
    return text + "\n".join(partly) + f"\n\nEvents never sent: {never}.\n"


def _graphql(ledger: Ledger, schema: GraphQLSchema) -> str:
    rows = [
        (f"`{each}`", "validated" if each in ledger.documents.proved else "not proved")
        for each in sorted(roots(schema))
    ]
    about = (
        "The schema is part of GitHub's; a slow test holds it to npm's `@octokit/graphql-schema`. Each root was executed with a\n"
        "selection of every field that it leads to, some levels deep."
    )
    types = [each for each in schema.type_map.values() if not each.name.startswith("__")]
    return f"## GraphQL: {len(types)} types\n\n{about}\n\n{_table(('Root', 'Status'), rows)}"


def _table(head: tuple[str, ...], rows: list[Any]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows]) + "\n"
