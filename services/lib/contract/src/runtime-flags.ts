/**
 * Flags that a process with these roles is to be started with, since the runtime takes them at its start
 * only: on its command line or in NODE_OPTIONS.
 */
export function runtimeFlags(roles: readonly string[]): string[] {
  // Left alone, the young generation of a process that opens thousands of connections grows to three times
  // 16 MiB and stays there: as much as the connections themselves need.
  return roles.length === 1 && roles[0] === 'gateway' ? ['--max-semi-space-size=4'] : [];
}
