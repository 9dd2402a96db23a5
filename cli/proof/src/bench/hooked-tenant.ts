import { createServer } from 'node:http';
import type { OwnServer } from './own-server.ts';

/** Webhooks of which a scenario measures the cost. */
export const HOOKS = ['before', 'after'] as const;
export type Hook = (typeof HOOKS)[number];

const EVENTS = { before: 'beforeSendSingleMsg', after: 'afterSendSingleMsg' } as const;
const PERMIT = JSON.stringify({ actionCode: 0, errCode: 0, errMsg: '', errDlt: '', nextCode: 0 });
const TIMEOUT_MS = 5_000;

/** A tenant whose webhook is called around each message. */
export interface HookedTenant extends AsyncDisposable {
  /** Calls so far. */
  readonly calls: number;
}

/** Switches a webhook of a tenant on, whose receiver permits everything; the end switches it off again. */
export async function hookTenant(server: OwnServer, tenant: string, hook: Hook): Promise<HookedTenant> {
  let calls = 0;
  const receiver = createServer((request, response) => {
    calls++;
    request.resume();
    request.once('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end(PERMIT));
  });
  await new Promise<void>((listening) => receiver.listen(0, '127.0.0.1', listening));
  const address = receiver.address();
  if (typeof address !== 'object' || address === null) throw new Error('it listens on no port');
  server.changeTenant(tenant, {
    webhooks: {
      url: `http://127.0.0.1:${address.port}`,
      events: { [EVENTS[hook]]: { enable: true, timeoutMs: TIMEOUT_MS } },
    },
  });
  return {
    get calls() {
      return calls;
    },
    async [Symbol.asyncDispose]() {
      server.changeTenant(tenant, {});
      receiver.closeAllConnections();
      await new Promise((closed) => receiver.close(closed));
    },
  };
}
