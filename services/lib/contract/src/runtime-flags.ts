/**
 * Flags that a process with these roles is to be started with, since the runtime takes them at its start
 * only: on its command line or in NODE_OPTIONS.
 */
export function runtimeFlags(roles: readonly string[]): string[] {
  // Left alone, the young generation of a process that opens thousands of connections grows to three times
  // 16 MiB and stays there, and what opening them leaves behind is promoted: twice as much as they need themselves.
  // Roles of the message path next to it are as fast with 8 MiB as with 16.
  if (roles.length === 1 && roles[0] === 'gateway') return ['--max-semi-space-size=4'];
  return roles.includes('gateway') || roles.includes('all') ? ['--max-semi-space-size=8'] : [];
}
