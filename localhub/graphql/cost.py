"""What a document costs: GitHub's node limit and points.

Source: docs.github.com, "Rate limits and query limits for the GraphQL API": a connection counts once for each of its
parents, and the sum divided by 100 is the cost, at least 1; 500,000 nodes at most.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
)

NODE_LIMIT = 500_000


@dataclass
class Cost:
    """`requests`: connections, counted with their parents; `nodes`: what they may give; `mutations`: their number."""

    requests: int = 0
    nodes: int = 0
    mutations: int = 0

    @property
    def points(self) -> int:
        return max(1, round(self.requests / 100))


def cost_of(operation: OperationDefinitionNode, document: DocumentNode, variables: Mapping[str, Any]) -> Cost:
    """The cost of one operation of a validated document."""
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    defaults = {
        d.variable.name.value: int(d.default_value.value)
        for d in operation.variable_definitions or ()
        if isinstance(d.default_value, IntValueNode)
    }
    variables = defaults | dict(variables)
    cost = Cost()
    _walk(operation.selection_set, 1, fragments, variables, cost)
    if operation.operation == OperationType.MUTATION:
        cost.mutations = sum(isinstance(one, FieldNode) for one in operation.selection_set.selections)
    return cost


def _walk(
    selections: SelectionSetNode | None,
    parents: int,
    fragments: Mapping[str, FragmentDefinitionNode],
    variables: Mapping[str, Any],
    cost: Cost,
) -> None:
    for one in selections.selections if selections else ():
        if isinstance(one, FragmentSpreadNode):
            _walk(fragments[one.name.value].selection_set, parents, fragments, variables, cost)
        elif isinstance(one, InlineFragmentNode):
            _walk(one.selection_set, parents, fragments, variables, cost)
        elif isinstance(one, FieldNode):
            size = _page(one, variables)
            if size is not None:
                cost.requests += parents
                cost.nodes += parents * size
            _walk(one.selection_set, parents * (size or 1), fragments, variables, cost)


def _page(one: FieldNode, variables: Mapping[str, Any]) -> int | None:
    """How many items a connection is asked for; None for other fields."""
    for argument in one.arguments or ():
        if argument.name.value in ("first", "last"):
            if isinstance(argument.value, IntValueNode):
                return int(argument.value.value)
            if isinstance(argument.value, VariableNode):
                value = variables.get(argument.value.name.value)
                return int(value) if isinstance(value, int) else None
    return None
