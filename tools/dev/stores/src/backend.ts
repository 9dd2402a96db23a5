import type { BackendName } from './lock-file.ts';

/** A running store server, or the address of one that the caller named. */
export interface Backend extends AsyncDisposable {
  /** Which server this is: a `BackendName`, or what a caller of `startServer` named. */
  readonly name: string;
  /** What a client connects to, with credentials where the store has them in its URI. */
  readonly uri: string;
  /** The server's TCP port. Throws for an external server. */
  readonly port: number;
  /** False when `uri` came from the caller or the environment: then nothing was started and nothing can be killed. */
  readonly managed: boolean;
  /** Process id while it runs, else undefined. */
  readonly pid: number | undefined;
  /** What runs, for people: name, version, where from. */
  readonly description: string;
  /** The server's output, `undefined` for an external server. */
  readonly logFile: string | undefined;
  /** Sends a signal (default SIGKILL). One that ends the process is waited for. Throws for an external server. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Stops the server if it runs, starts it on the same port and data, waits until it is ready. Throws for an external server. */
  restart(): Promise<void>;
  /** Stops the server in order and waits for its end; SIGKILL after a deadline. Does nothing for an external server. */
  stop(): Promise<void>;
}

/** Options that every start function takes. */
export interface StartOptions {
  /** Absolute folder of this server's data, log and pid file; made when missing. One process at a time may use it. */
  dir: string;
  /** Fixed TCP port of 127.0.0.1; a free one by default. */
  port?: number;
  /** Address of a server that runs already: nothing is started. Default: the store's environment variable, see each start function. */
  uri?: string;
  /** Milliseconds in which the server must become ready. Default 30,000. */
  readyWithin?: number;
  /** Called when the server ends without `kill` or `stop`. */
  onUnexpectedExit?: (error: Error) => void;
}

/** Asked to kill or restart a server that this process did not start. */
export class NotManagedError extends Error {
  override readonly name = 'NotManagedError';
}

/** The backend for an address that the caller named. */
export function externalBackend(name: BackendName, uri: string, source: string): Backend {
  const refuse = (what: string): never => {
    throw new NotManagedError(
      `cannot ${what} the ${name} server: it is external (${source}), only its owner can`,
    );
  };
  const stop = (): Promise<void> => Promise.resolve();
  return {
    name,
    uri,
    managed: false,
    pid: undefined,
    description: `external, ${source}`,
    logFile: undefined,
    get port() {
      return refuse('tell the port of');
    },
    kill: async () => refuse('kill'),
    restart: async () => refuse('restart'),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Where a server's address comes from when the caller or the environment names one, else undefined. */
export function externalAddress(
  options: { uri?: string },
  variable: string,
  env: NodeJS.ProcessEnv = process.env,
): { uri: string; source: string } | undefined {
  if (options.uri !== undefined) return { uri: options.uri, source: 'given by the caller' };
  const uri = env[variable];
  return uri === undefined || uri === '' ? undefined : { uri, source: variable };
}
