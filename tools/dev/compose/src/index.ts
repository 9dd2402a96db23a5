import { join } from 'node:path';
import { installProgram, type Program, programIn } from '@im/dev-kubernetes';

/** What docker-compose is compiled from. */
export function composeProgram(): Program {
  return programIn(join(import.meta.dirname, '..'), 'docker-compose', {
    module: 'github.com/docker/compose/v2',
    package: 'github.com/docker/compose/v2/cmd',
    cpuMinutes: 6,
  });
}

/** Path of docker-compose, which is compiled at its first use on a machine. It needs an engine only for what starts something. */
export async function installCompose(): Promise<string> {
  return join(await installProgram(composeProgram()), 'docker-compose');
}
