import { join } from 'node:path';
import { installProgram, type Program, programIn } from '@im/dev-kubernetes';

/** Programs of krew, the package manager of kubectl plugins. */
export type KrewProgram = 'krew' | 'validate-krew-manifest';

/** What a program is compiled from. */
export function krewProgram(name: KrewProgram): Program {
  return programIn(join(import.meta.dirname, '..'), name, {
    module: 'sigs.k8s.io/krew',
    package: `sigs.k8s.io/krew/cmd/${name}`,
    cpuMinutes: 0.7,
  });
}

/** Path of a program, which is compiled at its first use on a machine. */
export async function installKrew(name: KrewProgram): Promise<string> {
  return join(await installProgram(krewProgram(name)), name);
}
