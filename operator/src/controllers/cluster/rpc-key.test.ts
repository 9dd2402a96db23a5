import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CallerProof, ProcessStatus } from '@im/contract';
import type { ConfigMap } from '@im/kube';
import { desiredInput } from '../../../test/desired-fixture.ts';
import { effectiveSpec } from '../../resources/effective.ts';
import { makeCredentials } from '../../resources/stores/credentials.ts';
import { gatewayRevision } from '../../resources/workloads.ts';
import { desiredObjects } from './create.ts';
import { type EntryChanges, planRpcKey, type RpcKeyObservation, settleRpcKey } from './rpc-key.ts';

const OWN = 'registry.example/openim-operator:2.0.0';
const OLD = 'registry.example/openim-operator:1.0.0';

/** A Secret and a cluster, observed as the operator does. */
function simulate(kept: Record<string, string>) {
  let secret = kept;
  const keep = (changes: EntryChanges) => {
    if (Object.keys(changes).length === 0) return;
    secret = Object.fromEntries(
      Object.entries({ ...secret, ...changes }).filter(([, value]) => value !== ''),
    );
  };
  return {
    get secret() {
      return secret;
    },
    write: keep,
    /** @param took the config that all processes have applied; undefined if none has. */
    look(seen: RpcKeyObservation, took = false): CallerProof {
      const plan = planRpcKey(secret, seen);
      keep(plan.keep);
      const hash = `config of ${plan.use}`;
      const processes = new Map(
        [...seen.processes].map(([pod, status]) => [pod, { ...status, configHash: took ? hash : 'older' }]),
      );
      keep(settleRpcKey(secret, plan, { ...seen, processes }, new Set([hash])));
      return plan.use;
    },
  };
}

/** A cluster with a pod of each of `images`; those of the old image report no key. */
function seen(image: string, images: readonly string[], operatorImage = OWN): RpcKeyObservation {
  const pods = images.map((each, i) => ({ name: `pod-${i}`, image: each }));
  const processes = new Map(
    pods.map(({ name, image: runs }) => [name, (runs === OLD ? {} : { rpcKey: 'none' }) as ProcessStatus]),
  );
  return { image, operatorImage, pods, started: images.length > 0, processes };
}

test('a new cluster requires the key from the beginning, and keeps the key', () => {
  const cluster = simulate({ rpcKey: 'k' });
  assert.equal(cluster.look(seen(OWN, [])), 'required');
  const after = cluster.secret;
  assert.equal(after.rpcKey, 'k');
  assert.equal(cluster.look(seen(OWN, [OWN, OWN])), 'required');
  assert.equal(cluster.look(seen(OWN, [OWN, OWN]), true), 'required');
  assert.equal(cluster.secret, after, 'nothing is written again');
});

test('a cluster pinned to an older image continues without a key, new or not', () => {
  for (const pods of [[], [OLD, OLD]]) {
    const cluster = simulate({ rpcKey: 'k' });
    assert.equal(cluster.look(seen(OLD, pods)), 'none');
    assert.equal(cluster.look(seen(OLD, [OLD, OLD]), true), 'none');
    assert.deepEqual(cluster.secret, { rpcKey: 'k' });
  }
});

test('a cluster that ran without gets the key when its last old pod is gone, and requires it when all have it', () => {
  const cluster = simulate({ rpcKey: 'k' });
  assert.equal(cluster.look(seen(OLD, [OLD, OLD])), 'none');
  assert.equal(cluster.look(seen(OWN, [OLD, OWN]), true), 'none', 'old processes would refuse the setting');
  assert.equal(
    cluster.look({ ...seen(OWN, [OWN, OWN]), processes: new Map() }),
    'none',
    'no process has answered',
  );
  assert.equal(cluster.look(seen(OWN, [OWN, OWN])), 'optional');
  const silent = seen(OWN, [OWN, OWN]);
  const one = new Map([...silent.processes].slice(1));
  assert.equal(cluster.look({ ...silent, processes: one }, true), 'optional', 'one has not reported');
  assert.equal(cluster.look(silent), 'optional', 'none has the config');
  assert.equal(cluster.look(silent, true), 'optional');
  assert.equal(cluster.look(silent), 'required');
  assert.equal(cluster.secret.rpcKey, 'k');
});

test('a newer operator leaves it required, and so does a rollout to its image', () => {
  const next = 'registry.example/openim-operator:3.0.0';
  const cluster = simulate({ rpcKey: 'k' });
  cluster.look(seen(OWN, []));
  assert.equal(cluster.look(seen(OWN, [OWN], next)), 'required');
  assert.equal(cluster.look(seen(next, [OWN, next], next)), 'required');
  assert.equal(cluster.look(seen(next, [next], next)), 'required');
});

