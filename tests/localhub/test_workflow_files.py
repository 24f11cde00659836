"""Which workflow files an event starts, which are invalid, and what jobs are refused."""

from __future__ import annotations

import pytest

from localhub.actions import globs, plan, refusals, yaml12
from localhub.actions.templates import Known
from localhub.actions.workflows import Problem, Trigger, Workflow, parse, starts

JOB = "jobs: {a: {runs-on: ubuntu-latest, steps: [{run: 'true'}]}}"


def workflow(text: str) -> Workflow:
    parsed = parse(".github/workflows/ci.yml", text)
    assert isinstance(parsed, Workflow), parsed
    return parsed


def push(branch: str, *paths: str) -> Trigger:
    return Trigger("push", f"refs/heads/{branch}", None, paths)


@pytest.mark.parametrize(
    ("on", "trigger", "expected"),
    [
        ("push", push("main"), True),
        ("[push, pull_request]", Trigger("pull_request", "refs/heads/main", "opened"), True),
        ("pull_request", push("main"), False),
        ("{push: {branches: [main]}}", push("main"), True),
        ("{push: {branches: [main]}}", push("feature"), False),
        ("{push: {branches: ['release/**', '!release/**-alpha']}}", push("release/1/x"), True),
        ("{push: {branches: ['release/**', '!release/**-alpha']}}", push("release/1-alpha"), False),
        ("{push: {branches-ignore: [tmp/*]}}", push("tmp/a"), False),
        ("{push: {branches-ignore: [tmp/*]}}", push("tmp/a/b"), True),
        ("{push: {tags: [v*]}}", Trigger("push", "refs/tags/v1"), True),
        ("{push: {tags: [v*]}}", push("main"), False),
        ("{push: {branches: [main]}}", Trigger("push", "refs/tags/v1"), False),
        ("{push: {paths: ['src/**', '!src/docs/**']}}", push("main", "src/a.py"), True),
        ("{push: {paths: ['src/**', '!src/docs/**']}}", push("main", "src/docs/a.md"), False),
        ("{push: {paths-ignore: ['**.md']}}", push("main", "docs/a.md"), False),
        ("{push: {paths-ignore: ['**.md']}}", push("main", "docs/a.md", "b.py"), True),
        ("{push: {paths: [never]}}", Trigger("push", "refs/heads/new", None, None), True),
        ("pull_request", Trigger("pull_request", "refs/heads/main", "synchronize"), True),
        ("pull_request", Trigger("pull_request", "refs/heads/main", "labeled"), False),
        ("{pull_request: {types: [labeled]}}", Trigger("pull_request", "refs/heads/main", "labeled"), True),
        ("{pull_request: {branches: [main]}}", Trigger("pull_request", "refs/heads/slice", "opened"), False),
        ("workflow_dispatch", Trigger("workflow_dispatch", "refs/heads/main"), True),
        ("pull_request_target", Trigger("pull_request_target", "refs/heads/main", "edited"), False),
        ("{issues: {types: [opened]}}", Trigger("issues", "refs/heads/main", "labeled"), False),
        ("issues", Trigger("issues", "refs/heads/main", "labeled"), True),
        (
            "{workflow_run: {workflows: [CI]}}",
            Trigger("workflow_run", "refs/heads/x", "completed", workflow="CI"),
            True,
        ),
        (
            "{workflow_run: {workflows: [CI]}}",
            Trigger("workflow_run", "refs/heads/x", "completed", workflow="B"),
            False,
        ),
        (
            "{workflow_run: {workflows: CI, branches: [main]}}",
            Trigger("workflow_run", "refs/heads/x", "completed", workflow="CI"),
            False,
        ),
    ],
)
def test_events_start_what_their_filters_say(on: str, trigger: Trigger, expected: bool) -> None:
    assert starts(workflow(f"on: {on}\n{JOB}"), trigger) is expected


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("*", "a/b", False),
        ("**", "a/b", True),
        ("v[12].[0-9]+", "v1.10", True),
        ("*.jsx?", "a.js", True),
        ("[", "[", True),
    ],
)
def test_filter_patterns(pattern: str, text: str, expected: bool) -> None:
    assert globs.selects([pattern], text) is expected


