import { connect, isIP, type Socket } from 'node:net';
import { onAbort } from '@im/kit';
import { addressRules, createResolver, guardedLookup } from '@im/webhooks';

export interface LineOptions {
  readonly host: string;
  readonly port: number;
  readonly connectMs: number;
  readonly allowedNetworks: readonly string[];
}

/** The connection of one mail. */
export interface Line {
  /** Connects; the callback is that of nodemailer's `getSocket`. */
  open(callback: (error: Error | null, socket?: { connection: Socket }) => void): void;
  /** Whether it was connected: before, nothing can have been sent. */
  readonly connected: boolean;
  /** Its address is internal, and not allowed. */
  readonly forbidden: boolean;
  close(): void;
}

/** Connections to an SMTP server at an address that the rules allow; each ends with its signal. */
export function guardedSocket(options: LineOptions): (signal: AbortSignal) => Line {
  const { host, port, connectMs, allowedNetworks } = options;
  const rules = addressRules(allowedNetworks);
  const resolve = createResolver();
  const guarded = guardedLookup(rules, resolve);
  return (signal) => {
    let socket: Socket | undefined;
    let connected = false;
    let forbidden = false;
    let stop: Disposable | undefined;
    const close = () => {
      stop?.[Symbol.dispose]();
      socket?.destroy();
    };
    return {
      get connected() {
        return connected;
      },
      get forbidden() {
        return forbidden;
      },
      open(callback) {
        // An address is not looked up.
        if (isIP(host) !== 0 && !rules.allows(host)) {
          forbidden = true;
          callback(new Error(`${host} is an internal address`));
          return;
        }
        const opened = connect({
          host,
          port,
          lookup: (name, given, done) =>
            guarded(name, given, (error, ...found) => {
              forbidden = error?.name === 'RequestError';
              done(error, ...found);
            }),
        });
        socket = opened;
        opened.setTimeout(connectMs, () => opened.destroy(new Error('no connection in time')));
        stop = onAbort(signal, () => opened.destroy(new Error('no time left')));
        const failed = (error: Error) => callback(error);
        opened.once('error', failed);
        opened.once('connect', () => {
          connected = true;
          opened.setTimeout(0);
          opened.off('error', failed);
          callback(null, { connection: opened });
        });
      },
      close,
    };
  };
}
