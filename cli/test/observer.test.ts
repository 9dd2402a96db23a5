import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { ControlPlane } from '@im/dev-kubernetes';
import { EVENT, type KubeClient, POD } from '@im/kube';
import { OPENIM_CLUSTER, selectorLabels } from '@im/operator';
import { EXIT } from '../src/exit-codes.ts';
import { type CustomResources, startCustomResources } from './custom-resources.ts';
import { type Outcome, type Running, start } from './openimctl.ts';

/** People who may only look, with exactly the Role of the documentation, at a real API server. */

const NAMESPACE = 'im';
const dir = mkdtempSync(join(tmpdir(), 'im-observer-'));
let resources: CustomResources | undefined;
let plane: ControlPlane;
let client: KubeClient;
let observer = '';
let stranger = '';

/** The Role of the page about openimctl, in a file. */
function documentedRole(): string {
  const page = readFileSync(join(import.meta.dirname, '../../docs/operations/openimctl.md'), 'utf8');
  const [, block] = /```yaml\n(apiVersion: rbac[\s\S]*?)```/.exec(page) ?? [];
  assert.ok(block, 'the page has a Role');
  const file = join(dir, 'role.yaml');
  writeFileSync(file, block);
  return file;
}

/** Records an event about an object of the cluster. */
async function happened(
  name: string,
  minute: number,
  event: { kind: string; of: string; reason: string; type?: string },
) {
  const time = new Date(Date.UTC(2026, 0, 1, 10, minute)).toISOString().replace('.000', '');
  const { kind, of, reason, type = 'Normal' } = event;
  await client.create(EVENT, {
    ...{ metadata: { name, namespace: NAMESPACE }, reason, type, message: `${reason} of ${of}`, count: 1 },
    involvedObject: { kind, name: of, namespace: NAMESPACE },
    ...{ firstTimestamp: time, lastTimestamp: time, source: { component: 'test' } },
  } as never);
}

before(async () => {
  resources = await startCustomResources(NAMESPACE);
  ({ plane, client } = resources);
  await client.create(OPENIM_CLUSTER, {
    ...{ apiVersion: 'openim.io/v1alpha1', kind: 'OpenIMCluster', spec: {} },
    metadata: { name: 'chat', namespace: NAMESPACE },
  });
  await client.create(POD, {
    metadata: { name: 'chat-gateway-1', namespace: NAMESPACE, labels: selectorLabels('chat', 'gateway') },
    spec: {
      containers: [{ name: 'gateway', image: 'none', ports: [{ name: 'ops', containerPort: 10_300 }] }],
      automountServiceAccountToken: false,
    },
  } as never);
  await happened('b', 2, { kind: 'Pod', of: 'chat-gateway-1', reason: 'Unhealthy', type: 'Warning' });
  await happened('a', 1, { kind: 'OpenIMCluster', of: 'chat', reason: 'RolloutStarted' });
  await happened('c', 3, { kind: 'Pod', of: 'another-pod', reason: 'Pulled' });
  await plane.kubectl('apply', '-n', NAMESPACE, '-f', documentedRole());
  await plane.kubectl(
    ...[
      'create',
      'rolebinding',
      'observer',
      '-n',
      NAMESPACE,
      '--role',
      'openim-observer',
      '--user',
      'observer',
    ],
  );
  observer = await plane.kubeconfigFor({ commonName: 'observer' });
  stranger = await plane.kubeconfigFor({ commonName: 'stranger' });
});
after(async () => {
  await resources?.[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true, force: true });
});

const starting = (args: readonly string[], kubeconfig = observer): Running =>
  start([...args, '-n', NAMESPACE], { env: { KUBECONFIG: kubeconfig }, cwd: dir });
const run = (args: readonly string[], kubeconfig?: string): Promise<Outcome> =>
  starting(args, kubeconfig).end();

test('the cluster and its status are shown', async () => {
  const { code, stdout, stderr } = await run(['cluster', 'list', '-o', 'json']);
  assert.equal(code, EXIT.ok, stderr);
  assert.partialDeepStrictEqual(JSON.parse(stdout), [{ namespace: NAMESPACE, name: 'chat', ready: false }]);
  const status = await run(['cluster', 'status', 'chat', '-o', 'wide']);
  assert.equal(status.code, EXIT.ok, status.stderr);
  assert.match(status.stdout, /^im\/chat is not ready: the operator has not looked at it yet/);
});

test('events are told in their order, and go on as they come', async () => {
  const { code, stdout, stderr } = await run(['cluster', 'events', 'chat']);
  assert.equal(code, EXIT.ok, stderr);
  assert.deepEqual(stdout.split('\n'), [
    '2026-01-01T10:01:00Z   RolloutStarted  openimcluster/chat: RolloutStarted of chat',
    '2026-01-01T10:02:00Z ! Unhealthy  pod/chat-gateway-1: Unhealthy of chat-gateway-1',
    '',
  ]);
  const warnings = JSON.parse(
    (await run(['cluster', 'events', 'chat', '--type', 'Warning', '-o', 'json'])).stdout,
  );
  assert.partialDeepStrictEqual(warnings, [{ reason: 'Unhealthy', count: 1 }]);
  const own = await run(['cluster', 'events', 'chat', '--own', '-o', 'name']);
  assert.equal(own.stdout.trim().split('\n').length, 1);
  const watching = starting(['cluster', 'events', 'chat', '--watch']);
  try {
    await watching.says('Unhealthy');
    await happened('d', 4, { kind: 'OpenIMCluster', of: 'chat', reason: 'RolloutFinished' });
    await watching.says('RolloutFinished of chat');
  } finally {
    assert.equal((await watching.end('SIGTERM')).code, EXIT.ok);
  }
});

test('logs may be read, and figures through the API server, where pods run', async () => {
  // Here no pod runs, so none has written anything; without the right it would be refused.
  const logs = await run(['cluster', 'logs', 'chat', '--role', 'gateway']);
  assert.equal(logs.code, EXIT.ok, logs.stderr);
  assert.match(logs.stderr, /1 pods have no such lines/);
  const top = await run(['top', '--cluster', 'chat', '--once']);
  assert.equal(top.code, EXIT.unreachable);
  assert.doesNotMatch(top.stderr, /forbidden/);
  const none = await run(['cluster', 'logs', 'chat', '--role', 'push']);
  assert.match(none.stderr, /has no pods of role push; openimctl cluster status chat -n im/);
});

test('the Role grants no more, and without it the API server says what is missing', async () => {
  const may = async (verb: string, resource: string) => {
    const asked = ['auth', 'can-i', verb, resource, '-n', NAMESPACE, '--as', 'observer'];
    return (await plane.kubectl(...asked).catch(() => 'no')).trim();
  };
  assert.equal(await may('get', 'pods/log'), 'yes');
  for (const [verb, resource] of [
    ['get', 'secrets'],
    ['patch', 'openimclusters.openim.io'],
    ['delete', 'pods'],
    ['create', 'pods/exec'],
    ['create', 'pods/proxy'],
  ] as const) {
    assert.equal(await may(verb, resource), 'no', `${verb} ${resource}`);
  }
  const refused = await run(['cluster', 'list'], stranger);
  assert.equal(refused.code, EXIT.refused);
  assert.match(refused.stderr, /cannot list resource "openimclusters"/);
});