test('a downgrade to an older image drops the key, and the upgrade starts by accepting callers without it', () => {
  const cluster = simulate({ rpcKey: 'k' });
  cluster.look(seen(OWN, []));
  assert.equal(cluster.look(seen(OLD, [OWN])), 'none');
  assert.equal(cluster.look(seen(OWN, [OLD, OWN])), 'none');
  assert.equal(cluster.look(seen(OWN, [OWN])), 'optional');
});

test('an image of another name gets the key when its processes report that they support the setting', () => {
  const custom = 'registry.example/our-openim:build-7';
  const cluster = simulate({ rpcKey: 'k' });
  assert.equal(cluster.look(seen(custom, [])), 'none');
  assert.equal(cluster.look(seen(custom, [custom])), 'optional');
  assert.equal(
    cluster.look({ ...seen(custom, [custom]), processes: new Map() }),
    'optional',
    'once known, known',
  );
  assert.equal(cluster.look(seen(custom, [custom]), true), 'optional');
  assert.equal(cluster.look(seen(custom, [custom])), 'required');
  const mirrored = 'mirror.example/x/openim:2.0.0';
  assert.equal(simulate({ rpcKey: 'k' }).look(seen(mirrored, [])), 'required', 'the same version elsewhere');
  assert.equal(
    simulate({ rpcKey: 'k' }).look(seen('a.example/openim:latest', [], 'b.example/openim:latest')),
    'none',
    'a tag that says nothing',
  );
});

test('a requested key change happens between two states that accept callers without it', () => {
  const cluster = simulate({ rpcKey: 'k' });
  cluster.look(seen(OWN, []));
  cluster.write({ rpcKeyRotate: 'now' });
  assert.equal(cluster.look(seen(OWN, [OWN])), 'optional');
  assert.equal(cluster.secret.rpcKey, 'k', 'some still require it');
  assert.equal(cluster.look(seen(OWN, [OWN]), true), 'optional');
  const { rpcKey, rpcKeyRotate } = cluster.secret;
  assert.match(rpcKey ?? '', /^[\w-]{43}$/);
  assert.equal(rpcKeyRotate, undefined);
  assert.equal(cluster.look(seen(OWN, [OWN])), 'optional');
  assert.equal(cluster.look(seen(OWN, [OWN]), true), 'optional');
  assert.equal(cluster.look(seen(OWN, [OWN])), 'required');
  assert.equal(cluster.secret.rpcKey, rpcKey);
});

test('a key that was removed and made again is accepted first, like any other', () => {
  const cluster = simulate({ rpcKey: 'k' });
  cluster.look(seen(OWN, []));
  cluster.write({ rpcKey: 'made again' });
  assert.equal(cluster.look(seen(OWN, [OWN])), 'optional');
});

test('the config refers to the key; no state of it changes a pod template', () => {
  const owner = { name: 'im', namespace: 'chat', uid: 'u' };
  const effective = effectiveSpec({}, { version: '2.0.0', image: OWN });
  const render = (rpcKey: CallerProof, credentials = makeCredentials()) => {
    const desired = desiredObjects(desiredInput({ owner, effective, credentials, rpcKey }));
    const { data } = desired.base.find(({ kind }) => kind === 'ConfigMap') as ConfigMap;
    const roles = desired.stages.filter(({ name }) => name !== 'stores').map(({ workloads }) => workloads);
    return { yaml: data?.['im.yaml'] ?? '', pods: { roles, gateway: gatewayRevision(desired.gateway) } };
  };
  const credentials = makeCredentials();
  const [none, optional, required] = (['none', 'optional', 'required'] as const).map((use) =>
    render(use, credentials),
  );
  assert.doesNotMatch(none?.yaml ?? '', /rpc-key|acceptMissingKey/);
  assert.match(optional?.yaml ?? '', /rpc:\n {2}key: \$\{file:\S+\/rpc-key\}\n {2}acceptMissingKey: true\n/);
  assert.match(required?.yaml ?? '', /rpc:\n {2}key: \$\{file:\S+\/rpc-key\}\n {2}domains:/);
  assert.deepEqual(optional?.pods, none?.pods);
  assert.deepEqual(required?.pods, none?.pods);
  const changed = { ...credentials, rpcKey: 'another' };
  assert.deepEqual(render('required', changed).pods, none?.pods, 'nor does another key');
});
