import assert from 'node:assert/strict';
import { after, before, beforeEach } from 'node:test';
import {
  AFTER_EVENTS,
  BEFORE_EVENTS,
  type TenantId,
  type TenantSettingsInput,
  tenantSettings,
  type WebhookEvent,
} from '@im/contract';
import { ERR } from '@im/protocol';
import { codeOf } from './calls.ts';
import { eventually } from './eventually.ts';
import { type Received, startReceiver } from './http-receiver.ts';
import type { TestProcess } from './start-domain.ts';

/** A request as the receiver got it. */
export interface AskedWebhook {
  /** Last part of the path. */
  readonly command: string;
  readonly body: Record<string, unknown>;
}

/** What the receiver answers with: JSON, or a fault. */
export type WebhookAnswer = object | 'hang' | 'garbage' | 'die';

/** Chooses the answer to a request. */
type Answerer = (asked: AskedWebhook) => WebhookAnswer | Promise<WebhookAnswer>;

/** An HTTP server in the place of a tenant's backend. */
export interface WebhookReceiver extends AsyncDisposable {
  readonly url: string;
  /** Requests since the last call, in their order. */
  take(): AskedWebhook[];
  /** How it answers from now on. @default {} */
  answer(answer: WebhookAnswer | Answerer): void;
}

/** The answer that refuses. */
export const REFUSAL = { actionCode: 0, errCode: 7_001, errMsg: 'NotToday', errDlt: 'a rule', nextCode: 1 };

/** Time that a receiver gets in tests, ms. */
const TIMEOUT_MS = 3_000;

function askedBy({ path, json: body }: Received): AskedWebhook {
  return { command: path.split('?')[0]?.split('/').at(-1) ?? '', body };
}

/** Starts a receiver at 127.0.0.1. */
export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  let reply: WebhookAnswer | Answerer = {};

  const receiver = await startReceiver(async (response, received) => {
    const answer = typeof reply === 'function' ? await (reply as Answerer)(askedBy(received)) : reply;
    if (answer === 'hang') return;
    if (answer === 'die') response.destroy();
    else if (answer === 'garbage') response.end('<html>');
    else response.end(JSON.stringify(answer));
  });
  return {
    url: receiver.url,
    take: () => receiver.received.splice(0).map(askedBy),
    answer(answer) {
      reply = answer;
    },
    [Symbol.asyncDispose]: () => receiver[Symbol.asyncDispose](),
  };
}

/** Settings of a tenant that has these events at a receiver. @param events by default all. */
export function withWebhooks(
  settings: TenantSettingsInput,
  { url }: Pick<WebhookReceiver, 'url'>,
  events: readonly WebhookEvent[] = [...BEFORE_EVENTS, ...AFTER_EVENTS],
): TenantSettingsInput {
  const hook = { enable: true, timeoutMs: TIMEOUT_MS };
  return { ...settings, webhooks: { url, events: Object.fromEntries(events.map((event) => [event, hook])) } };
}

/** A receiver of all events of a tenant, for the tests of a file; forgets before each what came, and answers nothing. */
export function describeReceiver(
  domain: Pick<TestProcess, 'tenants' | 'takeWebhooks'>,
  tenant: TenantId,
): WebhookReceiver {
  const receiver = {} as WebhookReceiver;
  before(async () => {
    Object.assign(receiver, await startWebhookReceiver());
    // Hooks of a file begin at the same time.
    await eventually(() => assert.ok(domain.tenants));
    const settings = domain.tenants.get(tenant);
    assert.ok(settings);
    domain.tenants.put(tenantSettings(withWebhooks(settings, receiver)));
  });
  after(() => receiver[Symbol.asyncDispose]?.());
  beforeEach(async () => {
    receiver.answer({});
    receiver.take();
    await domain.takeWebhooks();
  });
  return receiver;
}

/** One event before a change: what asks about it, and with what. */
export interface BeforeCase {
  readonly event: WebhookEvent;
  readonly command: string;
  /** The request without callbackCommand. */
  readonly body: Record<string, unknown>;
  /** The call that asks; made once for each way in which the receiver answers. */
  readonly call: () => Promise<unknown>;
  /** Whether the change was made. */
  readonly made: () => Promise<boolean>;
}

/** The receiver is asked with this body, its refusal is that of the call, and its silence keeps the change from being made. */
export async function asksBefore(receiver: WebhookReceiver, one: BeforeCase): Promise<void> {
  const { command, body, call, made } = one;
  const answersOf = (answer: WebhookAnswer) =>
    receiver.answer((asked) => (asked.command === command ? answer : {}));
  for (const [answer, code] of [
    [REFUSAL, REFUSAL.errCode],
    ['garbage', ERR.DataError],
    ['die', ERR.NetworkError],
  ] as const) {
    answersOf(answer);
    assert.equal(await codeOf(call()), code, `${one.event}: ${JSON.stringify(answer)}`);
    assert.equal(await made(), false, `${one.event}: made in spite of ${JSON.stringify(answer)}`);
  }
  receiver.take();
  answersOf({});
  assert.equal(await codeOf(call()), 0, one.event);
  const asked = receiver.take().filter((request) => request.command === command);
  assert.deepEqual(asked, [{ command, body: { callbackCommand: command, ...body } }], one.event);
  assert.equal(await made(), true, `${one.event}: not made`);
}
