import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { tenantSettings } from '@im/contract';
import { conversationSeqs, msgRows, retentionRepo, type Store } from '@im/store';
import { expireMessages } from '../src/jobs/expire-messages.ts';
import { useStore } from './harness.ts';

const DAY_MS = 24 * 3600 * 1000;
const NOW = Date.UTC(2026, 0, 31);

describe('retention', () => {
  let store: Store;
  const settings = tenantSettings({
    id: 'a',
    tokenSecret: 's',
    adminSecret: 's',
    quotas: { retentionDays: 10 },
  });
  const other = tenantSettings({ id: 'b', tokenSecret: 's', adminSecret: 's' });

  useStore([settings, other], async (fixture) => {
    ({ store } = fixture);
    for (const tenant of [settings.id, other.id]) {
      const rows = Array.from({ length: 20 }, (_, i) => ({
        tenant,
        conversationID: 'si_a_b',
        seq: i + 1,
        dedupKey: Buffer.alloc(16, i),
        position: i + 1,
        msgData: Buffer.from('m'),
        sendID: 'a',
        recvID: 'b',
        contentType: 101,
        sendTime: 0,
        logTime: NOW - (20 - i) * DAY_MS,
      }));
      await msgRows(store).insert(rows);
      await conversationSeqs(store).apply([
        { tenant, conversationID: 'si_a_b', max: 20, src: 20, maxTime: NOW },
      ]);
    }
  });
  const parts = () => ({
    retention: retentionRepo(store),
    rows: msgRows(store),
    conversationSeqs: conversationSeqs(store),
    now: () => NOW,
  });
  const seqs = async (tenant: typeof settings.id) =>
    (
      await msgRows(store).span(tenant, 'si_a_b', { first: 1, last: 100 }, { limit: 100, descending: false })
    ).map((r) => r.seq);

  test('removes what is older than the retention, raises the bound, and does nothing the second time', async () => {
    const job = expireMessages('* * * * *', parts());
    const signal = new AbortController().signal;
    assert.equal(await job.run(settings, signal), 10);
    assert.equal((await seqs(settings.id))[0], 11);
    assert.equal((await conversationSeqs(store).get(settings.id, ['si_a_b'])).get('si_a_b')?.min, 11);
    assert.equal(await job.run(settings, signal), 0);
  });

  test('a tenant without a limit keeps everything', async () => {
    const job = expireMessages('* * * * *', parts());
    assert.equal(await job.run(other, new AbortController().signal), 0);
    assert.equal((await seqs(other.id)).length, 20);
  });
});
