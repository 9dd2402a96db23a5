import { tailEvents } from '@im/admin-api';
import { type AdminRoute, adminStream } from '../admin-route.ts';

/** Then the caller asks again, and is authorized again. */
const FOR_MS = 300_000;

/** Deliveries as they happen. */
export const tailRoutes: readonly AdminRoute[] = [
  adminStream(tailEvents, 'bus.deliveries', ({ ctx, tails }, { query: { reason: _, ...filter } }) =>
    tails.read(ctx.tenant, filter, { forMs: FOR_MS, signal: ctx.signal }),
  ),
];
