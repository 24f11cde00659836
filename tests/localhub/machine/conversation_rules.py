"""GitHub's rules of conversations about lines: alone, in answer to others, in reviews that are written piece by piece."""

from __future__ import annotations

from collections.abc import Sequence

from tests.localhub.machine.model import LineComment, Pull, Refused, Review, Thread, demand
from tests.localhub.machine.people import Person
from tests.localhub.machine.pull_rules import VERDICTS, PullRules

Draft = tuple[str, str]
"""The path of a file, whose first line is meant, and what is said of it."""


class ConversationRules(PullRules):
    # -- at once

    def comment_on_line(self, actor: Person, number: int, draft: Draft, comment_id: int, review_id: int) -> None:
        """Whoever can read, on a line of the diff; not while they have a review begun."""
        pull = self._talking(actor, number)
        self._check_drafts(pull, [draft])
        self._check_free(actor, pull)
        pull.threads[comment_id] = Thread(draft[0])
        comment = LineComment(actor.login, draft[1], review_id, comment_id)
        self._say_at_once(actor, pull, comment, comment_id, pull.head_sha)

    def answer(self, actor: Person, number: int, to: int, text: str, comment_id: int, review_id: int) -> None:
        """In the thread of a comment that the actor sees; always an answer to its first one."""
        pull = self._talking(actor, number)
        if to not in pull.lines or not pull.sees_line(to, actor.login):
            raise Refused(404, "no such comment")
        if not text.strip():
            raise Refused(422, "blank")
        self._check_free(actor, pull)
        first = pull.lines[to].answers or to
        comment = LineComment(actor.login, text, review_id, pull.lines[to].thread, first)
        self._say_at_once(actor, pull, comment, comment_id, pull.reviews[pull.lines[to].review].commit)

    def answer_in_thread(
        self, actor: Person, number: int, thread: int, text: str, comment_id: int, review_id: int
    ) -> None:
        """Over GraphQL: a part of the review that the actor has begun, or else at once."""
        pull = self._talking(actor, number)
        if not pull.sees_thread(thread, actor.login):
            raise Refused(404)
        to = next(key for key in pull.lines_of(thread) if pull.sees_line(key, actor.login))
        begun = [key for key, each in pull.reviews.items() if each.state == "PENDING" and each.author == actor.login]
        if not begun:
            self.answer(actor, number, to, text, comment_id, review_id)
            return
        if not text.strip():
            raise Refused(422, "blank")
        if pull.locked and not actor.may("write", "pull_requests"):
            raise Refused(403, "locked")
        pull.lines[comment_id] = LineComment(actor.login, text, begun[0], thread, pull.lines[to].answers or to)
        self.touched.add(number)

    def _say_at_once(self, actor: Person, pull: Pull, comment: LineComment, comment_id: int, commit: str) -> None:
        """It is a review of its own, without words; of the commit that its thread began on."""
        pull.lines[comment_id] = comment
        pull.reviews[comment.review] = Review(actor.login, "COMMENTED", commit, "")
        self.note(pull, f"reviewed {comment.review}", actor.login)
        self._tell_review(pull, comment.review, "submitted", actor.login)
        self._tell_line(pull, comment, "created", actor.login)
        self.subscribe(pull, actor.login)
        self.mail_all(pull, "comment", actor.login, comment.text)

    # -- piece by piece

    def begin_review(
        self, actor: Person, number: int, body: str, drafts: Sequence[Draft], review_id: int, comment_ids: Sequence[int]
    ) -> None:
        """Pending: for nobody else to see, and nobody hears of it. One each."""
        pull = self._talking(actor, number)
        self._check_drafts(pull, drafts)
        self._check_free(actor, pull)
        pull.reviews[review_id] = Review(actor.login, "PENDING", pull.head_sha, body)
        for (path, text), comment_id in zip(drafts, comment_ids, strict=True):
            pull.threads[comment_id] = Thread(path)
            pull.lines[comment_id] = LineComment(actor.login, text, review_id, comment_id)
        self.touched.add(number)

    def submit_review(self, actor: Person, number: int, review_id: int, event: str, body: str) -> None:
        """Now all hear of it at once; nobody judges their own work."""
        pull = self._talking(actor, number)
        review = self._review(actor, pull, review_id)
        said = [each for _, each in sorted(pull.lines.items()) if each.review == review_id]
        if actor.login == pull.author and event != "COMMENT":
            raise Refused(422, "one's own")
        if event != "APPROVE" and not body and not review.body and not said:
            raise Refused(422, "no words")
        if review.state != "PENDING":
            raise Refused(422, "submitted already")
        review.state, review.body = VERDICTS[event], body or review.body
        if actor.login in pull.requested:
            pull.requested.remove(actor.login)
        self.note(pull, f"reviewed {review_id}", actor.login)
        self._tell_review(pull, review_id, "submitted", actor.login)
        for each in said:
            self._tell_line(pull, each, "created", actor.login)
        self.subscribe(pull, actor.login)
        self.mail_all(pull, "review", actor.login, "\n\n".join([review.body, *(each.text for each in said)]))

    def discard_review(self, actor: Person, number: int, review_id: int) -> None:
        pull = self._talking(actor, number)
        if self._review(actor, pull, review_id).state != "PENDING":
            raise Refused(422, "submitted already")
        del pull.reviews[review_id]
        pull.lines = {key: each for key, each in pull.lines.items() if each.review != review_id}
        self._forget_empty(pull)
        self.touched.add(number)

    # -- what was said

    def edit_line(self, actor: Person, number: int, comment_id: int, text: str) -> None:
        """Its author, and people who can write."""
        pull = self._talking(actor, number)
        if not text.strip():
            self._line(actor, pull, comment_id)
            raise Refused(422, "blank")
        comment = self._changeable(actor, pull, comment_id)
        before, comment.text = comment.text, text
        if text != before and pull.reviews[comment.review].state != "PENDING":
            self._tell_line(pull, comment, "edited", actor.login)
        self.touched.add(number)

    def delete_line(self, actor: Person, number: int, comment_id: int) -> None:
        """Answers to it are answers to the first of them; a review that said nothing else goes along."""
        pull = self._talking(actor, number)
        comment = self._changeable(actor, pull, comment_id)
        review = pull.reviews[comment.review]
        if review.state != "PENDING":
            self._tell_line(pull, comment, "deleted", actor.login)
        del pull.lines[comment_id]
        answers = [key for key, each in sorted(pull.lines.items()) if each.answers == comment_id]
        for key in answers:
            pull.lines[key].answers = None if key == answers[0] else answers[0]
        self._forget_empty(pull)
        silent = review.state == "COMMENTED" and not review.body
        if silent and not any(each.review == comment.review for each in pull.lines.values()):
            del pull.reviews[comment.review]
            pull.timeline.remove((f"reviewed {comment.review}", review.author))
        self.touched.add(number)

    def resolve(self, actor: Person, number: int, thread: int, *, resolved: bool) -> None:
        """By who opened the pull request, and who can write; over GraphQL only."""
        pull = self._talking(actor, number)
        if actor.login != pull.author and not actor.may("write", "pull_requests"):
            raise Refused(403)
        if pull.threads[thread].resolved == resolved:
            return
        pull.threads[thread].resolved = resolved
        seen = tuple(key for key in pull.lines_of(thread) if pull.sees_line(key, ""))
        action = "resolved" if resolved else "unresolved"
        self.tell("pull_request_review_thread", action, number=number, sender=actor.login, comments=seen)
        self.touched.add(number)

    # -- what every rule asks

    def _talking(self, actor: Person, number: int) -> Pull:
        demand(actor, "read", "pull_requests")
        return self.pull(actor, number)

    def _check_free(self, actor: Person, pull: Pull) -> None:
        """Not in a locked conversation without the right to write, and not beside a review of theirs that is begun."""
        if pull.locked and not actor.may("write", "pull_requests"):
            raise Refused(403, "locked")
        self.check_no_other_begun(actor, pull)

    def _check_drafts(self, pull: Pull, drafts: Sequence[Draft]) -> None:
        """Each says something about a line that the pull request changes."""
        if any(not text.strip() or path not in self.changed(pull) for path, text in drafts):
            raise Refused(422, "blank, or not in the diff")

    def changed(self, pull: Pull) -> set[str]:
        """The files that differ from where the head left the base."""
        (fork,) = self.commits.merge_bases(pull.base_sha, pull.head_sha)
        before, after = self.commits.known[fork].files, self.commits.known[pull.head_sha].files
        return {path for path, text in after.items() if before.get(path) != text}

    def _review(self, actor: Person, pull: Pull, review_id: int) -> Review:
        found = pull.reviews.get(review_id)
        if found is None or (found.state == "PENDING" and found.author != actor.login):
            raise Refused(404)
        return found

    def _line(self, actor: Person, pull: Pull, comment_id: int) -> LineComment:
        if comment_id not in pull.lines or not pull.sees_line(comment_id, actor.login):
            raise Refused(404)
        return pull.lines[comment_id]

    def _changeable(self, actor: Person, pull: Pull, comment_id: int) -> LineComment:
        comment = self._line(actor, pull, comment_id)
        if comment.author != actor.login and (actor.is_bot or not actor.may("write", "pull_requests")):
            raise Refused(403, "another's comment")
        return comment

    def _forget_empty(self, pull: Pull) -> None:
        """A thread whose last comment went is gone."""
        left = {each.thread for each in pull.lines.values()}
        pull.threads = {key: each for key, each in pull.threads.items() if key in left}

    def _tell_line(self, pull: Pull, comment: LineComment, action: str, by: str) -> None:
        facts = {"number": pull.number, "sender": by, "author": comment.author, "text": comment.text}
        self.tell("pull_request_review_comment", action, **facts)
        self.touched.add(pull.number)
