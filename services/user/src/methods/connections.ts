import { addressFilter, eachLimited, requireAdmin } from '@im/kit';
import { argsError, ERR, ImError, make } from '@im/protocol';
import type { UserDeps, UserMethods } from '../deps.ts';

/** Time limit of one gateway's answer. */
const ANSWER_MS = 1_000;
/** Time after which a page ends, so that gateways that do not answer cannot use up the time of the call. */
const PAGE_MS = 3_000;
/** Time that is left for the answer itself. */
const SPARE_MS = 500;
const MAX_LIMIT = 500;
const KICKS_AT_ONCE = 16;

/** Live connections, for administrators. */
export function connectionMethods({
  presence,
  gateways,
}: UserDeps): UserMethods<'searchConnections' | 'kickConnections' | 'getConnectionCounts'> {
  return {
    async getConnectionCounts(ctx) {
      requireAdmin(ctx);
      return make('user.GetConnectionCountsResp', { gateways: await presence.counts(ctx.tenant) });
    },

    async searchConnections(ctx, request) {
      requireAdmin(ctx);
      const { userID, platformID, address, gatewayID } = request;
      if (address !== '') addressFilter(address);
      const limit = Math.min(Math.max(request.limit, 1), MAX_LIMIT);
      const from = placeOf(request.cursor);
      const found = make('user.SearchConnectionsResp');
      const endAt = Math.min(Date.now() + PAGE_MS, ctx.deadline - SPARE_MS);
      const live = await presence.gateways();
      const ids = live.filter((id) => id >= from.gatewayID && (gatewayID === '' || id === gatewayID));
      for (const [i, id] of ids.entries()) {
        let afterSerial = id === from.gatewayID ? from.serial : 0;
        try {
          do {
            const ask = { tenant: ctx.tenant, userID, platformID, address, afterSerial };
            const left = limit - found.connections.length;
            const wanted = make('user.GatewayConnectionsReq', { ...ask, limit: left });
            const page = await gateways.connections(id, wanted, ANSWER_MS);
            found.connections.push(...page.connections);
            afterSerial = page.nextSerial;
          } while (afterSerial > 0 && found.connections.length < limit && Date.now() < endAt);
        } catch (error) {
          if (!(error instanceof ImError)) throw error;
          found.silentGatewayIDs.push(id);
          afterSerial = 0;
        }
        const next = ids[i + 1];
        if (afterSerial > 0) found.cursor = cursorOf({ gatewayID: id, serial: afterSerial });
        else if (next !== undefined && (found.connections.length >= limit || Date.now() >= endAt))
          found.cursor = cursorOf({ gatewayID: next, serial: 0 });
        if (found.cursor !== '') break;
      }
      return found;
    },

    async kickConnections(ctx, { userID, connID, platformID }) {
      requireAdmin(ctx);
      // All of them: what is known of the user's connections may be a moment behind.
      const ids = await presence.gateways();
      const request = make('user.GatewayKickReq', { tenant: ctx.tenant, userID, connID, platformID });
      const silent: string[] = [];
      let kicked = 0;
      await eachLimited(ids, KICKS_AT_ONCE, async (id) => {
        try {
          const answer = await gateways.kick(id, request, ANSWER_MS);
          kicked += answer.kicked;
        } catch (error) {
          if (!(error instanceof ImError)) throw error;
          silent.push(id);
        }
      });
      if (connID !== '' && kicked > 0) return make('user.KickConnectionsResp', { kicked });
      if (silent.length > 0)
        throw new ImError(
          ERR.NetworkError,
          `${kicked} connections were kicked, and these gateways did not answer: ${silent.join(', ')}`,
        );
      if (connID !== '' && kicked === 0)
        throw new ImError(ERR.RecordNotFoundError, `${userID} has no connection ${connID}`);
      return make('user.KickConnectionsResp', { kicked });
    },
  };
}

/** Where a page begins: at a gateway, behind one of its connections. */
interface Place {
  readonly gatewayID: string;
  readonly serial: number;
}

function cursorOf({ gatewayID, serial }: Place): string {
  return `${serial} ${gatewayID}`;
}

/** @throws ImError 1001. */
function placeOf(cursor: string): Place {
  if (cursor === '') return { gatewayID: '', serial: 0 };
  const [, serial, gatewayID] = /^(\d{1,15}) (.{1,512})$/.exec(cursor) ?? [];
  if (serial === undefined || gatewayID === undefined)
    throw argsError('cursor must be the nextCursor of the page before');
  return { gatewayID, serial: Number(serial) };
}
