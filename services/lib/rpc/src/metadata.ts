import { Metadata } from '@grpc/grpc-js';
import { type CallContext, isTenantId } from '@im/kit';
import { argsError } from '@im/protocol';

/** Names of the headers that carry a call's context. Absent means empty, zero or false. */
const HEADER = {
  tenant: 'im-tenant',
  operationID: 'im-operation-id',
  opUserID: 'im-user',
  opPlatformID: 'im-platform',
  opAdmin: 'im-admin',
  connID: 'im-conn',
} as const;

const PLAIN = /^[\x21-\x24\x26-\x7e]*$/;

/** Header values are printable ASCII: everything else is percent-encoded. */
function toAscii(value: string): string {
  return PLAIN.test(value) ? value : encodeURIComponent(value.toWellFormed());
}

/** The value of a header; empty when it is not one that {@link toAscii} makes. */
function fromAscii(value: string): string {
  if (!value.includes('%')) return value;
  try {
    return decodeURIComponent(value);
  } catch {
    return '';
  }
}

/** The headers of a call. The deadline travels as gRPC's own, the signal not at all. */
export function toMetadata(ctx: CallContext): Metadata {
  // Not sent before there is a connection: a call waits for a peer that is starting, up to its deadline.
  const metadata = new Metadata({ waitForReady: true });
  metadata.set(HEADER.tenant, ctx.tenant);
  metadata.set(HEADER.operationID, toAscii(ctx.operationID));
  if (ctx.opUserID !== '') metadata.set(HEADER.opUserID, toAscii(ctx.opUserID));
  if (ctx.opPlatformID !== 0) metadata.set(HEADER.opPlatformID, String(ctx.opPlatformID));
  if (ctx.opAdmin) metadata.set(HEADER.opAdmin, '1');
  if (ctx.connID !== '') metadata.set(HEADER.connID, toAscii(ctx.connID));
  return metadata;
}

/**
 * The context of a call that arrived.
 * @throws ImError 1001 when tenant or operationID are missing or malformed.
 */
export function fromMetadata(metadata: Metadata, deadline: number): CallContext {
  const read = (name: string): string => {
    const value = metadata.get(name)[0];
    return typeof value === 'string' ? fromAscii(value) : '';
  };
  const tenant = read(HEADER.tenant);
  if (!isTenantId(tenant)) throw argsError(`header ${HEADER.tenant} must name a tenant`);
  const operationID = read(HEADER.operationID);
  if (operationID === '') throw argsError(`header ${HEADER.operationID} must not be empty`);
  return {
    tenant,
    operationID,
    deadline,
    opUserID: read(HEADER.opUserID),
    opPlatformID: Number(read(HEADER.opPlatformID)) || 0,
    opAdmin: read(HEADER.opAdmin) === '1',
    connID: read(HEADER.connID),
  };
}
