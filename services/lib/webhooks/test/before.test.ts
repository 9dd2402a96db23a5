import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { type TestContext, test } from 'node:test';
import { ServerConfig, type TenantSettingsInput, tenantId, tenantSettings } from '@im/contract';
import { type Span, staticTenants, systemContext, withSpan } from '@im/kit';
import { createLiveConfig, createMetrics, silentLogger } from '@im/process';
import { ImError } from '@im/protocol';
import { answerJson, eventually, recordingTracer, startReceiver } from '@im/testing';
import { createWebhooks, signatureFault } from '../src/index.ts';

const TENANT = tenantId('t1');
const SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const OLD_SECRET = `whsec_${Buffer.alloc(32, 2).toString('base64')}`;
const BODY = { fromUserID: 'a', toUserID: 'b', reqMsg: 'hi', ex: '' };

type Hooks = NonNullable<TenantSettingsInput['webhooks']>;

function tenantWith(webhooks: Hooks, id = TENANT) {
  return tenantSettings({ id, tokenSecret: 's', adminSecret: 's', webhooks });
}

const on = (url: string, more: object = {}, rest: Partial<Hooks> = {}): Hooks => ({
  url,
  ...rest,
  events: { beforeAddFriend: { enable: true, timeoutMs: 15_000, ...more } },
});

function started(t: TestContext, webhooks: Hooks, allowedNetworks = ['127.0.0.1']) {
  const tenants = staticTenants([tenantWith(webhooks)]);
  const config = (networks: string[]) => ServerConfig.parse({ webhooks: { allowedNetworks: networks } });
  const live = createLiveConfig(config(allowedNetworks));
  const metrics = createMetrics();
  const queue = { publish: async () => assert.fail('no after-event was handed over') };
  const hooks = createWebhooks({ tenants, queue, live, metrics, log: silentLogger() });
  t.after(() => hooks.close());
  return {
    ...{ hooks, tenants },
    allow: (networks: string[]) => live.apply(config(networks)),
    ask: (tenant = TENANT, span?: Span) =>
      hooks.before(withSpan(systemContext(tenant, 'op1'), span), 'beforeAddFriend', BODY),
    async outcomes() {
      const values = await metrics.values('openim_webhook_before_total');
      return Object.fromEntries(values.map(({ labels, value }) => [labels.outcome, value]));
    },
  };
}

function fails(code: number, message?: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof ImError, String(error));
    assert.equal(error.code, code, error.message);
    if (message) assert.match(error.message, message);
    return true;
  };
}

test('a request has the form of OpenIM and is signed with both secrets', async (t) => {
  await using receiver = await startReceiver();
  const secrets = { secret: SECRET, previousSecret: OLD_SECRET };
  const { ask } = started(t, on(`${receiver.url}/`, {}, secrets));
  assert.deepEqual(await ask(), {});
  const [request] = receiver.received;
  assert.ok(request);
  assert.equal(request.path, '/hooks/callbackBeforeAddFriendCommand');
  assert.deepEqual(request.json, { callbackCommand: 'callbackBeforeAddFriendCommand', ...BODY });
  assert.equal(request.headers.operationid, 'op1');
  assert.equal(request.headers['content-type'], 'application/json; charset=utf-8');
  for (const secret of [SECRET, OLD_SECRET])
    assert.equal(signatureFault(request.headers, request.body, secret), undefined);
});

test('a refusal fails the call with its code and texts; code 0 is a refusal as well', async (t) => {
  await using receiver = await startReceiver();
  const { ask, outcomes } = started(t, on(receiver.url));
  const refusal = { actionCode: 0, nextCode: 1, errCode: 5001, errMsg: 'NoSuchFriend', errDlt: 'never' };
  receiver.answer = answerJson(refusal, 500);
  await assert.rejects(ask(), { code: 5001, errMsg: 'NoSuchFriend', detail: 'never' });
  receiver.answer = answerJson({ ...refusal, errCode: 0, errMsg: '' });
  await assert.rejects(ask(), { code: 80_000, errMsg: 'CallbackError' });
  receiver.answer = answerJson({ ...refusal, errCode: 7 });
  await assert.rejects(ask(), { code: 500 });
  assert.deepEqual(await outcomes(), { refused: 3 });
});

