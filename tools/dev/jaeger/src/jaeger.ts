import { join } from 'node:path';
import { installProgram, type Program, programIn } from '@im/dev-kubernetes';
import { type ServerKind, startServer } from '@im/dev-stores';
import type { JaegerTrace } from './trace.ts';

/** Jaeger that keeps traces in memory. */
export interface Jaeger extends AsyncDisposable {
  /** For `tracing.endpoint`: takes OTLP over HTTP. */
  readonly otlpURL: string;
  /** The page of people, and the API that it reads. */
  readonly queryURL: string;
  /** The newest traces of a service in which a step has this tag, 20 at most. */
  tracesOf(service: string, tag: { readonly key: string; readonly value: string }): Promise<JaegerTrace[]>;
}

/** Where it listens, by the order of the ports that are reserved. */
const LISTENERS = [
  'collector.otlp.http.host-port',
  'query.http-server.host-port',
  'collector.otlp.grpc.host-port',
  'collector.grpc-server.host-port',
  'collector.http-server.host-port',
  'query.grpc-server.host-port',
  'admin.http.host-port',
] as const;
const REQUEST_MS = 10_000;
const MAX_TRACES = 20;

/** What Jaeger is compiled from. */
export function jaegerProgram(): Program {
  return programIn(join(import.meta.dirname, '..'), 'jaeger', {
    module: 'github.com/jaegertracing/jaeger',
    package: 'github.com/jaegertracing/jaeger/cmd/all-in-one',
    cpuMinutes: 5,
    isBackground: true,
  });
}

async function findJaeger(): Promise<{ readonly command: string; readonly description: string }> {
  const own = process.env.JAEGER;
  if (own) return { command: own, description: 'Jaeger, $JAEGER' };
  const program = jaegerProgram();
  const command = join(await installProgram(program), program.name);
  return { command, description: `Jaeger ${program.version}` };
}

/**
 * Starts it on free ports of 127.0.0.1, with its log in `dir`: the program named by `$JAEGER` (its all-in-one of version 1),
 * else one that is compiled at its first start on a machine.
 */
export async function startJaeger(dir: string): Promise<Jaeger> {
  const { command, description } = await findJaeger();
  let ports: readonly number[] = [];
  const urlOf = (name: (typeof LISTENERS)[number]) =>
    `http://127.0.0.1:${ports[LISTENERS.indexOf(name)] ?? 0}`;
  const kind: ServerKind = {
    name: 'jaeger',
    server: { command, args: [], env: {}, description },
    portCount: LISTENERS.length,
    stopWithin: 5_000,
    uri: (port) => `http://127.0.0.1:${port}`,
    prepare: async (_dir, reserved) => {
      ports = reserved;
      const listeners = LISTENERS.map((name, index) => `--${name}=127.0.0.1:${reserved[index]}`);
      return { args: [...listeners, '--collector.otlp.enabled=true'], env: { SPAN_STORAGE_TYPE: 'memory' } };
    },
    async probe(_ports, signal) {
      const response = await fetch(new URL('/', urlOf('admin.http.host-port')), { signal });
      if (!response.ok) throw new Error(`it answers ${response.status}`);
    },
  };
  const server = await startServer(kind, { dir });
  return {
    otlpURL: urlOf('collector.otlp.http.host-port'),
    queryURL: urlOf('query.http-server.host-port'),
    async tracesOf(service, { key, value }) {
      const url = new URL('/api/traces', urlOf('query.http-server.host-port'));
      url.search = new URLSearchParams({
        service,
        tags: JSON.stringify({ [key]: value }),
        limit: String(MAX_TRACES),
      }).toString();
      const response = await fetch(url, { signal: AbortSignal.timeout(REQUEST_MS) });
      if (!response.ok) throw new Error(`Jaeger answers ${response.status}: ${await response.text()}`);
      const { data } = (await response.json()) as { readonly data: readonly JaegerTrace[] };
      return [...data];
    },
    [Symbol.asyncDispose]: () => server.stop(),
  };
}
