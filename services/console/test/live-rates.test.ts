import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LiveSample } from '@im/admin-api';
import { liveRates } from '../src/pages/live-rates.ts';

const sample = (seconds: number, gateways: readonly [id: string, sends: number, logins: number][]) =>
  ({
    ...{ time: seconds * 1_000, users: 0, connections: 0, platforms: [] },
    gateways: gateways.map(([gatewayID, sends, logins]) => {
      return { gatewayID, sends, logins, users: 1, connections: 1, refusals: 0, pushes: 0 };
    }),
  }) satisfies LiveSample;

test('rates are the growth of all gateways in half a minute', () => {
  const samples = Array.from({ length: 20 }, (_, i) =>
    // Both report every ten seconds, one after the other.
    sample(i * 5, [
      ['a', Math.floor(i / 2) * 100, Math.floor(i / 2) * 10],
      ['b', Math.ceil(i / 2) * 50, 0],
    ]),
  );
  const rates = liveRates(samples);
  assert.deepEqual(rates[0], undefined);
  assert.deepEqual(rates[1], { messages: 10, logins: 0 });
  for (const rate of rates.slice(6)) assert.deepEqual(rate, { messages: 15, logins: 1 });
});

test('a gateway that comes, goes or starts again adds nothing that was not seen', () => {
  const rates = liveRates([
    sample(0, [['a', 1_000, 10]]),
    sample(10, [
      ['a', 1_100, 20],
      ['b', 9_000, 900],
    ]),
    sample(20, [['b', 9_010, 901]]),
    sample(30, [['b', 5, 1]]),
    sample(40, [['b', 15, 2]]),
  ]);
  assert.deepEqual(
    rates.map((rate) => rate && [rate.messages * 10, rate.logins * 10]),
    [undefined, [100, 10], [55, 5.5], [110 / 3, 11 / 3], [30, 3]],
  );
});
