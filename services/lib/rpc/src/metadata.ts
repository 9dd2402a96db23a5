import type { Metadata } from '@grpc/grpc-js';
import { isTenantId } from '@im/contract';
import { type CallContext, type ClusterKey, sameSecret } from '@im/kit';
import { argsError } from '@im/protocol';

/** Names of the headers that carry the context of a plain gRPC call. Absent means empty, zero or false. */
const HEADER = {
  tenant: 'im-tenant',
  operationID: 'im-operation-id',
  opUserID: 'im-user',
  opPlatformID: 'im-platform',
  opAdmin: 'im-admin',
  connID: 'im-conn',
} as const;

/** Header values are printable ASCII, everything else percent-encoded; what is neither counts as empty. */
function fromAscii(value: string): string {
  if (!value.includes('%')) return value;
  try {
    return decodeURIComponent(value);
  } catch {
    return '';
  }
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

/** Header by which a plain gRPC call carries the key of the cluster. */
export const KEY_HEADER = 'im-key';

/** Whether a plain call comes from one who knows the key of the cluster, if there is one. */
export function knowsKey(metadata: Metadata, { key, acceptMissingKey }: ClusterKey): boolean {
  if (key === '' || acceptMissingKey) return true;
  return sameSecret(String(metadata.get(KEY_HEADER)[0] ?? ''), key);
}
