"""Whether a workflow would start, by GitHub's filter rules."""

from __future__ import annotations

import pytest

from bot.workflows import Event, included, starts


@pytest.mark.parametrize(
    ("on", "event", "branch", "expected"),
    [
        ("push", "push", "main", True),
        ("push", "pull_request", "main", False),
        ("[push, pull_request]", "pull_request", "main", True),
        ("{pull_request: }", "pull_request", "branchwork/1/slice", True),
        ("{pull_request: {branches: [main]}}", "pull_request", "branchwork/1/slice", False),
        ("{push: {branches: [main, 'branchwork/**/train']}}", "push", "branchwork/1/train", True),
        ("{push: {branches: [main, 'branchwork/**/train']}}", "push", "branchwork/1/a/train", True),
        ("{push: {branches: [main, 'branchwork/**/train']}}", "push", "branchwork/1/slice", False),
        ("{push: {branches-ignore: ['branchwork/**']}}", "push", "branchwork/1/train", False),
        ("{push: {tags: ['v*']}}", "push", "main", False),
        ("{push: {branches: ['**', '!wip/**']}}", "push", "wip/x", False),
        ("{pull_request: {types: [labeled]}}", "pull_request", "main", False),
        ("{workflow_dispatch: }", "push", "main", False),
    ],
)
def test_starts(on: str, event: Event, branch: str, expected: bool) -> None:
    assert starts(f"on: {on}\njobs: {{}}\n", event, branch) is expected


def test_path_filters_need_the_changed_files() -> None:
    text = "on:\n  pull_request:\n    paths: ['src/**', '!src/docs/**']\n"
    assert starts(text, "pull_request", "main", ["src/a.py"])
    assert not starts(text, "pull_request", "main", ["README.md"])
    assert not starts(text, "pull_request", "main", ["src/docs/a.md"])
    assert starts(text, "pull_request", "main")
    assert not starts("on:\n  push:\n    paths-ignore: ['docs/**']\n", "push", "main", ["docs/a", "docs/b"])


def test_what_is_no_workflow() -> None:
    assert starts("on: [", "push", "main"), "GitHub reports a broken file as a failed run"
    assert not starts("just words", "push", "main")


def test_patterns_are_read_in_order() -> None:
    assert included(["**", "!a/**", "a/b"], "a/b")
    assert not included(["feature?x"], "featur")
    assert included(["v[12].*"], "v1.0")
    assert not included(["*"], "a/b")
