import type { ApiCredentials } from './api-request.ts';

/** The text of a kubeconfig (JSON, which is YAML) with one cluster and one user. */
export function kubeconfigOf(cluster: string, server: string, credentials: ApiCredentials): string {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: cluster,
        cluster: { server, 'certificate-authority-data': base64(credentials.certificateAuthority) },
      },
    ],
    users: [
      {
        name: cluster,
        user: {
          'client-certificate-data': base64(credentials.certificate),
          'client-key-data': base64(credentials.key),
        },
      },
    ],
    contexts: [{ name: cluster, context: { cluster, user: cluster } }],
    'current-context': cluster,
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

/** The certificates in a kubeconfig that `kubeconfigOf` wrote. */
export function credentialsOf(kubeconfig: string): ApiCredentials {
  const text = (base64: string): string => Buffer.from(base64, 'base64').toString();
  const { clusters, users } = JSON.parse(kubeconfig);
  return {
    certificateAuthority: text(clusters[0].cluster['certificate-authority-data']),
    certificate: text(users[0].user['client-certificate-data']),
    key: text(users[0].user['client-key-data']),
  };
}
