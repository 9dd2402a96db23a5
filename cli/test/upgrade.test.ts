import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import type { ControlPlane } from '@im/dev-kubernetes';
import type { KubeClient } from '@im/kube';
import { OPENIM_CLUSTER, type OpenIMClusterStatus } from '@im/operator';
import { EXIT } from '../src/exit-codes.ts';
import { type CustomResources, startCustomResources } from './custom-resources.ts';
import { type Outcome, start } from './openimctl.ts';

/** What people decide about upgrades, at a real API server. Status is what an operator would write. */

const NAMESPACE = 'im';
const STARTED_AT = '2026-01-01T10:00:00Z';
const FAILED_AT = '2026-01-01T10:05:00Z';
const REVISION = 'chat-2';
const dir = mkdtempSync(join(tmpdir(), 'im-upgrade-'));
let resources: CustomResources | undefined;
let plane: ControlPlane;
let client: KubeClient;

before(async () => {
  resources = await startCustomResources(NAMESPACE);
  ({ plane, client } = resources);
});
after(async () => {
  await resources?.[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true, force: true });
});
beforeEach(async () => {
  await client.delete(OPENIM_CLUSTER, { namespace: NAMESPACE, name: 'chat' });
  await client.create(OPENIM_CLUSTER, {
    ...{ apiVersion: 'openim.io/v1alpha1', kind: 'OpenIMCluster' },
    metadata: { name: 'chat', namespace: NAMESPACE },
    spec: { prober: { enabled: true }, upgrade: { soakSeconds: 10 } },
  });
});

type Upgrade = NonNullable<OpenIMClusterStatus['upgrade']>;
const ATTEMPT: Upgrade = {
  ...{ revision: REVISION, version: '1.1.0', image: 'openim:1.1.0' },
  ...{ fromRevision: 'chat-1', fromVersion: '1.0.0', fromImage: 'openim:1.0.0' },
};
const RUNNING: Upgrade = {
  ...{ ...ATTEMPT, phase: 'Verifying', startedAt: STARTED_AT, step: 'api', message: 'api: soaks' },
  steps: [
    { name: 'rpc', startedAt: STARTED_AT, settledAt: STARTED_AT, passedAt: FAILED_AT },
    { name: 'api', startedAt: FAILED_AT, settledAt: FAILED_AT },
    { name: 'gateway' },
  ],
  gates: [{ name: 'ProberClean', state: 'Waiting', message: 'soaks' }],
  proof: {
    ...{ from: STARTED_AT, until: FAILED_AT, sent: 41, acknowledged: 40, received: 120 },
    ...{ lost: 0, duplicated: 0, reordered: 0, longestGapMilliseconds: 0 },
  },
  plan: { restarts: 6, reconnects: 900, seconds: 240 },
};

/** Writes a status as an operator does. */
async function status(upgrade: Upgrade | undefined, more: Partial<OpenIMClusterStatus> = {}): Promise<void> {
  const patch = JSON.stringify({ status: { updateRevision: REVISION, upgrade, ...more } });
  const which = ['patch', 'openimcluster', 'chat', '-n', NAMESPACE];
  await plane.kubectl(...which, '--subresource=status', '--type=merge', '-p', patch);
}

const run = (...args: readonly string[]): Promise<Outcome> =>
  start(['upgrade', ...args, '-n', NAMESPACE], { env: { KUBECONFIG: plane.kubeconfig }, cwd: dir }).end();

async function succeeds(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run(...args);
  assert.equal(code, EXIT.ok, stderr);
  return stdout;
}

/** Refused as wrong use, with this text, and without a change of the resource. */
async function refused(text: RegExp, ...args: readonly string[]): Promise<void> {
  const before = await stored();
  const { code, stderr } = await run(...args);
  assert.equal(code, EXIT.usage, stderr);
  assert.match(stderr, text);
  assert.deepEqual(await stored(), before);
}

async function stored() {
  const cluster = await client.get(OPENIM_CLUSTER, { namespace: NAMESPACE, name: 'chat' });
  assert.ok(cluster);
  return { spec: cluster.spec, annotations: cluster.metadata.annotations ?? {} };
}

test('plan: pods, connections and seconds of each step, and of all', async () => {
  const component = (name: string, desired: number) => ({ name, desired, ready: desired });
  await status(undefined, {
    components: [
      ...[component('gateway', 4), component('api', 2), component('rpc', 2), component('transfer', 2)],
      ...[component('push', 1), component('cron', 1), component('prober', 1), component('nats', 3)],
    ],
    connections: 1_000,
    effective: {
      gateway: { drain: { maxConnectionsPerSecond: 50, maxConcurrentPods: '25%', deadlineSeconds: 540 } },
    },
  });
  const rows = JSON.parse(await succeeds('plan', 'chat', '-o', 'json'));
  assert.deepEqual(
    rows.map(({ step, restarts, reconnects }: Record<string, unknown>) => [step, restarts, reconnects]),
    [
      ['prober', 1, 0],
      ['rpc', 2, 0],
      ['transfer', 2, 0],
      ['push and cron', 2, 0],
      ['api', 2, 0],
      ['gateway canary', 0, 0],
      ['gateway', 4, 1_000],
      ['all', 13, 1_000],
    ],
  );
  assert.match(await succeeds('plan'), /^STEP +RESTARTS +RECONNECTS +SECONDS/i);
  const secondsOf = ([first]: readonly { readonly seconds: number }[]) => first?.seconds;
  assert.equal(
    secondsOf(rows),
    8 + 6 + 10,
    'a pod, its gates and the soak, for a cluster without an upgrade',
  );
  const past = { revision: 'chat-1', outcome: 'Succeeded', proof: RUNNING.proof };
  await status(undefined, { upgradeHistory: [{ ...past, fact: { secondsPerPod: 3, gateSeconds: 2 } }] });
  assert.equal(
    secondsOf(JSON.parse(await succeeds('plan', '-o', 'json'))),
    3 + 2 + 10,
    'as fast as the last one',
  );
});

