import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Admin,
  connectWire,
  type Endpoint,
  newestSeqs,
  type WireConnection,
  WireError,
} from '@im/client';
import { eachLimited } from '@im/kit';
import { now } from '@im/proof';

/** One thing that happened to a client. */
export interface ClientEvent {
  /** Of the checker's clock, ms. */
  readonly at: number;
  readonly client: number;
  /** `usable`: connected and 1001 answered; `refused`: by the connect reply; `failed`: no connection at all. */
  readonly kind: 'usable' | 'refused' | 'failed' | 'closed';
  /** Time from the dial until the client is usable, ms. */
  readonly loginMs?: number;
  /** Code of the refusal. */
  readonly code?: number;
}

/** Clients that send nothing, and redial as the SDKs do. */
export interface IdleClients extends AsyncDisposable {
  readonly events: readonly ClientEvent[];
  /** Clients that are usable now. */
  readonly open: number;
  /** Opens or closes clients, until there are so many. Closing is the client's own wish: those are not redialed. */
  resize(count: number): Promise<void>;
  /** Resolves when all are usable. @throws when they are not within the time. */
  untilOpen(withinMs: number): Promise<void>;
}

const PLATFORM = 5;
/** Requests for tokens, and dials of new clients, at once. */
const PARALLEL = 24;
/** Waits of an SDK: at once after a lost connection, then longer after each failed dial, then again from the start. */
const REDIAL_MS = [0, 1_000, 2_000, 4_000, 8_000, 16_000];
const POLL_MS = 100;

interface IdleClient {
  readonly id: number;
  readonly userID: string;
  connection?: WireConnection | undefined;
  wanted: boolean;
}

/**
 * Opens clients at an endpoint.
 * @param name begins the names of users; a shared cluster remembers those of earlier runs.
 */
export function idleClients(endpoint: Endpoint, admin: Admin, name: string): IdleClients {
  // Not a name that senders of messages have: they may be created in the same millisecond.
  const prefix = `idle_${name}_${Date.now().toString(36)}`;
  const clients: IdleClient[] = [];
  const events: ClientEvent[] = [];
  const tokens = new Map<string, string>();
  let disposed = false;

  async function dial(client: IdleClient): Promise<boolean> {
    const { id, userID } = client;
    const startedAt = now();
    const options = { ws: endpoint.ws, userID, token: tokens.get(userID) ?? '', platformID: PLATFORM };
    let connection: WireConnection | undefined;
    try {
      connection = await connectWire(options, {
        closed: () => {
          // Before it was usable, the failed request redials.
          if (client.connection === undefined) return;
          client.connection = undefined;
          if (!client.wanted || disposed) return;
          events.push({ at: now(), client: id, kind: 'closed' });
          void redial(client);
        },
      });
      await newestSeqs(connection);
      client.connection = connection;
      events.push({ at: now(), client: id, kind: 'usable', loginMs: now() - startedAt });
      return true;
    } catch (error) {
      connection?.terminate();
      const code = error instanceof WireError ? { code: error.code } : {};
      events.push({
        at: now(),
        client: id,
        kind: error instanceof WireError ? 'refused' : 'failed',
        ...code,
      });
      return false;
    }
  }
  async function redial(client: IdleClient): Promise<void> {
    for (let attempt = 0; client.wanted && !disposed; attempt++) {
      await sleep(REDIAL_MS[attempt % REDIAL_MS.length] ?? 0);
      if (!client.wanted || disposed || (await dial(client))) return;
    }
  }
  async function add(count: number): Promise<void> {
    const added = Array.from({ length: count }, (_, i): IdleClient => {
      const id = clients.length + i;
      return { id, userID: `${prefix}_${id}`, wanted: true };
    });
    clients.push(...added);
    await admin.ensureUsers(added.map(({ userID }) => userID));
    await eachLimited(added, PARALLEL, async (client) => {
      tokens.set(client.userID, await admin.userToken(client.userID, PLATFORM));
      await redial(client);
    });
  }
  const openNow = () => clients.filter(({ connection, wanted }) => wanted && connection?.open).length;

  return {
    events,
    get open() {
      return openNow();
    },
    async resize(count) {
      const wanted = clients.filter((client) => client.wanted);
      for (const client of wanted.slice(count)) {
        client.wanted = false;
        client.connection?.close();
      }
      if (count > wanted.length) await add(count - wanted.length);
    },
    async untilOpen(withinMs) {
      const expected = clients.filter(({ wanted }) => wanted).length;
      for (const deadline = now() + withinMs; openNow() < expected; await sleep(POLL_MS)) {
        if (now() > deadline) throw new Error(`${openNow()} of ${expected} clients are connected`);
      }
    },
    async [Symbol.asyncDispose]() {
      disposed = true;
      for (const { connection } of clients) connection?.terminate();
    },
  };
}
