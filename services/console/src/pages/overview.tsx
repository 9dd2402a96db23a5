import { Badge, Group, Paper, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { useMemo } from 'react';
import { Failure } from '../components/failure.tsx';
import { LineChart } from '../components/line-chart.tsx';
import { COMPLETE, List } from '../components/list.tsx';
import { Page } from '../components/page.tsx';
import { useFormat, useTexts } from '../i18n/language.tsx';
import { liveRates } from './live-rates.ts';
import { useLive } from './live-samples.ts';
import { OverviewAlarms } from './overview-alarms.tsx';

/** Who is connected now, and since the page was opened. */
export function OverviewPage() {
  const texts = useTexts();
  const format = useFormat();
  const { samples, error } = useLive();
  const { overview } = texts;
  const last = samples.at(-1);
  const times = useMemo(() => samples.map(({ time }) => time), [samples]);
  const lines = useMemo(
    () => [
      { label: overview.users, values: samples.map(({ users }) => users) },
      { label: overview.connections, values: samples.map(({ connections }) => connections) },
    ],
    [samples, overview],
  );
  const rates = useMemo(() => liveRates(samples), [samples]);
  const rateLines = useMemo(
    () => [
      { label: overview.messagesPerSecond, values: rates.map((rate) => rate?.messages ?? null) },
      { label: overview.loginsPerSecond, values: rates.map((rate) => rate?.logins ?? null) },
    ],
    [rates, overview],
  );
  const now = rates.at(-1);
  return (
    <Page title={overview.title}>
      {error !== undefined && <Failure error={error} />}
      <SimpleGrid cols={{ base: 2, md: 5 }}>
        <Figure name={overview.users} value={last && format.number(last.users)} />
        <Figure name={overview.connections} value={last && format.number(last.connections)} />
        <Figure name={overview.gateways} value={last && format.number(last.gateways.length)} />
        <Figure name={overview.messagesPerSecond} value={now && format.number(rounded(now.messages))} />
        <Figure name={overview.loginsPerSecond} value={now && format.number(rounded(now.logins))} />
      </SimpleGrid>
      <OverviewAlarms />
      <Stack gap="xs">
        <Title order={2} size="h4">
          {overview.platforms}
        </Title>
        <Group gap="xs">
          {last?.platforms.length === 0 && <Text c="dimmed">{overview.noUsers}</Text>}
          {last?.platforms.map(({ platformID, connections }) => (
            <Badge key={platformID} size="lg" color="indigo.8" tt="none">
              {texts.platforms[platformID] ?? platformID}: {format.number(connections)}
            </Badge>
          ))}
        </Group>
      </Stack>
      {samples.length > 1 && <LineChart label={overview.chart} times={times} lines={lines} />}
      {samples.length > 2 && <LineChart label={overview.rateChart} times={times} lines={rateLines} />}
      <Stack gap="xs">
        <Title order={2} size="h4">
          {overview.gateways}
        </Title>
        <List
          label={overview.gateways}
          entries={last?.gateways ?? []}
          keyOf={({ gatewayID }) => gatewayID}
          state={{ ...COMPLETE, isPending: last === undefined && error === undefined }}
          columns={[
            { title: overview.gateway, cell: ({ gatewayID }) => <span className="breaks">{gatewayID}</span> },
            { title: overview.users, cell: ({ users }) => format.number(users) },
            { title: overview.connections, cell: ({ connections }) => format.number(connections) },
          ]}
        />
      </Stack>
    </Page>
  );
}

/** Small rates have one decimal place. */
function rounded(perSecond: number): number {
  return perSecond < 10 ? Math.round(perSecond * 10) / 10 : Math.round(perSecond);
}

function Figure({ name, value }: { readonly name: string; readonly value: string | undefined }) {
  return (
    <Paper withBorder p="md">
      <Text size="sm" c="dimmed">
        {name}
      </Text>
      <Text size="xl" fw={700} data-figure={name}>
        {value ?? '–'}
      </Text>
    </Paper>
  );
}
