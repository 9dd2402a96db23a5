/** What a span stands for, as OpenTelemetry has it. */
export type SpanKind = 'internal' | 'server' | 'client' | 'producer' | 'consumer';

/** Facts about a span: identifiers and numbers, never what users wrote, their ids or tokens. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

export interface SpanOptions {
  /** @default internal */
  readonly kind?: SpanKind;
  readonly attributes?: SpanAttributes;
  /** `performance.now()` at its start. @default now */
  readonly startedAt?: number;
  /** Traceparents of spans that it has to do with, besides its parent. */
  readonly links?: readonly string[];
  /** Traceparent that a caller outside the cluster gave; it counts where the settings say so. */
  readonly caller?: string;
}

/** A step of a trace that is recorded. There is none while tracing is off, and none of traces that are not sampled. */
export interface Span {
  /** 32 hexadecimal digits. */
  readonly traceID: string;
  /** 16 hexadecimal digits. */
  readonly spanID: string;
  /** W3C `traceparent` by which other processes continue at this span. */
  readonly traceparent: string;
  /** A step of this step, of the same tenant. */
  child(name: string, options?: SpanOptions): Span;
  set(attributes: SpanAttributes): void;
  /** Ends it; later calls are ignored. @param error why it failed. */
  end(error?: unknown): void;
}

/** Makes spans while tracing is on. Names are of low cardinality. */
export interface Tracer {
  /** Begins a trace; undefined when it is not sampled, or too many spans are recorded already. */
  begin(tenant: string, name: string, options?: SpanOptions): Span | undefined;
  /**
   * Continues a trace of another process or of an earlier time. Undefined when `traceparent` names no sampled trace, or
   * when too many spans are recorded already.
   */
  resume(traceparent: string, tenant: string, name: string, options?: SpanOptions): Span | undefined;
  /**
   * A span for work on behalf of several traces, as the first of another trace that is linked to them; for one trace
   * alone it continues that one. Undefined when there are none, or when too many spans are recorded already.
   */
  gather(traceparents: readonly string[], name: string, options?: SpanOptions): Span | undefined;
}

/** Tracing of a process. */
export interface Tracing {
  /** Undefined while tracing is off. */
  readonly tracer: Tracer | undefined;
}

/** Tracing that is off. */
export const NO_TRACING: Tracing = Object.freeze({ tracer: undefined });

/** Ends a span when the work ends, as it ends. */
export function endWith(span: Span, work: Promise<unknown>): void {
  work.then(
    () => span.end(),
    (error: unknown) => span.end(error),
  );
}
