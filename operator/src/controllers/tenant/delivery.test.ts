import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ProcessStatus, type TenantsUpdate, tenantsDigest } from '@im/contract';
import { createMetrics, silentLogger } from '@im/process';
import type { RunningProcess } from '../cluster/observation/reports.ts';
import { TenantDelivery } from './delivery.ts';
import { wantedTenants } from './wanted.ts';

const signal = new AbortController().signal;
const wantedOf = (revision: number, ...ids: string[]) =>
  wantedTenants(
    ids.map((id) => ({ id })),
    {},
    undefined,
    revision,
  );

/** Processes that keep hashes of tenants as ours do. */
function processesWith(hashes: Record<string, ReadonlyMap<string, string>>) {
  const state = new Map(Object.entries(hashes).map(([pod, of]) => [pod, new Map(of)]));
  const sent: { readonly pod: string; readonly put: unknown[]; readonly remove: string[] }[] = [];
  const down = new Set<string>();
  const refused: Record<string, string> = {};
  const next = new Map<string, ReadonlyMap<string, string>>();
  const api = {
    async tenants({ host: pod }: { host: string }, { put, remove, digest, revision }: TenantsUpdate) {
      if (down.has(pod)) throw new Error('no answer');
      const ids = put.map(({ id }) => String(id));
      sent.push({ pod, put: ids, remove });
      const have = new Map(state.get(pod));
      for (const id of remove) have.delete(id);
      for (const id of ids) have.set(id, next.get(digest)?.get(id) ?? '');
      if (tenantsDigest(have) !== digest) {
        const mine = state.get(pod) ?? new Map();
        const report = {
          revision: 0,
          digest: tenantsDigest(mine),
          hashes: Object.fromEntries(mine),
          refused,
        };
        return { accepted: false, report };
      }
      state.set(pod, have);
      return { accepted: true, report: { revision, digest, refused } };
    },
  };
  const delivery = new TenantDelivery(api, silentLogger(), createMetrics());
  const running = (at = 0): RunningProcess[] =>
    [...state].map(([pod, have]) => {
      const tenants = { revision: 0, digest: tenantsDigest(have), count: have.size };
      const status = { instance: pod, configHash: 'old', tenants } as unknown as ProcessStatus;
      return { pod, host: pod, report: { at, status } };
    });
  return {
    delivery,
    sent,
    down,
    refused,
    state,
    running,
    want(wanted: ReturnType<typeof wantedOf>) {
      next.set(wanted.digest, wanted.hashes);
      delivery.want('c', { wanted, key: 'secret' });
    },
  };
}

test('each process is sent what differs, once, and a tenant is in force when it has it', async () => {
  const [before, after] = [wantedOf(1, 'a', 'b'), wantedOf(2, 'a', 'c')];
  const { delivery, sent, running, want } = processesWith({ p: before.hashes, q: after.hashes });
  want(before);
  // Reports are from before the delivery.
  const old = running();
  assert.equal(await delivery.deliver('c', old.slice(0, 1), signal), true);
  assert.deepEqual(sent, []);
  want(after);
  assert.deepEqual(delivery.coverageOf('c', 'c', old), {
    current: 1,
    unknown: 0,
    all: 2,
    refusal: undefined,
  });
  assert.equal(await delivery.deliver('c', old, signal), true);
  assert.deepEqual(sent, [{ pod: 'p', put: ['c'], remove: ['b'] }]);
  assert.equal(delivery.coverageOf('c', 'c', old).current, 2);
  const third = wantedOf(3, 'a', 'c', 'd');
  want(third);
  assert.equal(delivery.coverageOf('c', 'a', old).current, 2);
  assert.equal(delivery.coverageOf('c', 'd', old).current, 0);
  await delivery.deliver('c', old, signal);
  assert.deepEqual(
    sent.slice(1),
    ['p', 'q'].map((pod) => ({ pod, put: ['d'], remove: [] })),
  );
  // One more tenant touches no other.
  assert.equal(delivery.coverageOf('c', 'a', running()).current, 2);
});

test('a process that does not answer counts as without the change, and is tried again', async () => {
  const [before, after] = [wantedOf(1, 'a', 'x'), wantedOf(2, 'a', 'b')];
  const { delivery, down, sent, running, want } = processesWith({ p: before.hashes, q: before.hashes });
  want(after);
  // As after a start of the operator.
  assert.equal(delivery.coverageOf('c', 'b', running()).unknown, 2);
  down.add('q');
  assert.equal(await delivery.deliver('c', running(), signal), false);
  assert.equal(delivery.coverageOf('c', 'b', running()).current, 1);
  // The first attempt has all tenants; the second follows the answer.
  assert.deepEqual(sent, [
    { pod: 'p', put: ['a', 'b'], remove: [] },
    { pod: 'p', put: ['b'], remove: ['x'] },
  ]);
  down.clear();
  assert.equal(await delivery.deliver('c', running(), signal), true);
  assert.equal(delivery.coverageOf('c', 'b', running()).current, 2);
});

test('a restarted process, or one that reports another list later, is sent the tenants again', async () => {
  const [before, after] = [wantedOf(1, 'a'), wantedOf(2, 'a', 'b')];
  const { delivery, sent, state, running, want } = processesWith({ p: before.hashes });
  want(after);
  await delivery.deliver('c', running(), signal);
  state.set('p', new Map(before.hashes));
  await delivery.deliver('c', running(), signal);
  assert.equal(sent.length, 1, 'an old report says nothing');
  await delivery.deliver('c', running(Date.now() + 1), signal);
  assert.equal(sent.length, 2);
  assert.deepEqual([...(state.get('p')?.keys() ?? [])], ['a', 'b']);
});

test('without the key of the cluster nothing is sent; what a process rejects is reported for that tenant', async () => {
  const wanted = wantedOf(1, 'a', 'b');
  const { delivery, sent, refused, running, want } = processesWith({ p: new Map() });
  delivery.want('c', { wanted, key: undefined });
  assert.equal(await delivery.deliver('c', running(), signal), true);
  assert.deepEqual(sent, []);
  refused.b = 'quotas.users: too big';
  want(wanted);
  await delivery.deliver('c', running(), signal);
  assert.equal(delivery.coverageOf('c', 'b', running()).refusal, 'quotas.users: too big');
  assert.equal(delivery.coverageOf('c', 'a', running()).refusal, undefined);
});

test('processes of versions that take no tenants over are judged by the hash of their config', () => {
  const { delivery, want } = processesWith({});
  want(wantedOf(1, 'a'));
  const old = (configHash: string): RunningProcess => ({
    pod: configHash,
    host: '',
    report: { at: 0, status: { instance: configHash, configHash } as ProcessStatus },
  });
  assert.partialDeepStrictEqual(delivery.coverageOf('c', 'a', [old('x'), old('y')], new Set(['x'])), {
    current: 1,
    unknown: 1,
    all: 2,
  });
});
