"""GitHub's REST operations, as its own description has them: what they take, answer and are called.

The list, the request models and the response models come from PyPI `githubkit-schemas`, which the lock pins. It does not
say which statuses an operation answers: these stand in `statuses.json`, made from npm's `@octokit/openapi` by

    npm pack @octokit/openapi && tar xzf octokit-openapi-*.tgz
    python -m tests.localhub.contract.catalogue package/generated/api.github.com.json
"""

from __future__ import annotations

import ast
import datetime
import json
import re
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Union

from pydantic import Field, TypeAdapter

from tests.localhub.schemas import schemas

OLD, NEW = "2022-11-28", "2026-03-10"
STATUSES = Path(__file__).parent / "statuses.json"
CHANGED_SUCCESS = {
    "DELETE /app/installations/{}": {NEW: {202}},
    "POST /repos/{}/{}/actions/workflows/{}/dispatches": {OLD: {200, 204}, NEW: {200}},
}
"""What the versions answer differently, by GitHub's list of breaking changes; the OpenAPI file mixes them."""


def anonymous(path: str) -> str:
    """A path template without the names of its parameters: GitHub and the routes name them differently."""
    return re.sub(r"\{[^{}]*\}", "{}", path)


ALSO_LISTED = {"issues/list-events": "IssueEvent"}
"""What a list has besides what GitHub's description says: `closed`, `reopened` and others have no model of their own."""


@dataclass(frozen=True)
class Operation:
    id: str
    method: str
    path: str
    source: str = field(repr=False)
    """The body of githubkit's function, which names the models."""

    @property
    def key(self) -> str:
        return f"{self.method} {anonymous(self.path)}"

    @property
    def group(self) -> str:
        return self.id.split("/")[0]

    @property
    def page(self) -> str:
        """Its place in GitHub's documentation, below `/rest/`."""
        found = re.search(r"See also: https://docs\.github\.com/rest/(\S+)", self.source)
        assert found, self.id
        return found[1]

    @property
    def paged(self) -> bool:
        return "per_page" in self.source

    def statuses(self) -> set[int]:
        """Every status that GitHub documents; empty where the file does not know the operation."""
        return set(_statuses().get(self.key, ()))

    def successes(self, version: str) -> set[int]:
        changed = CHANGED_SUCCESS.get(self.key, {}).get(version)
        return (
            changed or {status for status in self.statuses() if status < 400 and status != 304} or {200, 201, 202, 204}
        )

    def models(self, version: str) -> Models:
        return _models(self.id, version)


@dataclass(frozen=True)
class Models:
    """What an operation takes and answers; None is nothing."""

    request: Any
    response: Any
    errors: dict[int, Any]


@cache
def operations(version: str = NEW) -> dict[str, Operation]:
    """Every operation of GitHub, by its id."""
    folder = Path(schemas("rest", version).__file__).parent
    return {one.id: one for file in sorted(folder.glob("*.py")) for one in _read(file.read_text())}


@cache
def by_key() -> dict[str, Operation]:
    return {one.key: one for one in operations().values()}


def _read(text: str) -> Iterator[Operation]:
    """One operation is several overloads, of which the last has the docstring, and the same again as `async`."""
    for part in re.split(r"\n    (?:@overload\n    )?(?=(?:async )?def )", text):
        if not part.startswith("def "):
            continue
        found = re.search(r'"""([\w-]+/[\w-]+)\n\n\s+(GET|POST|PUT|PATCH|DELETE) (\S+)\n', part)
        if found:
            yield Operation(found[1], found[2], found[3], textwrap.dedent("    " + part))


@cache
def _models(operation: str, version: str) -> Models:
    """The models that githubkit's function names: body, `response_model` and `error_models`."""
    (function,) = ast.parse(operations(version)[operation].source).body
    request, keywords = None, {}
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called == "type_validate_python":
                request = node.args[0]
            elif called == "self._github.request":
                keywords = {each.arg: each.value for each in node.keywords}
    errors = keywords.get("error_models")
    assert errors is None or isinstance(errors, ast.Dict)
    return Models(
        _adapter(request, version) if request else None,
        _adapter(keywords["response_model"], version, ALSO_LISTED.get(operation))
        if "response_model" in keywords
        else None,
        {int(ast.literal_eval(key)): _adapter(value, version) for key, value in zip(errors.keys, errors.values, strict=True)}
        if errors
        else {},
    )  # fmt: skip


class _Names(dict[str, Any]):
    def __init__(self, version: str) -> None:
        super().__init__(
            Annotated=Annotated, Any=Any, Field=Field, Union=Union, bool=bool, dict=dict, int=int, list=list, str=str,
            _dt=datetime, PYDANTIC_V2=True,
        )  # fmt: skip
        self._models = schemas("models", version)

    def __missing__(self, name: str) -> Any:
        return getattr(self._models, name)


def _adapter(expression: ast.expr, version: str, also_listed: str | None = None) -> TypeAdapter[Any]:
    text = ast.unparse(expression)
    if also_listed:
        text = f"list[Union[{text.removeprefix('list[').removesuffix(']')}, {also_listed}]]"
    return TypeAdapter(eval(text, {"__builtins__": {}}, _Names(version)))


@cache
def _statuses() -> dict[str, list[int]]:
    found: dict[str, list[int]] = json.loads(STATUSES.read_text())["operations"]
    return found


def main(openapi: str) -> None:
    """Make `statuses.json` anew."""
    described = json.loads(Path(openapi).read_text())
    methods = {"get", "post", "put", "patch", "delete"}
    found = {
        f"{method.upper()} {anonymous(path)}": sorted(map(int, operation["responses"]))
        for path, item in described["paths"].items()
        for method, operation in item.items()
        if method in methods
    }
    lines = ",\n".join(f"  {json.dumps(key)}: {json.dumps(found[key])}" for key in sorted(found))
    source = f"npm @octokit/openapi {described['info']['version']}, by tests/localhub/contract/catalogue.py"
    STATUSES.write_text(f'{{"source": {json.dumps(source)}, "operations": {{\n{lines}\n}}}}\n')


if __name__ == "__main__":
    main(sys.argv[1])