test('status: steps, gates and proof, for people and for programs', async () => {
  assert.match(await succeeds('status', 'chat'), /im\/chat has had no upgrade/);
  await status(RUNNING);
  const shown = await succeeds('status', 'chat');
  assert.match(shown, /^im\/chat: Verifying: api: soaks/);
  assert.match(shown, /rpc +passed[\s\S]*api +verifying[\s\S]*gateway +pending/);
  assert.match(shown, /ProberClean +Waiting +soaks/);
  assert.match(shown, /41 sent, 40 acknowledged, 120 received; 0 lost, 0 duplicated, 0 reordered/);
  assert.deepEqual(JSON.parse(await succeeds('status', 'chat', '-o', 'json')), RUNNING);
});

test('approve: names the revision that waits, and nothing else', async () => {
  await refused(/no upgrade that waits for approval \(phase none\)/, 'approve', 'chat');
  await status({ ...ATTEMPT, phase: 'WaitingForApproval' });
  await succeeds('approve', 'chat');
  assert.equal((await stored()).annotations['openim.io/approve'], REVISION);
  await status(RUNNING);
  await refused(/phase Verifying/, 'approve', 'chat');
});

test('pause and resume: the spec says it, and the rest of spec.upgrade stays', async () => {
  await refused(/has no upgrade that is paused or was rolled back/, 'resume', 'chat');
  await succeeds('pause', 'chat');
  assert.deepEqual((await stored()).spec.upgrade, { soakSeconds: 10, paused: true });
  await succeeds('pause', 'chat');
  await succeeds('resume', 'chat');
  assert.deepEqual((await stored()).spec.upgrade, { soakSeconds: 10 });
});

test('resume: tries a failed one again by the moment of its failure', async () => {
  await status({ ...RUNNING, phase: 'RolledBack', failedAt: FAILED_AT, failure: 'MessagesHarmed' });
  assert.match(await succeeds('resume', 'chat'), /is tried again/);
  assert.equal((await stored()).annotations['openim.io/retry-upgrade'], `${REVISION}/${FAILED_AT}`);
});

test('rollback: only of what runs or was completed, by its start, and with a confirmation', async () => {
  await refused(/has no upgrade to roll back \(phase none\)/, 'rollback', 'chat', '--yes');
  await status(RUNNING);
  const unconfirmed = await run('rollback', 'chat');
  assert.equal(unconfirmed.code, EXIT.usage);
  assert.deepEqual((await stored()).annotations, {});
  await succeeds('rollback', 'chat', '--yes');
  assert.equal((await stored()).annotations['openim.io/roll-back-upgrade'], `${REVISION}/${STARTED_AT}`);
  await status({ ...RUNNING, phase: 'RolledBack', failedAt: FAILED_AT });
  await refused(/phase RolledBack/, 'rollback', 'chat', '--yes');
  // The spec has changed since.
  await status({ ...RUNNING, phase: 'Succeeded' }, { updateRevision: 'chat-3' });
  await refused(/phase Succeeded/, 'rollback', 'chat', '--yes');
});

test('history: the newest first, with what was harmed', async () => {
  const ended = { startedAt: STARTED_AT, finishedAt: FAILED_AT };
  await status(undefined, {
    upgradeHistory: [
      {
        ...{ revision: 'chat-3', version: '1.2.0', image: 'openim:1.2.0', outcome: 'RolledBack', ...ended },
        ...{ message: 'the prober found 1 lost', proof: { ...RUNNING.proof, lost: 1 } },
      },
      {
        ...{ revision: REVISION, version: '1.1.0', image: 'openim:1.1.0', outcome: 'Succeeded', ...ended },
        plan: { restarts: 6, reconnects: 900, seconds: 240 },
        fact: { restarts: 6, reconnects: 870, seconds: 190, secondsPerPod: 12, gateSeconds: 4 },
      },
    ],
  });
  const rows = JSON.parse(await succeeds('history', 'chat', '-o', 'json'));
  assert.deepEqual(
    rows.map(({ outcome, version, harmed }: Record<string, unknown>) => [outcome, version, harmed]),
    [
      ['RolledBack', '1.2.0', 1],
      ['Succeeded', '1.1.0', null],
    ],
  );
  assert.deepEqual(
    rows.map(({ restarts, reconnects, plannedSeconds, seconds }: Record<string, unknown>) => [
      ...[restarts, reconnects, plannedSeconds, seconds],
    ]),
    [
      [null, null, null, null],
      [6, 870, 240, 190],
    ],
  );
  assert.match(await succeeds('history'), /the prober found 1 lost/);
});

test('a cluster that does not exist is named, with what to do', async () => {
  for (const verb of ['plan', 'status', 'pause', 'resume', 'approve', 'history']) {
    const { code, stderr } = await run(verb, 'nowhere');
    assert.equal(code, EXIT.usage, verb);
    assert.match(stderr, /there is no OpenIMCluster nowhere in namespace im/);
  }
});
