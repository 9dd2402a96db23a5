import { describe } from 'node:test';
import { runBehaviours } from '../run-behaviours.ts';
import { sharedCluster } from './shared-cluster.ts';

const OTHER_TENANT = 't2';

describe('SDKs against Kubernetes: 2 gateways, 2 transfers, 2 rpc; two tenants', () =>
  runBehaviours({
    start: () => sharedCluster([OTHER_TENANT]),
    tenants: ['default', OTHER_TENANT],
    severalGateways: true,
    sdkMixes: ['mixed'],
    // The URL of objects is one that no cluster has, see `developmentSpec`.
    reachesObjects: false,
  }));
