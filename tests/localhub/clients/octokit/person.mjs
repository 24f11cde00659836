// A person with a token: REST, pagination, GraphQL, errors, conditional requests, limits and faults.
import assert from "node:assert/strict";
import { Octokit, RequestError } from "octokit";

const { HUB, TOKEN } = process.env;
const waits = [];
const answers = [];
const octokit = new Octokit({
  auth: TOKEN,
  baseUrl: `${HUB}/api/v3`,
  request: {
    fetch: async (url, options) => {
      const answer = await fetch(url, options);
      answers.push(answer.status);
      return answer;
    },
  },
  throttle: {
    onRateLimit: (after, options) => void waits.push(["primary", after, options.url]),
    onSecondaryRateLimit: (after, options) => void waits.push(["secondary", after, options.url]),
  },
});
const repo = { owner: "alice", repo: "sample" };
const admin = async (path, body) => {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${HUB}/_localhub${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  assert.ok(answer.ok, await answer.text());
};
const fails = async (promise) => {
  const error = await promise.then(
    () => assert.fail("it should have failed"),
    (reason) => reason,
  );
  assert.ok(error instanceof RequestError, String(error));
  return error;
};

// REST, by the methods that are generated from GitHub's description
const { data: me } = await octokit.rest.users.getAuthenticated();
assert.equal(me.login, "alice");
for (let n = 1; n <= 5; n++) {
  const { data, status } = await octokit.rest.issues.create({ ...repo, title: `Issue ${n}`, labels: ["bug"] });
  assert.deepEqual([status, data.number, data.user.login], [201, n, "alice"]);
}
await octokit.rest.issues.update({ ...repo, issue_number: 5, state: "closed", state_reason: "not_planned" });
const { data: comment } = await octokit.rest.issues.createComment({ ...repo, issue_number: 1, body: "Hello" });
await octokit.rest.reactions.createForIssueComment({ ...repo, comment_id: comment.id, content: "rocket" });
const { data: first } = await octokit.rest.issues.get({ ...repo, issue_number: 1 });
const { data: second } = await octokit.rest.issues.get({ ...repo, issue_number: 2 });
await octokit.rest.issues.addSubIssue({ ...repo, issue_number: 1, sub_issue_id: second.id });
const { data: children } = await octokit.rest.issues.listSubIssues({ ...repo, issue_number: 1 });
assert.deepEqual(children.map((each) => each.number), [2]);

// Pages
const open = await octokit.paginate(octokit.rest.issues.listForRepo, { ...repo, per_page: 2 });
assert.deepEqual(open.map((each) => each.number), [4, 3, 2, 1]);
let pages = 0;
for await (const { data } of octokit.paginate.iterator(octokit.rest.issues.listForRepo, { ...repo, state: "all", per_page: 2 })) {
  assert.ok(data.length <= 2);
  pages += 1;
}
assert.equal(pages, 3);
const branches = await octokit.paginate("GET /repos/{owner}/{repo}/branches", repo);
assert.deepEqual(branches.map((each) => each.name), ["main"]);

// Git and a pull request
const { data: main } = await octokit.rest.git.getRef({ ...repo, ref: "heads/main" });
await octokit.rest.git.createRef({ ...repo, ref: "refs/heads/topic", sha: main.object.sha });
await octokit.rest.repos.createOrUpdateFileContents({
  ...repo, path: "a.txt", message: "Add a", branch: "topic", content: Buffer.from("a\n").toString("base64"),
});
const { data: pull } = await octokit.rest.pulls.create({ ...repo, title: "Add a", head: "topic", base: "main" });
const { data: diff } = await octokit.rest.pulls.get({ ...repo, pull_number: pull.number, mediaType: { format: "diff" } });
assert.match(diff, /^\+a$/m);
const { data: files } = await octokit.rest.pulls.listFiles({ ...repo, pull_number: pull.number });
assert.equal(files[0].filename, "a.txt");

// GraphQL, with variables and pages of its own
const { repository } = await octokit.graphql(
  `query ($owner: String!, $repo: String!) { repository(owner: $owner, name: $repo) { issue(number: 1) { title subIssues(first: 5) { nodes { number } } } } }`,
  repo,
);
assert.deepEqual(repository.issue, { title: "Issue 1", subIssues: { nodes: [{ number: 2 }] } });
const all = await octokit.graphql.paginate(
  `query ($cursor: String) { repository(owner: "alice", name: "sample") { issues(first: 2, after: $cursor) { nodes { number } pageInfo { hasNextPage endCursor } } } }`,
);
assert.equal(all.repository.issues.nodes.length, 5);
const graphqlError = await octokit.graphql(`{ repository(owner: "alice", name: "none") { id } }`).catch((error) => error);
assert.equal(graphqlError.name, "GraphqlResponseError");
assert.deepEqual([graphqlError.errors[0].type, graphqlError.data], ["NOT_FOUND", { repository: null }]);

// Errors in GitHub's shape
const missing = await fails(octokit.rest.issues.get({ ...repo, issue_number: 99 }));
assert.deepEqual([missing.status, missing.response.data.message, missing.response.data.status], [404, "Not Found", "404"]);
assert.match(missing.response.data.documentation_url, /^https:\/\/docs\.github\.com\/rest/);
const invalid = await fails(octokit.rest.pulls.create({ ...repo, title: "Again", head: "topic", base: "main" }));
assert.equal(invalid.status, 422);
assert.match(invalid.message, /A pull request already exists for alice:topic/);
assert.equal(invalid.response.data.errors[0].resource, "PullRequest");
const bad = await fails(new Octokit({ auth: "ghp_wrong", baseUrl: `${HUB}/api/v3` }).rest.users.getAuthenticated());
assert.deepEqual([bad.status, bad.response.data.message], [401, "Bad credentials"]);

// What is known is not sent again
const known = await octokit.rest.repos.get(repo);
const same = await fails(octokit.rest.repos.get({ ...repo, headers: { "if-none-match": known.headers.etag } }));
assert.equal(same.status, 304);
assert.equal(same.response.headers["x-ratelimit-remaining"], known.headers["x-ratelimit-remaining"], "a 304 is free");

// A server that stumbles once is asked again by the retry plugin
await admin("/faults", { rules: [{ kind: "error_before", status: 502, times: 1, path: "/repos/alice/sample/labels" }] });
answers.length = 0;
const { data: labels } = await octokit.rest.issues.listLabelsForRepo({ ...repo, request: { retryAfter: 0 } });
assert.ok(labels.length > 5);
assert.deepEqual(answers, [502, 200]);
await admin("/faults", { rules: [] });

// Limits reach the throttling plugin
await admin("/limits", { creations_minute: 8 });
const created = [];
let refused;
for (let n = 0; n < 10 && !refused; n++) {
  await octokit.rest.issues.createComment({ ...repo, issue_number: 1, body: `More ${n}` }).then(
    () => created.push(n),
    (error) => (refused = error),
  );
}
assert.equal(refused.status, 403);
assert.match(refused.response.data.message, /secondary rate limit/);
assert.equal(waits[0][0], "secondary");
assert.ok(waits[0][1] > 0, "with the seconds to wait");
await admin("/limits", { creations_minute: 80, primary: 1 });
const exhausted = await fails(octokit.rest.issues.get({ ...repo, issue_number: 1 }));
assert.equal(exhausted.response.headers["x-ratelimit-remaining"], "0");
assert.match(exhausted.response.data.message, /API rate limit exceeded/);
assert.equal(waits.at(-1)[0], "primary");
console.log(JSON.stringify({ created: created.length, waits: waits.length, first: first.id }));
