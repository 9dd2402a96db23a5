import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { TestServer } from '@im/dev-cluster';
import { startJsHost, startWasmHost } from '@im/dev-sdk';
import { FULL } from '../chaos/mode.ts';
import { friendRequest } from './behaviours/friend-request.ts';
import { gatewayDies } from './behaviours/gateway-dies.ts';
import { groupLife } from './behaviours/group-life.ts';
import { incrementalSync } from './behaviours/incremental-sync.ts';
import { offlinePull } from './behaviours/offline-pull.ts';
import { readReceipt } from './behaviours/read-receipt.ts';
import { revoke } from './behaviours/revoke.ts';
import { secondLogin } from './behaviours/second-login.ts';
import { textBothWays } from './behaviours/text-both-ways.ts';
import { thousandSends } from './behaviours/thousand-sends.ts';
import { typing } from './behaviours/typing.ts';
import { uploadedPicture } from './behaviours/uploaded-picture.ts';
import { type Fixture, type Hosts, openFixture, SDK_MIXES, type SdkMixName } from './fixture.ts';

const BEHAVIOURS = [
  textBothWays,
  groupLife,
  readReceipt,
  typing,
  revoke,
  offlinePull,
  friendRequest,
  secondLogin,
  incrementalSync,
  uploadedPicture,
];

/** Bounds a hang; a busy machine takes many times as long as an idle one. */
const LIMIT_MS = 300_000;

/** `E2E_ONLY` picks behaviours and SDK mixes by a part of their name, for work on one of them. */
const only = process.env.E2E_ONLY ?? '';
const wanted = (name: string) => only === '' || only.split(',').some((part) => name.includes(part));

/** What the suite runs against. */
export interface BehaviourTarget {
  start(): Promise<TestServer>;
  /** Each is played at the same time as the others, with the same user ids. */
  readonly tenants: readonly string[];
  /** Whether sender and receiver are on different gateways. */
  readonly severalGateways: boolean;
  /** Mixes of an ordinary run; with FULL=1 all of them play. `many-processes` always has all. */
  readonly sdkMixes: readonly SdkMixName[];
  /** Whether SDKs reach the object storage. @default true */
  readonly reachesObjects?: boolean;
}

/** Registers the whole SDK suite: every behaviour by every SDK mix, as every tenant. */
export function runBehaviours({
  start,
  tenants,
  severalGateways,
  sdkMixes,
  reachesObjects = true,
}: BehaviourTarget): void {
  let cluster: TestServer;
  let hosts: Hosts;
  const fixtures = new Map<string, Fixture>();

  before(async () => {
    cluster = await start();
    hosts = { js: startJsHost(), wasm: await startWasmHost() };
  });
  after(async () => {
    await hosts?.js.close();
    await hosts?.wasm.close();
    await cluster?.close();
  });

  for (const sdkMix of SDK_MIXES.filter(({ name }) => FULL || sdkMixes.includes(name))) {
    describe(sdkMix.name, { concurrency: tenants.length }, () => {
      for (const tenant of tenants) {
        describe(`tenant ${tenant}`, { concurrency: 1 }, () => {
          const name = `${sdkMix.name} ${tenant}`;
          const fixture = (): Fixture => {
            const found = fixtures.get(name);
            assert.ok(found, 'the users could not log in');
            return found;
          };
          test('login to synchronization finished', { timeout: LIMIT_MS }, async () => {
            fixtures.set(name, await openFixture(cluster, tenant, sdkMix, hosts));
          });
          for (const behaviour of BEHAVIOURS) {
            if (behaviour === uploadedPicture && !reachesObjects) continue;
            const skip = wanted(`${sdkMix.name} ${behaviour.name}`) ? false : 'not asked for';
            test(behaviour.name, { timeout: LIMIT_MS, skip }, () => behaviour.run(fixture()));
          }
          if (sdkMix.name !== 'mixed' && tenant === 'default') {
            const skip = wanted(`${sdkMix.name} ${thousandSends.name}`) ? false : 'not asked for';
            test(thousandSends.name, { timeout: 2 * LIMIT_MS, skip }, () => thousandSends.run(fixture()));
          }
        });
      }
    });
  }

  if (severalGateways) {
    test('sender and receiver are on different gateways', () => onDifferentGateways(cluster));
  }
  test('a gateway dies and comes back: SDKs reconnect by themselves', { timeout: LIMIT_MS }, async () => {
    await gatewayDies([...fixtures.values()]);
  });
}

/** Both gateways hold connections, and both have pushed. */
async function onDifferentGateways(cluster: TestServer): Promise<void> {
  assert.equal(cluster.gateways.length, 2);
  for (const gateway of cluster.gateways) {
    const metrics = await gateway.metrics();
    assert.ok(metrics.sum('openim_gateway_connections') > 0, `${gateway.name} holds connections`);
    assert.ok(metrics.sum('openim_gateway_pushes_written_total') > 0, `${gateway.name} pushed`);
  }
}
