import type { Service } from '@im/kube';
import { storeDisruptionBudget } from '../disruption-budgets.ts';
import type { ManagedObjectStorage } from '../effective-stores.ts';
import { nameOf, type Owner, STORE_PORTS } from '../names.ts';
import { withServiceSettings } from '../service-settings.ts';
import {
  goMemoryLimit,
  podService,
  type StoreInput,
  type StoreManifest,
  storeService,
  storeSet,
} from './store-set.ts';

const COMPONENT = 'object-storage';
const DATA = '/data';
const PORT = { name: 's3', port: STORE_PORTS.objectStorage } as const;

/**
 * All of SeaweedFS in one process, and nothing but S3 reachable from outside the pod, since its internal components
 * require no password. `server`, not `mini`: older versions have no `mini`.
 *
 * Every bucket has its own volumes, which are files that grow as they are filled. By default a bucket takes seven at
 * once and the number is limited by disk space over their greatest size, so that a handful of tenants would use them
 * all up; here a bucket starts with one, and free disk space alone is the limit.
 */
const WEED_FLAGS = [
  `-dir=${DATA}`,
  '-ip=127.0.0.1',
  '-ip.bind=127.0.0.1',
  '-filer',
  '-s3',
  '-s3.ip.bind=0.0.0.0',
  `-s3.port=${PORT.port}`,
  '-master.volumeSizeLimitMB=1024',
  '-volume.max=4096',
  '-volume.minFreeSpace=5',
  '-volume.preStopSeconds=0',
];

/** S3-compatible storage of objects. */
export function objectStorageManifests(input: StoreInput, store: ManagedObjectStorage): StoreManifest[] {
  const { owner } = input;
  const fromCredentials = (name: string, key: string) => ({
    name,
    valueFrom: { secretKeyRef: { name: nameOf.credentials(owner.name), key } },
  });
  const httpGet = { path: '/healthz', port: PORT.name };
  return [
    podService(owner, COMPONENT, [PORT]),
    clientService(owner, store),
    storeDisruptionBudget(owner, COMPONENT),
    storeSet(input, {
      component: COMPONENT,
      store,
      replicas: 1,
      dataPath: DATA,
      graceSeconds: 30,
      volumes: [],
      container: {
        name: COMPONENT,
        command: ['weed', '-logtostderr', 'server', ...WEED_FLAGS],
        workingDir: DATA,
        env: [
          fromCredentials('AWS_ACCESS_KEY_ID', 's3AccessKey'),
          fromCredentials('AWS_SECRET_ACCESS_KEY', 's3SecretKey'),
          { name: 'WEED_MASTER_VOLUME_GROWTH_COPY_1', value: '1' },
          { name: 'HOME', value: '/tmp' },
          ...goMemoryLimit(store),
        ],
        ports: [{ name: PORT.name, containerPort: PORT.port, protocol: 'TCP' }],
        startupProbe: { httpGet, periodSeconds: 2, failureThreshold: 150, timeoutSeconds: 3 },
        readinessProbe: { httpGet, periodSeconds: 3, failureThreshold: 2, timeoutSeconds: 3 },
        livenessProbe: { httpGet, periodSeconds: 10, failureThreshold: 6, timeoutSeconds: 5 },
      },
    }),
  ];
}

/** Clients fetch objects by themselves, so this Service may be opened to the outside. */
function clientService(owner: Owner, { service }: ManagedObjectStorage): Service {
  const { spec, ...made } = storeService(owner, COMPONENT, { name: PORT.name, port: service.port });
  const nodePort = service.nodePort === undefined ? {} : { nodePort: service.nodePort };
  const ports = spec?.ports?.map((port) => ({ ...port, ...nodePort }));
  return withServiceSettings({ ...made, spec: { ...spec, type: service.type, ports } }, service);
}
