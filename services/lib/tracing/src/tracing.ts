import type { Metrics, TenantDirectory, Tracer, Tracing } from '@im/kit';
import type { LiveConfig, Logger } from '@im/process';
import type { OpenTelemetry, TracedProcess } from './open-telemetry.ts';

export interface TracingDeps {
  readonly process: TracedProcess;
  readonly live: LiveConfig;
  readonly tenants: Pick<TenantDirectory, 'list'>;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** The tracing of a process, which follows the section `tracing` of its config. */
export interface OwnedTracing extends Tracing {
  /** Resolves when the settings now in force are followed. */
  settled(): Promise<void>;
  /** Sends what was recorded, as far as there is time until `deadline` aborts. */
  close(deadline: AbortSignal): Promise<void>;
}

/** Time that the collector gets for what was recorded when the process stops or other settings take over, ms. */
const CLOSE_MS = 3_000;

/** The tracing of a process. OpenTelemetry is loaded when `tracing.endpoint` is first set. */
export function createTracing({ live, log: parent, tenants, ...deps }: TracingDeps): OwnedTracing {
  const log = parent.child({ part: 'tracing' });
  let followed = '';
  let current: OpenTelemetry | undefined;
  let tracer: Tracer | undefined;
  let closed = false;
  let changing: Promise<void> = Promise.resolve();

  function off(deadline: AbortSignal): Promise<void> {
    const former = current;
    current = undefined;
    tracer = undefined;
    return former?.close(deadline) ?? Promise.resolve();
  }

  /** Never rejects. */
  async function follow(): Promise<void> {
    const settings = live.current.tracing;
    const text = settings.endpoint === '' ? '' : JSON.stringify(settings);
    if (text === followed || closed) return;
    followed = text;
    const replaced = off(AbortSignal.timeout(CLOSE_MS));
    if (text !== '') {
      try {
        const { createOpenTelemetry } = await import('./open-telemetry.ts');
        const shared = () => tenants.list().length > 1;
        current = createOpenTelemetry(settings, { ...deps, shared, log });
        tracer = current.tracer;
        log.info({ sampleRatio: settings.sampleRatio }, 'traces are recorded');
      } catch (err) {
        log.error({ err }, 'traces cannot be recorded');
      }
    }
    await replaced;
  }

  const change = () => {
    changing = changing.then(follow);
  };
  const end = live.onChange(change);
  change();
  return {
    get tracer() {
      return tracer;
    },
    settled: () => changing,
    async close(deadline) {
      end();
      await changing;
      closed = true;
      await off(AbortSignal.any([deadline, AbortSignal.timeout(CLOSE_MS)]));
    },
  };
}
