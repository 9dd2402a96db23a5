import { STREAM, type TenantId } from '@im/contract';
import { findStream, jetStreamCall } from './jetstream-api.ts';
import type { NatsLink } from './nats-link.ts';
import { parseLogSubject, tenantLogSubjects, tenantSubjects } from './subjects.ts';
import type { TenantRecords } from './types.ts';

/** Streams whose positions mean nothing to anybody once their tenant is gone. */
const OTHERS = [STREAM.deliveries, STREAM.webhooks] as const;

interface SubjectsAnswer {
  readonly state: { readonly subjects?: Readonly<Record<string, number>> };
}

/** {@link TenantRecords} by the API of JetStream. */
export function natsTenantRecords(link: NatsLink): TenantRecords {
  async function subjectsIn(stream: string, filter: string): Promise<Readonly<Record<string, number>>> {
    if (!(await findStream(link, stream))) return {};
    const { state } = await jetStreamCall<SubjectsAnswer>(link, `STREAM.INFO.${stream}`, {
      subjects_filter: filter,
    });
    return state.subjects ?? {};
  }
  async function purge(stream: string, filter: string): Promise<number> {
    if (!(await findStream(link, stream))) return 0;
    const { purged } = await jetStreamCall<{ readonly purged: number }>(link, `STREAM.PURGE.${stream}`, {
      filter,
    });
    return purged;
  }
  return {
    async partitions(tenant) {
      const subjects = await subjectsIn(STREAM.log, tenantLogSubjects(tenant));
      return Object.keys(subjects).flatMap((subject) => parseLogSubject(subject)?.partition ?? []);
    },
    async count(tenant: TenantId) {
      let count = 0;
      for (const stream of [STREAM.log, ...OTHERS]) {
        for (const one of Object.values(await subjectsIn(stream, tenantSubjects(tenant)))) count += one;
      }
      return count;
    },
    removeFromLog: (tenant) => purge(STREAM.log, tenantLogSubjects(tenant)),
    async removeOthers(tenant) {
      let removed = 0;
      for (const stream of OTHERS) removed += await purge(stream, tenantSubjects(tenant));
      return removed;
    },
  };
}
