import { hostname } from 'node:os';
import { LOG_LEVELS, type LogLevel } from '@im/contract';
import { type Environment, wantsFormerNames } from '@im/process';
import { PLACE_LIMITS, type PlaceLimits } from './controllers/cluster/rollout/rollout-places.ts';
import { FIELD_MANAGER, OPS_PORT } from './resources/names.ts';

/** An environment variable of the operator. */
export interface Variable {
  readonly name: string;
  /** Name in the version before. */
  readonly former?: string;
  /** What it may be, for the reference. */
  readonly values: string;
  /** What an absent one means; undefined when it is required. */
  readonly default?: string;
  readonly description: string;
}

/** Every environment variable that the operator reads, in addition to those of a kubeconfig. */
export const VARIABLES = {
  image: {
    name: 'OPENIM_OPERATOR_IMAGE',
    former: 'OPERATOR_IMAGE',
    values: 'image with a tag or digest',
    description: 'Image that clusters run unless their spec names another. The chart sets its own.',
  },
  watchNamespace: {
    name: 'OPENIM_WATCH_NAMESPACE',
    former: 'WATCH_NAMESPACE',
    values: 'namespace',
    default: 'all namespaces',
    description: 'Namespace whose clusters it manages (chart: `watchNamespace`).',
  },
  logLevel: {
    name: 'OPENIM_LOG_LEVEL',
    former: 'LOG_LEVEL',
    values: LOG_LEVELS.map((level) => `\`${level}\``).join(', '),
    default: '`info`',
    description: 'Minimum level of log lines (chart: `logLevel`).',
  },
  concurrentRollouts: {
    name: 'OPENIM_CONCURRENT_ROLLOUTS',
    values: '1 to 10000',
    default: `\`${PLACE_LIMITS.rollout}\``,
    description:
      'Clusters whose pods it replaces at the same time (chart: `concurrentRollouts`); others wait with reason `WaitingForOtherClusters`.',
  },
  concurrentCreations: {
    name: 'OPENIM_CONCURRENT_CREATIONS',
    values: '1 to 10000',
    default: `\`${PLACE_LIMITS.creation}\``,
    description: 'New clusters that it creates at the same time (chart: `concurrentCreations`).',
  },
  opsPort: {
    name: 'OPENIM_OPS_PORT',
    former: 'OPS_PORT',
    values: '0 to 65535',
    default: `\`${OPS_PORT}\``,
    description: 'Port for probes and metrics; 0 takes a free one.',
  },
  formerMetricNames: {
    name: 'OPENIM_FORMER_METRIC_NAMES',
    values: '`on`, `off`',
    default: '`on`',
    description: 'Whether metrics also have the names of the version before.',
  },
  podName: {
    name: 'POD_NAME',
    values: 'text',
    default: 'host name',
    description: 'Identity in the lease and in events; from the downward API.',
  },
  podNamespace: {
    name: 'POD_NAMESPACE',
    values: 'namespace',
    default: 'that of the service account or kubeconfig',
    description: 'Namespace of the operator, where its lease is; from the downward API.',
  },
  leaseName: {
    name: 'OPENIM_LEASE_NAME',
    values: 'name of an object',
    default: '`openim-operator`',
    description:
      'Lease by which replicas elect their leader; of the name of the release in the chart, so that two releases in one namespace do not compete.',
  },
} as const satisfies Readonly<Record<string, Variable>>;

/** Settings of the operator; all come from the environment, which its Deployment sets. */
export interface Settings {
  /** Image that clusters run unless their spec names another. */
  readonly image: string;
  /** Namespace of the operator itself. */
  readonly namespace: string | undefined;
  /** Namespace whose clusters it manages; all when absent. */
  readonly watchNamespace: string | undefined;
  /** How many clusters are created and rolled out at the same time. */
  readonly placeLimits: PlaceLimits;
  readonly identity: string;
  /** Lease by which replicas elect their leader. */
  readonly leaseName: string;
  readonly opsPort: number;
  readonly logLevel: LogLevel;
  readonly formerMetricNames: boolean;
}

/** @throws RangeError that names the variable at fault. */
export function readSettings(environment: Environment): Settings {
  const valueIn = ({ name, former }: Variable) => environment.get(name, former);
  const image = valueIn(VARIABLES.image) ?? '';
  if (image === '') {
    throw new RangeError(
      `${VARIABLES.image.name} is not set: set it to the image that clusters run by default`,
    );
  }
  const level = valueIn(VARIABLES.logLevel) ?? 'info';
  const logLevel = LOG_LEVELS.find((known) => known === level);
  if (!logLevel) {
    throw new RangeError(`${VARIABLES.logLevel.name}: ${level} is none of ${LOG_LEVELS.join(', ')}`);
  }
  const port = valueIn(VARIABLES.opsPort) ?? OPS_PORT;
  const opsPort = Number(port);
  if (port === '' || !Number.isInteger(opsPort) || opsPort < 0 || opsPort > 65_535) {
    throw new RangeError(`${VARIABLES.opsPort.name}: ${port} is not a port`);
  }
  const limit = (variable: Variable, otherwise: number): number => {
    const text = valueIn(variable) ?? String(otherwise);
    const value = Number(text);
    if (text === '' || !Number.isInteger(value) || value < 1 || value > 10_000) {
      throw new RangeError(`${variable.name}: ${text} is not a number from 1 to 10000`);
    }
    return value;
  };
  const podName = valueIn(VARIABLES.podName) ?? hostname();
  return {
    image,
    namespace: valueIn(VARIABLES.podNamespace),
    watchNamespace: valueIn(VARIABLES.watchNamespace) || undefined,
    placeLimits: {
      creation: limit(VARIABLES.concurrentCreations, PLACE_LIMITS.creation),
      rollout: limit(VARIABLES.concurrentRollouts, PLACE_LIMITS.rollout),
    },
    leaseName: valueIn(VARIABLES.leaseName) || FIELD_MANAGER,
    identity: `${podName}-${process.pid}-${Date.now().toString(36)}`,
    opsPort,
    logLevel,
    formerMetricNames: wantsFormerNames(environment),
  };
}
