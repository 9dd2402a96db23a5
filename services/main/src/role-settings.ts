import { EVERY_ROLE, isLiveSetting, type SettingName } from '@im/contract';
import type { Dependency } from '@im/process';
import { loadModule, servicesOf } from './roles.ts';

/** What each dependency reads of the config. */
const DEPENDENCY_SETTINGS: Readonly<Record<Dependency, readonly SettingName[]>> = {
  rpc: ['rpc'],
  bus: ['nats'],
  store: ['mongo', 'redis'],
  blob: ['s3'],
  webhooks: ['nats'],
};

/** What the services of a role, and what they require, read of the config at the start; without what every process reads. */
export async function settingsOfRole(role: string): Promise<string[]> {
  const services = await Promise.all(servicesOf([role]).map(loadModule));
  const settings = services.flatMap(({ settings: own, requires }) => [
    ...own,
    ...requires.flatMap((name) => DEPENDENCY_SETTINGS[name]),
  ]);
  return [...new Set<string>(settings)]
    .filter((name) => !EVERY_ROLE.includes(name) && !isLiveSetting(name))
    .sort();
}
