"""What each qualifier of a search for issues means, as a condition on a row `x` of `search_index`.

What search knows of an issue is as late as the index: `x.facts` is JSON made when the issue was last looked at.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from localhub.clock import iso, parse_iso
from localhub.errors import GitHubError, invalid

if TYPE_CHECKING:
    from localhub.auth import Actor
    from localhub.hub import Hub

TRIGRAM = 3  # the index of words finds nothing shorter
COMMENTS = "\x1f"
"""In the indexed text: title, a line break, body, then each comment after one of these."""
_RANGE = re.compile(r"(>=|<=|>|<)?(.*)", re.DOTALL)


@dataclass(frozen=True)
class Sql:
    """A condition and its values; no text for one that nothing can meet."""

    text: str
    values: tuple[object, ...] = ()

    @staticmethod
    def joined(word: str, parts: Sequence[Sql]) -> Sql:
        if not parts:
            return Sql("1 = 1")
        if len(parts) == 1:
            return parts[0]
        values = tuple(value for part in parts for value in part.values)
        return Sql(word.join(f"({part.text})" for part in parts), values)


def phrase(column: str, text: str) -> str:
    return f'{column} : "{text.replace(chr(34), chr(34) * 2)}"'


def label_phrase(name: str) -> str:
    """A label as the indexed JSON has it."""
    return phrase("labels", json.dumps(name.lower(), ensure_ascii=False))


def word(text: str, places: Sequence[str]) -> Sql:
    """A word or phrase in title, body and comments, or only in some of these."""
    end = f"instr(x.text || '{COMMENTS}', '{COMMENTS}')"
    parts = {
        "title": "json_extract(x.facts, '$.title')",
        "body": f"substr(x.text, instr(x.text, char(10)) + 1, {end} - instr(x.text, char(10)) - 1)",
        "comments": f"substr(x.text, {end})",
    }
    wanted = [parts[place] for place in places if place in parts]
    return Sql.joined(" OR ", [Sql(f"instr({part}, ?) > 0", (text,)) for part in wanted or ["x.text"]])


def home(hub: Hub, actor: Actor, kind: str, value: str) -> Sql:
    """A repository or all of an owner's; empty when the actor sees none of this name."""
    if kind == "repo":
        owner, _, name = value.partition("/")
        repo = hub.access.repo_row(owner, name)
        seen = repo is not None and hub.access.sees(actor, repo)
        return Sql("x.repo_id = ?", (repo["id"],)) if seen and repo is not None else Sql("")
    account = hub.db.value("SELECT id FROM accounts WHERE login = ?", _login(actor, value))
    if account is None:
        return Sql("")
    return Sql("x.repo_id IN (SELECT id FROM repos WHERE owner_id = ?)", (account,))


def _login(actor: Actor, value: str) -> str:
    if value == "@me":
        return actor.login
    return value.removeprefix("app/") + "[bot]" if value.startswith("app/") else value.removeprefix("@")


def account(hub: Hub, actor: Actor, value: str) -> int:
    """The id of a login, of `@me` or of `app/slug`; 422 for nobody."""
    found = hub.db.value("SELECT id FROM accounts WHERE login = ?", _login(actor, value))
    if found is None:
        raise invalid("Validation Failed", {
            "message": "The listed users cannot be searched either because the users do not exist or you do not have "
                       "permission to view the users.",
            "resource": "Search", "field": "q", "code": "invalid",
        })  # fmt: skip
    return int(found)


