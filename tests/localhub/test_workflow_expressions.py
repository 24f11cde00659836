"""The expression language of workflow files."""

from __future__ import annotations

from typing import Any

import pytest

from localhub.actions.expressions import ExpressionError, evaluate, parse
from localhub.actions.functions import PURE
from localhub.actions.templates import Known, check, condition, reduced, reduced_if, value

CONTEXTS: dict[str, Any] = {
    "needs": {
        "a": {"result": "failure", "outputs": {"v": "it's }} ${{ x }}", "list": '["p","q"]'}},
        "b": {"result": "success", "outputs": {}},
    },
    "matrix": {"n": 3, "v": "3.10", "deep": {"x": [1, 2]}},
}
GITHUB = {"event_name": "push", "event": {"commits": [{"id": "1"}, {"id": "2"}], "draft": False}}
KNOWN = Known(CONTEXTS, {"github": GITHUB})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 == 1.0", True),
        ("'ABC' == 'abc'", True),
        ("null == 0", True),
        ("true == '1'", True),
        ("'' == false", True),
        ("'x' == 0", False),
        ("!'' && 'yes' || 'no'", "yes"),
        ("0xff", 255.0),
        ("-1.5e3", -1500.0),
        ("'it''s'", "it's"),
        ("'a' < 'B'", True),
        ("2 > '1'", True),
        ("github.Event_Name == 'push'", True),
        ("github['event_name']", "push"),
        ("github.event.nothing.at.all", None),
        ("matrix.deep.x[1]", 2),
        ("matrix.deep.x[9]", None),
        ("needs.*.result", ["failure", "success"]),
        ("contains(needs.*.result, 'failure')", True),
        ("contains(github.event.commits.*.id, '2')", True),
        ("contains('Hello', 'ELL')", True),
        ("startsWith('Hello', 'he') && endsWith('Hello', 'LO')", True),
        ("format('{{{0}}} {1}', 'a', true)", "{a} true"),
        ("join(fromJSON(needs.a.outputs.list), '-')", "p-q"),
        ("toJSON(fromJSON('[1]'))", "[\n  1\n]"),
        ("(1 < 2) == true && !false", True),
        ("fromJSON('3.0')", 3.0),
    ],
)
def test_expressions_have_github_s_values(text: str, expected: Any) -> None:
    assert evaluate(parse(text), KNOWN.contexts(), PURE) == expected


@pytest.mark.parametrize(
    "text", ["", "1 +", "a b", "nope(1)", "contains('a')", "'open", "a.", "(1", "x[1", "&& a", '"x"']
)
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse(text)


def test_strings_keep_types_only_when_they_are_one_expression() -> None:
    assert value("${{ matrix.n }}", KNOWN) == 3
    assert value("n=${{ matrix.n }} ${{ github.event.draft }}${{ null }}", KNOWN) == "n=3 false"
    assert value("${{ matrix.n }}-${{ matrix.v }}", KNOWN) == "3-3.10"
    assert value({"a": ["${{ matrix.deep }}"]}, KNOWN) == {"a": [{"x": [1, 2]}]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, False),
        ("always()", True),
        ("failure() && github.event_name == 'push'", True),
        ("github.event_name == 'push'", False),
        ("${{ !cancelled() }}", True),
        ("${{ always() }} ", True),
        ("${{ always() && needs.b.result == 'failure' }}", False),
        (True, False),
    ],
)
def test_conditions_ask_for_success_unless_they_say_otherwise(text: Any, expected: bool) -> None:
    status = {"success": lambda: False, "failure": lambda: True, "cancelled": lambda: False, "always": lambda: True}
    assert condition(text, KNOWN, status) is expected


def test_text_around_an_expression_is_true_as_on_github() -> None:
    status = dict.fromkeys(("success", "failure", "cancelled", "always"), lambda: True)
    assert condition("${{ false }} == true", KNOWN, status)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x ${{ needs.a.outputs.v }} y", "x ${{ 'it''s }} ${{ x }}' }} y"),
        ("${{ contains(needs.*.result, 'failure') && steps.x.outcome == 'success' }}", "${{ (true && (steps.x.outcome == 'success')) }}"),
        ("${{ matrix.deep }}", """${{ fromJSON('{"x": [1, 2]}') }}"""),
        ("${{ github.workspace }}/${{ github.event_name }}", "${{ github.workspace }}/${{ 'push' }}"),
        ("${{ toJSON(github) }}", "${{ tojson(github) }}"),
        ("${{ matrix[env.KEY] }}", """${{ fromJSON('{"n": 3, "v": "3.10", "deep": {"x": [1, 2]}}')[env.KEY] }}"""),
        ("${{ hashFiles('a') }} plain", "${{ hashfiles('a') }} plain"),
    ],
)  # fmt: skip
def test_what_is_known_is_put_in_and_the_rest_left(text: str, expected: str) -> None:
    assert reduced(text, KNOWN) == expected
    again = reduced(expected, KNOWN)
    assert again == expected, "text of a value is never read as an expression"


def test_conditions_of_steps_are_reduced_too() -> None:
    assert reduced_if("always() && needs.a.result == 'failure'", KNOWN) == "${{ (always() && true) }}"
    assert reduced_if("steps.x.outputs.y", KNOWN) == "${{ steps.x.outputs.y }}"


def test_unknown_contexts_are_refused() -> None:
    check("a ${{ github.x }} b", {"github"})
    check("github.x && always()", {"github"}, bare=True)
    for text in ("${{ secret.X }}", "${{ github.x", "${{ github.x }} ${{ }}"):
        with pytest.raises(ExpressionError):
            check(text, {"github"})
