import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EVERY_ROLE, isLiveSetting, parseConfig, ROLE_SETTINGS, type ServerConfig } from '@im/contract';
import { staticTenants } from '@im/kit';
import { createLiveConfig, createMetrics, createTaskRunner, silentLogger } from '@im/process';
import { createComponents, depsFor } from '../src/components.ts';
import { settingsOfRole } from '../src/role-settings.ts';
import { loadModule, servicesOf } from '../src/roles.ts';

/** A config that notes which of its sections are looked at. */
function watched(config: ServerConfig, seen: Set<string>): ServerConfig {
  return new Proxy(config, {
    get(target, section, receiver) {
      seen.add(String(section));
      return Reflect.get(target, section, receiver);
    },
  });
}

/** Sections that building the services of a role reads, or that it hands on to be read later. */
async function sectionsOf(role: string): Promise<Set<string>> {
  const seen = new Set<string>();
  const given = { s3: { accessKey: 'a', secretKey: 'b' }, prober: { tenant: 'probe' } };
  const config = watched(parseConfig(given), seen);
  const [log, metrics, tenants] = [silentLogger(), createMetrics(), staticTenants([])];
  const tasks = createTaskRunner({ log, metrics });
  const base = { log, metrics, tenants, tasks, instanceId: 'test' };
  const modules = await Promise.all(servicesOf([role]).map(loadModule));
  const required = new Set(modules.flatMap((module) => [...module.requires]));
  const components = await createComponents(config, required, { ...base, serveRpc: true });
  const deps = {
    ...base,
    invalidations: components.invalidations,
    ops: { handle: () => {} },
    status: { add: () => {}, read: () => assert.fail('not asked') },
    live: createLiveConfig(config),
    signal: new AbortController().signal,
  };
  for (const module of modules) await module.create(config, depsFor(module.requires, deps, components));
  // Calls go by these sections when they are made.
  if (required.has('rpc')) seen.add('rpc');
  await tasks.stop();
  return seen;
}

test('what services read of the config is what they declare, and what is declared is read or live', async () => {
  for (const [role, settings] of Object.entries(ROLE_SETTINGS)) {
    const known = new Set(settings.map((path) => path.split('.')[0] ?? ''));
    const seen = await sectionsOf(role);
    for (const section of [...EVERY_ROLE, ...seen].filter((name) => isLiveSetting(name)))
      seen.delete(section);
    for (const section of EVERY_ROLE) seen.delete(section);
    assert.deepEqual([...seen].toSorted(), [...known].toSorted(), role);
  }
});

test('the table of the contract is what the services declare', async () => {
  for (const [role, settings] of Object.entries(ROLE_SETTINGS))
    assert.deepEqual(await settingsOfRole(role), settings, role);
});
