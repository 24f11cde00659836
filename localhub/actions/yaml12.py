"""YAML as GitHub reads it: the 1.2 core schema, where `on` is a word and not the value true."""

from __future__ import annotations

import re
from typing import Any

import yaml


class _Loader(yaml.SafeLoader):
    """SafeLoader with the scalars of YAML 1.2 only (no yes/no/on/off, dates or base-60 numbers)."""


class _Dumper(yaml.SafeDumper):
    """The matching writer: quotes only what YAML 1.2 would misread."""


_SCALARS: tuple[tuple[str, str, str], ...] = (
    ("tag:yaml.org,2002:bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("tag:yaml.org,2002:int", r"^(?:[-+]?[0-9]+|0x[0-9a-fA-F]+)$", "-+0123456789"),
    ("tag:yaml.org,2002:float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", "-+0123456789."),
    ("tag:yaml.org,2002:null", r"^(?:~|null|Null|NULL|)$", "~nN"),
    ("tag:yaml.org,2002:merge", r"^(?:<<)$", "<"),
)

for _kind in (_Loader, _Dumper):
    _kind.yaml_implicit_resolvers = {}
    for _tag, _pattern, _first in _SCALARS:
        _kind.add_implicit_resolver(_tag, re.compile(_pattern), list(_first))
    _kind.yaml_implicit_resolvers.setdefault("", []).append(("tag:yaml.org,2002:null", re.compile("^$")))


def load(text: str) -> Any:
    """The document in `text`; raises yaml.YAMLError."""
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - derived from SafeLoader


def dump(document: Any) -> str:
    """`document` as YAML text that `load` reads back equal."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)
