import { BACKEND_PORTS } from '@im/contract';
import type { KubeObject } from '@im/kube';

/** A MongoDB that the operator knows by its connection string alone. */
export interface ExternalMongodb {
  readonly objects: readonly KubeObject[];
  /** Secret with the connection string under `uri`. */
  readonly uriSecret: string;
}

const NAME = 'external-mongodb';
const ACCOUNT = { user: 'openim', password: 'not-a-secret-of-anyone' } as const;
const DATA = '/data/db';
const UID = 65_532;

/** One server with an account. @param image of the local driver, which initiates its set of one by itself. */
export function externalMongodb(namespace: string, image: string): ExternalMongodb {
  const port = BACKEND_PORTS.mongodb;
  const { user, password } = ACCOUNT;
  const labels = { app: NAME };
  const metadata = { name: NAME, namespace, labels };
  const uri = `mongodb://${user}:${password}@${NAME}.${namespace}.svc:${port}/openim?directConnection=true&authSource=admin`;
  const tcpSocket = { port };
  const pod = {
    securityContext: {
      ...{ runAsNonRoot: true, runAsUser: UID, runAsGroup: UID, fsGroup: UID },
      seccompProfile: { type: 'RuntimeDefault' },
    },
    containers: [
      {
        ...{ name: 'mongodb', image, imagePullPolicy: 'IfNotPresent' },
        args: ['mongod', '--dbpath', DATA, '--port', `${port}`, '--bind_ip_all'],
        env: [
          { name: 'MONGO_INITDB_ROOT_USERNAME', value: user },
          { name: 'MONGO_INITDB_ROOT_PASSWORD', value: password },
        ],
        ports: [{ containerPort: port }],
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        volumeMounts: [
          { name: 'data', mountPath: DATA },
          { name: 'tmp', mountPath: '/tmp' },
        ],
        startupProbe: { tcpSocket, periodSeconds: 1, failureThreshold: 60 },
        readinessProbe: { tcpSocket, periodSeconds: 3 },
      },
    ],
    volumes: [
      { name: 'data', emptyDir: {} },
      { name: 'tmp', emptyDir: {} },
    ],
  };
  const objects = [
    { apiVersion: 'v1', kind: 'Secret', metadata, stringData: { uri } },
    { apiVersion: 'v1', kind: 'Service', metadata, spec: { selector: labels, ports: [{ port }] } },
    {
      ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata },
      spec: {
        replicas: 1,
        strategy: { type: 'Recreate' },
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: pod },
      },
    },
  ];
  return { objects, uriSecret: NAME };
}