_FACT = "json_extract(x.facts, '$.{}')"
_HAS = "EXISTS (SELECT 1 FROM json_each(x.facts, '$.{}') WHERE value = ?)"
_NOTHING = Sql("1 = 1")
_IS = {
    "issue": Sql("x.is_pull = 0"),
    "pr": Sql("x.is_pull = 1"),
    "pull-request": Sql("x.is_pull = 1"),
    "open": Sql("x.state = 'open'"),
    "closed": Sql("x.state = 'closed'"),
    "merged": Sql(f"{_FACT.format('merged')} = 1"),
    "unmerged": Sql(f"x.is_pull = 1 AND {_FACT.format('merged')} = 0"),
    "draft": Sql(f"{_FACT.format('draft')} = 1"),
    "locked": Sql(f"{_FACT.format('locked')} = 1"),
    "unlocked": Sql(f"{_FACT.format('locked')} = 0"),
    "public": Sql("x.repo_id IN (SELECT id FROM repos WHERE private = 0)"),
    "private": Sql("x.repo_id IN (SELECT id FROM repos WHERE private = 1)"),
    "blocked": Sql("x.issue_id IN (SELECT blocked_id FROM dependencies)"),
    "blocking": Sql("x.issue_id IN (SELECT blocking_id FROM dependencies)"),
}
_HAVING = {
    "label": Sql("x.labels <> '[]'"),
    "assignee": Sql(f"{_FACT.format('assignees')} <> '[]'"),
    "milestone": Sql(f"{_FACT.format('milestone')} IS NOT NULL"),
    "parent-issue": Sql("x.issue_id IN (SELECT child_id FROM sub_issues)"),
    "sub-issue": Sql("x.issue_id IN (SELECT parent_id FROM sub_issues)"),
    "project": Sql("0 = 1"),
    "type": Sql(f"{_FACT.format('type')} IS NOT NULL"),
}


def _is(hub: Hub, actor: Actor, key: str, value: str) -> Sql | None:
    known = _IS.get(value.lower())
    if known is None and key == "type":
        return Sql(f"{_FACT.format('type')} = ?", (value.lower(),))
    return known or Sql("0 = 1")


def _in(hub: Hub, actor: Actor, key: str, value: str) -> Sql | None:
    return _NOTHING  # said of the words


def _no(hub: Hub, actor: Actor, key: str, value: str) -> Sql | None:
    known = _HAVING.get(value.lower(), Sql("0 = 1"))
    return known if key == "has" else Sql(f"NOT ({known.text})")


def _label(hub: Hub, actor: Actor, key: str, value: str) -> Sql | None:
    return Sql("EXISTS (SELECT 1 FROM json_each(x.labels) WHERE value = ?)", (value.lower(),))


def _author(hub: Hub, actor: Actor, key: str, value: str) -> Sql | None:
    return Sql("x.author_id = ?", (account(hub, actor, value),))


def _person(hub: Hub, actor: Actor, key: str, value: str) -> Sql | None:
    if value == "*" and key == "assignee":
        return _HAVING["assignee"]
    who = account(hub, actor, value)
    conditions = {
        "assignee": [Sql(_HAS.format("assignees"), (who,))],
        "commenter": [Sql(_HAS.format("commenters"), (who,))],
        "mentions": [Sql(_HAS.format("mentioned"), (who,))],
        "reviewed-by": [Sql(_HAS.format("reviewers"), (who,))],
        "review-requested": [Sql(_HAS.format("asked"), (who,))],
        "user-review-requested": [Sql(_HAS.format("asked"), (who,))],
        "involves": [Sql("x.author_id = ?", (who,)), *(
            Sql(_HAS.format(part), (who,)) for part in ("assignees", "commenters", "mentioned"))],
    }  # fmt: skip
    return Sql.joined(" OR ", conditions[key])


def _fact(hub: Hub, actor: Actor, key: str, value: str) -> Sql | None:
    if key == "milestone" and value == "*":
        return _HAVING["milestone"]
    if key == "reason":
        value = value.replace(" ", "_")
    return Sql(f"{_FACT.format(key)} = ?", (value.lower(),))


def _flag(hub: Hub, actor: Actor, key: str, value: str) -> Sql | None:
    if key == "archived":
        return Sql("x.repo_id IN (SELECT id FROM repos WHERE archived = ?)", (int(value == "true"),))
    return Sql(f"x.is_pull = 1 AND {_FACT.format('draft')} = ?", (int(value == "true"),))


