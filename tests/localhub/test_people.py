"""Users, collaborators, repositories' settings, and what people are mailed."""

from __future__ import annotations

REPO = "/repos/alice/sample"


def test_users(hub, validate):
    alice = hub.client("alice")
    assert validate(alice.get("/user"), "PrivateUser")["login"] == "alice"
    assert validate(alice.get("/users/bob"), "PublicUser")["type"] == "User"
    validate(alice.get("/users/branchwork[bot]"), "PublicUser")
    assert alice.get("/users/nobody").status_code == 404
    assert hub.client().get("/user").status_code == 401
    assert hub.bot().get("/user").status_code == hub.bot().get("/user/repos").status_code == 403
    assert [each["login"] for each in validate(alice.get("/orgs/acme/members"), "list[SimpleUser]")] == [
        "bob",
        "octo-owner",
    ]
    assert alice.get("/orgs/acme/members/bob").status_code == 204
    assert alice.get("/orgs/acme/members/alice").status_code == 404


def test_permission_levels(hub, validate):
    bot = hub.bot()
    wanted = {"alice": "admin", "bob": "write", "carol": "read", "mallory": "none"}
    for login, level in wanted.items():
        answer = bot.get(f"{REPO}/collaborators/{login}/permission")
        assert validate(answer, "RepositoryCollaboratorPermission")["permission"] == level
    assert bot.get(f"{REPO}/collaborators/branchwork[bot]/permission").status_code == 404, "apps are no collaborators"
    assert hub.client("carol").get(f"{REPO}/collaborators/bob/permission").status_code == 403
    listed = validate(bot.get(f"{REPO}/collaborators"), "list[Collaborator]")
    assert [each["login"] for each in listed] == ["alice", "bob", "carol"]
    alice = hub.client("alice")
    assert alice.put(f"{REPO}/collaborators/mallory", json={"permission": "triage"}).status_code == 204
    answer = bot.get(f"{REPO}/collaborators/mallory/permission").json()
    assert (answer["permission"], answer["role_name"]) == ("read", "triage")
    assert hub.client("bob").put(f"{REPO}/collaborators/mallory").status_code == 403
    assert alice.delete(f"{REPO}/collaborators/mallory").status_code == 204
    assert bot.get(f"{REPO}/collaborators/mallory").status_code == 404


def test_repositories_change_and_tell(hub, validate, validate_hook):
    alice = hub.client("alice")
    assert validate(alice.get(REPO), "FullRepository")["permissions"]["admin"] is True
    validate(alice.get("/user/repos"), "list[Repository]")
    validate(alice.get("/users/alice/repos"), "list[MinimalRepository]")
    assert hub.client("bob").patch(REPO, json={"description": "x"}).status_code == 403
    validate(alice.patch(REPO, json={"description": "A sample", "allow_auto_merge": True}), "FullRepository")
    assert validate_hook(hub.hooks.delivery("repository", "edited"))["changes"]["description"] == {"from": None}
    validate(alice.patch(REPO, json={"archived": True}), "FullRepository")
    validate_hook(hub.hooks.delivery("repository", "archived"))
    refused = hub.bot().post(f"{REPO}/issues", json={"title": "x"})
    assert (refused.status_code, refused.json()["message"]) == (403, "Repository was archived so is read-only.")
    assert alice.patch(REPO, json={"description": "x"}).status_code == 403
    alice.patch(REPO, json={"archived": False})
    validate_hook(hub.hooks.delivery("repository", "unarchived"))

    alice.patch(REPO, json={"name": "renamed"})
    payload = validate_hook(hub.hooks.delivery("repository", "renamed"))
    assert payload["changes"] == {"repository": {"name": {"from": "sample"}}}
    moved = hub.bot().get(REPO)
    assert moved.status_code == 301
    assert hub.bot().get(moved.headers["Location"]).json()["full_name"] == "alice/renamed"
    deep = hub.bot().get(f"{moved.headers['Location']}/issues", follow_redirects=True)
    assert deep.json() == []
    assert hub.client("mallory").get(REPO).status_code == 404
    made = validate(alice.post("/user/repos", json={"name": "fresh", "auto_init": True}), "FullRepository", 201)
    assert made["default_branch"] == "main"
    assert alice.post("/user/repos", json={"name": "fresh"}).status_code == 422
    assert alice.delete("/repos/alice/fresh").status_code == 204
    assert alice.get("/repos/alice/fresh").status_code == 404


