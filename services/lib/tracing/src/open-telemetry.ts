import { hostname } from 'node:os';
import type { ServerConfig } from '@im/contract';
import {
  type Counter,
  type Metrics,
  type Span,
  type SpanAttributes,
  type SpanKind,
  type SpanOptions,
  type Tracer,
  untilAborted,
} from '@im/kit';
import type { Logger } from '@im/process';
import { ERR, ImError } from '@im/protocol';
import * as api from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { AlwaysOnSampler, TracerProvider } from '@opentelemetry/sdk-trace';
import { ExportQueue } from './export-queue.ts';
import { SpanBudget } from './span-budget.ts';
import { parseTraceparent, traceparentOf } from './traceparent.ts';

/** The process as collectors name it. */
export interface TracedProcess {
  /** `service.name`, such as `openim-gateway`. */
  readonly name: string;
  readonly instance: string;
  readonly version: string;
}

export interface OpenTelemetryDeps {
  readonly process: TracedProcess;
  /** Whether there are several tenants. */
  readonly shared: () => boolean;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** A tracer with its exporter. */
export interface OpenTelemetry {
  readonly tracer: Tracer;
  /** Sends what was recorded, as far as there is time until `deadline` aborts. */
  close(deadline: AbortSignal): Promise<void>;
}

type Settings = ServerConfig['tracing'];

/** Time that a request to the collector has, its repetitions included, ms. */
const EXPORT_MS = 3_000;
const TRACES_PATH = '/v1/traces';
const KINDS: Readonly<Record<SpanKind, api.SpanKind>> = {
  internal: api.SpanKind.INTERNAL,
  server: api.SpanKind.SERVER,
  client: api.SpanKind.CLIENT,
  producer: api.SpanKind.PRODUCER,
  consumer: api.SpanKind.CONSUMER,
};
/** Longer values are cut. */
const MAX_VALUE = 256;
/** Senders of a batch that its span is linked to. */
const MAX_LINKS = 128;
/** Codes from here on are failures of the system; those below are answers to callers. */
const FIRST_FAILURE = 90_000;

/** Builds a tracer that exports; nothing is sent before the first span. */
export function createOpenTelemetry(settings: Settings, deps: OpenTelemetryDeps): OpenTelemetry {
  const { authorization } = settings;
  const exporter = new OTLPTraceExporter({
    url: tracesURL(settings.endpoint),
    timeoutMillis: EXPORT_MS,
    ...(authorization !== '' && { headers: { authorization } }),
  });
  const queue = new ExportQueue({ exporter, metrics: deps.metrics, log: deps.log });
  const { name, instance, version } = deps.process;
  const own = resourceFromAttributes({
    'service.name': name,
    'service.namespace': 'openim',
    'service.instance.id': instance,
    'service.version': version,
    'host.name': hostname(),
  });
  const provider = new TracerProvider({
    // OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win.
    resource: own.merge(detectResources({ detectors: [envDetector] })),
    // Decided before a span is made.
    sampler: new AlwaysOnSampler(),
    spanLimits: { attributeValueLengthLimit: MAX_VALUE, linkCountLimit: MAX_LINKS },
    spanProcessors: [queue],
  });
  return {
    tracer: new OwnTracer(provider.getTracer('openim', version), settings, deps),
    async close(deadline) {
      if (!deadline.aborted) await untilAborted(provider.shutdown(), deadline);
      queue.abandon();
    },
  };
}

/** The URL that spans are posted to. */
export function tracesURL(endpoint: string): string {
  const url = new URL(endpoint);
  if (url.pathname === '/') url.pathname = TRACES_PATH;
  return url.href;
}

class OwnTracer implements Tracer {
  readonly #tracer: api.Tracer;
  readonly #ratio: number;
  readonly #followsCallers: boolean;
  readonly #budget: SpanBudget;
  readonly #limited: Counter;

  constructor(tracer: api.Tracer, settings: Settings, { shared, metrics }: OpenTelemetryDeps) {
    this.#tracer = tracer;
    this.#ratio = settings.sampleRatio;
    this.#followsCallers = settings.followCallers;
    this.#budget = new SpanBudget({ perSecond: settings.maxSpansPerSecond, shared });
    this.#limited = metrics.counter(
      'openim_tracing_limited_total',
      'Traces that were not recorded, or not continued, because of tracing.maxSpansPerSecond',
    );
  }

