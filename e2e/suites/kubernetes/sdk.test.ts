import { describe } from 'node:test';
import { runBehaviours } from '../run-behaviours.ts';
import { sharedCluster } from './shared-cluster.ts';

// Other tenants come with OpenIMTenant; a cluster has the default one alone.
describe('SDKs against Kubernetes: 2 gateways, 2 transfers, 2 rpc; tenant default', () =>
  runBehaviours({ start: sharedCluster, tenants: ['default'], severalGateways: true }));
