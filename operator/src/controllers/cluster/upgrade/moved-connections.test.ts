import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GatewayStatus, ProcessStatus } from '@im/contract';
import type { Report } from '../observation/observation.ts';
import { movedConnections, sumOfMoved } from './moved-connections.ts';

const PLAN = { restarts: 4, reconnects: 1_000, seconds: 80 };

const reports = (gateways: Readonly<Record<string, Partial<GatewayStatus>>>): ReadonlyMap<string, Report> =>
  new Map(
    Object.entries(gateways).map(([pod, gateway]) => [
      pod,
      { at: 1, status: { gateway: { connections: 0, draining: false, ...gateway } } as ProcessStatus },
    ]),
  );

test('what a draining gateway has closed and is about to close has moved; others have moved none yet', () => {
  const seen = reports({
    a: { draining: true, connections: 400, movedConnections: 100 },
    b: { connections: 500 },
    foreign: { draining: true, connections: 7 },
  });
  const moved = movedConnections({ plan: PLAN }, ['a', 'b', 'silent'], seen);
  assert.deepEqual(moved, { a: 500 });
  assert.equal(movedConnections({ plan: PLAN }, ['b'], seen), undefined);
});

test('clients that leave by themselves during a drain count as soon as they are many, and at its end', () => {
  const at = (connections: number, closed: number) => {
    const a = { draining: true, connections, movedConnections: closed };
    return movedConnections({ plan: PLAN, moved: { a: 500, gone: 20 } }, ['a'], reports({ a }));
  };
  assert.deepEqual(at(300, 199), { a: 500, gone: 20 }, 'one is not worth a write');
  assert.deepEqual(at(300, 140), { a: 440, gone: 20 });
  assert.deepEqual(at(0, 499), { a: 499, gone: 20 });
});

test('of a version that does not count them, those at the beginning of the drain have moved', () => {
  const seen = (connections: number) => reports({ a: { draining: true, connections } });
  const moved = movedConnections({ plan: PLAN }, ['a'], seen(300));
  assert.deepEqual(moved, { a: 300 });
  assert.deepEqual(movedConnections({ plan: PLAN, moved }, ['a'], seen(0)), { a: 300 });
});

test('gateways that are gone still count', () => {
  assert.equal(sumOfMoved({ moved: { a: 500, gone: 20 } }), 520);
  assert.equal(sumOfMoved({}), 0);
});
