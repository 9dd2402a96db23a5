import { timestamp } from '@im/kube';
import type { OpenIMClusterStatus, OpenIMClusterStatusGateway } from '../../../gen/openimcluster.ts';
import { REVISION_LABEL } from '../../../resources/names.ts';
import type { Observation, StatusInput } from '../observation/observation.ts';
import { parkedOf } from './conditions.ts';
import { isReady, podProblem } from './pod-problem.ts';
import { componentOf } from './status-components.ts';

/** Shortest time between two writes of figures that move all the time, ms. */
export const FIGURES_MS = 10_000;
/** Most gateways in status: those that drain, and of the others the worst. */
const DRAINING_LISTED = 30;
const OTHERS_LISTED = 20;

/** The part of the status that moves all the time. */
export type Figures = Pick<
  OpenIMClusterStatus,
  'observedAt' | 'connections' | 'log' | 'gateways' | 'gatewaysOmitted'
>;

/**
 * Connections, lag and sizes, rounded, with the time of the look that they are from. They are taken over from the
 * status before until this operator has looked at the cluster, and for {@link FIGURES_MS} after each write.
 */
export function figuresOf(input: StatusInput): Figures {
  const { before, observation, now } = input;
  const isFresh =
    before?.observedAt !== undefined && now.getTime() - Date.parse(before.observedAt) < FIGURES_MS;
  const { observedAt } = observation;
  if (observedAt === undefined || isFresh || input.deleting) {
    const kept = (name: string) => before?.gateways?.find(({ pod }) => pod === name);
    return {
      ...(before?.observedAt === undefined ? {} : { observedAt: before.observedAt }),
      ...(before?.connections === undefined ? {} : { connections: before.connections }),
      ...(before?.log === undefined ? {} : { log: before.log }),
      ...listed(gatewaysOf(input, kept)),
    };
  }
  const known = before?.gateways ?? [];
  const gateways = gatewaysOf(input, (name) => {
    const gateway = observation.reports.get(name)?.status.gateway ?? observation.processes.get(name)?.gateway;
    // A gateway that is silent for the moment still has its connections.
    if (gateway === undefined) return known.find(({ pod }) => pod === name);
    return {
      connections: gateway.connections,
      ...(gateway.draining && {
        draining: true,
        drainRemaining: gateway.drainRemaining,
        drainEtaSeconds: gateway.drainEtaSeconds,
      }),
    };
  });
  const total = gateways.reduce((sum, { connections = 0 }) => sum + connections, 0);
  return {
    observedAt: timestamp(new Date(observedAt)),
    connections: rounded(total),
    log: logOf(input),
    ...listed(gateways.map(roundedGateway)),
  };
}

/** Whether the figures in `status` differ from what is observed. */
export function figuresDue(status: OpenIMClusterStatus | undefined, observation: Observation): boolean {
  if (observation.observedAt === undefined || status === undefined) return false;
  const processes = [...observation.processes.values()];
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const connections = rounded(sum(processes.map(({ gateway }) => gateway?.connections ?? 0)));
  const lag = rounded(sum(processes.map(({ transfer }) => transfer?.lagRecords ?? 0)), 2);
  if (connections !== (status.connections ?? 0) || lag !== (status.log?.lagRecords ?? 0)) return true;
  return processes.some(({ gateway }) => gateway?.draining);
}

function logOf({ observation, before }: StatusInput): NonNullable<OpenIMClusterStatus['log']> {
  const transfers = [...observation.processes.values()].flatMap(({ transfer }) => transfer ?? []);
  const nats = observation.stores.nats;
  const { logBytes = before?.log?.bytes, logMaxBytes = before?.log?.maxBytes } = nats?.ok ? nats.detail : {};
  return {
    lagRecords: rounded(
      transfers.reduce((sum, { lagRecords }) => sum + lagRecords, 0),
      2,
    ),
    ...parkedOf(transfers),
    ...(logBytes === undefined ? {} : { bytes: rounded(logBytes) }),
    ...(logMaxBytes === undefined ? {} : { maxBytes: logMaxBytes }),
  };
}

function gatewaysOf(
  { pods }: StatusInput,
  figures: (pod: string) => Partial<OpenIMClusterStatusGateway> | undefined,
): OpenIMClusterStatusGateway[] {
  return pods
    .filter((pod) => componentOf(pod) === 'gateway')
    .map((pod): OpenIMClusterStatusGateway => {
      const { connections, draining, drainRemaining, drainEtaSeconds } = figures(pod.metadata.name) ?? {};
      const problem = podProblem(pod);
      return {
        pod: pod.metadata.name,
        revision: pod.metadata.labels?.[REVISION_LABEL] ?? '',
        ready: isReady(pod),
        ...(connections === undefined ? {} : { connections }),
        ...(draining
          ? {
              draining,
              ...(drainRemaining === undefined ? {} : { drainRemaining }),
              ...(drainEtaSeconds === undefined ? {} : { drainEtaSeconds }),
            }
          : {}),
        ...(problem === undefined || draining ? {} : { reason: problem }),
      };
    });
}

function roundedGateway(gateway: OpenIMClusterStatusGateway): OpenIMClusterStatusGateway {
  const { connections, drainRemaining, drainEtaSeconds } = gateway;
  return {
    ...gateway,
    ...(connections === undefined ? {} : { connections: rounded(connections) }),
    ...(drainRemaining === undefined ? {} : { drainRemaining: rounded(drainRemaining) }),
    ...(drainEtaSeconds === undefined ? {} : { drainEtaSeconds: Math.ceil(drainEtaSeconds / 5) * 5 }),
  };
}

/** The gateways that status lists, by name, and the number of the others. */
function listed(gateways: readonly OpenIMClusterStatusGateway[]) {
  const draining = gateways.filter((gateway) => gateway.draining);
  const others = gateways
    .filter((gateway) => !gateway.draining)
    .sort(
      (a, b) =>
        Number(a.ready) - Number(b.ready) ||
        (b.connections ?? 0) - (a.connections ?? 0) ||
        (a.pod < b.pod ? -1 : 1),
    );
  const kept = [...draining.slice(0, DRAINING_LISTED), ...others.slice(0, OTHERS_LISTED)];
  const omitted = gateways.length - kept.length;
  return {
    gateways: kept.sort((a, b) => (a.pod < b.pod ? -1 : 1)),
    ...(omitted > 0 ? { gatewaysOmitted: omitted } : {}),
  };
}

/** A figure from 1,000 on with so many significant digits. */
function rounded(figure: number, digits = 3): number {
  if (figure < 1_000) return Math.round(figure);
  return Number(figure.toPrecision(digits));
}
