import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod, Stored } from '@im/kube';
import { gatewayRows } from './rows.ts';

function pod(name: string, annotations: Record<string, string> = {}, more: object = {}): Stored<Pod> {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'im',
      uid: name,
      resourceVersion: '1',
      labels: { 'openim.io/gateway-revision': 'abc' },
      annotations,
      ...more,
    },
    spec: { containers: [], nodeName: 'n1' },
    status: { conditions: [{ type: 'Ready', status: 'True' }] },
  };
}

const figures = { revision: 'abc', ready: true };

test('gateways are listed with their connections, and drains with rest, time and reason', () => {
  const until = '2026-01-01T00:10:00.000Z';
  const drain = {
    'openim.io/drain-since': '2026-01-01T00:00:00.000Z',
    'openim.io/drain-until': until,
    'openim.io/drain-reason': 'ScaleIn',
  };
  const rows = gatewayRows([pod('b', drain), pod('a'), pod('c', { 'openim.io/drain': 'heap dump' })], {
    gateways: [
      { ...figures, pod: 'a', connections: 12 },
      { ...figures, pod: 'b', connections: 7, draining: true, drainRemaining: 7, drainEtaSeconds: 3 },
    ],
  });
  assert.partialDeepStrictEqual(rows, [
    { pod: 'a', revision: 'abc', node: 'n1', state: 'ready', connections: 12, remaining: null, reason: null },
    { pod: 'b', state: 'draining', connections: 7, remaining: 7, etaSeconds: 3, until, reason: 'ScaleIn' },
    { pod: 'c', state: 'to be replaced', connections: null, reason: 'Manual: heap dump' },
  ]);
});

test('a pod that is being deleted is terminating, whatever else holds', () => {
  const deletionTimestamp = '2026-01-01T00:10:00Z';
  const [row] = gatewayRows([pod('a', {}, { deletionTimestamp })], undefined);
  assert.partialDeepStrictEqual(row, { state: 'terminating', until: deletionTimestamp });
});
