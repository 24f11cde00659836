"""What webhooks mean for the trees: routed, vetted, and never our own."""

from __future__ import annotations

from typing import Any

import pytest

from bot.intake import Door, Self
from bot.perform.context import Mark
from planner.actions import Vet
from planner.events import InstallationChanged, PullMerged
from planner.model import Address

REPO = {"id": 5, "full_name": "octo/hello"}
ROOT = Address(kind="planner", key="5-3/r")
ROUTES = {("issue", "3"): ROOT, ("pull", "8"): Address(kind="task", key="5-3/r/a")}
BASE: dict[str, Any] = {"installation": {"id": 9}, "repository": REPO, "sender": {"login": "ada", "id": 1}}
OURS = {"login": "branchwork[bot]", "id": 2, "type": "Bot"}
BOX = "- [x] Approve this plan (`abc`)"


@pytest.fixture
def woken() -> list[tuple[int, str]]:
    return []


@pytest.fixture
def door(woken: list[tuple[int, str]]) -> Door:
    def read(repo_id: int, text: str | None) -> Mark | None:
        return Mark("preview", 3, "k", {"node": ROOT.key, "hash": "abc"}) if "genuine" in (text or "") else None

    return Door(
        me=lambda: Self(77, "branchwork"),
        routes=lambda repo, kind, value: ROUTES.get((kind, value)),
        read_mark=read,
        labels=lambda repo: frozenset({"branchwork"}),
        wake=lambda installation, sha: woken.append((installation, sha)),
    )


def issue(number: int = 3) -> dict[str, Any]:
    return {"id": 70, "number": number, "title": "T", "body": "B", "closed_at": "t1", "updated_at": "t0"}


def comment(body: str, user: Any = None, **more: Any) -> dict[str, Any]:
    return {"id": 4, "body": body, "updated_at": "t1", "user": user or {"login": "ada", "id": 1}} | more


def vetted(door: Door, event: str, payload: dict[str, Any]) -> Vet | None:
    found = door(event, "guid", BASE | payload)
    assert found.events == ()
    if not found.actions:
        return None
    ((owner, scope, action),) = found.actions
    assert isinstance(action, Vet)
    assert owner == action.to
    assert (scope.tree, scope.root, scope.repo_id, scope.installation) == ("5-3", 3, 5, 9)
    return action


def test_the_label_starts_a_tree_once_a_person(door: Door) -> None:
    payload = {"action": "labeled", "label": {"name": "branchwork"}, "issue": issue()}
    asked = vetted(door, "issues", payload)
    assert asked == Vet(
        key="vet:labeled:5:3:ada:t0",
        to=Address(kind="tree", key="5-3"),
        fact="labeled",
        login="ada",
        facts={"id": "labeled:5:3:ada:t0", "issue_id": 70, "title": "T", "body": "B", "label": "branchwork"},
    )
    assert vetted(door, "issues", payload | {"label": {"name": "bug"}}) is None


@pytest.mark.parametrize(
    ("body", "asked", "words"),
    [
        ("/branchwork approve", "approve", ""),
        ("/branchwork retry", "retry", ""),
        ("/branchwork replan smaller", "said", "smaller"),
        ("@branchwork why?", "said", "why?"),
        ("/branchwork aprove", "unknown", "aprove"),
    ],
)
def test_comments_addressed_to_us(door: Door, body: str, asked: str, words: str) -> None:
    action = vetted(door, "issue_comment", {"action": "created", "issue": issue(), "comment": comment(body)})
    assert action is not None
    assert (action.to, action.fact, action.login) == (ROOT, "commented", "ada")
    assert (action.facts["asked"], action.facts["words"], action.facts["id"]) == (asked, words, "comment:4:t1")


@pytest.mark.parametrize(
    "payload",
    [
        {"action": "created", "issue": issue(), "comment": comment("looks good")},
        {"action": "created", "issue": issue(99), "comment": comment("/branchwork approve")},
        {"action": "created", "issue": issue(), "comment": comment("/branchwork approve"), "sender": OURS},
        {"action": "created", "issue": issue(),
         "comment": comment("/branchwork approve", performed_via_github_app={"id": 77})},
        {"action": "edited", "issue": issue(), "comment": comment("/branchwork approve")},
        {"action": "edited", "issue": issue(), "comment": comment(f"genuine\n{BOX}")},
        {"action": "edited", "issue": issue(), "comment": comment(f"forged\n{BOX}", OURS)},
        {"action": "edited", "issue": issue(), "comment": comment("genuine\n- [ ] Approve this plan (`abc`)", OURS)},
        {"action": "edited", "issue": issue(), "comment": comment(f"genuine\n{BOX}", OURS), "sender": OURS},
    ],
)  # fmt: skip
def test_comments_that_mean_nothing(door: Door, payload: dict[str, Any]) -> None:
    assert vetted(door, "issue_comment", payload) is None


def test_a_ticked_box_approves_the_plan_of_its_marker(door: Door) -> None:
    payload = {"action": "edited", "issue": issue(), "comment": comment(f"genuine\n{BOX}", OURS)}
    action = vetted(door, "issue_comment", payload)
    assert action is not None
    assert (action.to, action.fact, action.login, action.facts["hash"]) == (ROOT, "ticked", "ada", "abc")


def test_a_dismissed_review_is_its_authors(door: Door) -> None:
    review = {"id": 6, "state": "dismissed", "commit_id": "s", "body": None, "user": {"login": "bob", "id": 3}}
    payload = {"action": "dismissed", "pull_request": {"number": 8}, "review": review}
    action = vetted(door, "pull_request_review", payload)
    assert action is not None
    assert (action.login, action.facts["state"], action.facts["id"]) == ("bob", "dismissed", "review:6:dismissed")


def test_merged_is_merged_whoever_did_it(door: Door) -> None:
    pull = {"number": 8, "merged": True, "merge_commit_sha": "m", "closed_at": "t"}
    found = door("pull_request", "guid", BASE | {"action": "closed", "pull_request": pull, "sender": OURS})
    assert found.events == ((ROUTES["pull", "8"], "merged:5:8", PullMerged(pull=8, merge_sha="m")),)
    closed = BASE | {"action": "closed", "pull_request": pull | {"merged": False}}
    assert vetted(door, "pull_request", closed) is not None
    assert vetted(door, "pull_request", closed | {"sender": OURS}) is None


def test_checks_wake_those_who_watch(door: Door, woken: list[tuple[int, str]]) -> None:
    door("status", "guid", BASE | {"sha": "f" * 40})
    door("workflow_run", "guid", BASE | {"action": "completed", "workflow_run": {"head_sha": "e" * 40}})
    assert woken == [(9, "f" * 40), (9, "e" * 40)]


def test_installations_are_told(door: Door) -> None:
    found = door("installation", "guid", {"action": "deleted", "installation": {"id": 9, "updated_at": "t"}})
    to = Address(kind="installation", key="9")
    assert found.events == ((to, "installation:9:removed:t", InstallationChanged(state="removed")),)