def test_yaml_words_are_not_truth_values() -> None:
    assert yaml12.load("on: push\nno: 1:30\nday: 2020-01-01\nflag: true\n") == {
        "on": "push", "no": "1:30", "day": "2020-01-01", "flag": True,
    }  # fmt: skip
    tree = {"on": {"push": None}, "v": "1.10", "n": 3, "s": "true", "t": "on: x\n"}
    assert yaml12.load(yaml12.dump(tree)) == tree


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("on: push\njobs: [", 2, "while parsing"),
        (JOB, 1, "No event triggers"),
        ("on: push\n", 1, "No jobs"),
        ("on: push\njobs:\n  a:\n    steps: [{run: x}]\n", 3, "runs-on"),
        (
            "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    needs: b\n    steps: [{run: x}]\n",
            3,
            "unknown job 'b'",
        ),
        ("on: push\ntop: 1\n" + JOB, 2, "Unexpected value 'top'"),
        ("on: push\njobs:\n  a:\n    runs-on: x\n    step: []\n", 5, "Unexpected value 'step'"),
        ("on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: x\n        iff: y\n", 7, "'iff'"),
        ("on: push\njobs:\n  a b:\n    runs-on: x\n    steps: [{run: x}]\n", 3, "identifier 'a b' is invalid"),
        (
            "on: push\njobs:\n  a: {runs-on: x, needs: b, steps: [{run: x}]}\n  b: {runs-on: x, needs: a, steps: [{run: x}]}\n",
            3,
            "itself",
        ),
        ("on: push\njobs:\n  a:\n    runs-on: x\n    steps: [{id: q, run: x}, {id: q, run: y}]\n", 5, "twice"),
        (
            "on: push\njobs:\n  a:\n    runs-on: x\n    if: secret.x == 1\n    steps: [{run: x}]\n",
            5,
            "named-value: 'secret'",
        ),
        ("on: push\njobs:\n  a:\n    runs-on: x\n    if: steps.x\n    steps: [{run: x}]\n", 5, "named-value: 'steps'"),
        ("on: push\njobs:\n  a:\n    runs-on: x\n    steps: [{run: 'echo ${{ nope() }}'}]\n", 5, "function: 'nope'"),
        ("on: push\njobs:\n  a:\n    runs-on: x\n    steps: [{run: 'echo ${{ github.x'}]\n", 5, "not closed"),
        ("on: pushh\n" + JOB, 1, "Unexpected value 'pushh'"),
        ("on: [push, pulls]\n" + JOB, 1, "Unexpected value 'pulls'"),
        ("on: {push: {branch: [a]}}\n" + JOB, 1, "Unexpected value 'branch'"),
        ("on:\n  schedule:\n    - cron: '61 * * * *'\n" + JOB, 3, "Invalid cron"),
        ("on: {push: {branches: [a], branches-ignore: [b]}}\n" + JOB, 1, "only define one"),
        ("on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps: [{name: x}]\n", 3, "`run` or `uses`"),
    ],
)
def test_mistakes_name_the_line(text: str, line: int, message: str) -> None:
    problem = parse("ci.yml", text)
    assert isinstance(problem, Problem)
    assert (problem.line, message in problem.message) == (line, True), problem


KNOWN = Known({"vars": {}, "inputs": {}, "needs": {}, "matrix": {"image": "node:20", "none": ""}}, {
    "github": {"repository": "octo/demo", "sha": "1" * 40},
})  # fmt: skip


def refused(job: str, files: dict[str, str]) -> list[Problem]:
    parsed = workflow(f"on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    {job}\n")
    return refusals.refusals(parsed, "a", parsed.jobs["a"], KNOWN, files.get)


