import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OpenIMCluster } from '@im/operator';
import type { FoundCluster } from '../cluster/find.ts';
import { isReady, statusScreen, waitsFor } from './screen.ts';

const NOW = Date.parse('2026-03-01T12:00:00Z');

function cluster(status?: OpenIMCluster['status'], generation = 4): FoundCluster {
  return {
    apiVersion: 'openim.io/v1alpha1',
    kind: 'OpenIMCluster',
    metadata: { name: 'chat', namespace: 'im', uid: 'u', resourceVersion: '7', generation },
    spec: {},
    status,
  } as FoundCluster;
}

function condition(
  type: string,
  status: 'True' | 'False' | 'Unknown',
  reason = 'Fine',
  message = 'all is well',
) {
  return { type, status, reason, message, lastTransitionTime: '2026-03-01T11:57:00Z', observedGeneration: 4 };
}

const HEALTHY: OpenIMCluster['status'] = {
  observedGeneration: 4,
  version: '0.1.0',
  connections: 1200,
  conditions: [
    condition('Ready', 'True'),
    condition('NATSAvailable', 'True'),
    condition('Progressing', 'False'),
  ],
  components: [
    { name: 'gateway', ready: 2, desired: 2, updated: 2, version: '0.1.0' },
    { name: 'mongodb', ready: 0, desired: 0, external: true },
  ],
  gateways: [
    { pod: 'chat-gateway-6d5-a', revision: '6d5', ready: true, connections: 700 },
    { pod: 'chat-gateway-6d5-b', revision: '6d5', ready: true, connections: 500 },
  ],
  log: { lagRecords: 0, bytes: 322_122_547, maxBytes: 2_147_483_648, parkedTenants: 0 },
  endpoints: {
    api: 'http://127.0.0.1:30002',
    webSocket: 'ws://127.0.0.1:30001',
    adminSecretRef: { name: 'chat-admin' },
  },
  effective: { profile: 'Development', version: '0.1.0', image: 'openim/openim-operator:0.1.0' },
};

test('a cluster that is well says so without reasons', () => {
  assert.equal(
    statusScreen(cluster(HEALTHY), NOW),
    `im/chat is ready
version 0.1.0, profile Development, image openim/openim-operator:0.1.0

CONDITION       STATUS   SINCE
Ready           True     3 min
NATSAvailable   True     3 min
Progressing     False    3 min

COMPONENT   READY      UPDATED   VERSION
gateway     2/2        2/2       0.1.0
mongodb     external

GATEWAY              REVISION   READY   CONNECTIONS
chat-gateway-6d5-a   6d5        true    700
chat-gateway-6d5-b   6d5        true    500

connections:  1200
log:          all stored, 15 % of 2 GiB
API:          http://127.0.0.1:30002
WebSocket:    ws://127.0.0.1:30001
admin secret: Secret im/chat-admin`,
  );
});

test('a cluster in trouble says what is wrong, what is drained and what it waits for', () => {
  const ill: OpenIMCluster['status'] = {
    ...HEALTHY,
    conditions: [
      condition('Ready', 'False', 'StoresUnavailable', 'waiting for MongoDB'),
      condition('MongoDBAvailable', 'False', 'Unreachable', 'no answer from mongo:27017; is it up?'),
      condition('NATSAvailable', 'True'),
      condition('Progressing', 'True', 'RollingOut', 'gateway, 1 of 2'),
    ],
    components: [
      { name: 'gateway', ready: 1, desired: 2, updated: 1, version: '0.2.0', reason: 'one is drained' },
      { name: 'rpc', ready: 2, desired: 2, updated: 2, version: '0.2.0' },
    ],
    gateways: [
      {
        pod: 'chat-gateway-6d5-a',
        revision: '6d5',
        ready: false,
        connections: 80,
        draining: true,
        drainRemaining: 80,
        drainEtaSeconds: 14,
      },
      { pod: 'chat-gateway-7f0-c', revision: '7f0', ready: true },
    ],
    log: {
      lagRecords: 41,
      parkedTenants: 1,
      parkedConversations: 2,
      bytes: 838_860_800,
      maxBytes: 1_048_576_000,
    },
    endpoints: {},
    rollout: { stage: 'gateway', startedAt: '2026-03-01T11:59:00Z', message: 'drains chat-gateway-6d5-a' },
    effective: { version: '0.2.0' },
  };
  assert.equal(
    statusScreen(cluster(ill), NOW),
    `im/chat is not ready: StoresUnavailable (gateway 1/2)
version 0.1.0, becoming 0.2.0

CONDITION          STATUS   SINCE   REASON
Ready              False    3 min   StoresUnavailable
MongoDBAvailable   False    3 min   Unreachable
NATSAvailable      True     3 min
Progressing        True     3 min   RollingOut

MongoDBAvailable: no answer from mongo:27017; is it up?
Progressing: gateway, 1 of 2

next:
  openimctl cluster events chat -n im --since 1h
  remedies by reason: docs/troubleshooting.md

COMPONENT   READY   UPDATED   VERSION   REASON
gateway     1/2     1/2       0.2.0     one is drained
rpc         2/2     2/2       0.2.0

GATEWAY              REVISION   READY   CONNECTIONS   DRAINING
chat-gateway-6d5-a   6d5        false   80            80 left, about 14 s
chat-gateway-7f0-c   7f0        true    unknown

connections: 1200
log:         41 accepted and not stored yet, 80 % of 1000 MiB, from 90 % on messages are refused, messages of 1 tenants and 2 conversations PARKED, see docs/troubleshooting.md
roll-out:    gateway for 60 s: drains chat-gateway-6d5-a`,
  );
});

test('Ready is shown when no other condition has a message', () => {
  const alone = {
    observedGeneration: 4,
    conditions: [condition('Ready', 'False', 'Odd', 'for no known reason')],
  };
  assert.match(statusScreen(cluster(alone), NOW), /\n\nReady: for no known reason$/);
  assert.equal(waitsFor(cluster(alone)), 'Odd: for no known reason');
});

test('a cluster that was not observed yet is not ready, nor one whose spec has changed since', () => {
  assert.equal(
    statusScreen(cluster(), NOW),
    'im/chat is not ready: the operator has not looked at it yet; is the operator running?',
  );
  assert.equal(isReady(cluster(HEALTHY)), true);
  assert.equal(isReady(cluster(HEALTHY, 5)), false);
  assert.equal(waitsFor(cluster(HEALTHY, 5)), 'the operator has not seen the last change yet');
});
