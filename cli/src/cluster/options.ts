import { type Command, Option } from 'commander';

/** Options by which a command finds a Kubernetes cluster. */
export interface KubeOptions {
  kubeconfig?: string;
  /** Context of the kubeconfig. */
  kubeContext?: string;
  /** Context of openimctl; what it says is in the other options already. */
  context?: string;
  namespace?: string;
}

/** The option that names a context of openimctl. */
function contextOption(): Option {
  return new Option(
    '--context <name>',
    'server by the name under which `openimctl context add` keeps it (env: OPENIM_CONTEXT)',
  );
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
    .addOption(new Option('--kube-context <name>', 'context of the kubeconfig; the current one when absent'))
    .addOption(contextOption())
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
