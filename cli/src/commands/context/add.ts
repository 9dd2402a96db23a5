import { Command } from 'commander';
import { tenant } from '../../arguments.ts';
import { withDryRun } from '../../dry-run.ts';
import { outputOption } from '../../output.ts';

/** `context add <name>`: keeps how to reach a server under a name. */
export function contextAdd(): Command {
  return withDryRun(new Command('add'))
    .description(
      'keep a server, its tenant and where its secret comes from under a name, in a file that only you can read; the first one becomes the current context',
    )
    .argument('<name>', 'name of the context')
    .option('--api <url>', 'base URL of the HTTP API')
    .option('--ws <url>', 'base URL of the WebSocket gateway')
    .option('--data-dir <dir>', 'data directory of `openimctl dev`')
    .option('--cluster <name>', 'name or namespace/name of an OpenIMCluster on Kubernetes')
    .option('-n, --namespace <name>', 'namespace of the OpenIMCluster')
    .option('--kubeconfig <file>', 'how to reach Kubernetes')
    .option('--kube-context <name>', 'context of the kubeconfig')
    .option('--tenant <id>', 'tenant; default when absent', tenant('--tenant'))
    .option('--admin-user <userID>', 'admin user; imAdmin when absent')
    .option(
      '--admin-secret-file <file>',
      'file with the admin secret, read at every use; - keeps what standard input says in the config file',
    )
    .option('--admin-secret-env <variable>', 'environment variable with the admin secret')
    .option('--use', 'make it the current context', false)
    .option('--replace', 'take the place of a context of this name', false)
    .addOption(outputOption())
    .action(async (name: string, options) => {
      const { addContext } = await import('../../context/run.ts');
      await addContext(name, options);
    });
}
