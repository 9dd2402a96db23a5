import { describe } from 'node:test';
import { startCluster, TEST_TENANTS } from '@im/dev-cluster';
import { runBehaviours } from './run-behaviours.ts';

describe('SDKs against one process', () =>
  runBehaviours({
    start: () => startCluster({ topology: 'one' }),
    tenants: TEST_TENANTS.map(({ id }) => id),
    severalGateways: false,
    sdkMixes: ['js', 'wasm'],
  }));