@pytest.mark.parametrize(
    ("job", "message"),
    [
        ("services: {db: {image: postgres}}\n    steps: [{run: x}]", "`services:`"),
        ("container: node:20\n    steps: [{run: x}]", "`container:`"),
        ("container: '${{ matrix.image }}'\n    steps: [{run: x}]", "`container:`"),
        ("container: {image: '${{ matrix.image }}'}\n    steps: [{run: x}]", "`container:`"),
        ("steps: [{uses: docker/build-push-action@v5}]", "docker/build-push-action@v5"),
        ("steps: [{uses: 'docker://alpine:3'}]", "docker://alpine:3"),
        ("steps: [{uses: actions/checkout@v4, with: {repository: o/other}}]", "another repository"),
        ("steps: [{uses: actions/checkout@v4, with: {ref: '${{ steps.x.outputs.y }}'}}]", "known before the job runs"),
        ("steps: [{uses: actions/checkout@v4, with: {submodules: true}}]", "`submodules:`"),
        ("steps: [{uses: ./.github/docker}]", "runs in Docker"),
        ("steps: [{uses: ./.github/nested}]", "owner/unknown@v1"),
        ("steps: [{uses: ./.github/bare}]", "`run` without `shell`"),
    ],
)
def test_what_cannot_be_run_is_refused(job: str, message: str) -> None:
    files = {
        ".github/docker/action.yml": "runs: {using: docker, image: x}",
        ".github/bare/action.yml": "runs: {using: composite, steps: [{run: x}]}",
        ".github/nested/action.yml": "runs: {using: composite, steps: [{uses: owner/unknown@v1}]}",
    }
    (problem,) = refused(job, files)
    assert message in problem.message
    assert problem.line == 5


def test_ordinary_workflows_are_not_refused() -> None:
    steps = """
    container: '${{ matrix.none }}'
    steps:
      - uses: actions/checkout@v4
        with: {ref: '${{ github.sha }}', fetch-depth: 0, repository: '${{ github.repository }}', path: sub}
      - uses: actions/setup-python@v5
      - uses: ./here
"""
    assert refused(steps.strip(), {"here/action.yml": "runs: {using: composite, steps: [{run: x, shell: sh}]}"}) == []
    windows = workflow("on: push\njobs: {a: {runs-on: windows-latest, steps: [{run: x}]}}")
    (problem,) = refusals.refusals(windows, "a", windows.jobs["a"], KNOWN, {}.get)
    assert "windows-latest" in problem.message


def test_matrix_legs_follow_include_and_exclude() -> None:
    matrix = {
        "os": ["a", "b"], "n": [1, 2], "exclude": [{"os": "b", "n": 2}],
        "include": [{"os": "a", "extra": True}, {"os": "c", "n": 9}],
    }  # fmt: skip
    assert plan.matrix_legs(matrix) == [
        {"os": "a", "n": 1, "extra": True}, {"os": "a", "n": 2, "extra": True}, {"os": "b", "n": 1}, {"os": "c", "n": 9},
    ]  # fmt: skip
    only = {"include": [{"a": 1}, {"a": 2}]}
    assert plan.matrix_legs(only) == only["include"]
    assert plan.matrix_legs({"v": ["1", "2"], "exclude": [{"v": 1}]}) == [{"v": "2"}]


@pytest.mark.parametrize(
    "matrix", [{}, {"n": []}, {"n": "x"}, {"n": list(range(300))}, "x", {"n": [1], "exclude": [{"n": 1}]}]
)
def test_a_matrix_without_jobs_is_a_mistake(matrix: object) -> None:
    with pytest.raises(plan.MatrixError):
        plan.matrix_legs(matrix)


def test_job_names_are_github_s() -> None:
    known = Known({"matrix": {"os": "x"}})
    assert plan.leg_name("test", {}, {"python": "3.12", "os": "x"}, known) == "test (3.12, x)"
    assert (
        plan.leg_name("test", {}, {"python": 3.11, "on": True, "o": {"a": 1, "b": [2]}}, known)
        == "test (3.11, true, 1, [2])"
    )
    assert plan.leg_name("test", {"name": "On ${{ matrix.os }}"}, {"os": "x"}, known) == "On x"
    assert plan.leg_name("test", {"name": "Tests"}, {}, known) == "Tests"
