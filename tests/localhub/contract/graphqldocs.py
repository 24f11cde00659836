"""The GraphQL documents that the suite sent, and which roots of the schema they proved."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
from graphql import FieldNode, GraphQLSchema, OperationDefinitionNode, build_schema, parse

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
