import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig, ROLE_SETTINGS, type ServerConfig } from '@im/contract';
import { staticTenants } from '@im/kit';
import { createBackground, createLiveConfig, createMetrics, silentLogger } from '@im/process';
import { createParts, depsFor } from '../src/parts.ts';
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
  const config = watched(parseConfig({ s3: { accessKey: 'a', secretKey: 'b' } }), seen);
  const [log, metrics, tenants] = [silentLogger(), createMetrics(), staticTenants([])];
  const background = createBackground({ log, metrics });
  const base = { log, metrics, tenants, background, instanceId: 'test' };
  const modules = await Promise.all(servicesOf([role]).map(loadModule));
  const needs = new Set(modules.flatMap((module) => [...module.needs]));
  const parts = await createParts(config, needs, { ...base, serveRpc: true });
  const deps = {
    ...base,
    invalidations: parts.invalidations,
    ops: { handle: () => {} },
    status: { add: () => {}, read: () => assert.fail('nobody asks') },
    live: createLiveConfig(config),
    signal: new AbortController().signal,
  };
  for (const module of modules) await module.create(config, depsFor(module.needs, deps, parts));
  // Calls go by these sections when they are made.
  if (needs.has('rpc')) seen.add('rpc');
  await background.stop();
  return seen;
}

const EVERY_PROCESS = ['log', 'listen', 'ops', 'shutdown', 'tenants'];

for (const [role, settings] of Object.entries(ROLE_SETTINGS)) {
  test(`what ${role} reads of the config is what a change restarts it for`, async () => {
    const known = new Set(settings.map((path) => path.split('.')[0] ?? ''));
    const seen = await sectionsOf(role);
    for (const section of EVERY_PROCESS) seen.delete(section);
    assert.deepEqual([...seen].toSorted(), [...known].toSorted());
  });
}
