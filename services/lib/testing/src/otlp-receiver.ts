import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { close, listen } from '@im/kit';
import protobuf from 'protobufjs';

/** A span as a collector got it. */
export interface ReceivedSpan {
  /** `service.name` of its process. */
  readonly service: string;
  /** `service.instance.id` of its process. */
  readonly instance: string;
  readonly traceID: string;
  readonly spanID: string;
  /** Empty for the first of a trace. */
  readonly parentID: string;
  readonly name: string;
  readonly kind: number;
  /** Duration in ms. */
  readonly ms: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly links: readonly { readonly traceID: string; readonly spanID: string }[];
  /** 0 unset, 2 error. */
  readonly status: number;
}

/** A collector for tests: takes OTLP/HTTP with protobuf, and keeps the spans. */
export interface OtlpReceiver extends AsyncDisposable {
  /** For `tracing.endpoint`. */
  readonly url: string;
  readonly spans: ReceivedSpan[];
  readonly headers: IncomingMessage['headers'][];
  /** Answers instead of taking what is sent. @default takes it */
  refuse: ((response: ServerResponse) => void) | undefined;
}

/** The messages of opentelemetry/proto/collector/trace/v1 and what they hold, with the fields that are read here. */
const SCHEMA = `syntax = "proto3";
message ExportTraceServiceRequest { repeated ResourceSpans resourceSpans = 1; }
message ResourceSpans { Resource resource = 1; repeated ScopeSpans scopeSpans = 2; }
message Resource { repeated KeyValue attributes = 1; }
message ScopeSpans { repeated Span spans = 2; }
message KeyValue { string key = 1; AnyValue value = 2; }
message AnyValue { oneof value { string stringValue = 1; bool boolValue = 2; int64 intValue = 3; double doubleValue = 4; } }
message Span {
  bytes traceId = 1; bytes spanId = 2; bytes parentSpanId = 4; string name = 5; int32 kind = 6;
  fixed64 startTimeUnixNano = 7; fixed64 endTimeUnixNano = 8; repeated KeyValue attributes = 9;
  repeated Link links = 13; Status status = 15;
}
message Link { bytes traceId = 1; bytes spanId = 2; }
message Status { string message = 2; int32 code = 3; }`;

interface Attribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>> | null;
}
interface Request {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] } | null;
    readonly scopeSpans: readonly { readonly spans: readonly SpanMessage[] }[];
  }[];
}
interface SpanMessage {
  readonly traceId: Uint8Array;
  readonly spanId: Uint8Array;
  readonly parentSpanId: Uint8Array;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: { toString(): string };
  readonly endTimeUnixNano: { toString(): string };
  readonly attributes: readonly Attribute[];
  readonly links: readonly { readonly traceId: Uint8Array; readonly spanId: Uint8Array }[];
  readonly status: { readonly code: number } | null;
}

const REQUEST = protobuf.parse(SCHEMA, { keepCase: true }).root.lookupType('ExportTraceServiceRequest');
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** Starts a collector at 127.0.0.1. */
export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const headers: IncomingMessage['headers'][] = [];
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    headers.push(request.headers);
    if (receiver.refuse) {
      receiver.refuse(response);
      return;
    }
    const isOtlp = request.headers['content-type'] === 'application/x-protobuf';
    if (request.method !== 'POST' || request.url !== '/v1/traces' || !isOtlp) {
      response.writeHead(404).end();
      return;
    }
    spans.push(...spansOf(body));
    // An empty ExportTraceServiceResponse.
    response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
  }
  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy());
  });
  const port = await listen(server, '127.0.0.1', 0);
  const receiver: OtlpReceiver = {
    url: `http://127.0.0.1:${port}`,
    spans,
    headers,
    refuse: undefined,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await close(server);
    },
  };
  return receiver;
}

function spansOf(body: Uint8Array): ReceivedSpan[] {
  const { resourceSpans } = REQUEST.decode(body) as unknown as Request;
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const process = attributesOf(resource?.attributes ?? []);
    const [service, instance] = [String(process['service.name']), String(process['service.instance.id'])];
    return scopeSpans.flatMap(({ spans }) => spans.map((span) => ({ service, instance, ...spanOf(span) })));
  });
}

function spanOf(span: SpanMessage): Omit<ReceivedSpan, 'service' | 'instance'> {
  if (span.traceId.length !== 16 || span.spanId.length !== 8) throw new Error('ids of a wrong length');
  const nanoseconds = BigInt(String(span.endTimeUnixNano)) - BigInt(String(span.startTimeUnixNano));
  return {
    traceID: hex(span.traceId),
    spanID: hex(span.spanId),
    parentID: hex(span.parentSpanId),
    name: span.name,
    kind: span.kind,
    ms: Number(nanoseconds) / 1e6,
    attributes: attributesOf(span.attributes),
    links: span.links.map(({ traceId, spanId }) => ({ traceID: hex(traceId), spanID: hex(spanId) })),
    status: span.status?.code ?? 0,
  };
}

function attributesOf(attributes: readonly Attribute[]): Record<string, unknown> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => {
      const [held] = Object.values(value ?? {});
      return [key, typeof held === 'object' ? Number(held) : held];
    }),
  );
}

/** The spans of a trace as lines, indented below their parents, in the order of their names. */
export function treeOf<T extends Pick<ReceivedSpan, 'spanID' | 'parentID'>>(
  spans: readonly T[],
  label: (span: T) => string,
): string[] {
  const known = new Set(spans.map(({ spanID }) => spanID));
  const below = (parentID: string | undefined, depth: number): string[] =>
    spans
      .filter((span) => (parentID === undefined ? !known.has(span.parentID) : span.parentID === parentID))
      .map((span) => ({ span, text: label(span) }))
      .sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0))
      .flatMap(({ span, text }) => [`${'  '.repeat(depth)}${text}`, ...below(span.spanID, depth + 1)]);
  return below(undefined, 0);
}
