// Tests of a program that uses Kubernetes, against a cluster of mini-kube.
//
//   npm install
//   mini-kube serve -- node --test
//
// Each file starts a cluster; each test gets a namespace of its own.

import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { after, before, beforeEach, test } from "node:test";
import * as k8s from "@kubernetes/client-node";
import { MiniKube } from "./mini-kube.mjs";

let cluster, config, core, namespace;

before(async () => {
  cluster = await new MiniKube().start();
  config = await cluster.kubeConfig(k8s);
  core = config.makeApiClient(k8s.CoreV1Api);
});

after(() => cluster?.stop());

beforeEach(async () => {
  const name = `test-${Math.random().toString(36).slice(2, 8)}`;
  await core.createNamespace({ body: { metadata: { name } } });
  namespace = name;
});

// What is under test here: a command in a pod, and what it says.
async function run(pod, command) {
  let stdout = "";
  const sink = new Writable({
    write(chunk, _encoding, done) {
      stdout += chunk;
      done();
    },
  });
  const status = await new Promise((resolve, reject) => {
    new k8s.Exec(config)
      .exec(namespace, pod, pod, command, sink, null, null, false, resolve)
      .catch(reject);
  });
  return { stdout, status };
}

test("a command answers what the script says", async () => {
  await cluster.pod({
    name: "db",
    namespace,
    script: { exec: [{ argv: "psql .*", stdout: "1 row\n" }] },
  });

  const { stdout, status } = await run("db", ["psql", "-c", "select 1"]);

  assert.equal(stdout, "1 row\n");
  assert.equal(status.status, "Success");
});

test("a failing command tells its exit code", async () => {
  await cluster.pod({ name: "web", namespace });

  const { status } = await run("web", ["sh", "-c", "exit 7"]);

  assert.equal(status.reason, "NonZeroExitCode");
  assert.equal(status.details.causes[0].message, "7");
});

test("a fault is seen, and is gone after a reset", async () => {
  await cluster.pod({ name: "web", namespace });
  await cluster.fault({ type: "latency", attributes: { latency: 300 } });

  const begun = Date.now();
  await run("web", ["true"]);
  assert.ok(Date.now() - begun >= 300);

  const [session] = await cluster.sessions({ verb: "exec", namespace, count: 1 });
  assert.deepEqual(session.faults.length > 0, true);

  await cluster.reset();
  assert.deepEqual(await cluster.faults(), []);
});
