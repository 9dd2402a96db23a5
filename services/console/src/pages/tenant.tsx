import type { Usage } from '@im/admin-api';
import { Alert, Badge, Group, Paper, Progress, SimpleGrid, Skeleton, Stack, Text } from '@mantine/core';
import { useAnswer, useTenant } from '../api/client.ts';
import { Facts } from '../components/facts.tsx';
import { Failure } from '../components/failure.tsx';
import { Page } from '../components/page.tsx';
import { Section } from '../components/section.tsx';
import { Time } from '../components/time.tsx';
import { getTenant, getUsage, listBackendTokens } from '../gen/operations.ts';
import { useFormat, useTexts } from '../i18n/language.tsx';
import { useMay, useSession } from '../session/session.ts';
import { BackendTokens } from './backend-tokens.tsx';
import { TenantKeys } from './tenant-keys.tsx';
import { TenantSettings } from './tenant-settings.tsx';
import { Tenants } from './tenants.tsx';

/** Figures that have a quota. */
const LIMITED = ['users', 'connections', 'storageBytes'] as const;
const COUNTED = ['messages', 'messagesToday', 'registrations', 'peakUsers', 'peakConnections'] as const;
const PERCENT = 100;
/** From here on a quota is shown as nearly used up. */
const NEARLY = 80;

/** One tenant: what it uses, its keys and settings. */
export function TenantPage() {
  const texts = useTexts();
  const { tenants } = useSession();
  const may = useMay();
  return (
    <Page title={texts.tenantPage.title}>
      {tenants.length > 1 && <Tenants />}
      <UsageSection />
      {may(getTenant) && <InForce />}
      {may(listBackendTokens) && <BackendTokens />}
    </Page>
  );
}

function UsageSection() {
  const texts = useTexts();
  const format = useFormat();
  const { data, error, refetch } = useAnswer(getUsage, {});
  const page = texts.tenantPage;
  if (error) return <Failure error={error} retry={() => void refetch()} />;
  if (!data) return <Skeleton height={160} />;
  const { usage } = data;
  return (
    <Section title={page.usage} explained={page.usageOf(usage.from, usage.to)}>
      {usage.exceeded.length > 0 && (
        <Alert color="red" variant="outline" role="alert">
          {page.exceeded(usage.exceeded.map((name) => page.figures[name]).join(', '))}
        </Alert>
      )}
      <SimpleGrid cols={{ base: 1, sm: 3 }}>
        {LIMITED.map((name) => (
          <Limited key={name} name={name} usage={usage} />
        ))}
      </SimpleGrid>
      <SimpleGrid cols={{ base: 2, sm: 3, lg: 5 }}>
        {COUNTED.map((name) => (
          <Paper key={name} withBorder p="sm">
            <Text size="xs" c="dimmed">
              {page.figures[name]}
            </Text>
            <Text fw={600}>{format.number(usage[name])}</Text>
          </Paper>
        ))}
      </SimpleGrid>
      <Text size="sm" c="dimmed">
        {usage.countedTo === 0 ? (
          page.uncounted
        ) : (
          <>
            {page.counted} <Time ms={usage.countedTo} />
          </>
        )}
      </Text>
    </Section>
  );
}

interface LimitedProps {
  readonly name: (typeof LIMITED)[number];
  readonly usage: Usage;
}

function Limited({ name, usage }: LimitedProps) {
  const { tenantPage: texts } = useTexts();
  const format = useFormat();
  const show = name === 'storageBytes' ? format.bytes : format.number;
  const [used, quota] = [usage[name], usage.quotas[name]];
  const percent = quota === 0 ? 0 : Math.min(PERCENT, (used / quota) * PERCENT);
  return (
    <Paper withBorder p="sm">
      <Stack gap={4}>
        <Text size="xs" c="dimmed">
          {texts.figures[name]}
        </Text>
        <Text fw={600} data-figure={name}>
          {texts.of(show(used), quota === 0 ? texts.unlimited : show(quota))}
        </Text>
        {quota > 0 && (
          <Progress
            value={percent}
            color={percent >= NEARLY ? 'red.9' : 'indigo.8'}
            aria-label={texts.figures[name]}
          />
        )}
      </Stack>
    </Paper>
  );
}

/** What the server has in force. */
function InForce() {
  const texts = useTexts();
  const tenant = useTenant();
  const { data, error, refetch } = useAnswer(getTenant, {});
  const page = texts.tenantPage;
  if (error) return <Failure error={error} retry={() => void refetch()} />;
  if (!data) return <Skeleton height={160} />;
  return (
    <>
      <Facts
        facts={[
          [
            page.state,
            <Group key="state" gap="xs">
              <Badge color={data.tenant.suspended ? 'red.9' : 'teal.9'}>
                {data.tenant.suspended ? page.suspended : page.serving}
              </Badge>
            </Group>,
          ],
          [page.hosts, data.tenant.hosts.join(', ')],
          [page.path, tenant === 'default' ? '/' : `/t/${tenant}/`],
        ]}
      />
      <TenantKeys keys={data.keys} />
      <TenantSettings settings={data.settings} />
    </>
  );
}
