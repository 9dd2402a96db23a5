import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configFields } from '@im/contract';
import { desiredInput } from '../../test/desired-fixture.ts';
import { desiredObjects } from '../controllers/cluster/create.ts';
import type { OpenIMClusterSpec } from '../gen/openimcluster.ts';
import { effectiveSpec } from './effective.ts';
import { resourceAccess } from './resource-access.ts';
import { makeCredentials } from './stores/credentials.ts';
import { workload } from './workloads.ts';

const owner = { name: 'chat', namespace: 'im', uid: 'u' };
const operator = { version: '0.1.0', image: 'openim/openim-operator:1' };

function podOf(role: 'api' | 'rpc' | 'console', spec: OpenIMClusterSpec, knowsResource = true) {
  const effective = effectiveSpec(spec, operator);
  const made = workload(role, { owner, effective, restartHash: 'x', knowsResource });
  const pod = made.spec?.template.spec ?? assert.fail('a pod');
  const names = pod.containers[0]?.env?.map(({ name }) => name) ?? [];
  return {
    pod,
    knows: names.some((name) => name.startsWith('OPENIM_API_CONSOLE_RESOURCE_')),
    hasCa: pod.volumes?.some(({ configMap }) => configMap?.name === 'kube-root-ca.crt') ?? false,
  };
}

test('the variables are those of the settings', () => {
  const known = new Set(configFields().map(({ env }) => env));
  for (const { name } of resourceAccess(owner).env) assert.ok(known.has(name), name);
});

test('the pods that serve the console know the resource and the CA, others do not, and none has a token', () => {
  const own = { console: { replicas: 1 } };
  const expected: [Parameters<typeof podOf>, boolean][] = [
    [['api', {}], true],
    [['rpc', {}], false],
    [['api', own], false],
    [['console', own], true],
    [['api', { console: { enabled: false } }], false],
    [['api', {}, false], false],
  ];
  for (const [given, serves] of expected) {
    const { pod, knows, hasCa } = podOf(...given);
    assert.deepEqual([knows, hasCa], [serves, serves], JSON.stringify(given));
    assert.equal(pod.automountServiceAccountToken, false);
    assert.doesNotMatch(JSON.stringify(pod.volumes), /serviceAccountToken/);
  }
});

test('pods of a template version before 5 are as they were; from it on api alone differs, and the config does not', () => {
  const effective = effectiveSpec({}, operator);
  const credentials = makeCredentials();
  const made = (templateVersion: 4 | 5) => {
    const { stages, base, gatewayRevision } = desiredObjects(
      desiredInput({ owner, effective, credentials, templateVersion }),
    );
    const workloads = stages.flatMap((stage) => stage.workloads);
    const configs = base.filter(({ kind }) => kind === 'ConfigMap');
    return { workloads, rest: JSON.stringify([gatewayRevision, configs]) };
  };
  const [before, now] = [made(4), made(5)];
  assert.doesNotMatch(JSON.stringify(before.workloads), /CONSOLE_RESOURCE|kube-root-ca/);
  const changed = now.workloads.filter(
    (each, i) => JSON.stringify(each) !== JSON.stringify(before.workloads[i]),
  );
  assert.deepEqual(
    changed.map(({ metadata }) => metadata?.name),
    ['chat-api'],
  );
  assert.equal(now.rest, before.rest);
});
