import type { Answer, ClusterProcess } from '@im/admin-api';
import { Badge, Skeleton, Text } from '@mantine/core';
import { lazy, Suspense } from 'react';
import { useAnswer } from '../api/client.ts';
import { Alarms } from '../components/alarms.tsx';
import { BAD, GOOD, WARNING } from '../components/colours.ts';
import { Facts } from '../components/facts.tsx';
import { Failure } from '../components/failure.tsx';
import { COMPLETE, List } from '../components/list.tsx';
import { Page } from '../components/page.tsx';
import { Section } from '../components/section.tsx';
import { Time } from '../components/time.tsx';
import { getCluster } from '../gen/operations.ts';
import { useFormat, useTexts } from '../i18n/language.tsx';
import { useClusterAlarms } from './cluster-alarms.ts';

/** The server keeps what it found for as long. */
const WATCH_MS = 5_000;
const SECOND = 1_000;

/** Loaded where the service runs on Kubernetes alone. */
const ClusterResourceSection = lazy(async () => ({
  default: (await import('./cluster-resource.tsx')).ClusterResourceSection,
}));

/** The parts of the cluster as the server knows them. */
export function ClusterPage() {
  const { cluster: texts } = useTexts();
  const { data, error, refetch } = useAnswer(getCluster, {}, true, WATCH_MS);
  return (
    <Page title={texts.title}>
      {error && <Failure error={error} retry={() => void refetch()} />}
      {!data && !error && <Skeleton height={200} />}
      {data && <Content state={data} />}
    </Page>
  );
}

type State = Answer<typeof getCluster>;

function Content({ state }: { readonly state: State }) {
  const { cluster: texts } = useTexts();
  const alarms = useClusterAlarms(state.alarms);
  return (
    <>
      <Section title={texts.alarms}>
        <Alarms alarms={alarms} />
      </Section>
      <MessageLog state={state} />
      <Gateways processes={state.processes.filter(({ gateway }) => gateway)} />
      <Processes processes={state.processes} />
      {state.resource ? (
        <Suspense fallback={<Skeleton height={120} />}>
          <ClusterResourceSection named={state.resource} />
        </Suspense>
      ) : (
        <Text size="sm" c="dimmed">
          {texts.kubernetes}
        </Text>
      )}
    </>
  );
}

function MessageLog({ state: { log, processes } }: { readonly state: State }) {
  const { cluster: texts } = useTexts();
  const format = useFormat();
  const total = (of: (transfer: NonNullable<ClusterProcess['transfer']>) => number) =>
    processes.reduce((sum, { transfer }) => sum + (transfer ? of(transfer) : 0), 0);
  const size = () => {
    if (!log) return texts.unknown;
    return log.maxBytes > 0
      ? texts.logOf(format.bytes(log.bytes), format.bytes(log.maxBytes))
      : format.bytes(log.bytes);
  };
  return (
    <Section title={texts.log}>
      <Facts
        facts={[
          [texts.logSize, size()],
          [texts.lag, format.number(total(({ lagRecords }) => lagRecords))],
          [texts.partitions, format.number(total(({ partitions }) => partitions))],
          [texts.parked, format.number(total(({ parkedRecords }) => parkedRecords))],
        ]}
      />
    </Section>
  );
}

function Gateways({ processes }: { readonly processes: readonly ClusterProcess[] }) {
  const { cluster: texts } = useTexts();
  const format = useFormat();
  const drainOf = ({ gateway }: ClusterProcess) =>
    gateway?.draining
      ? texts.draining(
          format.number(gateway.drainRemaining),
          format.number(Math.round(gateway.drainPerSecond)),
          format.duration(gateway.drainEtaSeconds * SECOND),
        )
      : texts.serving;
  return (
    <Section title={texts.gateways}>
      <List<ClusterProcess>
        label={texts.gateways}
        entries={processes}
        keyOf={({ instance }) => instance}
        state={COMPLETE}
        columns={[
          { title: texts.gateway, cell: ({ address }) => <span className="breaks">{address}</span> },
          {
            title: texts.connections,
            cell: ({ gateway }) =>
              gateway?.maxConnections
                ? `${format.number(gateway.connections)} / ${format.number(gateway.maxConnections)}`
                : format.number(gateway?.connections ?? 0),
          },
          {
            title: texts.handshakes,
            cell: ({ gateway }) => format.number(gateway?.handshakesPerSecond ?? 0),
          },
          { title: texts.refused, cell: ({ gateway }) => format.number(gateway?.refusedPerSecond ?? 0) },
          {
            title: texts.latency,
            cell: ({ gateway }) =>
              gateway?.loginP99Ms === undefined ? '–' : format.duration(Math.round(gateway.loginP99Ms)),
          },
          {
            title: texts.state,
            cell: (process) => (
              <Badge color={process.gateway?.draining ? WARNING : GOOD} tt="none">
                {drainOf(process)}
              </Badge>
            ),
          },
        ]}
      />
    </Section>
  );
}

function Processes({ processes }: { readonly processes: readonly ClusterProcess[] }) {
  const { cluster: texts } = useTexts();
  const format = useFormat();
  return (
    <Section title={texts.processes}>
      <List<ClusterProcess>
        label={texts.processes}
        entries={processes}
        keyOf={({ instance }) => instance}
        state={COMPLETE}
        columns={[
          { title: texts.roles, cell: ({ roles }) => <span className="breaks">{roles.join(', ')}</span> },
          { title: texts.process, cell: ({ address }) => <span className="breaks">{address}</span> },
          { title: texts.version, cell: ({ version }) => version || texts.unknown },
          {
            title: texts.state,
            cell: ({ ready, reason }) => (
              <>
                <Badge color={ready ? GOOD : BAD}>{ready ? texts.ready : texts.notReady}</Badge>
                {reason !== '' && (
                  <Text size="xs" className="breaks">
                    {reason}
                  </Text>
                )}
              </>
            ),
          },
          { title: texts.started, cell: ({ startTime }) => <Time ms={startTime} /> },
          { title: texts.memory, cell: ({ rssBytes }) => format.bytes(rssBytes) },
          { title: texts.delay, cell: ({ eventLoopDelayMs }) => format.duration(eventLoopDelayMs) },
        ]}
      />
    </Section>
  );
}
