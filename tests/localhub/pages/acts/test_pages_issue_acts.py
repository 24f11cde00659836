"""Issues: what is done on a page tells and leaves what the API's call does."""

from __future__ import annotations

import httpx
import pytest

from tests.localhub.pages.acts.acting import HOME, REPO, Hand, Scene, ok, same_as

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@same_as(lambda c, s: c.post(f"{s.issue_url}/comments", json={"body": "Hello *there*"}))
def test_comment(hand: Hand, s: Scene) -> None:
    hand.issue(s)
    hand.page.get_by_label("Comment as bob").fill("Hello *there*")
    hand.press("Comment")


@same_as(lambda c, s: c.patch(f"{REPO}/issues/comments/{s.comment}", json={"body": "- [ ] Approve\n- [ ] No"}))
def test_edit_ones_comment(hand: Hand, s: Scene) -> None:
    hand.issue(s)
    hand.unfold(f"#edit-{s.comment}")
    hand.page.locator(f"#edit-{s.comment} textarea").fill("- [ ] Approve\n- [ ] No")
    hand.press("Save", within=f"#edit-{s.comment}")


@same_as(lambda c, s: c.patch(f"{REPO}/issues/comments/{s.comment}", json={"body": "- [x] Approve\n- [ ] No"}))
def test_tick_a_box(hand: Hand, s: Scene) -> None:
    hand.issue(s)
    with hand.page.expect_navigation():
        hand.page.get_by_role("checkbox", name="Approve").press("Enter")


@same_as(lambda c, s: c.post(f"{REPO}/issues/comments/{s.comment}/reactions", json={"content": "rocket"}))
def test_react(hand: Hand, s: Scene) -> None:
    hand.issue(s)
    hand.unfold(f"#react-comment-{s.comment}")
    hand.press("rocket", within=f"#react-comment-{s.comment}")


@same_as(lambda c, s: c.post(f"{s.issue_url}/labels", json={"labels": ["bug"]}))
def test_label(hand: Hand, s: Scene) -> None:
    hand.issue(s)
    hand.unfold("#labels")
    hand.page.locator("#labels input[name=add]").fill("bug")
    hand.press("Add label")


@same_as(lambda c, s: c.post(f"{s.issue_url}/labels", json={"labels": ["documentation"]}))
def test_another_label_by_the_enter_key(hand: Hand, s: Scene) -> None:
    """Enter must not press the first button there is, which takes a label off."""
    hand.issue(s)
    hand.unfold("#labels")
    field = hand.page.locator("#labels input[name=add]")
    field.fill("documentation")
    with hand.page.expect_navigation():
        field.press("Enter")


@same_as(lambda c, s: c.delete(f"{s.issue_url}/labels/bug"))
def test_take_a_label_off(hand: Hand, s: Scene) -> None:
    hand.issue(s)
    hand.unfold("#labels")
    hand.press("Remove the label bug")


@same_as(lambda c, s: c.post(f"{s.issue_url}/assignees", json={"assignees": ["alice"]}))
def test_assign(hand: Hand, s: Scene) -> None:
    hand.issue(s)
    hand.unfold("#assignees")
    hand.page.locator("#assignees select").select_option("alice")
    hand.press("Assign")


@same_as(lambda c, s: c.request("DELETE", f"{s.issue_url}/assignees", json={"assignees": ["alice"]}))
def test_unassign(hand: Hand, s: Scene) -> None:
    hand.issue(s)
    hand.unfold("#assignees")
    hand.press("Unassign alice")


@same_as(lambda c, s: c.patch(s.issue_url, json={"milestone": 1}))
def test_set_a_milestone(hand: Hand, s: Scene) -> None:
    hand.issue(s)
    hand.unfold("#milestone")
    hand.page.locator("#milestone select").select_option("1.0")
    hand.press("Set milestone")


@same_as(lambda c, s: c.patch(s.issue_url, json={"title": "New title", "body": "New\ntext"}))
def test_edit_title_and_text(hand: Hand, s: Scene) -> None:
    hand.issue(s)
    hand.unfold("#edit-body")
    hand.page.locator("#edit-body input[name=title]").fill("New title")
    hand.page.locator("#edit-body textarea").fill("New\ntext")
    hand.press("Save", within="#edit-body")


@same_as(lambda c, s: c.patch(s.issue_url, json={"state": "closed", "state_reason": "not_planned"}))
def test_close_as_not_planned(hand: Hand, s: Scene) -> None:
    hand.issue(s)
    hand.press("Close as not planned")