test('an answer that cannot be understood is 90007, none is 90004, and both continue if asked to', async (t) => {
  await using receiver = await startReceiver();
  const strict = started(t, on(receiver.url));
  const lenient = started(t, on(receiver.url, { failedContinue: true }));
  const faults = [
    [90_007, /response format error/, (response) => response.end('<html>')],
    [90_007, /response format error/, (response) => response.end(' '.repeat(2_000_000))],
    [90_007, /response format error/, (response) => response.writeHead(302, { location: '/x' }).end()],
    [
      90_004,
      /the connection broke/,
      (response) => {
        response.writeHead(200, { 'content-length': '100' }).write('{');
        setTimeout(() => response.destroy(), 20);
      },
    ],
    [90_004, /other side closed/, (response) => response.destroy()],
  ] as const satisfies readonly (readonly [number, RegExp, typeof receiver.answer])[];
  for (const [code, message, answer] of faults) {
    receiver.answer = answer;
    await assert.rejects(strict.ask(), fails(code, message));
    assert.equal(await lenient.ask(), undefined);
  }
  assert.equal(receiver.received.length, 2 * faults.length, 'no question is asked twice');
});

test('an answer that does not come in time is 90004, and continues if asked to', async (t) => {
  await using receiver = await startReceiver(() => {});
  const timeoutMs = 300;
  await assert.rejects(
    started(t, on(receiver.url, { timeoutMs })).ask(),
    fails(90_004, /no answer within 300 ms/),
  );
  assert.equal(await started(t, on(receiver.url, { timeoutMs, failedContinue: true })).ask(), undefined);
});

test('internal addresses are refused unless the operator allows them, also behind a name', async (t) => {
  await using receiver = await startReceiver();
  const { port } = new URL(receiver.url);
  for (const host of ['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]', '2130706433', '0x7f.1']) {
    const { ask, allow } = started(t, on(`http://${host}:${port}/hooks`), []);
    await assert.rejects(ask(), fails(90_004, /is an internal address/), host);
    allow(['127.0.0.0/8', '::1']);
    assert.deepEqual(await ask(), {}, host);
    allow([]);
    await assert.rejects(ask(), fails(90_004, /is an internal address/), 'kept connections are closed');
  }
});

test('a receiver that hangs is soon not asked any more, and delays no other tenant', async (t) => {
  const held: ServerResponse[] = [];
  await using hanging = await startReceiver((response) => held.push(response));
  await using well = await startReceiver();
  const { ask, tenants, outcomes } = started(t, on(hanging.url));
  const other = tenantId('t2');
  tenants.put(tenantWith(on(well.url), other));
  const asked = Array.from({ length: 700 }, () => ask().catch((error: ImError) => error.code));
  for (let n = 0; n < 20; n++) assert.deepEqual(await ask(other), {});
  assert.deepEqual(await outcomes(), { full: 700 - 64 - 512, allowed: 20 }, 'another tenant waits');
  await eventually(() => assert.equal(held.length, 64));
  hanging.answer = (response) => response.destroy();
  for (const response of held) response.destroy();
  assert.deepEqual(new Set(await Promise.all(asked)), new Set([90_004]));
  assert.equal((await outcomes()).unreachable, 64 + 512);
  // Now and then one call tries.
  await eventually(() => assert.rejects(ask(), fails(90_004, /has failed several times/)));
  hanging.answer = answerJson({});
  assert.deepEqual(await eventually(() => ask()), {});
});

test('settings take effect at once; off costs a look', async (t) => {
  await using receiver = await startReceiver();
  const { hooks, tenants, ask } = started(t, on(receiver.url, { enable: false }));
  assert.equal(hooks.enabled({ tenant: TENANT }, 'beforeAddFriend'), false);
  assert.equal(await ask(), undefined);
  tenants.put(tenantWith(on(receiver.url)));
  assert.equal(hooks.enabled({ tenant: TENANT }, 'beforeAddFriend'), true);
  assert.equal(hooks.enabled({ tenant: TENANT }, 'afterAddFriend'), false);
  assert.equal(hooks.enabled({ tenant: tenantId('unknown') }, 'beforeAddFriend'), false);
  assert.deepEqual(await ask(), {});
});

test('in a sampled trace the receiver gets a traceparent, and no header otherwise', async (t) => {
  await using receiver = await startReceiver();
  const { ask } = started(t, on(receiver.url));
  const tracing = recordingTracer();
  const root = tracing.tracer.begin(TENANT, 'root');
  await ask(TENANT, root);
  await ask();
  const step = tracing.named('webhook beforeAddFriend');
  assert.deepEqual([step.parent, step.ended], [root?.traceparent, true]);
  assert.deepEqual(
    receiver.received.map(({ headers }) => headers.traceparent),
    [step.traceparent, undefined],
  );
});
