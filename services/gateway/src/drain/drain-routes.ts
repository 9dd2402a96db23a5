import type { Metrics } from '@im/kit';
import type { OpsRequest, OpsResponse, OpsRoutes, StatusRegistry } from '@im/process';
import type { DrainController, DrainRequest } from './drain.ts';
import type { ShedController, ShedRequest } from './shed.ts';

const MAX_SECONDS = 86_400;
const MAX_PER_SECOND = 1_000_000;
const MAX_COUNT = 10_000_000;
const SHED_PER_SECOND = 10;
const SPARE_SECONDS = 600;

/** What is wrong with the body of a request. */
class BodyError extends Error {}

export interface DrainRoutesDeps {
  readonly ops: OpsRoutes;
  readonly status: Pick<StatusRegistry, 'read'>;
  readonly metrics: Metrics;
  readonly drain: DrainController;
  readonly shed: ShedController;
}

/**
 * `POST /drain` with optional `{"until": ms since the epoch, "withinSeconds": n, "maxPerSecond": n, "ttlSeconds": n}`, of
 * which `until` takes precedence over `withinSeconds`; `POST /undrain`; and `POST /shed {"count": n, "maxPerSecond": n,
 * "spareSeconds": n}`. All answer with the status.
 */
export function serveDrain({ ops, status, metrics, drain, shed }: DrainRoutesDeps): void {
  metrics.observe('openim_gateway_draining', 'Newcomers are refused and connections closed', () =>
    drain.on ? 1 : 0,
  );
  metrics.observe(
    'openim_gateway_shed_remaining',
    'Connections that are still to be given to other gateways',
    () => shed.status.shedRemaining,
  );
  const accepted = (): OpsResponse => ({ status: 202, body: status.read() });
  ops.handle(
    'POST',
    '/drain',
    withBody((body) => {
      const request = drainRequest(body);
      shed.cancel();
      drain.begin(request);
      return accepted();
    }),
  );
  ops.handle('POST', '/undrain', () => {
    drain.cancel();
    return accepted();
  });
  ops.handle(
    'POST',
    '/shed',
    withBody((body) => {
      const request = shedRequest(body);
      if (drain.on) return { status: 409, body: { error: 'the gateway is draining' } };
      shed.begin(request);
      return accepted();
    }),
  );
}

function drainRequest(body: object): DrainRequest {
  const until = numberOf(body, 'until', Number.MAX_SAFE_INTEGER);
  const withinSeconds = numberOf(body, 'withinSeconds', MAX_SECONDS);
  const ttlSeconds = numberOf(body, 'ttlSeconds', MAX_SECONDS);
  return {
    until,
    // Callers that set both have gateways of older versions in mind, which know withinSeconds alone.
    withinMs: withinSeconds === undefined || until !== undefined ? undefined : withinSeconds * 1_000,
    maxPerSecond: numberOf(body, 'maxPerSecond', MAX_PER_SECOND),
    ttlMs: ttlSeconds === undefined ? undefined : ttlSeconds * 1_000,
  };
}

function shedRequest(body: object): ShedRequest {
  const count = numberOf(body, 'count', MAX_COUNT);
  if (count === undefined || !Number.isInteger(count)) throw new BodyError('count must be an integer');
  const maxPerSecond = numberOf(body, 'maxPerSecond', MAX_PER_SECOND) ?? SHED_PER_SECOND;
  if (count > 0 && maxPerSecond === 0) throw new BodyError('maxPerSecond must be above 0');
  return {
    count,
    maxPerSecond,
    spareMs: (numberOf(body, 'spareSeconds', MAX_SECONDS) ?? SPARE_SECONDS) * 1_000,
  };
}

/** A field that is a number from 0 to `most`, or undefined when it is absent. @throws BodyError */
function numberOf(body: object, name: string, most: number): number | undefined {
  const value: unknown = Reflect.get(body, name);
  if (value === undefined) return undefined;
  if (typeof value === 'number' && value >= 0 && value <= most) return value;
  throw new BodyError(`${name} must be a number from 0 to ${most}`);
}

/** Reads a JSON object, an empty body as `{}`; a body that is refused is answered with 400 and the reason. */
function withBody(handle: (body: object) => OpsResponse): (request: OpsRequest) => OpsResponse {
  return ({ body }) => {
    try {
      return handle(objectOf(body));
    } catch (error) {
      if (!(error instanceof BodyError)) throw error;
      return { status: 400, body: { error: error.message } };
    }
  };
}

function objectOf(body: string): object {
  if (body.trim() === '') return {};
  let given: unknown;
  try {
    given = JSON.parse(body);
  } catch {
    throw new BodyError('the body is not JSON');
  }
  if (typeof given !== 'object' || given === null) throw new BodyError('the body must be an object');
  return given;
}