  begin(tenant: string, name: string, options?: SpanOptions): Span | undefined {
    const caller = this.#followsCallers && options?.caller ? parseTraceparent(options.caller) : undefined;
    if (caller) return caller.sampled ? this.resume(traceparentOf(caller), tenant, name, options) : undefined;
    if (this.#ratio < 1 && Math.random() >= this.#ratio) return undefined;
    return this.#start(tenant, name, options, api.ROOT_CONTEXT);
  }

  resume(traceparent: string, tenant: string, name: string, options?: SpanOptions): Span | undefined {
    if (traceparent === '') return undefined;
    const parent = spanContext(traceparent);
    if (!parent) return undefined;
    return this.#start(tenant, name, options, api.trace.setSpanContext(api.ROOT_CONTEXT, parent));
  }

  gather(traceparents: readonly string[], name: string, options: SpanOptions = {}): Span | undefined {
    const links = [...new Set(traceparents)].filter((text) => spanContext(text) !== undefined);
    const [first] = links;
    if (first === undefined) return undefined;
    if (links.length === 1) return this.resume(first, '', name, options);
    return this.#start('', name, { ...options, links }, api.ROOT_CONTEXT);
  }

  #start(
    tenant: string,
    name: string,
    options: SpanOptions | undefined,
    context: api.Context,
  ): Span | undefined {
    if (this.#budget.begin(tenant))
      return new OwnSpan(this.#tracer, this.#budget, tenant, name, options, context);
    this.#limited.inc();
    return undefined;
  }
}

class OwnSpan implements Span {
  readonly traceID: string;
  readonly spanID: string;
  readonly #tracer: api.Tracer;
  readonly #budget: SpanBudget;
  readonly #tenant: string;
  readonly #span: api.Span;
  /** By the wall clock, ms; its end is measured by the monotonic one. */
  readonly #startedWall: number;
  readonly #startedAt: number;
  #ended = false;

  constructor(
    tracer: api.Tracer,
    budget: SpanBudget,
    tenant: string,
    name: string,
    { kind = 'internal', attributes, links = [], startedAt }: SpanOptions = {},
    context: api.Context,
  ) {
    this.#tracer = tracer;
    this.#budget = budget;
    this.#tenant = tenant;
    const now = performance.now();
    this.#startedAt = startedAt ?? now;
    this.#startedWall = Date.now() - (now - this.#startedAt);
    this.#span = tracer.startSpan(
      name,
      {
        kind: KINDS[kind],
        attributes: { ...(tenant !== '' && { 'openim.tenant': tenant }), ...attributes },
        links: links.flatMap((text) => {
          const linked = spanContext(text);
          return linked ? [{ context: linked }] : [];
        }),
        startTime: this.#startedWall,
      },
      context,
    );
    const { traceId, spanId } = this.#span.spanContext();
    this.traceID = traceId;
    this.spanID = spanId;
  }

  get traceparent(): string {
    return traceparentOf({ traceID: this.traceID, spanID: this.spanID, sampled: true });
  }

  child(name: string, options?: SpanOptions): Span {
    this.#budget.owe(this.#tenant);
    const context = api.trace.setSpan(api.ROOT_CONTEXT, this.#span);
    return new OwnSpan(this.#tracer, this.#budget, this.#tenant, name, options, context);
  }

  set(attributes: SpanAttributes): void {
    this.#span.setAttributes(attributes);
  }

  end(error?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    if (error !== undefined) this.#fail(error);
    this.#span.end(this.#startedWall + (performance.now() - this.#startedAt));
  }

  /** Notes how it failed, without the texts of the error: they may name users. */
  #fail(error: unknown): void {
    const code = error instanceof ImError ? error.code : undefined;
    if (code !== undefined) this.#span.setAttribute('openim.code', code);
    if (code !== undefined && code !== ERR.ServerInternalError && code < FIRST_FAILURE) return;
    const message = error instanceof ImError ? error.errMsg : error instanceof Error ? error.name : 'failed';
    this.#span.setStatus({ code: api.SpanStatusCode.ERROR, message });
  }
}

/** What a `traceparent` of a sampled trace refers to. */
function spanContext(traceparent: string): api.SpanContext | undefined {
  const place = parseTraceparent(traceparent);
  if (!place?.sampled) return undefined;
  return { traceId: place.traceID, spanId: place.spanID, traceFlags: api.TraceFlags.SAMPLED, isRemote: true };
}
