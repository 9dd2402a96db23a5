import { describe } from 'node:test';
import { startCluster, TEST_TENANTS } from '@im/dev-cluster';
import { runBehaviours } from './run-behaviours.ts';

describe('SDKs against many processes', () =>
  runBehaviours({
    start: () => startCluster({ topology: 'many' }),
    tenants: TEST_TENANTS.map(({ id }) => id),
    severalGateways: true,
    sdkMixes: ['js', 'wasm', 'mixed'],
  }));
