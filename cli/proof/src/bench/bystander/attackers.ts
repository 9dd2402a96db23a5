import {
  type ApiClient,
  apiClient,
  connectWire,
  sendMessage,
  type Target,
  textMessage,
  type WireConnection,
  type WireOptions,
} from '@im/client';
import { inParallel } from '../in-parallel.ts';
import type { AttackContext } from './attack.ts';

/** A registered user with a token. */
export interface Attacker {
  readonly userID: string;
  readonly token: string;
}

/** The users of an attack. */
export interface Attackers {
  readonly users: readonly Attacker[];
  user(i: number): Attacker;
  /** How a user connects; users are spread over the gateways. */
  options(i: number): WireOptions;
  /** Opens a connection that is the caller's to close. */
  dial(i: number): Promise<WireConnection>;
  /** The user's lasting connection, opened again when it was closed. */
  connection(i: number): Promise<WireConnection>;
  /** Sends a text over the lasting connection. @returns what is tallied. */
  say(i: number, to: Target, text: string, operationID?: string): Promise<string>;
  readonly api: ApiClient;
  /** Cuts the lasting connections. */
  close(): void;
}

export const PLATFORM = 5;
const TOKENS_AT_ONCE = 32;

/** Registers users `<name>0` and so on, and gets their tokens. */
export async function attackers(
  { admin, endpoints }: AttackContext,
  name: string,
  count: number,
  { gzip = false, sockets = 64 }: { readonly gzip?: boolean; readonly sockets?: number } = {},
): Promise<Attackers> {
  const ids = Array.from({ length: count }, (_, i) => `${name}${i}`);
  await admin.ensureUsers(ids);
  const users = await inParallel(ids, TOKENS_AT_ONCE, async (userID) => ({
    userID,
    token: await admin.userToken(userID, PLATFORM),
  }));
  const lasting = new Map<number, Promise<WireConnection>>();
  let messages = 0;

  const user = (i: number) => users[i % users.length] as Attacker;
  const options = (i: number): WireOptions => ({
    ws: endpoints[i % endpoints.length]?.ws ?? '',
    ...user(i),
    platformID: PLATFORM,
    gzip,
  });
  const dial = (i: number) => connectWire(options(i));
  async function connection(i: number): Promise<WireConnection> {
    const known = lasting.get(i);
    const open = await known?.catch(() => undefined);
    if (open?.open) return open;
    // Another loop may have opened it in the meantime.
    if (lasting.get(i) === known) lasting.set(i, dial(i));
    return await (lasting.get(i) ?? dial(i));
  }
  return {
    users,
    user,
    options,
    dial,
    connection,
    async say(i, to, text, operationID) {
      const id = `${process.pid}-${name}-${messages++}`;
      const message = textMessage(user(i).userID, to, id, text);
      await sendMessage(await connection(i), message, { operationID });
      return 'accepted';
    },
    api: apiClient(endpoints[0]?.api ?? '', sockets),
    close() {
      for (const each of lasting.values()) each.then((open) => open.terminate()).catch(() => {});
      lasting.clear();
    },
  };
}
