import { findOnPath, runCommand } from '@im/dev-stores';

const TABLES = ['nat', 'filter', 'mangle', 'raw'];
const OURS = /^(?:KUBE|CNI)-/;

/** `iptables` commands that delete the chains of Kubernetes and CNI in one table, given the output of `iptables -S`. */
export function removalCommands(rules: string): string[][] {
  const lines = rules.split('\n').map(words);
  const chains = lines.flatMap(([flag, name]) =>
    flag === '-N' && name !== undefined && OURS.test(name) ? [name] : [],
  );
  const jumps = lines.filter(
    (line) => line[0] === '-A' && !OURS.test(line[1] ?? '') && OURS.test(line[line.indexOf('-j') + 1] ?? ''),
  );
  return [
    ...jumps.map(([, ...rest]) => ['-D', ...rest]),
    ...chains.map((chain) => ['-F', chain]),
    ...chains.map((chain) => ['-X', chain]),
  ];
}

/** Removes every chain that kubelet, kube-proxy and the CNI plugins made, and the jumps to them. */
export async function removePacketFilterRules(): Promise<void> {
  for (const command of ['iptables', 'ip6tables']) {
    if ((await findOnPath(command)) === undefined) continue;
    for (const table of TABLES) {
      // A kernel without this table has no rules in it.
      const rules = await runCommand(command, ['-w', '-t', table, '-S']).catch(() => '');
      for (const removal of removalCommands(rules))
        await runCommand(command, ['-w', '-t', table, ...removal]);
    }
  }
}

/** Splits a line as a shell does: `iptables -S` quotes comments. */
function words(line: string): string[] {
  return [...line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(
    ([, quoted, plain]) => plain ?? quoted?.replace(/\\(.)/g, '$1') ?? '',
  );
}