@same_as(lambda c, s: c.patch(s.issue_url, json={"state": "open"}))
def test_reopen(hand: Hand, s: Scene) -> None:
    hand.issue(s)
    hand.press("Reopen issue")


@same_as(lambda c, s: c.put(f"{s.issue_url}/lock", json={"lock_reason": "resolved"}))
def test_lock(hand: Hand, s: Scene) -> None:
    hand.issue(s)
    hand.unfold("#lock")
    hand.page.locator("#lock select").select_option("resolved")
    hand.press("Lock")


@same_as(lambda c, s: c.delete(f"{s.issue_url}/lock"))
def test_unlock(hand: Hand, s: Scene) -> None:
    hand.issue(s)
    hand.press("Unlock conversation")


@same_as(lambda c, s: c.post(f"{s.issue_url}/sub_issues", json={"sub_issue_id": s.id_of(s.child)}))
def test_add_a_sub_issue(hand: Hand, s: Scene) -> None:
    hand.issue(s)
    hand.unfold("#add-sub")
    hand.page.locator("#add-sub input[name=other]").fill(f"#{s.child}")
    hand.press("Add as sub-issue")


def _new_sub(c: httpx.Client, s: Scene) -> None:
    made = ok(c.post(f"{REPO}/issues", json={"title": "Below", "body": "Text"}))
    ok(c.post(f"{s.issue_url}/sub_issues", json={"sub_issue_id": made["id"]}))


@same_as(_new_sub)
def test_create_a_sub_issue(hand: Hand, s: Scene) -> None:
    hand.issue(s)
    hand.page.get_by_role("link", name="Create sub-issue").click()
    hand.page.get_by_label("Title").fill("Below")
    hand.page.get_by_label("Text (Markdown)").fill("Text")
    hand.press("Create sub-issue")


def _first_down(c: httpx.Client, s: Scene) -> None:
    one, two = (row["id"] for row in ok(c.get(f"{s.issue_url}/sub_issues")))
    ok(c.patch(f"{s.issue_url}/sub_issues/priority", json={"sub_issue_id": one, "after_id": two}))


@same_as(_first_down)
def test_move_a_sub_issue(hand: Hand, s: Scene) -> None:
    hand.issue(s)
    hand.page.locator("#sub-issues").get_by_label(f"Move or remove #{s.child}").press("Enter")
    hand.press("Move down")


@same_as(lambda c, s: c.request("DELETE", f"{s.issue_url}/sub_issue", json={"sub_issue_id": s.id_of(s.child)}))
def test_remove_a_sub_issue(hand: Hand, s: Scene) -> None:
    hand.issue(s)
    hand.page.locator("#sub-issues").get_by_label(f"Move or remove #{s.child}").press("Enter")
    hand.press("Remove from the list", within=f"#twig-{s.id_of(s.child)}")


@same_as(lambda c, s: c.post(f"{s.issue_url}/dependencies/blocked_by", json={"issue_id": s.id_of(s.other)}))
def test_add_a_blocker(hand: Hand, s: Scene) -> None:
    hand.issue(s)
    hand.unfold("#depend")
    hand.page.locator("#depend input[name=other]").fill(str(s.other))
    hand.press("Add dependency")


@same_as(lambda c, s: c.delete(f"{s.issue_url}/dependencies/blocked_by/{s.id_of(s.other)}"))
def test_remove_a_blocker(hand: Hand, s: Scene) -> None:
    hand.issue(s)
    hand.press(f"Remove #{s.other} from “Blocked by”")


@same_as(lambda c, s: c.delete(f"{REPO}/issues/comments/{s.comment}"))
def test_delete_a_comment(hand: Hand, s: Scene) -> None:
    hand.issue(s)
    hand.unfold(f"#edit-{s.comment}")
    hand.press("Delete", within=f"#edit-{s.comment}")


@same_as(lambda c, s: c.post(f"{REPO}/issues", json={"title": "Fresh", "labels": ["bug"], "assignees": ["bob"]}))
def test_open_an_issue(hand: Hand, s: Scene) -> None:
    hand.page.goto(f"{HOME}/issues/new")
    hand.page.get_by_label("Title").fill("Fresh")
    hand.page.get_by_role("checkbox", name="bug").check()
    hand.page.get_by_label("Assignee").select_option("bob")
    hand.press("Create issue")
