import {
  type TenantFigures,
  type TenantUsagePage,
  TenantUsageQuery,
  tenantId,
  USAGE_PAGE,
} from '@im/contract';
import type { TenantDirectory } from '@im/kit';
import type { Logger, OpsRequest, OpsResponse } from '@im/process';
import type { TenantUsageRepo } from '@im/store';
import type { Presence } from '../presence/presence.ts';

/** What {@link tenantUsage} needs of its process. */
export interface TenantUsageDeps {
  readonly tenants: Pick<TenantDirectory, 'list'>;
  readonly stored: TenantUsageRepo;
  readonly presence: Pick<Presence, 'countsOfAll'>;
  readonly log: Logger;
}

/**
 * `POST /tenants/usage`: what all tenants use, by pages. A store that cannot be read leaves its figures out of the answer.
 */
export function tenantUsage({ tenants, stored, presence, log }: TenantUsageDeps) {
  return async ({ body }: Pick<OpsRequest, 'body'>): Promise<OpsResponse> => {
    const parsed = TenantUsageQuery.safeParse(asJson(body));
    if (!parsed.success) return { status: 400, body: { error: parsed.error.message } };
    const { after = '' } = parsed.data;
    const ids = tenants
      .list()
      .map(({ id }) => id)
      .filter((id) => id > after)
      .sort();
    const page = ids.slice(0, USAGE_PAGE);
    const [figures, connections] = await Promise.all([
      stored.of(page, Date.now()).catch((error: unknown) => {
        log.warn({ err: error }, 'usage of tenants cannot be read');
        return undefined;
      }),
      presence.countsOfAll(page).catch((error: unknown) => {
        log.warn({ err: error }, 'connections of tenants cannot be read');
        return undefined;
      }),
    ]);
    const next = ids.length > page.length ? page.at(-1) : undefined;
    const answer: TenantUsagePage = {
      tenants: page.map((id): TenantFigures => {
        const count = connections && { connections: connections.get(tenantId(id)) ?? 0 };
        return { id, ...figures?.get(id), ...count };
      }),
      ...(next === undefined ? {} : { next }),
    };
    return { body: answer };
  };
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
