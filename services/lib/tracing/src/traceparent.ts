/** Where a trace stands, as W3C Trace Context has it. */
export interface TracePlace {
  readonly traceID: string;
  readonly spanID: string;
  readonly sampled: boolean;
}

const TRACEPARENT =
  /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
/** Longer than what any version of the specification has so far. */
const MAX_LENGTH = 128;

/** The place that a `traceparent` names; undefined for what is none, https://www.w3.org/TR/trace-context/#traceparent-header. */
export function parseTraceparent(text: string): TracePlace | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const [, version, traceID = '', spanID = '', flags = '', more] = TRACEPARENT.exec(text) ?? [];
  if (version === undefined || (version === '00' && more !== undefined)) return undefined;
  return { traceID, spanID, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** The `traceparent` of a place. */
export function traceparentOf({ traceID, spanID, sampled }: TracePlace): string {
  return `00-${traceID}-${spanID}-${sampled ? '01' : '00'}`;
}
