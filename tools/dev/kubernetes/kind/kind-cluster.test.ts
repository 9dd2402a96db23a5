import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { openCluster } from '../cluster.ts';

/**
 * Docker and kind as far as the driver sees them: a container with a state in a file, a kubectl inside it that answers
 * everything, and a log of what they were asked.
 */
const DOCKER = `#!/bin/sh
echo "docker $*" >> "$FAKE/log"
case "$1" in
  version) [ -z "$FAKE_NO_DAEMON" ] || { echo "Cannot connect to the Docker daemon" >&2; exit 1; } ;;
  inspect)
    [ -e "$FAKE/state" ] || { echo "Error: No such object: openim-control-plane" >&2; exit 1; }
    case "$3" in *Status*) cat "$FAKE/state" ;; *) echo "172.18.0.2 " ;; esac ;;
  cp) printf '#!/bin/sh\\necho "kubectl $*" >> "$FAKE/log"\\n' > "$4"; chmod +x "$4" ;;
  start) echo running > "$FAKE/state" ;;
  stop) echo exited > "$FAKE/state" ;;
esac
`;
const KIND = `#!/bin/sh
echo "kind $*" >> "$FAKE/log"
case "$1 $2" in
  "create cluster")
    [ -z "$FAKE_PULL_FAILS" ] || { echo "ERROR: failed to create cluster: failed to pull image" >&2; exit 1; }
    echo running > "$FAKE/state"
    for arg; do case "$arg" in --kubeconfig=*) touch "\${arg#--kubeconfig=}" ;; esac; done ;;
  "export kubeconfig") touch "$6" ;;
  "delete cluster") rm -f "$FAKE/state" ;;
esac
`;

let dir: string;
let environment: NodeJS.ProcessEnv;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'openim-kind-'));
  await mkdir(join(dir, 'bin'));
  await mkdir(join(dir, 'backends', 'kind'), { recursive: true });
  for (const [name, script] of Object.entries({ docker: DOCKER, kind: KIND })) {
    await writeFile(join(dir, 'bin', name), script);
    await chmod(join(dir, 'bin', name), 0o755);
  }
  environment = { ...process.env };
  process.env.PATH = `${join(dir, 'bin')}${delimiter}${process.env.PATH}`;
  process.env.FAKE = dir;
  process.env.OPENIM_CACHE_DIR = dir;
});
afterEach(async () => {
  process.env = environment;
  await rm(dir, { recursive: true });
});

/** What was asked since the last call, without looking at states. */
async function asked(): Promise<string> {
  const log = await readFile(join(dir, 'log'), 'utf8').catch(() => '');
  await rm(join(dir, 'log'), { force: true });
  return log
    .split('\n')
    .filter((line) => !/^docker (?:inspect|version)/.test(line))
    .join('\n');
}

test('a cluster is created once, stopped with its data, started again, and wiped', async () => {
  const said: string[] = [];
  const cluster = await openCluster({ driver: 'kind', print: (line) => said.push(line) });
  assert.equal(await cluster.isUp(), false);
  assert.equal(await cluster.up(), true);
  assert.match(
    await asked(),
    /^kind create cluster --name=openim --kubeconfig=.*kubeconfig --config=\S+cluster\.yaml$/m,
  );
  assert.match(said[0] ?? '', /Docker pulls the first time/);
  assert.equal(await cluster.isUp(), true);
  assert.equal(await cluster.up(), false);
  assert.doesNotMatch(await asked(), /create|docker start/);

  assert.deepEqual(await cluster.nodePortAddress(30_001), { host: '172.18.0.2', port: 30_001 });
  await cluster.loadImage('/images/a.tar');
  assert.match(await asked(), /^kind load image-archive \/images\/a\.tar --name openim$/m);

  await cluster.down();
  assert.match(await asked(), /^docker stop openim-control-plane$/m);
  assert.equal(await cluster.isUp(), false);
  assert.equal(await cluster.up(), true);
  assert.match(await asked(), /^docker start openim-control-plane\nkind export kubeconfig --name openim/m);

  await cluster.down({ wipe: true });
  assert.match(await asked(), /^kind delete cluster --name openim$/m);
  await cluster.down();
  assert.equal(await asked(), '');
});

test('a node image that cannot be had gets an error with the remedy, and nothing half made stays', async () => {
  process.env.FAKE_PULL_FAILS = '1';
  const cluster = await openCluster({ driver: 'kind', print: () => {} });
  await assert.rejects(cluster.up(), /cannot pull kind's node image; set KIND_NODE_IMAGE .* CLUSTER=local/);
  assert.match(await asked(), /^kind delete cluster --name openim$/m);
});

test('without a Docker daemon it says so', async () => {
  process.env.FAKE_NO_DAEMON = '1';
  const cluster = await openCluster({ driver: 'kind', print: () => {} });
  await assert.rejects(cluster.up(), /kind cannot be used here: no Docker daemon answers; start it/);
});
