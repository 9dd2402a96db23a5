import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CallerProof } from '@im/contract';
import type { KubeObject, StatefulSet, Stored } from '@im/kube';
import { desiredObjects } from '../src/controllers/cluster/create.ts';
import { planTenants } from '../src/controllers/tenant/create.ts';
import type { OpenIMClusterSpec } from '../src/gen/openimcluster.ts';
import type { OpenIMTenantSpec } from '../src/gen/openimtenant.ts';
import { effectiveSpec, type RunningImages } from '../src/resources/effective.ts';
import { gatewayService } from '../src/resources/services.ts';
import type { ExternalConnection } from '../src/resources/stores/credentials.ts';
import { gatewayDeployment, gatewayRevision } from '../src/resources/workloads.ts';
import { desiredInput } from './desired-fixture.ts';

/** A cluster, as far as it decides about the cluster's objects. */
export interface GoldenInput {
  readonly name: string;
  readonly spec: OpenIMClusterSpec;
  readonly tenants: readonly { readonly name: string; readonly spec: Omit<OpenIMTenantSpec, 'clusterRef'> }[];
  /** Contents of the user's Secrets that the spec refers to. */
  readonly external: ExternalConnection;
  readonly objectsURL: string;
  readonly rpcKey: CallerProof;
  readonly restartedAt?: string;
}

/** The objects that a released operator makes for a cluster. */
export interface Golden {
  readonly input: GoldenInput;
  /** `status.effective` of the cluster. */
  readonly effective: object;
  readonly configHash: string;
  readonly objects: readonly KubeObject[];
}

export const NAMESPACE = 'default';
export const UID = '00000000-0000-4000-8000-000000000000';
/** The operator of the recorded version. */
export const OPERATOR = { version: '0.1.0', image: 'openim/openim-operator:0.1.0' };

/** Generated passwords, fixed. */
export const CREDENTIALS = {
  natsUser: 'openim',
  natsPassword: '6e617473'.repeat(6),
  redisPassword: '72656469'.repeat(6),
  mongodbUser: 'openim',
  mongodbPassword: '6d6f6e67'.repeat(6),
  mongodbKeyfile: 'a2V5'.repeat(128),
  s3AccessKey: 'A0B1C2D3E4F5A6B7C8D9',
  s3SecretKey: '73336b65'.repeat(6),
  rpcKey: 'rpckey'.repeat(8).slice(0, 43),
};

/** Generated keys of a tenant, fixed. */
export function tenantSecretsOf(ids: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    ids.flatMap((id) => [
      [`${id}.token-secret`, 'ab12'.repeat(16)],
      [`${id}.admin-secret`, 'cd34'.repeat(9)],
    ]),
  );
}

/**
 * All objects that today's operator makes for a cluster, including the first revision of its gateways.
 * @param existing objects of the cluster, of which the operator reads the StatefulSets.
 */
export function makeObjects(
  input: GoldenInput,
  running: RunningImages,
  existing: readonly KubeObject[],
): Golden {
  const statefulSets = existing.filter(({ kind }) => kind === 'StatefulSet') as Stored<StatefulSet>[];
  const owner = { name: input.name, namespace: NAMESPACE, uid: UID };
  const effective = effectiveSpec(input.spec, OPERATOR, { gateway: running.gateway });
  const { entries: tenants } = planTenants(
    input.tenants.map(({ name, spec }) => ({
      apiVersion: 'openim.io/v1alpha1',
      kind: 'OpenIMTenant',
      metadata: { name, namespace: NAMESPACE, uid: name, resourceVersion: '1' },
      spec: { clusterRef: { name: input.name }, ...spec },
    })),
  );
  const { external, objectsURL, rpcKey, restartedAt } = input;
  const tenantSecrets = tenantSecretsOf(tenants.map(({ id }) => id));
  const own = { owner, effective, credentials: CREDENTIALS, templateVersion: 1 } as const;
  const desired = desiredObjects(
    desiredInput({ ...own, statefulSets, external, tenants, tenantSecrets, objectsURL, rpcKey, restartedAt }),
  );
  return {
    input,
    effective,
    configHash: [...desired.configHashes].join(' '),
    objects: [
      ...desired.base,
      ...desired.stages.flatMap(({ workloads }) => workloads),
      gatewayDeployment(desired.gateway, effective.gateway.replicas),
      gatewayService(owner, effective, gatewayRevision(desired.gateway)),
    ],
  };
}

const DIRECTORY = join(import.meta.dirname, 'testdata/takeover');

/** The recorded clusters: a file per cluster, of which each line is JSON. */
export function readGolden(): Golden[] {
  return readdirSync(DIRECTORY).map((file) => {
    const [head, ...objects] = readFileSync(join(DIRECTORY, file), 'utf8').trimEnd().split('\n');
    return { ...JSON.parse(head ?? ''), objects: objects.map((line) => JSON.parse(line)) };
  });
}

/** Records what the present version makes: `node operator/test/golden.ts`, at a release that changes pods on purpose. */
function record({ input, effective, objects: recorded }: Golden): void {
  const { objects, ...head } = makeObjects(input, effective, recorded);
  const lines = [head, ...objects].map((line) => JSON.stringify(line));
  writeFileSync(join(DIRECTORY, `${input.name}.jsonl`), `${lines.join('\n')}\n`);
}

if (import.meta.main) for (const golden of readGolden()) record(golden);
