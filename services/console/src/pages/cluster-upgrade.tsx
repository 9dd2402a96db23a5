import type { ClusterResource, UpgradeProof } from '@im/admin-api';
import { Badge, Text } from '@mantine/core';
import { BAD, GOOD, NEUTRAL, WARNING } from '../components/colours.ts';
import { Facts } from '../components/facts.tsx';
import { COMPLETE, List } from '../components/list.tsx';
import { Part } from '../components/part.tsx';
import { Time } from '../components/time.tsx';
import { useFormat, useTexts } from '../i18n/language.tsx';

type Upgrade = NonNullable<ClusterResource['upgrade']>;
type Step = Upgrade['steps'][number];
type Gate = Upgrade['gates'][number];
type Past = ClusterResource['history'][number];

/** The upgrade in progress or the last one, with what it proved, and those before it. */
export function UpgradeParts({ upgrade, history }: Pick<ClusterResource, 'upgrade' | 'history'>) {
  const { resource: texts } = useTexts();
  return (
    <>
      <Part title={texts.upgrade}>
        {upgrade ? <PresentUpgrade upgrade={upgrade} /> : <Text size="sm">{texts.noUpgrade}</Text>}
      </Part>
      {history.length > 0 && <History history={history} />}
    </>
  );
}

function PresentUpgrade({ upgrade }: { readonly upgrade: Upgrade }) {
  const { resource: texts } = useTexts();
  const { fromVersion = '–', version = '–', startTime = 0, finishTime = 0, steps, gates, proof } = upgrade;
  return (
    <>
      <Facts
        facts={[
          [texts.phase, upgrade.phase],
          [texts.version, texts.fromTo(fromVersion, version)],
          [texts.started, <Time key="started" ms={startTime} />],
          [texts.finished, <Time key="finished" ms={finishTime} />],
          ...(upgrade.step ? [[texts.step, upgrade.step] as const] : []),
          ...(upgrade.failure ? [[texts.failure, upgrade.failure] as const] : []),
          ...(upgrade.message ? [[texts.message, upgrade.message] as const] : []),
        ]}
      />
      {gates.length > 0 && (
        <List<Gate>
          label={texts.gates}
          entries={gates}
          keyOf={({ name }) => name}
          state={COMPLETE}
          columns={[
            { title: texts.gate, cell: ({ name }) => name },
            { title: texts.state, cell: ({ state }) => <GateState state={state} /> },
            { title: texts.message, cell: ({ message = '' }) => <span className="breaks">{message}</span> },
          ]}
        />
      )}
      {steps.length > 0 && (
        <List<Step>
          label={texts.steps}
          entries={steps}
          keyOf={({ name }) => name}
          state={COMPLETE}
          columns={[
            { title: texts.step, cell: ({ name }) => name },
            { title: texts.started, cell: ({ startTime: ms = 0 }) => <Time ms={ms} /> },
            { title: texts.settled, cell: ({ settleTime: ms = 0 }) => <Time ms={ms} /> },
            { title: texts.passed, cell: ({ passTime: ms = 0 }) => <Time ms={ms} /> },
          ]}
        />
      )}
      <Text size="sm" c="dimmed">
        {proof ? texts.proofOf : texts.noProof}
      </Text>
      {proof && <Proof proof={proof} />}
    </>
  );
}

const GATE_COLOURS: Readonly<Record<string, string>> = {
  Passed: GOOD,
  Waiting: WARNING,
  Failed: BAD,
};

function GateState({ state }: { readonly state: string }) {
  return (
    <Badge color={GATE_COLOURS[state] ?? NEUTRAL} tt="none">
      {state}
    </Badge>
  );
}

function Proof({ proof }: { readonly proof: UpgradeProof }) {
  const { resource: texts } = useTexts();
  const format = useFormat();
  const figure = (value: number | undefined) => (value === undefined ? '' : format.number(value));
  const { longestGapMs } = proof;
  return (
    <div data-proof>
      <Facts
        facts={[
          [texts.sent, figure(proof.sent)],
          [texts.acknowledged, figure(proof.acknowledged)],
          [texts.received, figure(proof.received)],
          [texts.lost, figure(proof.lost)],
          [texts.duplicated, figure(proof.duplicated)],
          [texts.reordered, figure(proof.reordered)],
          [texts.longestGap, longestGapMs === undefined ? texts.underSecond : format.duration(longestGapMs)],
        ]}
      />
    </div>
  );
}

function History({ history }: Pick<ClusterResource, 'history'>) {
  const { resource: texts } = useTexts();
  const format = useFormat();
  const figures = ({ proof }: Past) => {
    if (!proof) return '–';
    const { sent = 0, lost = 0, duplicated = 0, reordered = 0 } = proof;
    return [sent, lost, duplicated, reordered].map(format.number).join(' / ');
  };
  const proofTitle = [texts.sent, texts.lost, texts.duplicated, texts.reordered].join(' / ');
  return (
    <Part title={texts.history}>
      <List<Past>
        label={texts.history}
        entries={history}
        keyOf={({ revision, finishTime = 0 }) => `${revision} ${finishTime}`}
        state={COMPLETE}
        columns={[
          { title: texts.version, cell: ({ version = '–' }) => <span className="breaks">{version}</span> },
          { title: texts.outcome, cell: ({ outcome }) => outcome },
          { title: texts.started, cell: ({ startTime = 0 }) => <Time ms={startTime} /> },
          { title: texts.finished, cell: ({ finishTime = 0 }) => <Time ms={finishTime} /> },
          { title: proofTitle, cell: figures },
          { title: texts.message, cell: ({ message = '' }) => <span className="breaks">{message}</span> },
        ]}
      />
    </Part>
  );
}