def _review(hub: Hub, actor: Actor, key: str, value: str) -> Sql | None:
    return Sql(f"x.is_pull = 1 AND {_FACT.format('review')} = ?", (value.lower(),))


def _linked(hub: Hub, actor: Actor, key: str, value: str) -> Sql | None:
    """linked:pr for issues that an open pull request says it closes, linked:issue for pull requests that do."""
    if value == "issue":
        return Sql(f"x.is_pull = 1 AND {_FACT.format('closes')} <> '[]'")
    return Sql("""x.is_pull = 0 AND EXISTS (SELECT 1 FROM search_index p, json_each(p.facts, '$.closes') c
                  WHERE p.is_pull = 1 AND c.value = x.issue_id)""")


def _parent(hub: Hub, actor: Actor, key: str, value: str) -> Sql | None:
    name, _, number = value.rpartition("#")
    owner, _, repo_name = name.partition("/")
    repo = hub.access.repo_row(owner, repo_name)
    parent = repo and hub.db.value(
        "SELECT id FROM issues WHERE repo_id = ? AND number = ?", repo["id"], int(number) if number.isdigit() else 0
    )
    return Sql("x.issue_id IN (SELECT child_id FROM sub_issues WHERE parent_id = ?)", (parent or 0,))


def _count(hub: Hub, actor: Actor, key: str, value: str) -> Sql | None:
    return _compared(_FACT.format(key), value, _number)


def _number(text: str) -> tuple[object, object]:
    if not text.isdigit():
        raise _unread(f"'{text}' is not a number.")
    return int(text), int(text)


def _date(hub: Hub, actor: Actor, key: str, value: str) -> Sql | None:
    column = {"created": "x.created_at", "updated": "x.updated_at"}.get(key) or _FACT.format(f"{key}_at")
    return _compared(column, value, _day)


def _day(text: str) -> tuple[object, object]:
    """The first and the last second of a day, or the same moment twice."""
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return iso(parse_iso(f"{text}T00:00:00Z")), iso(parse_iso(f"{text}T23:59:59Z"))
        moment = iso(parse_iso(text))
    except ValueError as error:
        raise _unread(
            f"'{text}' is not a recognized date/time format. Please provide an ISO 8601 date/time value, such as "
            "YYYY-MM-DD."
        ) from error
    return moment, moment


def _unread(message: str) -> GitHubError:
    return invalid("Validation Failed", {"message": message, "resource": "Search", "field": "q", "code": "invalid"})


def _compared(column: str, value: str, read: Callable[[str], tuple[object, object]]) -> Sql:
    """`>5`, `<=5`, `1..5`, `*..5`, `5`: `read` gives the first and the last value that a text stands for."""
    if ".." in value:
        low, _, high = value.partition("..")
        parts = [Sql(f"{column} >= ?", (read(low)[0],))] if low != "*" else []
        parts += [Sql(f"{column} <= ?", (read(high)[1],))] if high != "*" else []
        return Sql.joined(" AND ", parts)
    match = _RANGE.fullmatch(value)
    sign, text = (match[1], match[2]) if match else (None, value)
    first, last = read(text)
    if sign is None:
        return Sql(f"{column} BETWEEN ? AND ?", (first, last))
    return Sql(f"{column} {sign} ?", (last if sign in (">", "<=") else first,))


Term = Callable[..., Sql | None]
QUALIFIERS: dict[str, Term] = {
    "is": _is, "type": _is, "state": _is, "in": _in, "no": _no, "has": _no, "label": _label, "author": _author,
    "assignee": _person, "commenter": _person, "mentions": _person, "involves": _person, "reviewed-by": _person,
    "review-requested": _person, "user-review-requested": _person, "milestone": _fact, "reason": _fact, "head": _fact,
    "base": _fact, "draft": _flag, "archived": _flag, "review": _review, "linked": _linked, "parent-issue": _parent,
    "comments": _count, "created": _date, "updated": _date, "closed": _date, "merged": _date,
}  # fmt: skip
"""By name; what is none of these, nor a place or an order, is a word."""
