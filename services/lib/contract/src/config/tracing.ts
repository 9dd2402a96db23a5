import { z } from 'zod';
import { count, secret } from './fields.ts';

/** Section `tracing` of the config. */
export const TracingConfig = z
  .strictObject({
    endpoint: z
      .union([z.literal(''), z.url({ protocol: /^https?$/ })])
      .default('')
      .describe(
        'Where traces go: the URL of a collector that takes OTLP over HTTP, such as http://otel-collector:4318; without a path, /v1/traces is added. Empty: no traces, and no code for them is loaded.',
      ),
    authorization: secret('Value of the Authorization header for the collector; empty: none.'),
    sampleRatio: z
      .number()
      .min(0)
      .max(1)
      .default(0.01)
      .describe(
        'Part of requests and messages of which a trace is recorded, 0 to 1. What follows from a traced message is traced, too, whatever the ratio.',
      ),
    maxSpansPerSecond: count(
      500,
      'Spans that a process records per second; at the limit no further trace is recorded. With several tenants, one of them can take half of it.',
    ),
    followCallers: z
      .boolean()
      .default(false)
      .describe(
        'Requests to the HTTP API with a traceparent header continue the trace of their caller, sampled as the caller decided. Any client can set the header.',
      ),
  })
  .prefault({})
  .describe('Traces of requests and messages, by OpenTelemetry.');
