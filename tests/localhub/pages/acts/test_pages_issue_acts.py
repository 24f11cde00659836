"""Issues: what is done on a page tells and leaves what the API's call does."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
REPO, HOME = "/repos/alice/sample", "/alice/sample"


def ok(answer: httpx.Response) -> Any:
    assert answer.is_success, f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}"
    return answer.json() if answer.content else None


def test_comment(twice: Any) -> None:
    def click(hand: Any, s: Any) -> None:
        hand.issue(s)
        hand.page.get_by_label("Comment as bob").fill("Hello *there*")
        hand.press("Comment")

    twice(lambda c, s: ok(c.post(f"{s.issue_url}/comments", json={"body": "Hello *there*"})), click)


def test_edit_ones_comment(twice: Any) -> None:
    def click(hand: Any, s: Any) -> None:
        hand.issue(s)
        hand.unfold(f"#edit-{s.comment}")
        hand.page.locator(f"#edit-{s.comment} textarea").fill("- [ ] Approve\n- [ ] No")
        hand.press("Save", within=f"#edit-{s.comment}")

    twice(
        lambda c, s: ok(c.patch(f"{REPO}/issues/comments/{s.comment}", json={"body": "- [ ] Approve\n- [ ] No"})), click
    )


def test_tick_a_box(twice: Any) -> None:
    def click(hand: Any, s: Any) -> None:
        hand.issue(s)
        with hand.page.expect_navigation():
            hand.page.get_by_role("checkbox", name="Approve").press("Enter")

    twice(
        lambda c, s: ok(c.patch(f"{REPO}/issues/comments/{s.comment}", json={"body": "- [x] Approve\n- [ ] No"})), click
    )


def test_react(twice: Any) -> None:
    def click(hand: Any, s: Any) -> None:
        hand.issue(s)
        hand.unfold(f"#react-comment-{s.comment}")
        hand.press("rocket", within=f"#react-comment-{s.comment}")

    twice(lambda c, s: ok(c.post(f"{REPO}/issues/comments/{s.comment}/reactions", json={"content": "rocket"})), click)


def test_label(twice: Any) -> None:
    def click(hand: Any, s: Any) -> None:
        hand.issue(s)
        hand.unfold("#labels")
        hand.page.locator("#labels input[name=add]").fill("bug")
        hand.press("Add label")

    twice(lambda c, s: ok(c.post(f"{s.issue_url}/labels", json={"labels": ["bug"]})), click)


def test_take_a_label_off(twice: Any) -> None:
    def click(hand: Any, s: Any) -> None:
        hand.issue(s)
        hand.unfold("#labels")
        hand.press("Remove the label bug")

    twice(lambda c, s: ok(c.delete(f"{s.issue_url}/labels/bug")), click)


def test_assign(twice: Any) -> None:
    def click(hand: Any, s: Any) -> None:
        hand.issue(s)
        hand.unfold("#assignees")
        hand.page.locator("#assignees select").select_option("alice")
        hand.press("Assign")

    twice(lambda c, s: ok(c.post(f"{s.issue_url}/assignees", json={"assignees": ["alice"]})), click)


def test_unassign(twice: Any) -> None:
    def click(hand: Any, s: Any) -> None:
        hand.issue(s)
        hand.unfold("#assignees")
        hand.press("Unassign alice")

    twice(lambda c, s: ok(c.request("DELETE", f"{s.issue_url}/assignees", json={"assignees": ["alice"]})), click)


def test_set_a_milestone(twice: Any) -> None:
    def click(hand: Any, s: Any) -> None:
        hand.issue(s)
        hand.unfold("#milestone")
        hand.page.locator("#milestone select").select_option("1.0")
        hand.press("Set milestone")

    twice(lambda c, s: ok(c.patch(s.issue_url, json={"milestone": 1})), click)


def test_edit_title_and_text(twice: Any) -> None:
    def click(hand: Any, s: Any) -> None:
        hand.issue(s)
        hand.unfold("#edit-body")
        hand.page.locator("#edit-body input[name=title]").fill("New title")
        hand.page.locator("#edit-body textarea").fill("New\ntext")
        hand.press("Save", within="#edit-body")

    twice(lambda c, s: ok(c.patch(s.issue_url, json={"title": "New title", "body": "New\ntext"})), click)


def test_close_as_not_planned(twice: Any) -> None:
    def click(hand: Any, s: Any) -> None:
        hand.issue(s)
        hand.press("Close as not planned")

    twice(lambda c, s: ok(c.patch(s.issue_url, json={"state": "closed", "state_reason": "not_planned"})), click)


def test_reopen(twice: Any) -> None:
    def click(hand: Any, s: Any) -> None:
        hand.issue(s)
        hand.press("Reopen issue")

    twice(lambda c, s: ok(c.patch(s.issue_url, json={"state": "open"})), click)


def test_lock(twice: Any) -> None:
    def click(hand: Any, s: Any) -> None:
        hand.issue(s)
        hand.unfold("#lock")
        hand.page.locator("#lock select").select_option("resolved")
        hand.press("Lock")

    twice(lambda c, s: ok(c.put(f"{s.issue_url}/lock", json={"lock_reason": "resolved"})), click)


def test_unlock(twice: Any) -> None:
    def click(hand: Any, s: Any) -> None:
        hand.issue(s)
        hand.press("Unlock conversation")

    twice(lambda c, s: ok(c.delete(f"{s.issue_url}/lock")), click)


def test_add_a_sub_issue(twice: Any) -> None:
    def click(hand: Any, s: Any) -> None:
        hand.issue(s)
        hand.unfold("#add-sub")
        hand.page.locator("#add-sub input[name=other]").fill(f"#{s.child}")
        hand.press("Add as sub-issue")

    twice(lambda c, s: ok(c.post(f"{s.issue_url}/sub_issues", json={"sub_issue_id": s.id_of(s.child)})), click)


def _new_sub(c: httpx.Client, s: Any) -> None:
    made = ok(c.post(f"{REPO}/issues", json={"title": "Below", "body": "Text"}))
    ok(c.post(f"{s.issue_url}/sub_issues", json={"sub_issue_id": made["id"]}))


def test_create_a_sub_issue(twice: Any) -> None:
    def click(hand: Any, s: Any) -> None:
        hand.issue(s)
        hand.page.get_by_role("link", name="Create sub-issue").click()
        hand.page.get_by_label("Title").fill("Below")
        hand.page.get_by_label("Text (Markdown)").fill("Text")
        hand.press("Create sub-issue")

    twice(_new_sub, click)


def _first_down(c: httpx.Client, s: Any) -> None:
    one, two = (row["id"] for row in ok(c.get(f"{s.issue_url}/sub_issues")))
    ok(c.patch(f"{s.issue_url}/sub_issues/priority", json={"sub_issue_id": one, "after_id": two}))


def test_move_a_sub_issue(twice: Any) -> None:
    def click(hand: Any, s: Any) -> None:
        hand.issue(s)
        hand.page.locator("#sub-issues").get_by_label(f"Move or remove #{s.child}").press("Enter")
        hand.press("Move down")

    twice(_first_down, click)


def test_remove_a_sub_issue(twice: Any) -> None:
    def click(hand: Any, s: Any) -> None:
        hand.issue(s)
        hand.page.locator("#sub-issues").get_by_label(f"Move or remove #{s.child}").press("Enter")
        hand.press("Remove from the list", within=f"#twig-{s.id_of(s.child)}")

    twice(
        lambda c, s: ok(c.request("DELETE", f"{s.issue_url}/sub_issue", json={"sub_issue_id": s.id_of(s.child)})), click
    )


def test_add_a_blocker(twice: Any) -> None:
    def click(hand: Any, s: Any) -> None:
        hand.issue(s)
        hand.unfold("#depend")
        hand.page.locator("#depend input[name=other]").fill(str(s.other))
        hand.press("Add dependency")

    twice(lambda c, s: ok(c.post(f"{s.issue_url}/dependencies/blocked_by", json={"issue_id": s.id_of(s.other)})), click)


def test_remove_a_blocker(twice: Any) -> None:
    def click(hand: Any, s: Any) -> None:
        hand.issue(s)
        hand.press(f"Remove #{s.other} from “Blocked by”")

    twice(lambda c, s: ok(c.delete(f"{s.issue_url}/dependencies/blocked_by/{s.id_of(s.other)}")), click)


def test_delete_a_comment(twice: Any) -> None:
    def click(hand: Any, s: Any) -> None:
        hand.issue(s)
        hand.unfold(f"#edit-{s.comment}")
        hand.press("Delete", within=f"#edit-{s.comment}")

    twice(lambda c, s: ok(c.delete(f"{REPO}/issues/comments/{s.comment}")), click)


def test_open_an_issue(twice: Any) -> None:
    def click(hand: Any, s: Any) -> None:
        hand.page.goto(f"{HOME}/issues/new")
        hand.page.get_by_label("Title").fill("Fresh")
        hand.page.get_by_role("checkbox", name="bug").check()
        hand.page.get_by_label("Assignee").select_option("bob")
        hand.press("Create issue")

    twice(
        lambda c, s: ok(c.post(f"{REPO}/issues", json={"title": "Fresh", "labels": ["bug"], "assignees": ["bob"]})),
        click,
    )
