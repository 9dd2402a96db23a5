import { type CallContext, CallScope, withinCall } from '@im/kit';
import { callFields, type Logger } from '@im/process';
import { ERR, type ImError } from '@im/protocol';
import type { ReportCall } from './call-metrics.ts';
import type { AnyMessage, Handler, Method } from './contract.ts';
import { callError } from './errors.ts';

/** The handler of one method and where its calls are reported. */
export interface ServedMethod {
  readonly method: Method;
  readonly handler: Handler;
  readonly report: ReportCall;
}

/** What a call from another process came to. */
export type Outcome = { readonly answer: AnyMessage } | { readonly failure: ImError };

/**
 * Runs a handler for another process. Never rejects; failures without a code are logged here, where they happened.
 * @param onScope called with the scope of the call, by which it is cancelled.
 */
export async function handleCall(
  served: ServedMethod,
  log: Logger,
  context: () => CallContext,
  request: () => AnyMessage,
  onScope?: (scope: CallScope) => void,
): Promise<Outcome> {
  const startedAt = performance.now();
  let ctx: CallContext | undefined;
  try {
    ctx = context();
    const handled = ctx;
    const message = request();
    const scope = new CallScope(handled);
    onScope?.(scope);
    const answer = await withinCall(scope, () => served.handler(handled, message));
    served.report(0, (performance.now() - startedAt) / 1_000);
    return { answer };
  } catch (error) {
    const failure = callError(error);
    if (failure.code === ERR.ServerInternalError) {
      log.error({ ...(ctx && callFields(ctx)), method: served.method.label, err: error }, 'call failed');
    }
    served.report(failure.code, (performance.now() - startedAt) / 1_000);
    return { failure };
  }
}
