import { Anchor } from '@mantine/core';
import { Link } from 'wouter';
import { useAnswer, useTenant } from '../api/client.ts';
import { type Alarm, Alarms } from '../components/alarms.tsx';
import { Section } from '../components/section.tsx';
import { getCluster, getUsage, listCronJobs, listWebhookDeliveries } from '../gen/operations.ts';
import { useTexts } from '../i18n/language.tsx';
import { useMay, useSession } from '../session/session.ts';
import { useClusterAlarms } from './cluster-alarms.ts';

/** How often the tenant's own alarms are looked for. */
const LOOK_MS = 60_000;
/** How often those of the cluster are. */
const WATCH_MS = 5_000;

/** What needs attention in the tenant, and in the cluster for those who may see it. */
export function OverviewAlarms() {
  const { cluster: texts } = useTexts();
  const { cluster: operates } = useSession();
  const found = useAnswer(getCluster, {}, operates, WATCH_MS);
  const ofCluster = useClusterAlarms(found.data?.alarms ?? []);
  const ofTenant = useTenantAlarms();
  if (ofTenant === undefined || (operates && found.isPending)) return null;
  return (
    <Section title={texts.alarms}>
      <Alarms alarms={[...ofCluster.filter(({ severity }) => severity !== 'info'), ...ofTenant]} />
    </Section>
  );
}

function useTenantAlarms(): Alarm[] | undefined {
  const texts = useTexts();
  const tenant = useTenant();
  const may = useMay();
  const usage = useAnswer(getUsage, {}, may(getUsage), LOOK_MS);
  const dead = { query: { limit: 1, state: 'dead' } } as const;
  const letters = useAnswer(listWebhookDeliveries, dead, may(listWebhookDeliveries), LOOK_MS);
  const jobs = useAnswer(listCronJobs, { query: { limit: 100 } }, may(listCronJobs), LOOK_MS);
  if (usage.isPending || letters.isPending || jobs.isPending) return undefined;
  const { tenantAlarms } = texts.cluster;
  const exceeded = usage.data?.usage.exceeded ?? [];
  const failed = jobs.data?.jobs.filter(({ failures }) => failures > 0) ?? [];
  const link = (page: string) => (
    <Anchor component={Link} size="sm" href={`/${encodeURIComponent(tenant)}/${page}`}>
      {tenantAlarms.show}
    </Anchor>
  );
  const names = (list: readonly string[]) => list.join(', ');
  const alarms: Alarm[] = [];
  if (exceeded.length > 0)
    alarms.push({
      key: 'quota',
      severity: 'critical',
      title: tenantAlarms.quota(names(exceeded.map((name) => texts.tenantPage.figures[name]))),
      remedy: tenantAlarms.quotaRemedy,
      link: link('tenant'),
    });
  if ((letters.data?.deliveries.length ?? 0) > 0)
    alarms.push({
      key: 'webhooks',
      severity: 'warning',
      title: tenantAlarms.deadLetters,
      remedy: tenantAlarms.deadLettersRemedy,
      link: link('webhooks'),
    });
  if (failed.length > 0)
    alarms.push({
      key: 'cron',
      severity: 'warning',
      title: tenantAlarms.jobs(names(failed.map(({ name }) => name))),
      remedy: tenantAlarms.jobsRemedy,
      link: link('cron'),
    });
  return alarms;
}
