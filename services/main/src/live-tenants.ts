import {
  type CheckedTenants,
  checkTenants,
  type InvalidTenant,
  keepLastValid,
  type TenantId,
  type TenantsReport,
  type TenantsStatus,
  TenantsUpdate,
  tenantsDigest,
} from '@im/contract';
import type { MutableTenantDirectory } from '@im/kit';
import type { OpsRequest, OpsResponse } from '@im/process';

/** Longest body of an update: all that the operator keeps of the tenants of a cluster, with their credentials. */
export const MAX_UPDATE_BYTES = 32 * 1_048_576;

/** What the tenants of a process come from. */
export interface LiveTenantsDeps {
  readonly tenants: MutableTenantDirectory;
  /** Reports the entries that are refused now. */
  readonly report: (invalid: readonly InvalidTenant[]) => void;
  /** Whether callers of the ops port must have the key of the cluster. */
  readonly isAuthenticated: () => boolean;
}

/** The tenants of a process, which change by its config file and by its ops port. */
export interface LiveTenants {
  /**
   * Takes over the tenants of the config file. A tenant in force that is invalid now keeps the settings that it has.
   * Those of a file that is older than what came over the ops port are ignored.
   * @throws RangeError when valid tenants contradict each other; then nothing has changed.
   */
  takeFile(file: CheckedTenants, revision: number): void;
  /** `POST /tenants`: 200 with the list that is in force, or 409 with that of the process when they differ. */
  update(request: Pick<OpsRequest, 'body'>): OpsResponse;
  status(): TenantsStatus;
}

/** @param file the tenants that the process starts with, which the directory has already. */
export function createLiveTenants(
  file: CheckedTenants,
  fileRevision: number,
  { tenants, report, isAuthenticated }: LiveTenantsDeps,
): LiveTenants {
  let revision = fileRevision;
  let hashes: ReadonlyMap<TenantId, string> = file.hashes;
  let refused: readonly InvalidTenant[] = file.invalid;
  let digest = tenantsDigest(hashes);

  function replace(next: CheckedTenants, nextRevision: number): void {
    const { valid, invalid } = keepLastValid(next, tenants.list());
    tenants.replaceAll(valid, invalid);
    revision = nextRevision;
    hashes = next.hashes;
    refused = invalid;
    digest = tenantsDigest(hashes);
    report(invalid);
  }

  function reportOf(withHashes: boolean): TenantsReport {
    return {
      revision,
      digest,
      ...(withHashes && { hashes: Object.fromEntries(hashes) }),
      refused: Object.fromEntries(
        refused.flatMap(({ id, faults }) => (id === undefined ? [] : [[id, textOf(faults)]])),
      ),
    };
  }

  return {
    takeFile(next, nextRevision) {
      // A file without a revision is written by something that sends no updates.
      if (nextRevision === 0 || nextRevision >= revision) replace(next, nextRevision);
    },
    update({ body }) {
      if (!isAuthenticated()) {
        const error =
          'this process does not require rpc.key of its callers, so no caller may change its tenants';
        return { status: 403, body: { error } };
      }
      const parsed = TenantsUpdate.safeParse(asJson(body));
      if (!parsed.success) return { status: 400, body: { error: parsed.error.message } };
      const next = merged(parsed.data, { valid: tenants.list(), invalid: refused, hashes });
      if (parsed.data.revision < revision || tenantsDigest(next.hashes) !== parsed.data.digest) {
        return { status: 409, body: reportOf(true) };
      }
      if (parsed.data.digest !== digest) replace(next, parsed.data.revision);
      revision = parsed.data.revision;
      return { body: reportOf(false) };
    },
    status: () => ({ revision, digest, count: hashes.size }),
  };
}

/** The list of tenants after an update. */
function merged({ put, remove }: TenantsUpdate, before: CheckedTenants): CheckedTenants {
  const { valid, invalid, hashes } = checkTenants(put);
  const replaced = new Set<string>([...remove, ...hashes.keys()]);
  const stays = ({ id }: { readonly id: TenantId | undefined }) => id === undefined || !replaced.has(id);
  return {
    valid: [...before.valid.filter(stays), ...valid],
    invalid: [...before.invalid.filter(stays), ...invalid],
    hashes: new Map([...[...before.hashes].filter(([id]) => stays({ id })), ...hashes]),
  };
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function textOf(faults: InvalidTenant['faults']): string {
  return faults.map(({ field, reason }) => `${field}: ${reason}`).join('; ');
}
