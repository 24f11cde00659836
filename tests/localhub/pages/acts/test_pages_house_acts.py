"""Repositories, workflows and apps: what is set on a page is what the API then says, and webhooks tell it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.localhub.pages.acts.acting import HOME, REPO, Hand, ok

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_a_file_is_changed_moved_and_deleted(scenes: Any, kept_hub: Any, hand: Hand) -> None:
    bob, page = kept_hub.client("bob"), hand.page
    page.goto(f"{HOME}/blob/api/api.txt")
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Name, with its folders").fill("deep/er.txt")
    page.locator("textarea[name=text]").fill("changed\n")
    page.get_by_label("Message").fill("Move it")
    hand.press("Commit changes")
    assert page.url.endswith(f"{HOME}/blob/api/deep/er.txt")
    kept_hub.settle()
    pushed = kept_hub.hooks.wait("push")["commits"][0]
    assert (pushed["message"], pushed["added"], pushed["removed"]) == ("Move it", ["deep/er.txt"], ["api.txt"])
    assert kept_hub.hooks.wait("pull_request", "synchronize")["sender"]["login"] == "bob"
    hand.unfold("#delete")
    hand.press("Commit the deletion to api")
    assert bob.get(f"{REPO}/contents/deep/er.txt?ref=api").status_code == 404
    page.goto(f"{HOME}/new/api")
    page.get_by_label("Name, with its folders").fill("../../etc/passwd")
    hand.press("Commit changes")
    assert "cannot be a file's name" in page.inner_text("main")


def test_an_edit_of_what_was_changed_meanwhile_is_refused(scenes: Any, kept_hub: Any, hand: Hand) -> None:
    page = hand.page
    page.goto(f"{HOME}/edit/main/README.md")
    old = ok(kept_hub.client("bob").get(f"{REPO}/contents/README.md"))
    body = {"message": "First", "content": "bmV3Cg==", "sha": old["sha"]}
    ok(kept_hub.client("bob").put(f"{REPO}/contents/README.md", json=body))
    hand.press("Commit changes")
    assert "changed meanwhile" in page.inner_text("main")


def test_branches_are_made_and_deleted(scenes: Any, kept_hub: Any, hand: Hand) -> None:
    page = hand.page
    page.goto(f"{HOME}/branches")
    hand.unfold("#new-branch")
    page.locator("#new-branch input[name=name]").fill("fresh/one")
    hand.press("Create branch")
    kept_hub.settle()
    assert kept_hub.hooks.wait("create")["ref"] == "fresh/one"
    hand.press("Delete the branch fresh/one")
    kept_hub.settle()
    assert kept_hub.hooks.wait("delete")["ref"] == "fresh/one"


def test_labels_and_milestones_are_kept(scenes: Any, kept_hub: Any, hand: Hand) -> None:
    bob, page = kept_hub.client("bob"), hand.page
    page.goto(f"{HOME}/labels")
    page.locator("summary", has_text="New label").press("Enter")
    page.locator("form[action$='/labels'] input[name=name]").fill("soon")
    hand.press("Create label")
    assert ok(bob.get(f"{REPO}/labels/soon"))["name"] == "soon"
    kept_hub.settle()
    assert kept_hub.hooks.wait("label", "created")["label"]["name"] == "soon"
    page.goto(f"{HOME}/milestones")
    hand.unfold("#new-milestone")
    page.get_by_label("Title").fill("2.0")
    page.get_by_label("Due").fill("2027-03-01")
    hand.press("Create milestone")
    made = next(each for each in ok(bob.get(f"{REPO}/milestones")) if each["title"] == "2.0")
    assert (made["due_on"], made["state"]) == ("2027-03-01T00:00:00Z", "open")
    hand.press("Close milestone")
    assert ok(bob.get(f"{REPO}/milestones/{made['number']}"))["state"] == "closed"


def test_settings_access_and_protection(scenes: Any, kept_hub: Any, hand: Hand) -> None:
    bob, page = kept_hub.client("bob"), hand.page
    page.goto(f"{HOME}/settings")
    page.get_by_label("Description").fill("Told")
    page.get_by_label("Allow rebase merging").uncheck()
    hand.press("Save")
    now = ok(bob.get(REPO))
    assert (now["description"], now["allow_rebase_merge"], now["has_issues"]) == ("Told", False, True)
    kept_hub.settle()
    assert kept_hub.hooks.wait("repository", "edited")["changes"] == {"description": {"from": None}}
    page.goto(f"{HOME}/settings/access")
    form = page.locator("form:has(button:text-is('Add'))")
    form.locator("[name=login]").select_option("mallory")
    form.locator("[name=role]").select_option("triage")
    hand.press("Add")
    assert ok(bob.get(f"{REPO}/collaborators/mallory/permission"))["role_name"] == "triage"
    hand.press("Remove mallory")
    assert bob.get(f"{REPO}/collaborators/mallory").status_code == 404
    page.goto(f"{HOME}/settings/branches")
    page.locator("select[name=name]").select_option("main")
    hand.press("Protect")
    page.get_by_label("Require a pull request before merging").check()
    page.get_by_label("Approvals needed").fill("2")
    page.get_by_label("Require status checks to pass before merging").check()
    page.get_by_label("Names, one a line").fill("unit\nlint")
    hand.press("Save protection")
    rules = ok(bob.get(f"{REPO}/branches/main/protection"))
    assert rules["required_status_checks"]["contexts"] == ["unit", "lint"]
    assert rules["required_pull_request_reviews"]["required_approving_review_count"] == 2
    page.goto(f"{HOME}/settings/branch?name=main")
    hand.press("Remove protection")
    assert bob.get(f"{REPO}/branches/main/protection").status_code == 404


def test_a_workflow_is_run_and_run_again(scenes: Any, kept_hub: Any, hand: Hand) -> None:
    bob, page = kept_hub.client("bob"), hand.page
    page.goto(f"{HOME}/actions")
    page.locator(".side-menu").get_by_role("link", name="greet").click()
    hand.unfold("#dispatch")
    page.get_by_label("Whom to greet").fill("everyone")
    hand.press("Run workflow", within="#dispatch form")
    kept_hub.settle()
    (run,) = ok(bob.get(f"{REPO}/actions/runs"))["workflow_runs"]
    assert (run["event"], run["conclusion"], run["run_attempt"]) == ("workflow_dispatch", "failure", 1)
    assert kept_hub.hooks.wait("workflow_run", "completed")["sender"]["login"] == "bob"
    page.goto(f"{HOME}/actions/runs/{run['id']}")
    assert "hello everyone" in page.locator("pre.log").first.inner_text()
    hand.press("Re-run failed jobs")
    kept_hub.settle()
    assert ok(bob.get(f"{REPO}/actions/runs/{run['id']}"))["run_attempt"] == 2
    page.reload()
    hand.press("Re-run greet")
    kept_hub.settle()
    assert ok(bob.get(f"{REPO}/actions/runs/{run['id']}"))["run_attempt"] == 3
    page.goto(f"{HOME}/actions/workflows/greet.yml")
    hand.press("Disable")
    assert page.get_by_role("button", name="Run workflow").count() == 0
    assert ok(bob.get(f"{REPO}/actions/workflows/greet.yml"))["state"] == "disabled_manually"


def test_an_app_is_made_from_a_manifest_installed_narrowed_and_removed(kept_hub: Any, hand: Hand) -> None:
    bob, page = kept_hub.client("bob"), hand.page
    ok(bob.post("/user/repos", json={"name": "mine"}))
    page.goto("/settings/apps/new")
    wanted = {"name": "Helper", "url": f"{kept_hub.url}/apps/helper", "default_permissions": {"issues": "write"}}
    manifest = json.dumps(wanted)
    page.get_by_label("Manifest (JSON)").fill(manifest)
    hand.press("Continue")
    page.get_by_label("Owner").select_option("bob")
    hand.press("Create GitHub App", within="body")
    page.goto("/apps/helper/installations/new")
    hand.press("Install on bob")
    installed = kept_hub.hub.db.row("SELECT * FROM installations ORDER BY id DESC LIMIT 1")
    assert (page.url.rsplit("/", 1)[1], installed["repository_selection"]) == (str(installed["id"]), "all")
    page.get_by_label("mine").check()
    hand.press("Save repositories")
    hand.press("Suspend")
    assert "suspended" in page.inner_text("main")
    hand.press("Unsuspend")
    hand.press("Uninstall")
    assert "Helper" not in page.locator("h2:has-text('Installed here') + ul").inner_text()


def test_an_issue_is_pinned_given_a_branch_and_deleted(scenes: Any, kept_hub: Any, hand: Hand) -> None:
    bob, page = kept_hub.client("bob"), hand.page
    number = ok(bob.post(f"{REPO}/issues", json={"title": "Fix the thing"}))["number"]
    page.goto(f"{HOME}/issues/{number}")
    hand.press("Pin issue")
    page.goto(f"{HOME}/issues")
    assert "Fix the thing" in page.get_by_label("Pinned issues").inner_text()
    page.goto(f"{HOME}/issues/{number}")
    hand.unfold("#develop")
    hand.press("Create branch")
    assert ok(bob.get(f"{REPO}/branches/{number}-fix-the-thing"))["name"]
    assert f"{number}-fix-the-thing" in page.inner_text("aside")
    hand.unfold("#delete-issue")
    hand.press("Delete this issue")
    kept_hub.settle()
    assert {"pinned", "deleted"} <= {each.action for each in kept_hub.hooks.find("issues")}
    assert bob.get(f"{REPO}/issues/{number}").status_code == 410


def test_a_repository_is_made_renamed_and_deleted(kept_hub: Any, hand: Hand) -> None:
    page = hand.page
    page.goto("/new")
    page.get_by_label("Name").fill("brief")
    page.get_by_label("Private").check()
    hand.press("Create repository")
    assert "README.md" in page.inner_text("main")
    page.goto("/bob/brief/settings")
    page.locator("input[name=name]").fill("briefer")
    hand.press("Rename")
    page.goto("/bob/brief/issues")
    assert page.url.endswith("/bob/briefer/issues")
    page.goto("/bob/briefer/settings")
    page.get_by_label("To delete it, write").fill("bob/brief")
    hand.press("Delete this repository")
    assert "write its full name" in page.inner_text("main")
    page.goto("/bob/briefer/settings")
    page.get_by_label("To delete it, write").fill("bob/briefer")
    hand.press("Delete this repository")
    assert kept_hub.client("bob").get("/repos/bob/briefer").status_code == 404


def test_notifications_are_read_and_left(scenes: Any, kept_hub: Any, hand: Hand) -> None:
    alice, bob, page = kept_hub.client("alice"), kept_hub.client("bob"), hand.page
    number = ok(alice.post(f"{REPO}/issues", json={"title": "Look here", "body": "@bob"}))["number"]
    page.goto("/notifications")
    row = page.locator("li", has_text="Look here")
    assert "mention" in row.inner_text()
    with page.expect_navigation():
        row.get_by_role("button", name="Done").press("Enter")
    assert "Look here" not in [each["subject"]["title"] for each in ok(bob.get("/notifications"))]
    page.goto(f"{HOME}/issues/{number}")
    hand.press("Unsubscribe")
    ok(alice.post(f"{REPO}/issues/{number}/comments", json={"body": "More"}))
    assert "Look here" not in [each["subject"]["title"] for each in ok(bob.get("/notifications"))]


def test_webhooks_are_added_looked_through_and_removed(kept_hub: Any, scenes: Any, hand: Hand) -> None:
    bob, page = kept_hub.client("bob"), hand.page
    page.goto(f"{HOME}/settings/hooks")
    page.get_by_label("Payload URL").fill("http://127.0.0.1:9/nobody")
    page.get_by_label("Secret").fill("hush")
    page.get_by_label("Events").fill("issues, issuse")
    hand.press("Add webhook")
    assert 'The "issuse" event is not one' in page.inner_text("main")
    page.goto(f"{HOME}/settings/hooks")
    page.get_by_label("Payload URL").fill("http://127.0.0.1:9/nobody")
    page.get_by_label("Events").fill("*")
    hand.press("Add webhook")
    kept_hub.settle()
    (made,) = ok(bob.get(f"{REPO}/hooks"))
    assert (made["events"], made["config"]["content_type"]) == (["*"], "json")
    page.reload()
    assert "ping" in page.locator("li").first.inner_text()
    assert {"issues", "push", "ping"} <= set(page.locator("select[name=event] option").all_inner_texts())
    page.goto(f"{HOME}/settings/hooks")
    assert page.locator("main li .icon").first.get_attribute("class") == "icon i-failure"
    hand.press("Remove the webhook to http://127.0.0.1:9/nobody")
    assert ok(bob.get(f"{REPO}/hooks")) == []
