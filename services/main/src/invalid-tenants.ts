import type { InvalidTenant } from '@im/contract';
import type { Metrics, TenantDirectory } from '@im/kit';
import type { Logger, StatusRegistry } from '@im/process';

/** Most faults in the status, and most entries in the log at once. */
const MOST_TOLD = 50;

const REMEDY = 'correct the entry; the file is read again within seconds';

/** Where the tenants of the config file that are refused are reported. */
export interface InvalidTenants {
  /** Reports these instead of those before; what has not changed is not logged again. */
  report(invalid: readonly InvalidTenant[]): void;
}

/** Reports invalid tenants in the log, in `openim_tenants_invalid` and in the status. */
export function createInvalidTenants(deps: {
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly status: StatusRegistry;
  readonly tenants: TenantDirectory;
}): InvalidTenants {
  const { log, metrics, status, tenants } = deps;
  let current: readonly InvalidTenant[] = [];
  let logged = new Set<string>();
  const isServed = ({ id }: InvalidTenant) => id !== undefined && tenants.get(id) !== undefined;

  metrics.observe(
    'openim_tenants_invalid',
    'Tenants of the config file that are refused, since their entries are invalid',
    () => current.length,
  );
  status.add('invalidTenants', () => ({
    count: current.length,
    faults: current
      .slice(0, MOST_TOLD)
      .flatMap((entry) =>
        entry.faults.map((fault) => ({ ...named(entry), ...fault, served: isServed(entry) })),
      )
      .slice(0, MOST_TOLD),
  }));

  return {
    report(invalid) {
      const before = logged;
      logged = new Set(invalid.map((entry) => JSON.stringify(entry)));
      const fresh = invalid.filter((entry) => !before.has(JSON.stringify(entry)));
      for (const entry of fresh.slice(0, MOST_TOLD)) {
        const { id: tenant, index } = named(entry);
        const faults = entry.faults.slice(0, MOST_TOLD);
        log.error(
          { tenant, index, faults, served: isServed(entry), remedy: REMEDY },
          'a tenant in the config is invalid and refused; all others are served',
        );
      }
      if (fresh.length > MOST_TOLD)
        log.error({ entries: fresh.length - MOST_TOLD }, 'more tenants in the config are invalid');
      if (invalid.length === 0 && current.length > 0) log.info('all tenants in the config are valid again');
      current = invalid;
    },
  };
}

function named({ id, index }: InvalidTenant): { readonly id?: string; readonly index?: number } {
  return { ...(id === undefined ? {} : { id }), ...(index === undefined ? {} : { index }) };
}
