// Runs instances of @openim/client-sdk, many in one process, for the process that forked it. A separate
// process, because the SDK leaves rejections unhandled when a connection breaks, which a browser
// only logs.
import type * as ClientSdk from '@openim/client-sdk';
import { BlobReader } from './blob-reader.ts';
import type { FromJsHost, ToJsHost } from './js-host.ts';
import { hasFile } from './sdk-port.ts';
import { TaskedWebSocket } from './tasked-websocket.ts';

// The package's build for modern engines. Its other builds, which bundlers take, cannot catch up after
// a lost connection: they turn the spread of an iterator into a concatenation, and throw.
const MODERN_BUILD = '@openim/client-sdk/lib/index.modern.mjs';

type Method = (params?: unknown) => Promise<{ data?: unknown }>;
interface Instance {
  on(event: string, listener: (event: { data: unknown; errCode: number; errMsg: string }) => void): void;
  readonly [method: string]: unknown;
}

globalThis.WebSocket = TaskedWebSocket;
globalThis.fetch = explainingFetch(globalThis.fetch);
Object.assign(globalThis, { FileReader: BlobReader });
const { CbEvents, getSDK }: typeof ClientSdk = await import(MODERN_BUILD);

const instances = new Map<number, Instance>();
const send = (message: FromJsHost) => process.send?.(message);
const now = () => performance.timeOrigin + performance.now();

// The SDK prints banners and whole conversation lists.
for (const name of ['log', 'info', 'warn', 'error', 'debug'] as const) console[name] = () => {};
process.on('unhandledRejection', (reason) => send({ kind: 'stray', text: describe(reason) }));
process.on('uncaughtException', (error) => send({ kind: 'stray', text: describe(error) }));
process.on('disconnect', () => process.exit(0));

process.on('message', (message: ToJsHost) => {
  handle(message).catch((error: unknown) => send({ kind: 'stray', text: describe(error) }));
});

async function handle(message: ToJsHost): Promise<void> {
  if (message.kind === 'open') {
    const sdk = getSDK() as unknown as Instance;
    for (const event of Object.values(CbEvents)) {
      sdk.on(event, ({ data, errCode, errMsg }) => {
        send({
          kind: 'event',
          instance: message.instance,
          event: { event, data, errCode, errMsg, at: now() },
        });
      });
    }
    instances.set(message.instance, sdk);
    return;
  }
  const { id, instance, method, params } = message;
  try {
    const call = instances.get(instance)?.[method];
    if (typeof call !== 'function') throw new Error(`the SDK has no ${method}`);
    const result = await (params === undefined ? (call as Method)() : (call as Method)(withFile(params)));
    send({ kind: 'result', id, data: result?.data });
  } catch (error) {
    const { errCode, errMsg } = error as { errCode?: number; errMsg?: string };
    send({ kind: 'failure', id, code: errCode ?? -1, message: errMsg ?? describe(error) });
  }
}

/** `fetch` whose failures say where they happened and why: the SDK passes on the message alone, "fetch failed". */
function explainingFetch(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
  return async (input, init) => {
    try {
      return await fetch(input, init);
    } catch (error) {
      const url = input instanceof Request ? input.url : String(input);
      const cause = error instanceof Error ? error.cause : undefined;
      throw new TypeError(`fetch of ${url} failed: ${cause instanceof Error ? cause : error}`, {
        cause: error,
      });
    }
  };
}

/** Parameters as the SDK takes them: files cannot be sent between processes. */
function withFile(params: unknown): unknown {
  if (!hasFile(params)) return params;
  const { base64, name, type } = params.file;
  return { ...params, file: new File([Buffer.from(base64, 'base64')], name, { type }) };
}

function describe(error: unknown): string {
  if (error instanceof Error) return error.stack ?? error.message;
  return typeof error === 'string' ? error : JSON.stringify(error);
}
