// A small Probot app: it answers a label, checks what is pushed to a pull request, and reviews it.
import { run } from "probot";

run((app) => {
  app.on("issues.labeled", async (context) => {
    const { name } = context.payload.label;
    await context.octokit.rest.issues.createComment(context.issue({ body: `Labelled ${name}.` }));
    await context.octokit.rest.reactions.createForIssue(context.issue({ content: "eyes" }));
  });

  app.on("issue_comment.created", async (context) => {
    if (context.isBot || !context.payload.comment.body.startsWith("/close")) return;
    await context.octokit.rest.issues.update(context.issue({ state: "closed", state_reason: "not_planned" }));
  });

  app.on(["pull_request.opened", "pull_request.synchronize"], async (context) => {
    const { pull_request } = context.payload;
    const config = await context.config("helper.yml", { word: "default" });
    const check = context.repo({ name: "helper", head_sha: pull_request.head.sha });
    const { data } = await context.octokit.rest.checks.create({ ...check, status: "in_progress" });
    const files = await context.octokit.paginate(context.octokit.rest.pulls.listFiles, context.pullRequest());
    const bad = files.filter((file) => file.filename.includes("bad"));
    await context.octokit.rest.checks.update(
      context.repo({
        check_run_id: data.id,
        conclusion: bad.length ? "failure" : "success",
        output: { title: config.word, summary: files.map((file) => file.filename).join("\n") },
      }),
    );
    await context.octokit.rest.pulls.createReview(
      context.pullRequest({ event: bad.length ? "REQUEST_CHANGES" : "APPROVE", body: `${files.length} files` }),
    );
    const { node } = await context.octokit.graphql(
      "query ($id: ID!) { node(id: $id) { ... on PullRequest { reviewDecision } } }",
      { id: pull_request.node_id },
    );
    app.log.info(`decision ${node.reviewDecision}`);
  });
});
