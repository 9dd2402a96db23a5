import type { Container } from '@im/kube';
import type { Owner } from './names.ts';
import type { Volume } from './store-tls.ts';

/** What a pod needs so that the console can read the resource with the token of the person who looks at it. */
export interface ResourceAccess {
  readonly env: NonNullable<Container['env']>;
  readonly volume: Volume;
  readonly mount: NonNullable<Container['volumeMounts']>[number];
}

const VOLUME = 'kubernetes-ca';
const DIR = '/etc/openim/kubernetes';
const CA_FILE = 'ca.crt';
/** Kubernetes keeps it in every namespace. */
const ROOT_CA = 'kube-root-ca.crt';

/**
 * Name of the resource and CA of the API server, but no token. The settings are variables, not part of the config:
 * processes of earlier versions refuse settings that they do not know, and ignore such variables.
 */
export function resourceAccess({ namespace, name }: Owner): ResourceAccess {
  return {
    env: [
      { name: 'OPENIM_API_CONSOLE_RESOURCE_NAMESPACE', value: namespace },
      { name: 'OPENIM_API_CONSOLE_RESOURCE_NAME', value: name },
      { name: 'OPENIM_API_CONSOLE_RESOURCE_CA_FILE', value: `${DIR}/${CA_FILE}` },
    ],
    // Pods start where it is missing, too: the page then says so.
    volume: {
      name: VOLUME,
      configMap: {
        name: ROOT_CA,
        defaultMode: 0o440,
        optional: true,
        items: [{ key: CA_FILE, path: CA_FILE }],
      },
    },
    mount: { name: VOLUME, mountPath: DIR, readOnly: true },
  };
}
