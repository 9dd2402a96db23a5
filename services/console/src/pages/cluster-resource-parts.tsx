import type { ClusterResource } from '@im/admin-api';
import { Badge, Stack, Text } from '@mantine/core';
import { BAD, GOOD, NEUTRAL, WARNING } from '../components/colours.ts';
import { Copyable } from '../components/copyable.tsx';
import { Facts } from '../components/facts.tsx';
import { COMPLETE, List } from '../components/list.tsx';
import { Part } from '../components/part.tsx';
import { Time } from '../components/time.tsx';
import { useFormat, useTexts } from '../i18n/language.tsx';
import { UpgradeParts } from './cluster-upgrade.tsx';

const SECOND_MS = 1_000;

const PHASE_COLOURS: Readonly<Record<ClusterResource['phase'], string>> = {
  Ready: GOOD,
  NotReady: BAD,
  Progressing: WARNING,
  Upgrading: WARNING,
  Paused: WARNING,
  Deleting: BAD,
  Unknown: NEUTRAL,
};

/** What the operator reports of the cluster. */
export function ResourceParts({ resource }: { readonly resource: ClusterResource }) {
  const { resource: texts } = useTexts();
  const format = useFormat();
  const { namespace, name, phase, rollout, createTime = 0, observedTime = 0 } = resource;
  return (
    <Stack gap="md">
      <Facts
        facts={[
          [texts.name, <Copyable key="name" value={`${namespace}/${name}`} />],
          [
            texts.phase,
            <Badge key="phase" color={PHASE_COLOURS[phase]} tt="none" data-phase={phase}>
              {texts.phases[phase]}
            </Badge>,
          ],
          [texts.version, resource.version ?? ''],
          [texts.wantedVersion, resource.wantedVersion ?? ''],
          [texts.connections, resource.connections === undefined ? '' : format.number(resource.connections)],
          [texts.gatewaysReady, resource.gatewaysReady ?? ''],
          [texts.created, <Time key="created" ms={createTime} />],
          [texts.observed, <Time key="observed" ms={observedTime} />],
          ...(rollout ? [[texts.rollout, [rollout.stage, rollout.message].join(': ')] as const] : []),
        ]}
      />
      {!resource.isCurrent && <Text size="sm">{texts.notCurrent}</Text>}
      <Conditions conditions={resource.conditions} />
      <Components components={resource.components} />
      {resource.volumes.length > 0 && <Volumes volumes={resource.volumes} />}
      {resource.gateways.length > 0 && <GatewayPods resource={resource} />}
      <UpgradeParts upgrade={resource.upgrade} history={resource.history} />
    </Stack>
  );
}

/** Conditions that are good when they are false, as Kubernetes writes them. */
const GOOD_WHEN_FALSE = ['Progressing', 'Paused'];

function conditionColour({ type, status }: ClusterResource['conditions'][number]): string {
  if (status === 'Unknown') return NEUTRAL;
  if (GOOD_WHEN_FALSE.includes(type)) return status === 'True' ? WARNING : GOOD;
  return status === 'True' ? GOOD : BAD;
}

function Conditions({ conditions }: Pick<ClusterResource, 'conditions'>) {
  const { resource: texts } = useTexts();
  return (
    <Part title={texts.conditions}>
      {conditions.length === 0 && <Text size="sm">{texts.noConditions}</Text>}
      <Stack gap="xs" component="ul" m={0} p={0} aria-label={texts.conditions}>
        {conditions.map((condition) => (
          <li key={condition.type} className="plain" data-condition={condition.type}>
            <Text size="sm" component="div" className="breaks">
              <Badge color={conditionColour(condition)} tt="none" mr={6}>
                {condition.type}: {condition.status}
              </Badge>
              {condition.reason} · {texts.since} <Time ms={condition.changeTime ?? 0} />
            </Text>
            {condition.message !== '' && (
              <Text size="sm" className="breaks">
                {condition.message}
              </Text>
            )}
          </li>
        ))}
      </Stack>
    </Part>
  );
}

type Component = ClusterResource['components'][number];

function Components({ components }: Pick<ClusterResource, 'components'>) {
  const { resource: texts } = useTexts();
  const format = useFormat();
  const podsOf = ({ ready, desired }: Component) =>
    ready === undefined || desired === undefined
      ? '–'
      : `${format.number(ready)} / ${format.number(desired)}`;
  return (
    <Part title={texts.components}>
      <List<Component>
        label={texts.components}
        entries={components}
        keyOf={({ name }) => name}
        state={COMPLETE}
        columns={[
          {
            title: texts.component,
            cell: ({ name, external }) => (external ? `${name} (${texts.external})` : name),
          },
          { title: texts.pods, cell: podsOf },
          {
            title: texts.updated,
            cell: ({ updated }) => (updated === undefined ? '–' : format.number(updated)),
          },
          { title: texts.version, cell: ({ version = '–' }) => <span className="breaks">{version}</span> },
          { title: texts.reason, cell: ({ reason = '' }) => <span className="breaks">{reason}</span> },
        ]}
      />
    </Part>
  );
}

type Volume = ClusterResource['volumes'][number];

function Volumes({ volumes }: Pick<ClusterResource, 'volumes'>) {
  const { resource: texts } = useTexts();
  return (
    <Part title={texts.volumes}>
      <List<Volume>
        label={texts.volumes}
        entries={volumes}
        keyOf={({ claim }) => claim}
        state={COMPLETE}
        columns={[
          { title: texts.volume, cell: ({ claim }) => <span className="breaks">{claim}</span> },
          { title: texts.store, cell: ({ store }) => store },
          {
            title: texts.size,
            cell: ({ capacity, requested }) => (capacity ? texts.sizeOf(capacity, requested) : requested),
          },
          { title: texts.state, cell: ({ state }) => state },
        ]}
      />
    </Part>
  );
}

type Gateway = ClusterResource['gateways'][number];

function GatewayPods({
  resource: { gateways, gatewaysOmitted = 0 },
}: {
  readonly resource: ClusterResource;
}) {
  const { resource: texts } = useTexts();
  const format = useFormat();
  const stateOf = ({ ready, draining, drainRemaining = 0, drainEtaSeconds = 0 }: Gateway) => {
    if (draining)
      return texts.draining(format.number(drainRemaining), format.duration(drainEtaSeconds * SECOND_MS));
    return ready ? texts.serving : texts.notReady;
  };
  return (
    <Part title={texts.gateways}>
      <List<Gateway>
        label={texts.gateways}
        entries={gateways}
        keyOf={({ pod }) => pod}
        state={COMPLETE}
        columns={[
          { title: texts.gateway, cell: ({ pod }) => <span className="breaks">{pod}</span> },
          {
            title: texts.connections,
            cell: ({ connections }) => (connections === undefined ? '–' : format.number(connections)),
          },
          {
            title: texts.state,
            cell: (gateway) => (
              <Badge color={gateway.ready && !gateway.draining ? GOOD : WARNING} tt="none">
                {stateOf(gateway)}
              </Badge>
            ),
          },
          { title: texts.reason, cell: ({ reason = '' }) => <span className="breaks">{reason}</span> },
        ]}
      />
      {gatewaysOmitted > 0 && <Text size="sm">{texts.gatewaysOmitted(format.number(gatewaysOmitted))}</Text>}
    </Part>
  );
}
