import { type Command, Option } from 'commander';

/** Options by which a command finds a Kubernetes cluster. */
export interface KubeOptions {
  kubeconfig?: string;
  context?: string;
  namespace?: string;
}

/** Adds the options of {@link KubeOptions} to a command. */
export function withKube(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--kubeconfig <file>',
        'how to reach Kubernetes; ~/.kube/config, or the own pod, when absent (env: KUBECONFIG)',
      ),
    )
    .addOption(new Option('--context <name>', 'context of the kubeconfig; the current one when absent'))
    .addOption(
      new Option(
        '-n, --namespace <name>',
        "namespace of the OpenIMCluster; when absent the context's, and where none is in it, any",
      ),
    );
}

/** Which OpenIMCluster, and where to look for it. */
export interface ClusterChoice extends KubeOptions {
  /** Name, or `namespace/name`; absent takes the only one. */
  readonly cluster?: string | undefined;
}
