import { z } from 'zod';
import { time } from '../fields.ts';
import { operation } from '../operation.ts';

/** Absent where the resource does not have it. */
const count = z.int().min(0).optional();
const text = z.string().optional();
const at = time.optional();

/** Messages of the prober during an upgrade. */
const Proof = z
  .object({
    fromTime: at,
    untilTime: at,
    sent: count,
    acknowledged: count,
    received: count.meta({ description: 'Arrivals at connected devices.' }),
    lost: count.meta({ description: 'Acknowledged, but not stored or not received.' }),
    duplicated: count,
    reordered: count,
    longestGapMs: count.meta({
      description: 'Longest time without any arrival; absent when it was not over a second.',
    }),
  })
  .meta({ id: 'UpgradeProof' });
/** Messages of the prober during an upgrade. */
export type UpgradeProof = z.output<typeof Proof>;

const Condition = z.object({
  type: z.string(),
  status: z.string().meta({ description: '`True`, `False` or `Unknown`.' }),
  reason: z.string(),
  message: z.string(),
  changeTime: at,
});

const Component = z.object({
  name: z.string(),
  ready: count,
  desired: count,
  updated: count.meta({ description: 'Pods with the current template.' }),
  version: text,
  external: z.boolean(),
  reason: text.meta({ description: 'Why it is not ready.' }),
});

const Volume = z.object({
  claim: z.string(),
  store: z.string(),
  requested: z.string(),
  capacity: text,
  state: z.string(),
});

const ResourceGateway = z.object({
  pod: z.string(),
  revision: z.string(),
  ready: z.boolean(),
  connections: count,
  draining: z.boolean(),
  drainRemaining: count,
  drainEtaSeconds: count,
  reason: text,
});

const Upgrade = z.object({
  phase: z.string(),
  version: text,
  fromVersion: text,
  image: text,
  startTime: at.meta({ description: 'Absent while it waits.' }),
  finishTime: at,
  failTime: at,
  step: text,
  message: text.meta({ description: 'What it waits for, or why it failed.' }),
  failure: text,
  steps: z
    .array(z.object({ name: z.string(), startTime: at, settleTime: at, passTime: at }))
    .meta({ description: '50 at most.' }),
  gates: z
    .array(z.object({ name: z.string(), state: z.string(), message: text }))
    .meta({ description: 'Behind the step in progress; 20 at most.' }),
  proof: Proof.optional(),
});

const PastUpgrade = z.object({
  revision: z.string(),
  version: text,
  image: text,
  outcome: z.string(),
  startTime: at,
  finishTime: at,
  message: text,
  proof: Proof.optional(),
});

/** An OpenIMCluster as its status has it. */
export const ClusterResource = z
  .object({
    namespace: z.string(),
    name: z.string(),
    createTime: at,
    deleteTime: at.meta({ description: 'Present while it is being deleted.' }),
    phase: z
      .enum(['Ready', 'NotReady', 'Progressing', 'Upgrading', 'Paused', 'Deleting', 'Unknown'])
      .meta({ description: 'In one word, from conditions and the upgrade.' }),
    isCurrent: z.boolean().meta({ description: 'The status is about the present spec.' }),
    version: text.meta({ description: 'Of all pods; during a roll-out the older one.' }),
    wantedVersion: text,
    observedTime: at.meta({ description: 'Of the figures.' }),
    connections: count,
    gatewaysReady: text,
    rollout: z.object({ stage: text, message: text, startTime: at }).optional(),
    conditions: z.array(Condition).meta({ description: '50 at most.' }),
    components: z.array(Component).meta({ description: 'Roles and stores; 50 at most.' }),
    volumes: z.array(Volume).meta({ description: 'Of managed stores; 50 at most.' }),
    gateways: z.array(ResourceGateway).meta({ description: '50 at most, those that drain first.' }),
    gatewaysOmitted: count,
    upgrade: Upgrade.optional(),
    history: z
      .array(PastUpgrade)
      .meta({ description: 'Upgrades that have ended, the newest first; ten at most.' }),
  })
  .meta({ id: 'ClusterResource' });
/** An OpenIMCluster as its status has it. */
export type ClusterResource = z.output<typeof ClusterResource>;

/** Why a resource cannot be read, as {@link getClusterResource} and {@link giveClusterToken} name it. */
export const RESOURCE_FAULTS = [
  'notOnKubernetes',
  'tokenRefused',
  'forbidden',
  'notFound',
  'unreachable',
  'timeout',
  'invalidAnswer',
] as const;
/** Why a resource cannot be read. */
export type ResourceFault = (typeof RESOURCE_FAULTS)[number];

/** Longest token: sealed, it must fit into a cookie with any path of the console. */
export const MAX_CLUSTER_TOKEN = 2_900;

const FAULTS = `Faults have a \`kind\`: ${RESOURCE_FAULTS.map((fault) => `\`${fault}\``).join(', ')}.`;
const PAGES = 'Only for pages of the console, and those who may call `getCluster`.';

/** Gives the token with which this browser reads the resource. */
export const giveClusterToken = operation({
  id: 'giveClusterToken',
  method: 'PUT',
  path: '/cluster/resource/token',
  access: 'write',
  tag: 'cluster',
  summary: 'Give a token for Kubernetes, with which this session reads the OpenIMCluster.',
  description: `${PAGES} The server keeps it nowhere: the browser has it in a cookie, sealed with the key of the session. It is taken when the API server lets it read the resource. ${FAULTS}`,
  body: z.strictObject({
    token: z
      .string()
      .trim()
      .min(1)
      .max(MAX_CLUSTER_TOKEN, `has more than ${MAX_CLUSTER_TOKEN} characters: use one of a ServiceAccount`)
      .regex(/^[\x21-\x7e]*$/, 'contains spaces or other characters that no token has')
      .meta({
        description: 'A bearer token that the API server takes, such as `kubectl create token` prints.',
      }),
  }),
  answer: z.object({ resource: ClusterResource }),
  perSecond: 5,
  audit: { act: 'cluster.token', kind: 'cluster', omitted: ['token'] },
  console: { role: 'viewer', cluster: true },
});

/** Ends the use of a token that was given. */
export const forgetClusterToken = operation({
  id: 'forgetClusterToken',
  method: 'DELETE',
  path: '/cluster/resource/token',
  access: 'write',
  tag: 'cluster',
  summary: 'Forget the token for Kubernetes of this session.',
  description: PAGES,
  answer: z.object({}),
  perSecond: 5,
  audit: { act: 'cluster.forget', kind: 'cluster' },
  console: { role: 'viewer', cluster: true },
});

/** Reads the resource. */
export const getClusterResource = operation({
  id: 'getClusterResource',
  method: 'GET',
  path: '/cluster/resource',
  access: 'read',
  tag: 'cluster',
  summary: 'Get the OpenIMCluster, as the token of this session may read it.',
  description: `${PAGES} Each answer is read from the API server with that token alone. ${FAULTS}`,
  answer: z.object({
    given: z.boolean().meta({ description: 'Whether this session has a token.' }),
    resource: ClusterResource.optional().meta({ description: 'Absent without a token.' }),
  }),
  perSecond: 10,
  console: { role: 'viewer', cluster: true },
});
