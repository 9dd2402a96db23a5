/** Archive of openimctl as a plugin of kubectl. */
export interface PluginArchive {
  readonly version: string;
  /** Where it can be downloaded. */
  readonly uri: string;
  readonly sha256: string;
  /** Name of the program in the archive. */
  readonly bin: string;
}

/** What `bin` runs on; the archive is the same for all, as it has no program of a platform. */
const PLATFORMS = ['linux', 'darwin'].flatMap((os) => ['amd64', 'arm64'].map((arch) => ({ os, arch })));

/** Name of the plugin, as in `kubectl openim`, and of its manifest. */
export const PLUGIN = 'openim';

/**
 * The manifest by which krew installs a plugin, as JSON, which is YAML, too.
 * Source: https://krew.sigs.k8s.io/docs/developer-guide/plugin-manifest
 */
export function krewManifest({ version, uri, sha256, bin }: PluginArchive): string {
  const manifest = {
    apiVersion: 'krew.googlecontainertools.github.com/v1alpha2',
    kind: 'Plugin',
    metadata: { name: PLUGIN },
    spec: {
      version: `v${version}`,
      homepage: new URL('.', uri).href,
      shortDescription: 'Operate OpenIM messaging clusters and tenants',
      description:
        'Tenants, keys, users, tokens, gateways, upgrades, diagnosis and verification of the instant messaging clusters of openim-operator: openimctl as a plugin.',
      caveats: 'Node.js 24 or later must be on the PATH (https://nodejs.org).',
      platforms: PLATFORMS.map((matchLabels) => ({
        selector: { matchLabels },
        ...{ uri, sha256, bin },
        files: [{ from: '*', to: '.' }],
      })),
    },
  };
  return `${JSON.stringify(manifest, null, 2)}\n`;
}
