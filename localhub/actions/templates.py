"""Strings and trees with `${{ }}` in them: evaluated whole, or only as far as their values are known. No I/O.

act evaluates the rest while the job runs. What can be known before is put in here, because act does not know it (the
outputs of jobs in other processes) or gets it wrong (`needs.*.result` is empty there).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from localhub.actions.expressions import (
    STATUS,
    Binary,
    Call,
    ExpressionError,
    Functions,
    Index,
    Literal,
    Name,
    Node,
    Not,
    Star,
    calls,
    evaluate,
    names,
    parse,
    walk,
)
from localhub.actions.functions import PURE
from localhub.actions.values import text_of, truthy

_PIECE = re.compile(r"\$\{\{((?:'(?:[^']|'')*'|[^'])*?)\}\}", re.DOTALL)


@dataclass(frozen=True)
class Known:
    """Contexts that are known in full, and those of which only some properties are (`github`: a step has its own)."""

    whole: Mapping[str, Any]
    partial: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def contexts(self) -> dict[str, Any]:
        """All of them, for what is evaluated here and now."""
        return {**self.partial, **self.whole}


def expressions(text: str) -> Iterator[str]:
    """The expressions in a string."""
    return (match[1] for match in _PIECE.finditer(text))


def _whole(text: str) -> re.Match[str] | None:
    """The match of a string that is one expression and nothing else."""
    match = _PIECE.match(text.strip())
    return match if match is not None and match.end() == len(text.strip()) else None


def value(text: Any, known: Known, functions: Functions = PURE) -> Any:
    """A YAML value with its expressions evaluated: one expression alone keeps its type. Raises ExpressionError."""
    if isinstance(text, Mapping):
        return {key: value(item, known, functions) for key, item in text.items()}
    if isinstance(text, list):
        return [value(item, known, functions) for item in text]
    if not isinstance(text, str) or "${{" not in text:
        return text
    contexts = known.contexts()
    whole = _whole(text)
    if whole:
        return evaluate(parse(whole[1]), contexts, functions)
    return _PIECE.sub(lambda match: text_of(evaluate(parse(match[1]), contexts, functions)), text)


def condition(text: Any, known: Known, status: Mapping[str, Callable[[], bool]]) -> bool:
    """An `if:`; without a function of `status` in it, success() must be true as well."""
    if text is None or (isinstance(text, str) and not text.strip()):
        return status["success"]()
    functions = {**PURE, **status}
    node = _condition_node(text)
    if node is None:  # text around an expression: a string, and true as such
        return status["success"]() and truthy(value(text, known, functions))
    if not calls(node) & set(STATUS) and not status["success"]():
        return False
    return truthy(evaluate(node, known.contexts(), functions))


def _condition_node(text: Any) -> Node | None:
    if not isinstance(text, str):
        return Literal(text)
    whole = _whole(text)
    if whole:
        return parse(whole[1])
    return None if "${{" in text else parse(text)


def reduced(tree: Any, known: Known) -> Any:
    """A tree in which every expression is evaluated as far as `known` goes."""
    if isinstance(tree, Mapping):
        return {key: reduced(item, known) for key, item in tree.items()}
    if isinstance(tree, list):
        return [reduced(item, known) for item in tree]
    if isinstance(tree, str) and "${{" in tree:
        return _PIECE.sub(lambda match: "${{ " + unparse(_reduce(parse(match[1]), known)) + " }}", tree)
    return tree


def reduced_if(text: Any, known: Known) -> Any:
    """The same for an `if:`, which is an expression as it stands."""
    node = _condition_node(text)
    return reduced(text, known) if node is None else "${{ " + unparse(_reduce(node, known)) + " }}"


def _reduce(node: Node, known: Known) -> Node:
    match node:
        case Name(name):
            return Literal(known.whole[name]) if name in known.whole else node
        case Index(Name(name), Literal(str(key))) if name in known.partial and key.lower() in known.partial[name]:
            return Literal(known.partial[name][key.lower()])
        case Index(base, key):
            node = Index(_reduce(base, known), _reduce(key, known))
            settled = isinstance(node.base, Literal) and isinstance(node.key, Literal)
        case Star(base):
            node = Star(_reduce(base, known))
            settled = False  # its list is not yet what a property is taken of
        case Not(inner):
            node = Not(_reduce(inner, known))
            settled = isinstance(node.inner, Literal)
        case Call(name, args):
            node = Call(name, tuple(_reduce(arg, known) for arg in args))
            settled = name in PURE
            node = Call(name, tuple(_settle(arg) for arg in node.args))
            settled = settled and all(isinstance(arg, Literal) for arg in node.args)
        case Binary(op, left, right):
            node = Binary(op, _settle(_reduce(left, known)), _settle(_reduce(right, known)))
            settled = isinstance(node.left, Literal) and isinstance(node.right, Literal)
        case _:
            return node
    return Literal(evaluate(node, {}, PURE)) if settled else node


def _settle(node: Node) -> Node:
    """`a.*.b` of a known `a` has a value once nothing more is taken of it."""
    paths = isinstance(node, Star | Index) and all(isinstance(part, Literal | Star | Index) for part in walk(node))
    return Literal(evaluate(node, {}, PURE)) if paths else node


def unparse(node: Node) -> str:
    """The text of a tree; lists and objects come as fromJSON('…')."""
    node = _settle(node)
    match node:
        case Literal(value):
            return _literal(value)
        case Name(name):
            return name
        case Index(base, Literal(str(key))) if re.fullmatch(r"[A-Za-z_][\w-]*", key):
            return f"{unparse(base)}.{key}"
        case Index(base, key):
            return f"{unparse(base)}[{unparse(key)}]"
        case Star(base):
            return f"{unparse(base)}.*"
        case Call(name, args):
            return f"{name}({', '.join(unparse(arg) for arg in args)})"
        case Not(inner):
            return f"!({unparse(inner)})"
        case Binary(op, left, right):
            return f"({unparse(left)} {op} {unparse(right)})"


def _literal(value: Any) -> str:
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, Mapping | list):
        return f"fromJSON({_literal(json.dumps(value))})"
    if value is None:
        return "null"
    return text_of(value)


def check(text: str, allowed: set[str], *, bare: bool = False) -> None:
    """Refuse (ExpressionError) expressions that cannot be read or name a context that is not `allowed`."""
    found = [text] if bare and "${{" not in text else list(expressions(text))
    for each in found:
        parsed = parse(each)
        unknown = sorted(names(parsed) - allowed)
        if unknown:
            raise ExpressionError(f"Unrecognized named-value: '{unknown[0]}' within expression: {each.strip()}")
    if text.count("${{") > len(list(expressions(text))):
        raise ExpressionError(f"The expression is not closed. An unescaped ${{{{ sequence was found in: {text.strip()}")
