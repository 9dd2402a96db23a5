import { type CallContext, CallScope, currentCall, remainingMs, withinCall, withSpan } from '@im/kit';
import type { ReportCall } from './call-metrics.ts';
import type { AnyMessage, Handler, Method } from './contract.ts';
import { callError, timedOut } from './errors.ts';

/**
 * A call inside the process: the handler gets the caller's own context and request.
 * The deadline holds as it does between processes: the caller is answered then, whatever the handler does.
 */
export async function callDirect(
  method: Method,
  handler: Handler,
  ctx: CallContext,
  request: AnyMessage,
  report: ReportCall,
): Promise<AnyMessage> {
  const startedAt = performance.now();
  const span = ctx.span?.child(method.label);
  try {
    const response = await withinDeadline(method, handler, withSpan(ctx, span), request);
    span?.end();
    report(0, (performance.now() - startedAt) / 1_000);
    return response;
  } catch (error) {
    const failure = callError(error);
    span?.end(failure);
    report(failure.code, (performance.now() - startedAt) / 1_000);
    throw failure;
  }
}

/** As {@link callDirect}, with request and answer encoded and decoded as on the wire. */
export async function callEncoded(
  method: Method,
  handler: Handler,
  ctx: CallContext,
  request: AnyMessage,
  report: ReportCall,
): Promise<AnyMessage> {
  const received = method.request.decode(method.request.encode(request));
  const { onPartial } = ctx;
  const encoded: CallContext = onPartial
    ? {
        ...ctx,
        onPartial: (answer) =>
          onPartial(method.response.decode(method.response.encode(answer as AnyMessage))),
      }
    : ctx;
  const response = await callDirect(method, handler, encoded, received, report);
  return method.response.decode(method.response.encode(response));
}

async function withinDeadline(
  method: Method,
  handler: Handler,
  ctx: CallContext,
  request: AnyMessage,
): Promise<AnyMessage> {
  const left = remainingMs(ctx);
  if (left === 0) throw timedOut(method.label);
  const { promise, resolve, reject } = Promise.withResolvers<AnyMessage>();
  const timer = setTimeout(() => reject(timedOut(method.label)), left);
  try {
    const scope = new CallScope(ctx, currentCall());
    withinCall(scope, () => handler(ctx, request)).then(resolve, reject);
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}
