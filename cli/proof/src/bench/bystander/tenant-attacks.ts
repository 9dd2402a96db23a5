import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { newestSeqs } from '@im/client';
import type { OwnTenant } from '../own-server.ts';
import { type Attack, type AttackContext, loops, type RunningAttack } from './attack.ts';
import { attackers } from './attackers.ts';
import { flood } from './flood.ts';
import { rawRecords } from './raw-records.ts';

/** Of a server that runs with the default name. */
const DEDICATED_DATABASE = 'openim_dedicated';

/** The tenants that a server needs for all attacks. */
export const ATTACK_TENANTS: readonly OwnTenant[] = [
  { id: 'default' },
  { id: 't2' },
  {
    id: 'unlimited',
    settings: {
      userLimits: { messagesPerSecond: 0, bytesPerSecond: 0, changesPerSecond: 0, mentionAllPerMinute: 0 },
    },
  },
  { id: 'suspended' },
  { id: 'removed' },
  { id: 'dedicated', settings: { placement: 'Dedicated' } },
  { id: 'hooked' },
];

const CLIENTS = 20;
const CALLERS = 4;
/** Pause between two texts of an accepted client: its traffic is no flood. */
const TEXT_EVERY_MS = 100;
/** After so many texts a client connects again. */
const TEXTS_PER_CONNECTION = 10;
const KNOWN_WITHIN_MS = 30_000;

/** Clients of a tenant that send, connect again at once when they are refused, and call the API. */
async function persistentClients(context: AttackContext, name: string): Promise<RunningAttack> {
  await untilKnown(context);
  const { user, connection, say, api, close } = await attackers(context, name, CLIENTS);
  for (let i = 0; i < CLIENTS; i++) await connection(i);
  return async (signal) => {
    const clients = loops(CLIENTS, signal, context.tally, async (i, turn) => {
      if (turn % TEXTS_PER_CONNECTION === 0) {
        const open = await connection(i);
        await newestSeqs(open);
        if (turn > 0) open.terminate();
        return 'synchronized';
      }
      const answer = await say(i, { user: user(i + 1).userID }, 'still here');
      await sleep(TEXT_EVERY_MS);
      return answer;
    });
    const callers = loops(CALLERS, signal, context.tally, async (i) => {
      const { userID, token } = user(i);
      await api.call('/conversation/get_all_conversations', { ownerUserID: userID }, { token });
      return '0';
    });
    await Promise.all([clients, callers]);
    close();
  };
}

/** An earlier run may have suspended or removed the tenant a moment ago. */
async function untilKnown({ admin }: AttackContext): Promise<void> {
  const until = performance.now() + KNOWN_WITHIN_MS;
  for (;;) {
    try {
      await admin.token();
      return;
    } catch (error) {
      if (performance.now() > until) throw error;
    }
    await sleep(500);
  }
}

const suspendedTenant: Attack = {
  name: 'suspended-tenant',
  summary: 'clients of a tenant that is suspended under way go on connecting, sending and calling',
  tenant: 'suspended',
  ownServerOnly: 'it suspends a tenant',
  evidence: /response: |^90004$/,
  prepare: (context) => persistentClients(context, 'gone'),
  disturb(server) {
    server.changeTenant('suspended', { suspended: true });
    return () => server.changeTenant('suspended', { suspended: false });
  },
};

const removedTenant: Attack = {
  name: 'removed-tenant',
  summary: 'a tenant is removed while its clients send; records of it go on arriving in every partition',
  tenant: 'removed',
  ownServerOnly: 'it removes a tenant and writes to the log',
  evidence: /response: |^1602$/,
  async prepare(context) {
    const clients = await persistentClients(context, 'gone');
    const records = await rawRecords(context, 'removed');
    return async (signal) => {
      await Promise.all([clients(signal), records(signal)]);
    };
  },
  disturb(server) {
    server.changeTenant('removed', undefined);
    return () => server.changeTenant('removed', {});
  },
};

const refusingDatabase: Attack = {
  name: 'refusing-database',
  summary: "a tenant's own database answers every command with Unauthorized while its clients go on",
  tenant: 'dedicated',
  ownServerOnly: 'it stands between the server and its database',
  evidence: /^(500|90002|90004)$/,
  prepare: (context) => persistentClients(context, 'own'),
  disturb({ mongoProxy }) {
    if (!mongoProxy) throw new Error('the server has no relay before its database');
    mongoProxy.refuse(DEDICATED_DATABASE);
    return () => mongoProxy.allow(DEDICATED_DATABASE);
  },
};

const hangingWebhook: Attack = {
  name: 'hanging-webhook',
  summary:
    'the backend of a tenant stops answering webhooks, which are asked before and informed after each send',
  tenant: 'hooked',
  ownServerOnly: 'it changes the webhooks of a tenant',
  evidence: /^90004$/,
  prepare: (context) => persistentClients(context, 'hooked'),
  disturb(server) {
    const hanging = createServer(() => {});
    hanging.listen(0, '127.0.0.1', () => {
      const address = hanging.address();
      if (typeof address !== 'object' || address === null) throw new Error('it listens on no port');
      const hook = { enable: true, timeoutMs: 5_000 };
      server.changeTenant('hooked', {
        webhooks: {
          url: `http://127.0.0.1:${address.port}`,
          events: { beforeSendSingleMsg: hook, afterMsgSaveDB: hook },
        },
      });
    });
    return () => {
      server.changeTenant('hooked', {});
      hanging.closeAllConnections();
      hanging.close();
    };
  },
};

const unknownTenant: Attack = {
  name: 'unknown-tenant',
  summary: 'records of a tenant that no process knows, in every partition of the log',
  tenant: 'default',
  ownServerOnly: 'it writes to the log',
  prepare: (context) => rawRecords(context, 'nobody-knows-me'),
};

/** Attacks that come from, or are, other tenants. */
export const TENANT_ATTACKS: readonly Attack[] = [
  flood('flooding-tenant', 'the same flood from another tenant', 't2'),
  flood('unlimited-tenant', 'the same flood from a tenant whose users have no limits', 'unlimited'),
  suspendedTenant,
  removedTenant,
  refusingDatabase,
  hangingWebhook,
  unknownTenant,
];
