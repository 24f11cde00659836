"""GitHub's expression language: parse, evaluate. No I/O.

Source: docs.github.com, "Evaluate expressions in workflows and actions". Values are JSON's; strings compare without
case, and values of different types as numbers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from localhub.actions.values import compare, index, star, truthy


class ExpressionError(Exception):
    """An expression that cannot be read or evaluated; the message says why."""


@dataclass(frozen=True)
class Literal:
    value: Any


@dataclass(frozen=True)
class Name:
    """A context: `github`, `needs`, …"""

    name: str


@dataclass(frozen=True)
class Index:
    base: Node
    key: Node


@dataclass(frozen=True)
class Star:
    """`base.*`"""

    base: Node


@dataclass(frozen=True)
class Call:
    name: str
    args: tuple[Node, ...]


@dataclass(frozen=True)
class Not:
    inner: Node


@dataclass(frozen=True)
class Binary:
    op: str
    left: Node
    right: Node


Node = Literal | Name | Index | Star | Call | Not | Binary
STATUS = ("success", "failure", "cancelled", "always")
#: Known functions and how many arguments they take, at least and at most.
ARITY = {
    "contains": (2, 2), "startswith": (2, 2), "endswith": (2, 2), "format": (1, 256), "join": (1, 2), "tojson": (1, 1),
    "fromjson": (1, 1), "hashfiles": (1, 256), **dict.fromkeys(STATUS, (0, 0)),
}  # fmt: skip

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>(?:0x[0-9a-fA-F]+|0o[0-7]+|[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?))
    | (?P<string>'(?:[^']|'')*')
    | (?P<name>[A-Za-z_][A-Za-z0-9_-]*)
    | (?P<op>&&|\|\||==|!=|<=|>=|[()\[\].,!<>*])
    )""",
    re.VERBOSE,
)
_LEVELS = (("||",), ("&&",), ("==", "!="), ("<", "<=", ">", ">="))
_WORDS = {"true": True, "false": False, "null": None, "nan": math.nan, "infinity": math.inf}


def parse(text: str) -> Node:
    """The tree of one expression (without `${{ }}`)."""
    parser = _Parser(_tokens(text), text)
    node = parser.level(0)
    if parser.at < len(parser.tokens):
        raise ExpressionError(f"Unexpected symbol: '{parser.tokens[parser.at][1]}' within expression: {text.strip()}")
    return node


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at = 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise ExpressionError(f"Unexpected symbol: '{text[at:].strip()[:20]}' within expression: {text.strip()}")
        found.append((match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return found


class _Parser:
    def __init__(self, tokens: list[tuple[str, str]], text: str) -> None:
        self.tokens = tokens
        self.text = text.strip()
        self.at = 0

    def level(self, depth: int) -> Node:
        """Operators by precedence, the weakest first."""
        if depth == len(_LEVELS):
            return self.unary()
        node = self.level(depth + 1)
        while self._peek() in _LEVELS[depth] and self.tokens[self.at][0] == "op":
            op = self._next()[1]
            node = Binary(op, node, self.level(depth + 1))
        return node

    def unary(self) -> Node:
        if self._take("!"):
            return Not(self.unary())
        return self.postfix()

    def postfix(self) -> Node:
        node = self.primary()
        while True:
            if self._take("."):
                if self._take("*"):
                    node = Star(node)
                    continue
                kind, word = self._next()
                if kind != "name":
                    raise ExpressionError(f"Unexpected symbol: '{word}' within expression: {self.text}")
                node = Index(node, Literal(word))
            elif self._take("["):
                if self._take("*"):
                    node = Star(node)
                else:
                    node = Index(node, self.level(0))
                self._need("]")
            else:
                return node

    def primary(self) -> Node:
        kind, word = self._next()
        match kind:
            case "number":
                return Literal(_number(word))
            case "string":
                return Literal(word[1:-1].replace("''", "'"))
            case "name" if self._take("("):
                return self._call(word)
            case "name":
                return Literal(_WORDS[word.lower()]) if word.lower() in _WORDS else Name(word.lower())
            case "op" if word == "(":
                node = self.level(0)
                self._need(")")
                return node
        raise ExpressionError(f"Unexpected symbol: '{word}' within expression: {self.text}")

    def _call(self, word: str) -> Node:
        args: list[Node] = []
        while not self._take(")"):
            if args:
                self._need(",")
            args.append(self.level(0))
        least, most = ARITY.get(word.lower(), (-1, -1))
        if least < 0:
            raise ExpressionError(f"Unrecognized function: '{word}' within expression: {self.text}")
        if not least <= len(args) <= most:
            raise ExpressionError(f"Wrong number of parameters for '{word}' within expression: {self.text}")
        return Call(word.lower(), tuple(args))

    def _peek(self) -> str | None:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else None

    def _next(self) -> tuple[str, str]:
        if self.at >= len(self.tokens):
            raise ExpressionError(f"Unexpected end of expression: {self.text}")
        self.at += 1
        return self.tokens[self.at - 1]

    def _take(self, op: str) -> bool:
        if self.at < len(self.tokens) and self.tokens[self.at] == ("op", op):
            self.at += 1
            return True
        return False

    def _need(self, op: str) -> None:
        if not self._take(op):
            raise ExpressionError(f"Expected '{op}' within expression: {self.text}")


def _number(word: str) -> float:
    if word[:2].lower() in ("0x", "0o"):
        return float(int(word, 0))
    value = float(word)
    return int(value) if value.is_integer() and "e" not in word.lower() else value


Functions = Mapping[str, Callable[..., Any]]


def evaluate(node: Node, contexts: Mapping[str, Any], functions: Functions) -> Any:
    """The value of a tree. `functions` are called with values, by lower-case name (see `functions.PURE`)."""
    match node:
        case Literal(value):
            return value
        case Name(name):
            if name not in contexts:
                raise ExpressionError(f"Unrecognized named-value: '{name}'")
            return contexts[name]
        case Index(base, key):
            return index(evaluate(base, contexts, functions), evaluate(key, contexts, functions))
        case Star(base):
            return star(evaluate(base, contexts, functions))
        case Call(name, args):
            if name not in functions:
                raise ExpressionError(f"'{name}' cannot be used here")
            return functions[name](*(evaluate(arg, contexts, functions) for arg in args))
        case Not(inner):
            return not truthy(evaluate(inner, contexts, functions))
        case Binary(op, left, right):
            value = evaluate(left, contexts, functions)
            if op == "&&":
                return evaluate(right, contexts, functions) if truthy(value) else value
            if op == "||":
                return value if truthy(value) else evaluate(right, contexts, functions)
            return compare(op, value, evaluate(right, contexts, functions))


def names(node: Node) -> set[str]:
    """The contexts that a tree reads."""
    return {part.name for part in walk(node) if isinstance(part, Name)}


def calls(node: Node) -> set[str]:
    """The functions that a tree calls."""
    return {part.name for part in walk(node) if isinstance(part, Call)}


def walk(node: Node) -> Sequence[Node]:
    """The tree's nodes, parents first."""
    children: tuple[Node, ...]
    match node:
        case Index(base, key):
            children = (base, key)
        case Star(base) | Not(base):
            children = (base,)
        case Call(_, args):
            children = args
        case Binary(_, left, right):
            children = (left, right)
        case _:
            children = ()
    return [node, *(part for child in children for part in walk(child))]
