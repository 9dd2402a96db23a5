import { BACKEND_PORTS, DEFAULT_PORTS } from '@im/contract';
import type { ResourceSettings } from '../gen/openimcluster.ts';

/** Default images of managed stores. */
export const STORE_IMAGES = {
  nats: 'docker.io/library/nats:2.12.1-alpine',
  mongodb: 'docker.io/library/mongo:8.0',
  redis: 'docker.io/valkey/valkey:8.1-alpine',
  objectStorage: 'docker.io/chrislusf/seaweedfs:4.48',
} as const;

/** Default ports of the Services for clients. */
export const PORTS = {
  gateway: DEFAULT_PORTS.gateway,
  api: DEFAULT_PORTS.api,
  console: DEFAULT_PORTS.api,
  objectStorage: BACKEND_PORTS.objectStorage,
} as const;

const request = (cpu: string, memory: string): ResourceSettings => ({
  requests: { cpu, memory },
  limits: { memory },
});

/** Default requests and limits. In profile Development all pods together fit on two cores. */
export const RESOURCES = {
  Development: {
    gateway: request('50m', '512Mi'),
    api: request('50m', '384Mi'),
    rpc: request('50m', '512Mi'),
    transfer: request('50m', '512Mi'),
    push: request('20m', '384Mi'),
    cron: request('10m', '384Mi'),
    prober: request('20m', '384Mi'),
    console: request('20m', '384Mi'),
    nats: request('50m', '512Mi'),
    mongodb: request('50m', '1Gi'),
    redis: request('20m', '256Mi'),
    objectStorage: request('20m', '512Mi'),
  },
  Production: {
    gateway: request('500m', '2Gi'),
    api: request('500m', '1Gi'),
    rpc: request('500m', '1Gi'),
    transfer: request('500m', '1Gi'),
    push: request('200m', '512Mi'),
    cron: request('100m', '512Mi'),
    prober: request('50m', '512Mi'),
    console: request('100m', '512Mi'),
    nats: request('1', '2Gi'),
    mongodb: request('1', '4Gi'),
    redis: request('500m', '1Gi'),
    objectStorage: request('500m', '2Gi'),
  },
} as const;

/** Default sizes of the volumes of managed stores. */
export const STORAGE = { nats: '10Gi', mongodb: '20Gi', redis: '2Gi', objectStorage: '50Gi' } as const;
