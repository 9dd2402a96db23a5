import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tenantSettings } from '@im/contract';
import { staticTenants } from '@im/kit';
import { silentLogger } from '@im/process';
import { make } from '@im/protocol';
import { sampleOnline } from './sample-online.ts';

const DAY_MS = 86_400_000;
const gateway = (users: number, platforms: Record<number, number>) =>
  make('user.GatewayConnections', { users, platforms });

test('peaks of a day are noted when they rise, and a tenant that cannot be asked holds up no other', async () => {
  const tenants = ['a', 'b'].map((id) => tenantSettings({ id, tokenSecret: 's', adminSecret: 's' }));
  let online = [gateway(2, { 1: 2, 5: 1 }), gateway(1, { 2: 1 })];
  let now = 10 * DAY_MS;
  const noted: [string, number, number, number][] = [];
  const sample = sampleOnline({
    tenants: staticTenants(tenants),
    users: {
      async getConnectionCounts({ tenant }) {
        if (tenant === 'a') throw new Error('Redis cannot be reached');
        return make('user.GetConnectionCountsResp', { gateways: online });
      },
    },
    days: {
      async raisePeaks(tenant, { day, users, connections }) {
        noted.push([tenant, day, users, connections]);
      },
    },
    log: silentLogger(),
    now: () => now,
  });
  const { signal } = new AbortController();
  await sample(signal);
  await sample(signal);
  online = [gateway(2, { 1: 9 })];
  await sample(signal);
  now += DAY_MS;
  await sample(signal);
  assert.deepEqual(noted, [
    ['b', 10, 3, 4],
    ['b', 10, 3, 9],
    ['b', 11, 2, 9],
  ]);
});
