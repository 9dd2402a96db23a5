/** Texts in English of the page of the cluster. */
export const clusterEn = {
  title: 'Cluster',
  alarms: 'Alarms',
  noAlarms: 'Nothing needs attention.',
  severities: { critical: 'Critical', warning: 'Warning', info: 'Notice' },
  tenantOnly: 'Figures of the whole cluster need rights in all tenants.',
  kinds: {
    roleMissing: {
      message: (subject: string) => `No process has the role ${subject}.`,
      remedy: 'Start one, or raise its replicas above 0.',
    },
    notReady: {
      message: () => 'Not ready.',
      remedy:
        'See the reason in the table of processes, and the logs of the process. It becomes ready by itself once the cause is gone.',
    },
    degraded: {
      message: () => 'Works without a store.',
      remedy: 'Bring back the store that the table of processes names.',
    },
    partitionsUnowned: {
      message: (_subject: string, value: string) =>
        `${value} partitions of the message log have no process that stores them.`,
      remedy:
        'Messages wait and are not lost. It ends within a minute of a restart; otherwise start a process with the role transfer.',
    },
    logUnknown: {
      message: () => 'NATS does not answer for the message log.',
      remedy: 'Check that NATS runs and has a quorum.',
    },
    logFull: {
      message: (_subject: string, value: string) =>
        `The message log is ${value} % full. Messages are refused from 90 %.`,
      remedy: 'Raise nats.logMaxBytes with the volume, or find what keeps transfer from storing.',
    },
    lag: {
      message: (_subject: string, value: string) => `${value} messages wait to be stored.`,
      remedy: 'Check MongoDB, and add CPU or replicas to transfer if it lasts.',
    },
    parked: {
      message: (_subject: string, value: string) =>
        `${value} messages are set aside, since their tenant or conversation cannot be stored.`,
      remedy: 'The logs of transfer name the tenant and the reason. The others continue.',
    },
    invalidTenants: {
      message: (_subject: string, value: string) => `${value} tenants are refused.`,
      remedy: 'Correct the fields that openimctl status names.',
    },
    gatewayFull: {
      message: (_subject: string, value: string) => `${value} % of its connections are used.`,
      remedy: 'Add gateways.',
    },
    gatewayRefuses: {
      message: (_subject: string, value: string) => `Refuses ${value} connections per second.`,
      remedy: 'Add gateways, or wait for the peak to pass.',
    },
    slowProcess: {
      message: (_subject: string, value: string) => `Its event loop is ${value} ms late.`,
      remedy: 'Give it more CPU, or add replicas of its role.',
    },
    versionsDiffer: {
      message: (_subject: string, value: string) => `${value} versions run side by side.`,
      remedy: 'No action needed during a roll-out; otherwise see openimctl status.',
    },
    draining: {
      message: (_subject: string, value: string) => `Drains: ${value} connections are left.`,
      remedy: 'No action needed.',
    },
  },
  log: 'Message log',
  logSize: 'Size',
  logOf: (bytes: string, most: string) => `${bytes} of ${most}`,
  lag: 'Waiting to be stored',
  partitions: 'Partitions with a process',
  parked: 'Set aside',
  gateways: 'Gateways',
  gateway: 'Gateway',
  connections: 'Connections',
  handshakes: 'Logins/s',
  refused: 'Refused/s',
  latency: 'Login p99',
  state: 'State',
  serving: 'Serving',
  draining: (left: string, rate: string, eta: string) => `Draining: ${left} left, ${rate}/s, ${eta}`,
  processes: 'Processes',
  process: 'Process',
  roles: 'Roles',
  version: 'Version',
  ready: 'Ready',
  notReady: 'Not ready',
  unknown: 'unknown',
  started: 'Started',
  memory: 'Memory',
  delay: 'Event loop p99',
  kubernetes:
    'Roll-outs and their steps, volumes and nodes are known to Kubernetes alone: see openimctl status there.',
  tenantAlarms: {
    quota: (what: string) => `Quota used up: ${what}.`,
    quotaRemedy: 'Raise the quota, or free some: what needs more of it is refused.',
    deadLetters: 'Webhooks could not be delivered for a day.',
    deadLettersRemedy: 'Fix the receiver, then replay them on the page Webhooks and push.',
    jobs: (what: string) => `Scheduled jobs failed: ${what}.`,
    jobsRemedy: 'See the error on the page Scheduled jobs, and run them again.',
    show: 'Show',
  },
};
