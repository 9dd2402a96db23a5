import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_TENANT } from '@im/contract';
import type { Collection, Document } from 'mongodb';
import type { TenantCollection } from '../collection.ts';
import type { MsgRowDocument } from './msg-row-document.ts';
import { type WalkStep, walkSteps } from './msg-walk.ts';

const DAY_MS = 86_400_000;
const END = Date.UTC(2026, 0, 10);

/** A tenant's rows, one every so many ms until a time, and how many keys were counted. */
function rowsBefore(end: number, everyMs: number, count: number) {
  const looked = { keys: 0 };
  const times = Array.from({ length: count }, (_, i) => end - (i + 1) * everyMs);
  const matching = ({ st: { $gte = 0, $lt = Infinity, $lte = Infinity } }: Document) =>
    times.filter((st) => st >= $gte && st < $lt && st <= $lte);
  const col = {
    async count(filter: Document, { limit }: { limit: number }) {
      const found = Math.min(limit, matching(filter).length);
      looked.keys += found;
      return found;
    },
    find: (filter: Document, { skip }: { skip: number }) => ({
      toArray: async () =>
        matching(filter)
          .slice(skip, skip + 1)
          .map((st) => ({ _id: `row ${st}`, st })),
    }),
  };
  const view: TenantCollection<MsgRowDocument> = {
    col: col as unknown as Collection<MsgRowDocument>,
    tenant: DEFAULT_TENANT,
    key: (...parts) => parts.join(),
    range: () => ({ $gt: '', $lt: '' }),
    parts: (key) => [key],
  };
  return { view, looked };
}

test('windows that hold too many rows are counted on the budget, and a walk comes further nevertheless', async () => {
  // The windows have grown to weeks when they meet rows of one hour.
  const { view, looked } = rowsBefore(END - 60 * DAY_MS, 20, 180_000);
  for (const keys of [100_000, 1_000]) {
    looked.keys = 0;
    const budget = { until: Date.now() + 60_000, keys };
    const walk = { kind: 'time', match: { st: { $lt: END } } } as const;
    const steps: WalkStep[] = [];
    for await (const step of walkSteps(view, walk, { direction: -1, budget })) steps.push(step);
    const [first] = steps;
    assert.ok((first?.keys ?? 0) > 0 && first?.last, 'there is a step');
    // Once the budget is spent, the windows that lead to the step count a thousand rows each.
    assert.ok(looked.keys <= keys + 20_000, `${looked.keys} keys counted`);
  }
});
