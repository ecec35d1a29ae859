// What @kubernetes/client-node does. Its folder is in CLIENT_FOLDER.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import stream from 'node:stream';

const {Attach, CoreV1Api, Cp, Exec, KubeConfig, Log, PortForward, Watch} = await import(
  `${process.env.CLIENT_FOLDER}/node_modules/@kubernetes/client-node/dist/index.js`
);
const namespace = 'default';
const [kubeconfig, pod, logged, watched] = process.argv.slice(2);
const config = new KubeConfig();
config.loadFromFile(kubeconfig);
const api = config.makeApiClient(CoreV1Api);

function gather() {
  const chunks = [];
  const sink = new stream.Writable({
    write(chunk, _, done) {
      chunks.push(chunk);
      done();
    },
  });
  return [sink, () => Buffer.concat(chunks).toString()];
}

async function run(container, command, stdin = null) {
  const [out, outText] = gather();
  const [err, errText] = gather();
  const status = await new Promise((resolve, reject) => {
    new Exec(config)
      .exec(namespace, pod, container, command, out, err, stdin, false, resolve)
      .catch(reject);
  });
  const cause = status.details?.causes?.find((each) => each.reason === 'ExitCode');
  const code = status.status === 'Success' ? 0 : Number(cause.message);
  return [code, outText(), errText()];
}

async function missing() {
  const exec = new Exec(config);
  try {
    await exec.exec(namespace, 'no-such-pod', 'c', ['true'], null, null, null, false);
  } catch (error) {
    return String(error.message ?? error).includes('404');
  }
  return false;
}

async function watchPod() {
  let request;
  const phase = await new Promise((resolve, reject) => {
    request = new Watch(config).watch(
      `/api/v1/namespaces/${namespace}/pods`,
      {fieldSelector: `metadata.name=${watched}`},
      (_, found) => found.status.phase === 'Running' && resolve(found.status.phase),
      reject,
    );
  });
  (await request).abort();
  return phase;
}

async function logs(container) {
  const [sink, text] = gather();
  const ended = new Promise((resolve) => sink.on('finish', resolve));
  const source = new stream.PassThrough();
  source.pipe(sink);
  await new Log(config).log(namespace, logged, container, source, {follow: true});
  await ended;
  return text();
}

/** Writes go in; the first text that holds `end` comes out. */
function talk(end) {
  let text = '';
  const input = new stream.PassThrough();
  let told;
  const answer = new Promise((resolve) => (told = resolve));
  const output = new stream.Writable({
    write(chunk, _, done) {
      text += chunk;
      if (text.includes(end)) told(text);
      done();
    },
  });
  return [input, output, answer];
}

async function attach() {
  const [input, output, answer] = talk('\n');
  const socket = await new Attach(config).attach(
    namespace, watched, 'c', output, null, input, false,
  );
  input.write('hello\n');
  const text = await answer;
  socket.close();
  return text;
}

async function forward() {
  const [input, output, answer] = talk('hello');
  const socket = await new PortForward(config).portForward(
    namespace, watched, [7000], output, null, input,
  );
  input.write('hello');
  const text = await answer;
  socket.close();
  return text;
}

/** Into the pod; its promise is kept before the copy is made. */
async function copy() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'copy-'));
  fs.writeFileSync(path.join(folder, 'by-client-node'), 'copied\n');
  await new Cp(config).cpToPod(namespace, pod, pod, folder, '.');
  const waiting = 'until [ -s by-client-node ]; do sleep 0.05; done; cat by-client-node';
  const [, text] = await run(pod, ['sh', '-c', waiting]);
  fs.rmSync(folder, {recursive: true});
  return text;
}

const listed = await api.listNamespacedPod({namespace});
const codes = [];
for (const code of [0, 1, 42]) {
  codes.push((await run(pod, ['sh', '-c', `exit ${code}`]))[0]);
}
console.log(
  JSON.stringify({
    list: listed.items.map((item) => item.metadata.name),
    watch: await watchPod(),
    logs: await logs(logged),
    exec: await run(pod, ['sh', '-c', 'echo out; echo err >&2; exit 7']),
    'exit codes': codes,
    'much output': (await run(pod, ['seq', '1', '100000']))[1].length,
    stdin: (await run(pod, ['cat'], stream.Readable.from(['one\n', 'two\n'])))[1],
    attach: await attach(),
    'port-forward': await forward(),
    cp: await copy(),
    'missing pod': await missing(),
  }),
);
