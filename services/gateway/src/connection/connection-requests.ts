import { isTenantId } from '@im/contract';
import { addressFilter } from '@im/kit';
import { make, type user } from '@im/protocol';
import type { LocalUsers } from '../deliver/local-users.ts';
import { framingAt } from '../wire/frame.ts';
import type { Connection } from './connection.ts';
import type { Kicks } from './kicks.ts';
import type { TenantConnections } from './tenant-connections.ts';

export interface ConnectionRequestsDeps {
  readonly gatewayID: string;
  readonly localUsers: Pick<LocalUsers, 'user'>;
  readonly tenantConnections: Pick<TenantConnections, 'of'>;
  readonly kicks: Pick<Kicks, 'kick'>;
}

/** Connections that one request looks at, and most of its answer: some 2 ms, and below 1 MiB with the longest ids. */
const LOOKED_AT = 10_000;
const ANSWERED = 500;

/** Answers what administrators ask about live connections here. */
export class ConnectionRequests {
  readonly #deps: ConnectionRequestsDeps;

  constructor(deps: ConnectionRequestsDeps) {
    this.#deps = deps;
  }

  /** A page of a tenant's connections, in the order of their opening. */
  readonly connections = (request: user.GatewayConnectionsReq): user.GatewayConnectionsResp => {
    const { platformID, address, afterSerial } = request;
    const most = Math.min(request.limit, ANSWERED);
    const isWanted = address === '' ? () => true : addressFilter(address);
    const found: user.LiveConnection[] = [];
    let looked = 0;
    for (const connection of this.#of(request)) {
      if (connection.serial <= afterSerial) continue;
      looked++;
      const isMatch =
        connection.open &&
        (platformID === 0 || connection.platformID === platformID) &&
        isWanted(connection.address);
      if (isMatch) found.push(this.#describe(connection));
      if (found.length >= most || looked >= LOOKED_AT)
        return make('user.GatewayConnectionsResp', { connections: found, nextSerial: connection.serial });
    }
    return make('user.GatewayConnectionsResp', { connections: found });
  };

  /** Kicks one connection of a user, or all, or those of a platform. */
  readonly kick = ({ tenant, userID, connID, platformID }: user.GatewayKickReq): user.GatewayKickResp => {
    const connections = this.#deps.localUsers.user(tenant, userID)?.connections ?? [];
    const wanted = connections.filter(
      (connection) =>
        connection.open &&
        (connID === '' || connection.id === connID) &&
        (platformID === 0 || connection.platformID === platformID),
    );
    for (const connection of wanted) this.#deps.kicks.kick(connection, 'admin');
    return make('user.GatewayKickResp', { kicked: wanted.length });
  };

  #of({ tenant, userID }: user.GatewayConnectionsReq): Iterable<Connection> {
    const { localUsers, tenantConnections } = this.#deps;
    if (userID !== '') return localUsers.user(tenant, userID)?.connections ?? [];
    return isTenantId(tenant) ? tenantConnections.of(tenant) : [];
  }

  #describe(connection: Connection): user.LiveConnection {
    const { id, user, platformID, address, inBackground, framing, openedAt, lastSeen } = connection;
    const { encoding, gzip } = framingAt(framing);
    // Times of a connection are those of the monotonic clock.
    const epoch = Date.now() - performance.now();
    return make('user.LiveConnection', {
      ...{ connID: id, userID: user.userID, platformID, gatewayID: this.#deps.gatewayID, address },
      ...{ openTime: Math.round(epoch + openedAt), seenTime: Math.round(epoch + lastSeen) },
      ...{ isBackground: inBackground, encoding, compressed: gzip, queuedBytes: connection.queuedBytes },
    });
  }
}
