import type { Span, SpanAttributes, SpanOptions, Tracer, Tracing } from '@im/kit';

/** A span that a {@link RecordingTracer} made. */
export interface RecordedSpan {
  readonly name: string;
  readonly tenant: string;
  readonly traceparent: string;
  /** Traceparent of its parent; empty for the first of a trace. */
  readonly parent: string;
  readonly links: readonly string[];
  attributes: SpanAttributes;
  ended: boolean;
  error: unknown;
}

/** Tracing that is on and keeps its spans in memory, for tests. */
export interface RecordingTracer extends Tracing {
  readonly tracer: Tracer;
  readonly spans: RecordedSpan[];
  /** The one span of this name. @throws Error unless there is exactly one. */
  named(name: string): RecordedSpan;
}

/** A tracer that records everything that is sampled. */
export function recordingTracer(): RecordingTracer {
  const spans: RecordedSpan[] = [];
  let ids = 0;

  function start(tenant: string, name: string, parent: string, options: SpanOptions = {}): Span {
    ids++;
    const traceID = parent === '' ? ids.toString(16).padStart(32, '0') : parent.slice(3, 35);
    const spanID = ids.toString(16).padStart(16, '0');
    const traceparent = `00-${traceID}-${spanID}-01`;
    const { attributes = {}, links = [] } = options;
    const recorded = { name, tenant, traceparent, parent, links, attributes, ended: false, error: undefined };
    const span: RecordedSpan = recorded;
    spans.push(span);
    return {
      traceID,
      spanID,
      traceparent,
      child: (childName, childOptions) => start(tenant, childName, traceparent, childOptions),
      set(more) {
        span.attributes = { ...span.attributes, ...more };
      },
      end(error) {
        if (span.ended) return;
        span.ended = true;
        span.error = error;
      },
    };
  }

  const tracer: Tracer = {
    begin: (tenant, name, options) => start(tenant, name, '', options),
    resume: (traceparent, tenant, name, options) =>
      traceparent.endsWith('-01') ? start(tenant, name, traceparent, options) : undefined,
    gather(traceparents, name, options) {
      const links = [...new Set(traceparents)];
      const [first] = links;
      if (first === undefined) return undefined;
      return links.length === 1
        ? start('', name, first, options)
        : start('', name, '', { ...options, links });
    },
  };
  return {
    tracer,
    spans,
    named(name) {
      const found = spans.filter((span) => span.name === name);
      const [only] = found;
      if (!only || found.length > 1) throw new Error(`${found.length} spans are named ${name}`);
      return only;
    },
  };
}
