import { type DeployedCluster, isCluster, sample } from '@im/dev-cluster';
import { deployed } from './deploy-cluster.ts';
import { externalMongodb } from './external-mongodb.ts';

const PLACE = { namespace: 'openim-e2e-production', name: 'chat' } as const;

type Section = Readonly<Record<string, unknown>>;

/** Little CPU and memory, because everything is on one node. */
const small = (cpu: string, memory: string) => ({
  resources: { requests: { cpu, memory: '128Mi' }, limits: { memory } },
});

/**
 * The cluster of the sample `production` as near as one node allows. Its replicas, durability, limits, drain, network
 * policies, spread of gateways and objects for monitoring are those of the sample; other than there
 *
 * - requests, limits and volumes are small, of the default storage class;
 * - MongoDB is one server next to it, without TLS;
 * - clients come by node ports, because no Ingress controller runs;
 * - the proof of a roll-out waits for no soak.
 *
 * Nothing of the spread had to change: the gateways' is soft in the sample, and the NATS servers', by default a condition
 * (`DoNotSchedule`), counts nodes that take pods, of which there is one.
 */
export function productionSpec(uriSecret: string): Section {
  const found = sample('production').find(isCluster);
  if (!found) throw new Error('the sample production holds no OpenIMCluster');
  const { spec } = found;
  const section = (name: string) => spec[name] as Section;
  const { ingress: _ws, ...gateway } = section('gateway');
  const { ingress: _http, ...api } = section('api');
  const byNodePort = { service: { type: 'NodePort' } };
  return {
    ...spec,
    gateway: { ...gateway, ...small('50m', '512Mi'), ...byNodePort },
    api: { ...api, ...small('50m', '384Mi'), ...byNodePort },
    rpc: { ...section('rpc'), ...small('50m', '512Mi') },
    transfer: { ...section('transfer'), ...small('50m', '512Mi') },
    push: { ...section('push'), ...small('20m', '384Mi') },
    cron: { ...section('cron'), ...small('10m', '384Mi') },
    nats: { managed: { replicas: 3, storage: { size: '2Gi' }, ...small('50m', '512Mi') } },
    mongodb: { ...section('mongodb'), external: { uriSecretRef: { name: uriSecret, key: 'uri' } } },
    redis: { managed: { storage: { size: '512Mi' }, ...small('20m', '256Mi') } },
    objectStorage: {
      ...section('objectStorage'),
      managed: { storage: { size: '2Gi' }, ...small('20m', '512Mi') },
    },
    upgrade: { soakSeconds: 0, stepDeadlineSeconds: 300 },
    deletionPolicy: 'Purge',
  };
}

/** Deploys {@link productionSpec} with its MongoDB, and removes both when it is closed. */
export function productionCluster(): Promise<DeployedCluster> {
  return deployed(({ images }) => {
    const image = images.stores?.mongodb;
    if (image === undefined) throw new Error('MongoDB needs the image of the local driver: CLUSTER=local');
    const mongodb = externalMongodb(PLACE.namespace, image);
    return { ...PLACE, spec: productionSpec(mongodb.uriSecret), objects: mongodb.objects };
  });
}
