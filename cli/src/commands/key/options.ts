import { Option } from 'commander';

/** The config file in which a command works, instead of on Kubernetes. */
export function configOption(): Option {
  return new Option('--config <file>', 'config file of the processes, instead of a cluster on Kubernetes');
}
