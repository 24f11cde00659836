"""Documents that localhub takes are ones that GitHub takes: its schema is npm's @octokit/graphql-schema."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from graphql import (
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    is_required_argument,
    is_required_input_field,
    parse,
    validate,
)

from tests.localhub.contract.graphqldocs import our_schema

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("contract")]
PACKAGE = "@octokit/graphql-schema@15.26.1"
NEWER = (
    "blockedBy", "blocking", "issueDependenciesSummary", "addBlockedBy", "removeBlockedBy", "BlockedByInput",
    "issueType", "IssueType",
)  # fmt: skip
"""Dependencies between issues and their types, documented by GitHub and newer than the package."""


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> GraphQLSchema:
    folder = tmp_path_factory.mktemp("schema")
    subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=folder, check=True, timeout=120)
    (packed,) = folder.glob("*.tgz")
    subprocess.run(["tar", "xzf", packed.name], cwd=folder, check=True)
    return build_schema((folder / "package" / "schema.graphql").read_text(), assume_valid_sdl=True, assume_valid=True)


def test_what_the_suite_sent_is_github_s(theirs: GraphQLSchema, played: Any) -> None:
    texts = played.ledger.documents.texts
    assert len(texts) > 40
    wrong = {str(error.message) for text in texts for error in validate(theirs, parse(text), max_errors=1000)}
    assert {each for each in wrong if not any(name in each for name in NEWER)} == set()


def test_nothing_that_github_demands_may_be_left_out(theirs: GraphQLSchema) -> None:
    """With the test that every name and type of ours is GitHub's, any document that is good here is good there."""
    ours = our_schema()
    assert [text for name in ours.type_map for text in _demanded(name, ours, theirs)] == []


def _demanded(name: str, ours: GraphQLSchema, theirs: GraphQLSchema) -> Iterator[str]:
    mine, other = ours.type_map[name], theirs.type_map.get(name)
    if isinstance(mine, GraphQLInputObjectType) and isinstance(other, GraphQLInputObjectType):
        for key, field in other.fields.items():
            if is_required_input_field(field) and key not in mine.fields:
                yield f"{name}.{key} is required"
    if not isinstance(mine, GraphQLObjectType | GraphQLInterfaceType):
        return
    assert other is None or isinstance(other, GraphQLObjectType | GraphQLInterfaceType)
    if other is None:
        return
    known = {each.name for each in other.interfaces}
    yield from (f"{name} is no {each.name}" for each in mine.interfaces if each.name not in known)
    for key, field in mine.fields.items():
        if key in other.fields:
            asked = {argument for argument, each in other.fields[key].args.items() if is_required_argument(each)}
            yield from (f"{name}.{key}({argument}) is required" for argument in asked - set(field.args))
