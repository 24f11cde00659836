"""The GraphQL documents that the suite sent, and which roots of the schema they proved."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
from graphql import (
    FieldNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLUnionType,
    OperationDefinitionNode,
    build_schema,
    get_named_type,
    is_leaf_type,
    is_required_argument,
    parse,
)

SCHEMA = Path(__file__).parents[3] / "localhub" / "graphql" / "schema.graphql"


def our_schema() -> GraphQLSchema:
    return build_schema(SCHEMA.read_text())


def roots(schema: GraphQLSchema) -> set[str]:
    """`Query.viewer`, `Mutation.addComment`, …"""
    kinds = (schema.query_type, schema.mutation_type)
    return {f"{kind.name}.{name}" for kind in kinds if kind is not None for name in kind.fields}


class Documents:
    def __init__(self) -> None:
        self.texts: set[str] = set()
        """Documents that were answered without an error."""
        self.proved: set[str] = set()
        self._breaches: list[str] = []

    def saw(self, request: httpx.Request, response: httpx.Response) -> None:
        if response.status_code != 200:
            return
        answer, text = json.loads(response.content), json.loads(request.content)["query"]
        if not set(answer) <= {"data", "errors", "extensions"} or not {"data", "errors"} & set(answer):
            self._breaches.append(f"graphql: answers {sorted(answer)}")
        if "errors" in answer:
            return
        self.texts.add(text)
        for operation in parse(text).definitions:
            if isinstance(operation, OperationDefinitionNode):
                kind = "Mutation" if operation.operation.value == "mutation" else "Query"
                fields = [each for each in operation.selection_set.selections if isinstance(each, FieldNode)]
                self.proved |= {f"{kind}.{field.name.value}" for field in fields if _answered(answer["data"], field)}

    def breaches(self) -> list[str]:
        return self._breaches


def _answered(data: dict[str, object], field: FieldNode) -> bool:
    return data.get((field.alias or field.name).value) is not None


ARGUMENTS = {
    "issue": "number: 1", "issueOrPullRequest": "number: 1", "pullRequest": "number: 4", "isRequired": "pullRequestNumber: 4",
    "label": 'name: "bug"', "milestone": "number: 1", "object": 'expression: "HEAD"', "ref": 'qualifiedName: "refs/heads/main"',
    "repository": 'name: "sample", owner: "alice"', "repositories": "first: 1",
}  # fmt: skip
"""What a field is asked with, by its name, in the world that the suite makes."""


def selection(kind: GraphQLOutputType, depth: int, schema: GraphQLSchema) -> str:
    """Every field of a type and, so many levels deep, of what it leads to: each resolver has to give what it promises."""
    named = get_named_type(kind)
    if is_leaf_type(named):
        return ""
    if isinstance(named, GraphQLInterfaceType | GraphQLUnionType):
        parts = [
            f"... on {one.name} {_fields(one, depth, schema, one.name)}" for one in schema.get_possible_types(named)
        ]
        return "{ __typename " + " ".join(parts) + " }"
    assert isinstance(named, GraphQLObjectType)
    return _fields(named, depth, schema)


def _fields(kind: GraphQLObjectType, depth: int, schema: GraphQLSchema, prefix: str = "") -> str:
    """With a prefix each field has its own name, since members of a union may not differ in the type of one name."""
    found = []
    for name, field in kind.fields.items():
        leaf = is_leaf_type(get_named_type(field.type))
        arguments = ARGUMENTS.get(name, "first: 2" if "first" in field.args else "")
        asked = not any(is_required_argument(each) for each in field.args.values()) or arguments
        if not asked or (not leaf and depth == 0):
            continue
        alias = f"{prefix}_{name}: " if prefix else ""
        given = f"({arguments})" if arguments and field.args else ""
        found.append(f"{alias}{name}{given} {selection(field.type, depth - 1, schema)}".strip())
    return "{ " + " ".join(found or ["__typename"]) + " }"
