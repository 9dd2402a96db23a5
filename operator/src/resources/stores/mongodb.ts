import { storeDisruptionBudget } from '../disruption-budgets.ts';
import type { ManagedStore } from '../effective-stores.ts';
import { nameOf, STORE_PORTS } from '../names.ts';
import { podService, type StoreInput, type StoreManifest, storeFiles, storeSet } from './store-set.ts';

const COMPONENT = 'mongodb';
const CONFIG_DIR = '/etc/mongodb';
const KEY_DIR = '/run/mongodb';
const DATA = '/data/db';
const PORT = { name: 'mongodb', port: STORE_PORTS.mongodb } as const;

/** Name of the replica set, which the operator initiates. */
export const REPLICA_SET = 'rs0';

/**
 * MongoDB as a replica set of one member. The image's entrypoint makes the root user at the first start, so it is left
 * in place and gets the program as arguments; an image without an entrypoint runs them as they are.
 *
 * mongod takes a key file only when no other user may read it, and files of a Secret are readable by the pod's
 * group. So a copy is made in memory, by the shell of the entrypoint: bash reads the file in BASH_ENV before a script.
 */
export function mongodbManifests(input: StoreInput, mongodb: ManagedStore): StoreManifest[] {
  const { owner } = input;
  const name = nameOf.component(owner.name, COMPONENT);
  const open = {
    'copy-keyfile.sh': `[ -e ${KEY_DIR}/keyfile ] || install -m 0400 ${CONFIG_DIR}/keyfile ${KEY_DIR}/keyfile\n`,
  };
  const tcpSocket = { port: PORT.name };
  return [
    ...storeFiles(owner, COMPONENT, { open }),
    podService(owner, COMPONENT, [PORT]),
    storeDisruptionBudget(owner, COMPONENT),
    storeSet(input, {
      component: COMPONENT,
      store: mongodb,
      replicas: 1,
      dataPath: DATA,
      graceSeconds: 60,
      volumes: [
        {
          name: 'config',
          projected: {
            defaultMode: 0o400,
            sources: [
              { configMap: { name } },
              {
                secret: {
                  name: nameOf.credentials(owner.name),
                  items: [
                    { key: 'mongodbUser', path: 'username' },
                    { key: 'mongodbPassword', path: 'password' },
                    { key: 'mongodbKeyfile', path: 'keyfile' },
                  ],
                },
              },
            ],
          },
        },
        { name: 'key', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
      ],
      container: {
        name: COMPONENT,
        args: [
          ['mongod'],
          ['--dbpath', DATA],
          ['--port', `${PORT.port}`],
          ['--bind_ip_all'],
          ['--replSet', REPLICA_SET],
          ['--keyFile', `${KEY_DIR}/keyfile`],
        ].flat(),
        env: [
          { name: 'MONGO_INITDB_ROOT_USERNAME_FILE', value: `${CONFIG_DIR}/username` },
          { name: 'MONGO_INITDB_ROOT_PASSWORD_FILE', value: `${CONFIG_DIR}/password` },
          { name: 'BASH_ENV', value: `${CONFIG_DIR}/copy-keyfile.sh` },
          // The shell that makes the user keeps a history.
          { name: 'HOME', value: '/tmp' },
        ],
        ports: [{ name: PORT.name, containerPort: PORT.port, protocol: 'TCP' }],
        volumeMounts: [
          { name: 'config', mountPath: CONFIG_DIR, readOnly: true },
          { name: 'key', mountPath: KEY_DIR },
        ],
        // Ten minutes to recover. While the entrypoint makes the user, the server does not listen on the pod's address.
        startupProbe: { tcpSocket, periodSeconds: 2, failureThreshold: 300, timeoutSeconds: 3 },
        readinessProbe: { tcpSocket, periodSeconds: 3, failureThreshold: 2, timeoutSeconds: 3 },
        livenessProbe: { tcpSocket, periodSeconds: 10, failureThreshold: 6, timeoutSeconds: 5 },
      },
    }),
  ];
}
