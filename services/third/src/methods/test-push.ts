import type { PushSettings, TenantId } from '@im/contract';
import { type CallContext, messageOf, randomId, requireAdmin } from '@im/kit';
import { argsError, ERR, ImError, make, type third } from '@im/protocol';
import {
  type Addressed,
  addressDevices,
  createProviders,
  NoAccessToken,
  type Notification,
  type Outcome,
  type ProviderSet,
  parseToken,
  type RegisteredToken,
} from '@im/push-providers';
import type { ThirdDeps, ThirdMethods } from '../deps.ts';

/** Time limit of one provider's answer. */
const ANSWER_MS = 8_000;
/** Tests of a tenant at once: they are for people. */
const MAX_RUNNING = 4;
const SHOWN_CHARACTERS = 6;
const TTL_SECONDS = 300;

/** Sends a test notification and reports what the providers answered. */
export function testPushMethods(deps: ThirdDeps): ThirdMethods<'testPush'> {
  const running = new Map<TenantId, number>();
  return {
    async testPush(ctx, { userID, token, text }) {
      requireAdmin(ctx);
      if ((userID === '') === (token === '')) throw argsError('give either userID or token');
      const others = running.get(ctx.tenant) ?? 0;
      if (others >= MAX_RUNNING) throw new ImError(ERR.TooManyRequests, 'too many tests run; try again');
      const settings = deps.pushSettings(ctx.tenant);
      const providers = createProviders(settings, { allowedNetworks: deps.allowedNetworks() });
      running.set(ctx.tenant, others + 1);
      try {
        const tokens: readonly RegisteredToken[] =
          token === ''
            ? await deps.pushTokens.ofUsers(ctx.tenant, [userID], Date.now())
            : [{ userID: '', platformID: 0, token }];
        const users = userID === '' ? [] : [userID];
        const addressed = addressDevices(providers, users, tokens);
        const notification = notificationOf(ctx, settings, text);
        const results = addressed.map((one) => test(one, notification));
        return make('third.TestPushResp', {
          results: [...(await Promise.all(results)), ...unaddressed(providers, tokens)],
          faults: providers.faults.map(({ provider, fault }) => `${provider}: ${fault}`),
        });
      } finally {
        const left = (running.get(ctx.tenant) ?? 0) - 1;
        if (left > 0) running.set(ctx.tenant, left);
        else running.delete(ctx.tenant);
        providers.close();
      }
    },
  };
}

function notificationOf(
  { tenant, operationID }: CallContext,
  { fallbackText, sound }: PushSettings,
  text: string,
): Notification {
  const id = randomId();
  return {
    tenant,
    operationID,
    title: fallbackText,
    body: text === '' ? fallbackText : text,
    sound,
    ttlSeconds: TTL_SECONDS,
    collapseID: id,
    id,
    data: { test: 'true' },
  };
}

async function test(
  { provider, device }: Addressed<RegisteredToken>,
  notification: Notification,
): Promise<third.PushTestResult> {
  const { userID, platformID, kind, token } = device;
  const result = (outcome: Outcome) =>
    make('third.PushTestResult', {
      userID,
      platformID,
      kind,
      token: shown(token),
      provider: provider.name,
      outcome: outcome.kind,
      reason: 'reason' in outcome ? outcome.reason : '',
      id: outcome.kind === 'taken' ? (outcome.id ?? '') : '',
      afterMs: outcome.kind === 'later' ? outcome.afterMs : 0,
    });
  try {
    const [outcome] = await provider.push(notification, [device], AbortSignal.timeout(ANSWER_MS));
    return result(outcome ?? { kind: 'refused', reason: 'noAnswer' });
  } catch (error) {
    if (error instanceof NoAccessToken) return result(error.outcome);
    return result({ kind: 'later', reason: messageOf(error), afterMs: 0 });
  }
}

/** Registered tokens of kinds without a provider. */
function unaddressed(
  providers: ProviderSet,
  tokens: readonly RegisteredToken[],
): readonly third.PushTestResult[] {
  return tokens.flatMap(({ userID, platformID, token: text }) => {
    const { kind, token } = parseToken(text);
    if (providers.ofKind(kind)) return [];
    const reason = 'no provider delivers this kind';
    return [
      make('third.PushTestResult', {
        userID,
        platformID,
        kind,
        token: shown(token),
        outcome: 'refused',
        reason,
      }),
    ];
  });
}

/** The end of a token, by which its owner recognizes it. */
function shown(token: string): string {
  return `…${token.slice(-SHOWN_CHARACTERS)}`;
}
