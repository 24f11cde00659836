"""One GraphQL request: parse, validate, count, execute, and errors as GitHub shapes them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    build_schema,
    execute_sync,
    get_operation_ast,
    is_abstract_type,
    parse,
    validate,
)

from localhub.context import get_context
from localhub.errors import GitHubError
from localhub.graphql.base import QueryError, Scope, resolve_field, resolve_type
from localhub.graphql.cost import NODE_LIMIT, cost_of
from localhub.graphql.mutations import Mutation
from localhub.graphql.queries import Query
from localhub.graphql.wording import refused, said

if TYPE_CHECKING:
    from localhub.hub import Hub

log = logging.getLogger(__name__)
_KINDS = {401: "UNAUTHENTICATED", 403: "FORBIDDEN", 404: "NOT_FOUND", 429: "RATE_LIMITED"}


@cache
def schema() -> GraphQLSchema:
    """GitHub's types, as far as localhub has them."""
    files = sorted(Path(__file__).parent.glob("*.graphql"))
    built = build_schema("\n".join(file.read_text() for file in files))
    for kind in built.type_map.values():
        if is_abstract_type(kind):
            kind.resolve_type = resolve_type
    return built


def answer(hub: Hub, scope: Scope, body: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to a request's body; a secondary limit raises GitHubError, everything else is in `errors`."""
    text, variables = body.get("query"), body.get("variables") or {}
    if not isinstance(text, str) or not text.strip():
        return {"errors": [{"message": "A query attribute must be specified and must be a string."}]}
    if not isinstance(variables, Mapping):
        return {"errors": [{"message": "Variables must be an object."}]}
    try:
        document = parse(text)
    except GraphQLSyntaxError as error:
        return {"errors": [_shape(error)]}
    wrong = refused(validate(schema(), document))
    if wrong:
        return {"errors": [_shape(error) for error in wrong]}
    operation = get_operation_ast(document, body.get("operationName"))
    if operation is None:
        return {"errors": [{"message": "An operation name is required"}]}
    return _run(hub, scope, document, operation, dict(variables))


def _run(
    hub: Hub, scope: Scope, document: DocumentNode, operation: OperationDefinitionNode, variables: dict[str, Any]
) -> dict[str, Any]:
    cost = cost_of(operation, document, variables)
    if cost.nodes > NODE_LIMIT:
        message = f"By the time this query traverses to its end, it is requesting up to {cost.nodes:,} possible nodes which exceeds the maximum limit of {NODE_LIMIT:,}."  # noqa: E501
        return {"errors": [{"type": "MAX_NODE_LIMIT_EXCEEDED", "message": message}]}
    try:
        hub.limits.charge_graphql(scope.actor, cost.points, cost.mutations)
    except GitHubError as error:
        if error.status != 200:
            raise
        return {"errors": [{"type": "RATE_LIMITED", "message": error.message}]}
    root = Mutation(scope) if cost.mutations else Query(scope, cost.points, cost.nodes)
    result = execute_sync(
        schema(),
        document,
        root_value=root,
        variable_values=variables,
        operation_name=operation.name.value if operation.name else None,
        field_resolver=resolve_field,
    )
    answered: dict[str, Any] = {"data": result.data}
    if result.errors:
        answered["errors"] = [_shape(error) for error in result.errors]
    return answered


def _shape(error: GraphQLError) -> dict[str, Any]:
    original = error.original_error
    shaped: dict[str, Any] = {}
    message = error.message
    if isinstance(original, QueryError):
        shaped["type"] = original.kind
    elif isinstance(error, QueryError):
        shaped["type"] = error.kind
    elif isinstance(original, GitHubError):
        shaped["type"] = _kind(original)
        message = _sentence(original)
        context = get_context()
        if context is not None and "Retry-After" in original.headers:
            context.notes["Retry-After"] = original.headers["Retry-After"]
    elif original is not None and not isinstance(original, GraphQLError):
        log.error("a GraphQL resolver failed", exc_info=original)
        message = "Something went wrong while executing your query."
    words = said(error)
    if words is not None:
        message, shaped["extensions"] = words
    if error.path:
        shaped["path"] = list(error.path)
    if error.locations:
        shaped["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
    return shaped | {"message": message}


def _kind(error: GitHubError) -> str:
    if "rate limit" in error.message.lower():
        return "RATE_LIMITED"
    return _KINDS.get(error.status, "UNPROCESSABLE")


def _sentence(error: GitHubError) -> str:
    """The particular reason where there is one: "Validation Failed" alone helps nobody."""
    for entry in error.errors or ():
        text = entry if isinstance(entry, str) else entry.get("message")
        if text:
            return str(text)
        if isinstance(entry, Mapping):
            name = str(entry.get("field")).replace("_", " ").capitalize()
            return f"{name} {_CODES.get(str(entry.get('code')), 'is invalid')}"
    return error.message


_CODES = {"missing_field": "can't be blank", "missing": "does not exist", "already_exists": "has already been taken"}
