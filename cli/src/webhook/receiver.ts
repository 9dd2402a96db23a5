import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { readUpTo, sleep } from '@im/kit';
import { signatureFault } from '@im/webhooks';

/** How a local receiver answers. */
export interface ReceiverOptions {
  /** Verifies signatures; without one they are not looked at. */
  readonly secret?: string;
  readonly status: number;
  /** Refuses what before-webhooks ask about, with this errCode and errMsg. */
  readonly refusal?: { readonly errCode: number; readonly errMsg: string };
  /** JSON that is merged into the answer. */
  readonly answer?: Readonly<Record<string, unknown>>;
  readonly delayMs: number;
  /** Only these commands are answered so; all others are allowed. Empty: all. */
  readonly commands: readonly string[];
}

/** A request as the receiver reports it. */
export interface ReceivedWebhook {
  readonly time: string;
  readonly command: string;
  readonly id: string;
  readonly signature: 'valid' | 'not verified' | string;
  readonly key?: unknown;
  readonly body: unknown;
  readonly answered: number;
}

/** Largest body that is read. */
const MAX_BODY_BYTES = 16_777_216;

/** A receiver of webhooks that reports each request. @param report called when the answer is known, before it is sent. */
export function createReceiver(
  options: ReceiverOptions,
  report: (received: ReceivedWebhook) => void,
): Server {
  return createServer((request, response) => {
    receive(request, response, options, report).catch(() => response.destroy());
  });
}

/** Whether the options hold for a command. */
const concerns = ({ commands }: ReceiverOptions, command: string) =>
  commands.length === 0 || commands.includes(command);

/** Status and body of the answer to a command. */
export function answerTo(
  command: string,
  options: ReceiverOptions,
): { readonly status: number; readonly body: string } {
  const allowed = { actionCode: 0, errCode: 0, errMsg: '', errDlt: '', nextCode: 0 };
  if (!concerns(options, command)) return { status: 200, body: JSON.stringify(allowed) };
  const { status, refusal, answer } = options;
  const verdict = refusal ? { ...allowed, ...refusal, nextCode: 1 } : allowed;
  return { status, body: JSON.stringify({ ...verdict, ...answer }) };
}

async function receive(
  request: IncomingMessage,
  response: ServerResponse,
  options: ReceiverOptions,
  report: (received: ReceivedWebhook) => void,
): Promise<void> {
  const text = await readText(request);
  const url = new URL(request.url ?? '/', 'http://receiver');
  const command = url.pathname.split('/').at(-1) ?? '';
  const { status, body } = answerTo(command, options);
  if (options.delayMs > 0 && concerns(options, command)) await sleep(options.delayMs);
  report({
    ...{ time: new Date().toISOString(), command, id: String(request.headers['webhook-id'] ?? '') },
    signature:
      options.secret === undefined
        ? 'not verified'
        : (signatureFault(request.headers, text, options.secret) ?? 'valid'),
    ...(url.searchParams.has('key') && { key: readKey(url.searchParams.get('key') ?? '') }),
    ...{ body: parsed(text), answered: status },
  });
  response.writeHead(status, { 'content-type': 'application/json' }).end(body);
}

async function readText(request: IncomingMessage): Promise<string> {
  const bytes = await readUpTo(request, MAX_BODY_BYTES);
  if (!bytes) throw new RangeError('the body is too large');
  return bytes.toString('utf8');
}

function readKey(key: string): unknown {
  return parsed(Buffer.from(key, 'base64').toString('utf8'));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
