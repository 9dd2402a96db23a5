import type { LiveSample } from '@im/admin-api';
import { useEffect, useState } from 'react';
import { tenantClient, useTenant } from '../api/client.ts';
import { watchLive } from '../gen/operations.ts';

/** Samples kept for the chart: an hour of them. */
const MOST = 720;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;

/** Figures of this tab so far, and why there are no new ones. */
export interface Live {
  readonly samples: readonly LiveSample[];
  readonly error: unknown;
}

const NONE: Live = { samples: [], error: undefined };

/** Watches the figures of the tenant as long as the page is shown; a hidden tab asks nothing. */
export function useLive(): Live {
  const tenant = useTenant();
  const [live, setLive] = useState<Live>(NONE);
  useEffect(() => {
    const stopped = new AbortController();
    setLive(NONE);
    void watch(tenant, stopped.signal, setLive);
    return () => stopped.abort();
  }, [tenant]);
  return live;
}

async function watch(
  tenant: string,
  stop: AbortSignal,
  set: (change: (before: Live) => Live) => void,
): Promise<void> {
  let waitMs = FIRST_WAIT_MS;
  while (!stop.aborted) {
    await untilVisible(stop);
    try {
      for await (const sample of tenantClient(tenant).stream(watchLive, {})) {
        if (stop.aborted) return;
        set(({ samples }) => ({ samples: [...samples.slice(1 - MOST), sample], error: undefined }));
        waitMs = FIRST_WAIT_MS;
        if (document.hidden) break;
      }
    } catch (error) {
      if (stop.aborted) return;
      set(({ samples }) => ({ samples, error }));
      // Many tabs that lost the same server do not come back at the same moment.
      await pause(waitMs * (0.5 + Math.random()), stop);
      waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
    }
  }
}

async function untilVisible(stop: AbortSignal): Promise<void> {
  while (document.hidden && !stop.aborted)
    await new Promise<void>((resolve) => {
      document.addEventListener('visibilitychange', () => resolve(), { once: true, signal: stop });
      stop.addEventListener('abort', () => resolve(), { once: true });
    });
}

async function pause(ms: number, stop: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    stop.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
