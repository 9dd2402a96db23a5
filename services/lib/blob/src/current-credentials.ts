import { Backoff, type Metrics, messageOf, sleep } from '@im/kit';
import { acceptLoss, type Logger, notReady, READY, type Readiness, type TaskRunner } from '@im/process';
import { ERR, ImError } from '@im/protocol';
import type { Credentials, TemporaryCredentials } from './role-credentials.ts';

/** Credentials in force. */
export interface CurrentCredentials {
  /** @throws ImError 90004 (retryable) while there are none. */
  get(): Credentials;
  ready(): Readiness;
  start(): void;
}

/** Parts that {@link roleCredentials} needs. */
export interface RoleCredentialsDeps {
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly tasks: Pick<TaskRunner, 'spawn'>;
  readonly fetch: (signal: AbortSignal) => Promise<TemporaryCredentials>;
  /** @default Date.now */
  readonly now?: () => number;
}

/** Time before their end at which credentials are replaced, ms; presigned URLs live that long at least. */
const REPLACED_BEFORE_MS = 15 * 60_000;
/** Shortest wait between two sets of credentials, ms. */
const SHORTEST_WAIT_MS = 1_000;

/** Credentials that never change. */
export function fixedCredentials(credentials: Credentials): CurrentCredentials {
  return {
    get: () => credentials,
    ready: () => (credentials.accessKey === '' ? notReady('s3.accessKey is not set') : READY),
    start() {},
  };
}

/**
 * Time until credentials are replaced, ms: {@link REPLACED_BEFORE_MS} before their end, or at half their lifetime where
 * that is short.
 */
export function replacedInMs(expiresAt: number, now: number): number {
  const left = expiresAt - now;
  return Math.max(SHORTEST_WAIT_MS, left - Math.min(REPLACED_BEFORE_MS, left / 2));
}

/** Temporary credentials, replaced before they expire; what is valid stays in force while that fails. */
export function roleCredentials(deps: RoleCredentialsDeps): CurrentCredentials {
  const { log, metrics, tasks, fetch, now = Date.now } = deps;
  const fetched = metrics.counter(
    'openim_blob_credentials_total',
    'Requests for temporary credentials of the object storage by result',
    ['result'],
  );
  let current: TemporaryCredentials | undefined;
  let reason = 'no credentials of the role yet';
  const valid = () => (current !== undefined && current.expiresAt > now() ? current : undefined);

  async function follow(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff({ baseMs: 500, maxMs: 30_000 });
    while (!signal.aborted) {
      try {
        current = await fetch(signal);
        fetched.inc({ result: 'ok' });
        backoff.reset();
        log.debug({ expiresAt: new Date(current.expiresAt) }, 'credentials of the object storage replaced');
        await sleep(replacedInMs(current.expiresAt, now()), signal);
      } catch (error) {
        if (signal.aborted) return;
        fetched.inc({ result: 'error' });
        reason = messageOf(error);
        log.warn({ err: error, valid: valid() !== undefined }, 'no new credentials of the object storage');
        await backoff.wait(signal);
      }
    }
  }

  return {
    get() {
      const found = valid();
      if (!found) throw new ImError(ERR.NetworkError, `object storage: ${reason}`);
      return found;
    },
    ready: () => (valid() ? READY : notReady(`s3.credentials: ${reason}`)),
    start: () => tasks.spawn('blob-credentials', follow, { onRefused: acceptLoss }),
  };
}
