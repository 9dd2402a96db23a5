import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type TenantId, tenantId, tenantSettings } from '@im/contract';
import {
  type CallContext,
  NO_TRACING,
  type Span,
  staticTenants,
  systemContext,
  type Tracing,
  withSpan,
} from '@im/kit';
import { createMetrics } from '@im/process';
import { ERR, ImError, make, type msg } from '@im/protocol';
import { recordingTracer } from '@im/testing';
import { SendBatcher } from './send-batcher.ts';

const [ASKING, PLAIN] = [tenantId('asking'), tenantId('plain')];
const SECRETS = { tokenSecret: 's', adminSecret: 's' };
const HOOKS = { url: 'http://hooks.test', events: { beforeSendSingleMsg: { enable: true } } };

/** A batcher over a msg domain that never answers sends of the tenant `asking`. */
function fixture(tracing: Tracing = NO_TRACING) {
  const calls: string[][] = [];
  const sent: { readonly ctx: CallContext; readonly items: readonly msg.SendItem[] }[] = [];
  const tenants = staticTenants([
    tenantSettings({ id: ASKING, ...SECRETS, webhooks: HOOKS }),
    tenantSettings({
      id: PLAIN,
      ...SECRETS,
      webhooks: { ...HOOKS, events: { afterSendSingleMsg: { enable: true } } },
    }),
  ]);
  const answerOf = (_item: msg.SendItem, i: number) =>
    make('msg.SendResult', { resp: make('msg.SendMsgResp', { serverMsgID: `s${i}` }) });
  const batcher = new SendBatcher({
    msg: {
      async sendMsgs(ctx: CallContext, { items }: msg.SendMsgsReq) {
        sent.push({ ctx, items });
        calls.push(items.map(({ tenant }) => tenant));
        if (items.some(({ tenant }) => tenant === ASKING)) await new Promise(() => {});
        return make('msg.SendMsgsResp', { results: items.map(answerOf) });
      },
    },
    tenants,
    metrics: createMetrics(),
    timeoutMs: 5_000,
    instanceId: 'gw',
    maxMessageBytes: 1_048_576,
    tracing,
  });
  const send = (tenant: TenantId, bytes = 10, span?: Span) =>
    batcher.send(withSpan(systemContext(tenant, 'op'), span), Buffer.alloc(bytes));
  return { calls, send, sent };
}

test('sends that may wait for a webhook travel apart, and hold up those of no other tenant', async () => {
  const { calls, send } = fixture();
  for (let i = 0; i < 200; i++) send(ASKING).catch(() => {});
  const answers = await Promise.all([send(PLAIN), send(PLAIN)]);
  assert.deepEqual(
    answers.map(({ serverMsgID }) => serverMsgID),
    ['s0', 's1'],
  );
  for (const tenants of calls) assert.equal(new Set(tenants).size, 1, tenants.join());
  assert.deepEqual(calls.at(-1), [PLAIN, PLAIN]);
});

test('one tenant has a bounded number of such sends, and of their bytes', async () => {
  const { send } = fixture();
  const busy = (error: unknown) => error instanceof ImError && error.code === ERR.TooManyRequests;
  for (let i = 0; i < 70; i++) send(ASKING, 250_000).catch(() => {});
  await assert.rejects(send(ASKING, 250_000), busy);
  const other = fixture();
  for (let i = 0; i < 2_000; i++) other.send(ASKING).catch(() => {});
  await assert.rejects(other.send(ASKING), busy);
  assert.ok(await send(PLAIN));
});

test('each send of a batch continues its own trace, and the batch is linked to those that have one', async () => {
  const tracing = recordingTracer();
  const { send, sent } = fixture(tracing);
  const [a, b] = ['a', 'b'].map((name) => tracing.tracer.begin(PLAIN, name));
  await Promise.all([send(PLAIN, 10, a), send(PLAIN), send(PLAIN, 10, b)]);
  const [call] = sent;
  assert.deepEqual(
    call?.items.map((item) => ('traceparent' in item ? item.traceparent : 'none')),
    [a?.traceparent, 'none', b?.traceparent],
    'not even an empty field',
  );
  const batch = tracing.named('send batch');
  assert.deepEqual([batch.links, batch.ended], [[a?.traceparent, b?.traceparent], true]);
  assert.equal(call?.ctx.span?.traceparent, batch.traceparent);
});
