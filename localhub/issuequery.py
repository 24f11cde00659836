"""GitHub's query language for issues: words, "phrases", qualifiers, `-`, NOT, AND, OR and parentheses, made into SQL.

Source: docs.github.com, "Searching issues and pull requests". Conditions are about a row `x` of `search_index`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from localhub import issueterms
from localhub.errors import GitHubError, invalid
from localhub.issueterms import Sql

if TYPE_CHECKING:
    from localhub.auth import Actor
    from localhub.hub import Hub

LENGTH = 256
OPERATORS = 5
_TOKEN = re.compile(r'\(|\)|(?:"[^"]*"|[^\s()"])+')
QUALIFIER = re.compile(r"(-?)([a-z][a-z-]*):(.+)", re.DOTALL)
HOMES = ("repo", "org", "user")
_BARE = re.compile(r"AND|OR|NOT")


@dataclass
class Query:
    """What a text asks for: one condition, the phrases that the index of words must have, an order if it names one."""

    sql: Sql
    words: list[str] = field(default_factory=list)
    spoken: list[Sql] = field(default_factory=list)  # the conditions that `words` alone stand for
    tokens: list[str] = field(default_factory=list)
    sort: str | None = None
    order: str = "desc"


def wrong(message: str) -> GitHubError:
    return invalid("Validation Failed", {"message": message, "resource": "Search", "field": "q", "code": "invalid"})


def read(hub: Hub, actor: Actor, text: str) -> Query:
    """The meaning of a query; 422 for one that GitHub would not take."""
    tokens = _TOKEN.findall(text)
    spoken = [token for token in tokens if not QUALIFIER.fullmatch(token)]
    if len(" ".join(spoken)) > LENGTH:
        raise wrong(f"The search is longer than {LENGTH} characters.")
    if text.count('"') % 2:
        raise wrong("The search contains an unbalanced quotation mark.")
    if sum(bool(_BARE.fullmatch(token)) for token in tokens) > OPERATORS:
        raise wrong("More than five AND / OR / NOT operators were used.")
    return _Reader(hub, actor, tokens).whole()


class _Reader:
    """A recursive descent: any := all (OR all)* ; all := one (AND? one)* ; one := NOT one | ( any ) | term."""

    def __init__(self, hub: Hub, actor: Actor, tokens: list[str]) -> None:
        self._hub, self._actor, self._tokens, self._at = hub, actor, tokens, 0
        self._query = Query(Sql("1 = 1"))
        self._plain = not {"OR", "NOT", "("} & set(tokens)  # every word must be there, so the index finds them

    def whole(self) -> Query:
        first = self._at
        sql = self._any()
        if self._at < len(self._tokens):
            raise wrong("The search contains an unbalanced parenthesis.")
        if self._plain:
            self._query.words = self._phrases(self._tokens[first:])
        self._query.sql, self._query.tokens = sql, self._tokens
        return self._query

    def _peek(self) -> str | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _any(self) -> Sql:
        parts = [self._all()]
        while self._peek() == "OR":
            self._at += 1
            parts.append(self._all())
        return Sql.joined(" OR ", parts)

    def _all(self) -> Sql:
        """Terms side by side; several repositories and owners are alternatives, as nothing is in two of them."""
        parts: list[Sql] = []
        homes: list[Sql] = []
        while (part := self._peek()) not in (None, ")", "OR"):
            if part == "AND":
                self._at += 1
                continue
            home = QUALIFIER.fullmatch(str(part))
            if home and home[2] in HOMES and not home[1]:
                self._at += 1
                homes.append(self._home(home[2], _unquoted(home[3])))
            else:
                parts.append(self._one())
        if homes:
            seen = [one for one in homes if one.text]
            if not seen:
                raise wrong("The listed users and repositories cannot be searched either because the resources do not "
                            "exist or you do not have permission to view them.")  # fmt: skip
            parts.insert(0, Sql.joined(" OR ", seen))
        return Sql.joined(" AND ", parts)

    def _one(self) -> Sql:
        part = str(self._tokens[self._at])
        self._at += 1
        if part == "NOT":
            if self._peek() in (None, ")", "OR", "AND"):
                return Sql("1 = 1")
            inner = self._one()
            return Sql(f"NOT ({inner.text})", inner.values)
        if part == "(":
            group = self._any()
            if self._peek() != ")":
                raise wrong("The search contains an unbalanced parenthesis.")
            self._at += 1
            return group
        return self._term(part)

    def _home(self, kind: str, value: str) -> Sql:
        """Empty for what the actor does not see."""
        return issueterms.home(self._hub, self._actor, kind, value)

    def _term(self, token: str) -> Sql:
        found = QUALIFIER.fullmatch(token)
        negated, key, value = (found[1], found[2], found[3]) if found else ("", "", "")
        if key in HOMES:
            sql = self._home(key, _unquoted(value))
            return Sql(f"NOT ({sql.text or '0 = 1'})", sql.values)
        if key == "sort":
            self._query.sort, _, order = _unquoted(value).partition("-")
            self._query.order = order or "desc"
            return Sql("1 = 1")
        make: Callable[..., Sql | None] | None = issueterms.QUALIFIERS.get(key)
        if make is None:
            word = token.removeprefix("-") if token.startswith("-") and len(token) > 1 else token
            text, places = _unquoted(word).lower(), self._places()
            said = issueterms.word(text, places)
            if self._plain and word == token and not places and text.isascii() and len(text) >= issueterms.TRIGRAM:
                self._query.spoken.append(said)  # `_phrases` finds it, and of ASCII the index knows exactly
                return Sql("1 = 1")
            return _negate(said, word != token)
        alternatives = [_unquoted(one) for one in _split(value)] if key in ("label", "reason") else [_unquoted(value)]
        made = [make(self._hub, self._actor, key, one) for one in alternatives]
        return _negate(Sql.joined(" OR ", [one for one in made if one is not None]), bool(negated))

    def _places(self) -> list[str]:
        """What `in:` names anywhere in the query."""
        named = [QUALIFIER.fullmatch(token) for token in self._tokens]
        return [
            place for one in named if one and one[2] == "in" and not one[1] for place in _unquoted(one[3]).split(",")
        ]

    def _phrases(self, tokens: list[str]) -> list[str]:
        """What the trigram index can find first: each of these must be there."""
        phrases = []
        for part in tokens:
            found = QUALIFIER.fullmatch(part)
            if part.startswith("-") or part == "AND":
                continue
            if found and found[2] in (*issueterms.QUALIFIERS, *HOMES, "sort"):
                if found[2] == "label" and len(_split(found[3])) == 1:
                    phrases.append(issueterms.label_phrase(_unquoted(found[3])))
                continue
            word = _unquoted(part).lower()
            if len(word) >= issueterms.TRIGRAM:
                phrases.append(issueterms.phrase("text", word))
        return phrases


def _negate(sql: Sql, negated: bool) -> Sql:
    return Sql(f"NOT ({sql.text})", sql.values) if negated else sql


def _unquoted(text: str) -> str:
    return text.replace('"', "")


def _split(value: str) -> list[str]:
    """`"a, b",c` at the commas outside of quotes."""
    return re.findall(r'(?:"[^"]*"|[^,"])+', value)
