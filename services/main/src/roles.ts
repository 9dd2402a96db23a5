import type { ServiceModule } from '@im/process';
import { DOMAINS } from '@im/protocol';
import type { ProcessDeps } from './components.ts';

/** A service as this process runs it. */
export type ProcessModule = ServiceModule<ProcessDeps>;

/**
 * Where each service comes from, in the order of starting: whom others call starts first, whom
 * clients reach starts last. Imported when its role is asked for, so that a process pays only for what it runs.
 */
const MODULES = {
  auth: async (): Promise<ProcessModule> => (await import('@im/auth')).authService,
  user: async (): Promise<ProcessModule> => (await import('@im/user')).userService,
  relation: async (): Promise<ProcessModule> => (await import('@im/relation')).relationService,
  conversation: async (): Promise<ProcessModule> => (await import('@im/conversation')).conversationService,
  group: async (): Promise<ProcessModule> => (await import('@im/group')).groupService,
  third: async (): Promise<ProcessModule> => (await import('@im/third')).thirdService,
  msg: async (): Promise<ProcessModule> => (await import('@im/msg')).msgService,
  transfer: async (): Promise<ProcessModule> => (await import('@im/transfer')).transferService,
  push: async (): Promise<ProcessModule> => (await import('@im/push')).pushService,
  cron: async (): Promise<ProcessModule> => (await import('@im/cron')).cronService,
  api: async (): Promise<ProcessModule> => (await import('@im/api')).apiService,
  gateway: async (): Promise<ProcessModule> => (await import('@im/gateway')).gatewayService,
  console: async (): Promise<ProcessModule> => (await import('@im/api')).consoleService,
  prober: async (): Promise<ProcessModule> => (await import('@im/prober')).proberService,
} as const;

/** Name of one service. */
export type ModuleName = keyof typeof MODULES;

const NAMES = Object.keys(MODULES) as ModuleName[];

/** Not part of `all`: the API has the console already, and the prober is a client of the others. */
const APART: readonly ModuleName[] = ['console', 'prober'];

/** Roles that stand for several services. */
const GROUPS: Readonly<Record<string, readonly ModuleName[]>> = {
  rpc: DOMAINS,
  all: NAMES.filter((name) => !APART.includes(name)),
};

/** Every name that a role may have. */
export const ROLES: readonly string[] = [...Object.keys(GROUPS), ...NAMES];

/** Whether a service answers RPCs; those stop after the RPC server has. */
export function isDomain(name: ModuleName): boolean {
  return DOMAINS.some((domain) => domain === name);
}

/**
 * The services of these roles, each once, in the order of starting.
 * @throws RangeError that lists the roles there are.
 */
export function servicesOf(roles: readonly string[]): ModuleName[] {
  const wanted = new Set<string>();
  for (const role of roles) {
    if (!ROLES.includes(role))
      throw new RangeError(`there is no role ${role}; roles are ${ROLES.join(', ')}`);
    for (const name of GROUPS[role] ?? [role]) wanted.add(name);
  }
  if (wanted.size === 0) throw new RangeError(`name at least one role: ${ROLES.join(', ')}`);
  return NAMES.filter((name) => wanted.has(name));
}

/** Imports one service. */
export function loadModule(name: ModuleName): Promise<ProcessModule> {
  return MODULES[name]();
}
