import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyID, type ProcessStatus, type TenantsUpdate, tenantsDigest } from '@im/contract';
import { createMetrics, silentLogger } from '@im/process';
import type { OpenIMTenantKeys } from '../../gen/openimtenant.ts';
import { tenantKeys } from '../../resources/config.ts';
import { rotationKeys, secondKeySettings } from '../../resources/tenant-keys.ts';
import { TenantDelivery } from '../tenant/delivery.ts';
import { type WantedTenants, wantedTenants } from '../tenant/wanted.ts';
import type { RunningProcess } from './observation/reports.ts';
import { tenantRotations } from './tenant-rotations.ts';

const CLUSTER = 'ns/chat';
const ENTRIES = [{ id: 'acme' }, { id: 'other' }];
const signal = new AbortController().signal;

/** A cluster of processes that take tenants over, and what a reconcile does about keys. */
class Cluster {
  secrets: Record<string, string> = Object.fromEntries(
    ENTRIES.flatMap(({ id }) => [
      [tenantKeys(id).token, `key of ${id}`],
      [tenantKeys(id).admin, `secret of ${id}`],
    ]),
  );
  wanted: WantedTenants | undefined;
  /** First and second key of acme in each process, as they changed. */
  readonly seen = new Map<string, string[]>();
  readonly down = new Set<string>();
  readonly #hashes = new Map<string, ReadonlyMap<string, string>>();
  readonly #delivery = new TenantDelivery(
    { tenants: async ({ host }, update) => this.#take(host, update) },
    silentLogger(),
    createMetrics(),
  );

  constructor(...pods: readonly string[]) {
    for (const pod of pods) this.#hashes.set(pod, new Map());
  }

  #take(pod: string, { put, digest, revision }: TenantsUpdate) {
    if (this.down.has(pod)) throw new Error('no answer');
    const own = this.#hashes.get(pod) ?? new Map();
    const next = new Map([
      ...own,
      ...put.map(({ id }) => [String(id), this.wanted?.hashes.get(String(id)) ?? '']),
    ] as [string, string][]);
    const entry = put.find(({ id }) => id === 'acme');
    if (entry)
      this.seen.set(pod, [
        ...(this.seen.get(pod) ?? []),
        `${entry.tokenSecret} | ${entry.secondTokenSecret ?? ''}`,
      ]);
    assert.equal(tenantsDigest(next), digest);
    this.#hashes.set(pod, next);
    return { accepted: true, report: { revision, digest, refused: {} } };
  }

  #running(): RunningProcess[] {
    return [...this.#hashes].map(([pod, hashes]) => {
      const tenants = { revision: 0, digest: tenantsDigest(hashes), count: hashes.size };
      const status = { instance: pod, configHash: '', tenants } as unknown as ProcessStatus;
      return { pod, host: pod, report: { at: 0, status } };
    });
  }

  async reconcile(keys: OpenIMTenantKeys | undefined, now: Date) {
    const rotations = tenantRotations(ENTRIES, new Map(keys ? [['acme', keys]] : []), this.secrets, {
      ...{ level: 1, now },
      inForce: (id) => this.#delivery.entryInForce(CLUSTER, id, this.#running()),
    });
    const changed = Object.entries({ ...this.secrets, ...rotations.changes });
    this.secrets = Object.fromEntries(changed.filter((each): each is [string, string] => each[1] !== null));
    const entries = ENTRIES.map((entry) => ({ ...entry, ...secondKeySettings(entry.id, this.secrets, 1) }));
    this.wanted = wantedTenants(entries, this.secrets, this.wanted, now.getTime());
    this.#delivery.want(CLUSTER, { wanted: this.wanted, key: 'key' });
    await this.#delivery.deliver(CLUSTER, this.#running(), signal);
    return rotations;
  }
}

test('no process uses a key before all have it, whichever is late, and another tenant is not touched', async () => {
  const cluster = new Cluster('p', 'q');
  const now = new Date('2030-01-01T00:00:00Z');
  await cluster.reconcile(undefined, now);
  const other = cluster.wanted?.hashes.get('other');
  const keys = { signing: { rotation: 'x', overlapHours: 1 } };
  cluster.down.add('q');
  for (let round = 0; round < 3; round++) {
    const { againAfterMs } = await cluster.reconcile(keys, now);
    assert.equal(againAfterMs, 1_000, 'it looks again soon');
  }
  const made = cluster.secrets[rotationKeys('acme').signing];
  assert.deepEqual(cluster.seen.get('p'), ['key of acme | ', `key of acme | ${made}`]);
  assert.deepEqual(cluster.seen.get('q'), ['key of acme | ']);
  cluster.down.delete('q');
  for (let round = 0; round < 3; round++) await cluster.reconcile(keys, now);
  for (const pod of ['p', 'q'])
    assert.deepEqual(cluster.seen.get(pod), [
      'key of acme | ',
      `key of acme | ${made}`,
      `${made} | key of acme`,
    ]);
  const { plans, againAfterMs } = await cluster.reconcile(keys, now);
  assert.equal(plans.get('acme')?.pending, undefined);
  assert.equal(againAfterMs, 3_600_000, 'the end of the former key');
  assert.equal(cluster.wanted?.hashes.get('other'), other);
  assert.deepEqual(plans.get('other'), {
    changes: {},
    keys: [
      { purpose: 'Signing', id: keyID('key of other'), state: 'Current' },
      { purpose: 'Admin', id: keyID('secret of other'), state: 'Current' },
    ],
    wanted: false,
  });
});