def test_a_renamed_repository_answers_by_its_old_name(hub):
    """GitHub leads to the same call by number: 301 for a GET, 307 for what may not become one; one redirect, not two."""
    alice, bot = hub.client("alice"), hub.bot()
    number = alice.post(f"{REPO}/issues", json={"title": "One"}).json()["number"]
    alice.post(f"{REPO}/issues", json={"title": "Two"})
    alice.patch(REPO, json={"name": "renamed"})
    by_number = f"{hub.url}/api/v3/repositories/{alice.get('/repos/alice/renamed').json()['id']}"
    for method, path, body, status in (
        ("GET", "", None, 301), ("GET", f"/issues/{number}", None, 301), ("GET", "/issues?per_page=1&page=2", None, 301),
        ("POST", "/issues", {"title": "x"}, 307), ("PATCH", f"/issues/{number}", {"title": "y"}, 307), ("PATCH", "", {"description": "z"}, 307),
        ("PUT", "/contents/a%20b.txt", {"message": "m", "content": "eA=="}, 307), ("DELETE", f"/issues/{number}/labels", None, 307),
    ):  # fmt: skip
        moved = alice.request(method, f"{REPO}{path}", json=body)
        told = moved.json()
        assert (moved.status_code, moved.headers["Location"]) == (status, f"{by_number}{path}")
        assert (told["message"], told["url"]) == ("Moved Permanently", f"{by_number}{path}")
        answer = alice.request(method, moved.headers["Location"], json=body)
        assert answer.is_success, answer.text
    assert bot.get(f"{by_number}/issues/{number}").json()["title"] == "y"
    assert {each["title"] for each in bot.get(f"{by_number}/issues").json()} == {"y", "Two", "x"}
    paged = bot.get(f"{by_number}/issues?per_page=1")
    assert bot.get(paged.links["next"]["url"]).json()[0]["number"] == 2
    found = hub.app().get(f"{REPO}/installation", follow_redirects=True)
    assert found.json()["id"] == hub.installation_id
    mallory = hub.client("mallory")
    assert mallory.get(f"{REPO}/issues").status_code == mallory.get(f"{by_number}/issues").status_code == 404
    assert hub.client("carol").post(f"{by_number}/labels", json={"name": "x"}).status_code == 403


def test_an_organisations_repository(hub, validate, validate_hook):
    bob = hub.client("bob")
    assert validate(bob.get("/repos/acme/tools"), "FullRepository")["organization"]["login"] == "acme"
    issue = validate(bob.post("/repos/acme/tools/issues", json={"title": "x"}), "Issue", 201)
    assert issue["author_association"] == "MEMBER"
    assert validate_hook(hub.hooks.delivery("issues", "opened"))["organization"]["login"] == "acme"


def test_mail_is_counted_and_edits_send_none(hub, validate):
    alice, bob, bot = hub.client("alice"), hub.client("bob"), hub.bot()
    alice.put(f"{REPO}/subscription")

    def mails() -> dict[str, dict[str, int]]:
        return dict(hub.client().get(f"{hub.url}/_localhub/stats").json()["notifications"])

    bot.post(f"{REPO}/issues", json={"title": "Plan", "body": "Hello @bob, not `@carol` nor @mallory"})
    assert mails() == {"alice": {"opened": 1}, "bob": {"mention": 1}}
    comment = bot.post(f"{REPO}/issues/1/comments", json={"body": "Working"}).json()
    assert mails() == {"alice": {"opened": 1, "comment": 1}, "bob": {"mention": 1, "comment": 1}}
    for _ in range(5):
        bot.patch(f"{REPO}/issues/comments/{comment['id']}", json={"body": f"Working {_} @carol"})
        bot.patch(f"{REPO}/issues/1", json={"body": f"Hello again {_}"})
    assert mails() == {"alice": {"opened": 1, "comment": 1}, "bob": {"mention": 1, "comment": 1}}
    bob.patch(f"{REPO}/issues/1", json={"state": "closed"})
    assert mails()["alice"] == {"opened": 1, "comment": 1, "closed": 1}
    assert "closed" not in mails()["bob"], "nobody hears of what they did themselves"

    threads = validate(alice.get("/notifications"), "list[Thread]")
    assert (threads[0]["subject"]["title"], threads[0]["reason"], threads[0]["unread"]) == ("Plan", "subscribed", True)
    assert validate(bob.get("/notifications"), "list[Thread]")[0]["reason"] == "mention"
    one = f"/notifications/threads/{threads[0]['id']}"
    validate(alice.get(one), "Thread")
    assert alice.patch(one).status_code == 205
    assert alice.get("/notifications").json() == []
    assert len(alice.get("/notifications", params={"all": True}).json()) == 1
    assert validate(alice.put(f"{one}/subscription", json={"ignored": True}), "ThreadSubscription")["ignored"] is True
    bot.post(f"{REPO}/issues/1/comments", json={"body": "Unheard"})
    assert alice.get("/notifications").json() == []
    assert len(bob.get(f"{REPO}/notifications").json()) == 1
    assert bob.put("/notifications").status_code == 205
    assert bob.get("/notifications").json() == []
    assert bot.get("/notifications").status_code == 403


def test_a_person_s_token_tells_its_scopes(hub):
    with hub.client("alice") as alice, hub.client(None) as nobody, hub.bot() as bot:
        assert {"repo", "read:org", "workflow"} <= set(alice.get("/user").headers["X-OAuth-Scopes"].split(", "))
        assert "X-OAuth-Scopes" not in nobody.get("/").headers
        assert "X-OAuth-Scopes" not in bot.get("/installation/repositories").headers, "apps have permissions instead"
