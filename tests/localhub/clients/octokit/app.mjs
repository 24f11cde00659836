// A GitHub App: its own identity, its installations, signed webhooks over Octokit's own middleware, redelivery.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import { App, Octokit, createNodeMiddleware } from "octokit";

const { HUB, APP_ID, PRIVATE_KEY, WEBHOOK_SECRET } = process.env;
const quick = { throttle: { enabled: false }, retry: { enabled: false } };
const app = new App({
  appId: APP_ID,
  privateKey: PRIVATE_KEY,
  Octokit: Octokit.defaults({ baseUrl: `${HUB}/api/v3`, ...quick }),
  webhooks: { secret: WEBHOOK_SECRET },
  // The middleware wants these, though nobody signs in here.
  oauth: { clientId: "unused", clientSecret: "unused" },
});
const heard = [];
const waiting = [];
const hear = (name, id) => {
  heard.push([name, id]);
  for (const look of [...waiting]) look();
};
const until = (name, count = 1) =>
  new Promise((resolve, reject) => {
    const found = () => heard.filter((each) => each[0] === name);
    const late = setTimeout(() => reject(new Error(`no ${count} of ${name}: ${JSON.stringify(heard)}`)), 60_000);
    const look = () => {
      if (found().length < count) return;
      clearTimeout(late);
      waiting.splice(waiting.indexOf(look), 1);
      resolve(found());
    };
    waiting.push(look);
    look();
  });
app.webhooks.onAny(({ id, name, payload }) => hear(payload.action ? `${name}.${payload.action}` : name, id));
let failing = true;
app.webhooks.on("issues.labeled", async ({ octokit, payload }) => {
  assert.equal(payload.installation.id, installation.id);
  await octokit.rest.issues.createComment({
    owner: payload.repository.owner.login, repo: payload.repository.name, issue_number: payload.issue.number,
    body: `You said ${payload.label.name}.`,
  });
});
app.webhooks.on("issues.closed", () => {
  if (failing) throw new Error("not yet");
});
app.webhooks.onError(() => hear("error"));

const server = createServer(createNodeMiddleware(app)).listen(Number(process.env.PORT), "127.0.0.1");
await once(server, "listening");

const { data: self } = await app.octokit.rest.apps.getAuthenticated();
assert.equal(String(self.id), APP_ID);
const installations = [];
for await (const { installation } of app.eachInstallation.iterator()) installations.push(installation);
assert.deepEqual(installations.map((each) => each.account.login), ["alice"]);
const [installation] = installations;
const repositories = [];
for await (const { repository, octokit } of app.eachRepository.iterator()) {
  repositories.push(repository.full_name);
  assert.ok(octokit);
}
assert.deepEqual(repositories.sort(), ["alice/private", "alice/sample"]);
assert.equal(await app.getInstallationUrl(), `${HUB}/apps/${self.slug}/installations/new`);

const bot = await app.getInstallationOctokit(installation.id);
const repo = { owner: "alice", repo: "private" };
const { data: issue } = await bot.rest.issues.create({ ...repo, title: "From the app" });
assert.deepEqual([issue.user.login, issue.user.type], [`${self.slug}[bot]`, "Bot"]);
await until("issues.opened");
await bot.rest.issues.addLabels({ ...repo, issue_number: issue.number, labels: ["bug"] });
await until("issue_comment.created");
const { data: comments } = await bot.rest.issues.listComments({ ...repo, issue_number: issue.number });
assert.equal(comments[0].body, "You said bug.");
assert.equal(comments[0].performed_via_github_app.slug, self.slug);

// A token with less can do less
const { data: less } = await app.octokit.rest.apps.createInstallationAccessToken({
  installation_id: installation.id, repositories: ["sample"], permissions: { issues: "read" },
});
const narrow = new Octokit({ auth: less.token, baseUrl: `${HUB}/api/v3`, ...quick });
await assert.rejects(narrow.rest.issues.get({ ...repo, issue_number: 1 }), { status: 404 });
await assert.rejects(narrow.rest.issues.create({ ...repo, repo: "sample", title: "x" }), { status: 403 });

// A check run, on the commit that the branch has
const { data: main } = await bot.rest.repos.getBranch({ ...repo, repo: "sample", branch: "main" });
const { data: check } = await bot.rest.checks.create({
  ...repo, repo: "sample", name: "octokit", head_sha: main.commit.sha, status: "in_progress",
});
await bot.rest.checks.update({
  ...repo, repo: "sample", check_run_id: check.id, conclusion: "success",
  output: { title: "Good", summary: "All of it", annotations: [{ path: "README.md", start_line: 1, end_line: 1, annotation_level: "notice", message: "read" }] },
});
await until("check_run.completed");

// A delivery that failed is found and sent again, with the same id
await bot.rest.issues.update({ ...repo, issue_number: issue.number, state: "closed" });
const [[, failed]] = await until("issues.closed");
await until("error");
const find = async () => {
  for await (const { data } of app.octokit.paginate.iterator("GET /app/hook/deliveries")) {
    const found = data.find((each) => each.guid === failed && each.status_code);
    if (found) return found;
  }
};
let delivery;
for (let n = 0; n < 100 && !delivery; n++) {
  delivery = await find();
  if (!delivery) await new Promise((resolve) => setTimeout(resolve, 50));
}
assert.equal(delivery.status_code, 500);
failing = false;
await app.octokit.rest.apps.redeliverWebhookDelivery({ delivery_id: delivery.id });
const again = await until("issues.closed", 2);
assert.equal(again[1][1], failed);

// What is not signed with the secret is refused by the middleware
const forged = await fetch(`http://127.0.0.1:${process.env.PORT}/api/github/webhooks`, {
  method: "POST", body: "{}",
  headers: { "content-type": "application/json", "x-github-event": "issues", "x-github-delivery": "1", "x-hub-signature-256": `sha256=${"0".repeat(64)}` },
});
assert.equal(forged.status, 400);
server.close();
server.closeAllConnections();
console.log(JSON.stringify({ heard: heard.length }));
