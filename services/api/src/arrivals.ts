import type { Span } from '@im/kit';
import type { FastifyRequest } from 'fastify';
import type { TenantPath } from './request-target.ts';
import type { ApiCall } from './route.ts';

/** Facts about a request before its route runs. */
export interface Arrival extends TenantPath {
  readonly contentType: string;
  /** Monotonic time, ms. */
  readonly startedAt: number;
  /** The request without its body, once operationID and token were accepted. */
  call: ApiCall | undefined;
  /** The step of a sampled trace. */
  span: Span | undefined;
  /** errCode of the answer; undefined when it has no envelope. */
  errCode: number | undefined;
}

/** The arrivals of the requests that are being answered. */
export class Arrivals {
  readonly #arrivals = new WeakMap<object, Arrival>();

  add(raw: object, target: TenantPath, contentType: string): void {
    this.#arrivals.set(raw, {
      ...target,
      contentType,
      startedAt: performance.now(),
      call: undefined,
      span: undefined,
      errCode: undefined,
    });
  }

  of({ raw }: Pick<FastifyRequest, 'raw'>): Arrival {
    const arrival = this.#arrivals.get(raw);
    if (!arrival) throw new TypeError('the request never arrived');
    return arrival;
  }
}
