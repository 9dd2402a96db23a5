import type { StatisticsDay } from '@im/admin-api';
import { Button, Group, Select, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { useMemo } from 'react';
import { useSearchParams } from 'wouter';
import { usePages, useTenant } from '../api/client.ts';
import { csvOf } from '../components/csv.ts';
import { IdLink } from '../components/id-link.tsx';
import { LineChart } from '../components/line-chart.tsx';
import { List } from '../components/list.tsx';
import { Page } from '../components/page.tsx';
import { saveFile } from '../components/save-file.ts';
import { Time } from '../components/time.tsx';
import { listActiveGroups, listActiveUsers, listStatisticsDays } from '../gen/operations.ts';
import { useFormat, useTexts } from '../i18n/language.tsx';

const DAY = 86_400_000;
const LENGTHS = ['7', '30', '90', '365'] as const;
const FIGURES = [
  'single',
  'group',
  'activeUsers',
  'activeGroups',
  'registrations',
  'users',
  'groups',
  'peakUsers',
  'peakConnections',
] as const satisfies readonly (keyof StatisticsDay)[];

function dateOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** Daily figures as charts and a table, and who writes most. */
export function StatisticsPage() {
  const texts = useTexts();
  const format = useFormat();
  const tenant = useTenant();
  const [params, setParams] = useSearchParams();
  const asked = LENGTHS.find((length) => length === params.get('days')) ?? '30';
  const period = useMemo(() => {
    // To today, which is another day in some time zones.
    return { from: dateOf(Date.now() - (Number(asked) - 1) * DAY) };
  }, [asked]);
  const state = usePages(listStatisticsDays, { query: { limit: 500, ...period } });
  const days = useMemo(
    () =>
      (state.data?.pages.flatMap((page) => page.days) ?? []).toSorted((a, b) => (a.date < b.date ? -1 : 1)),
    [state.data],
  );
  const times = useMemo(() => days.map(({ date }) => Date.parse(date)), [days]);
  const { statistics } = texts;
  const messages = useMemo(
    () => (['single', 'group'] as const).map((key) => lineOf(statistics.figures[key], days, key)),
    [days, statistics],
  );
  const people = useMemo(
    () =>
      (['activeUsers', 'registrations', 'peakUsers'] as const).map((key) =>
        lineOf(statistics.figures[key], days, key),
      ),
    [days, statistics],
  );

  function save(): void {
    const rows = days.map((day) => [day.date, ...FIGURES.map((key) => day[key])]);
    saveFile(
      `${tenant}-${period.from}-${days.at(-1)?.date ?? period.from}.csv`,
      csvOf(['date', ...FIGURES], rows),
      'text/csv',
    );
  }

  return (
    <Page
      title={statistics.title}
      actions={
        <>
          <Select
            aria-label={statistics.period}
            w={140}
            data={LENGTHS.map((value) => ({ value, label: statistics.lastDays(value) }))}
            value={asked}
            allowDeselect={false}
            onChange={(value) => value !== null && setParams({ days: value })}
          />
          <Button variant="default" disabled={days.length === 0} onClick={save}>
            {statistics.save}
          </Button>
        </>
      }
    >
      <Text size="sm" c="dimmed">
        {state.data?.pages[0]?.countedTo === 0 ? (
          statistics.notCounted
        ) : (
          <>
            {statistics.counted} <Time ms={state.data?.pages[0]?.countedTo ?? 0} />
          </>
        )}
      </Text>
      {days.length > 0 && (
        <SimpleGrid cols={{ base: 1, lg: 2 }}>
          <Stack gap="xs">
            <Title order={2} size="h4">
              {statistics.messages}
            </Title>
            <LineChart label={statistics.messages} times={times} lines={messages} days />
          </Stack>
          <Stack gap="xs">
            <Title order={2} size="h4">
              {statistics.people}
            </Title>
            <LineChart label={statistics.people} times={times} lines={people} days />
          </Stack>
        </SimpleGrid>
      )}
      <List
        label={statistics.title}
        entries={days.toReversed()}
        keyOf={({ date }) => date}
        state={state}
        columns={[
          { title: statistics.date, cell: ({ date }) => date },
          ...FIGURES.map((key) => ({
            title: statistics.figures[key],
            cell: (day: StatisticsDay) => format.number(day[key]),
          })),
        ]}
      />
      {/* Rankings are empty before the first count has ended. */}
      {(state.data?.pages[0]?.countedTo ?? 0) > 0 && (
        <SimpleGrid cols={{ base: 1, lg: 2 }}>
          <ActiveUsers period={period} />
          <ActiveGroups period={period} />
        </SimpleGrid>
      )}
    </Page>
  );
}

function lineOf(label: string, days: readonly StatisticsDay[], key: (typeof FIGURES)[number]) {
  return { label, values: days.map((day) => day[key]) };
}

interface RankingProps {
  readonly period: { readonly from: string };
}

/** Entries of a ranking that are shown at first. */
const RANKED = 10;

function ActiveUsers({ period }: RankingProps) {
  const texts = useTexts();
  const format = useFormat();
  const state = usePages(listActiveUsers, { query: { limit: RANKED, ...period } });
  return (
    <Stack gap="xs">
      <Title order={2} size="h4">
        {texts.statistics.activeUsers}
      </Title>
      <List
        label={texts.statistics.activeUsers}
        entries={state.data?.pages.flatMap((page) => page.users) ?? []}
        keyOf={({ userID }) => userID}
        state={state}
        columns={[
          {
            title: texts.users.userID,
            cell: ({ userID, nickname }) => (
              <Group gap="xs">
                <IdLink page="users" id={userID} />
                <span className="breaks">{nickname}</span>
              </Group>
            ),
          },
          { title: texts.statistics.messages, cell: ({ messages }) => format.number(messages) },
        ]}
      />
    </Stack>
  );
}

function ActiveGroups({ period }: RankingProps) {
  const texts = useTexts();
  const format = useFormat();
  const state = usePages(listActiveGroups, { query: { limit: RANKED, ...period } });
  return (
    <Stack gap="xs">
      <Title order={2} size="h4">
        {texts.statistics.activeGroups}
      </Title>
      <List
        label={texts.statistics.activeGroups}
        entries={state.data?.pages.flatMap((page) => page.groups) ?? []}
        keyOf={({ groupID }) => groupID}
        state={state}
        columns={[
          {
            title: texts.groups.name,
            cell: ({ groupID, groupName }) => <IdLink page="groups" id={groupID} name={groupName} />,
          },
          { title: texts.statistics.messages, cell: ({ messages }) => format.number(messages) },
        ]}
      />
    </Stack>
  );
}
