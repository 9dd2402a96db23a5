import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ServerConfig } from '@im/contract';
import { createMetrics, notReady, silentLogger } from '@im/process';
import type { DomainService } from '@im/rpc';
import { type DomainDeps, domainService } from './domain-service.ts';

function processDeps(bound: unknown[]): DomainDeps {
  const rpc = { bind: (...args: unknown[]) => bound.push(args) };
  return { log: silentLogger(), metrics: createMetrics(), rpc } as unknown as DomainDeps;
}

const config = ServerConfig.parse({});
const methods = {} as DomainService<'third'>;

test('a domain of methods alone is bound when it is created, and ready at once', async () => {
  const bound: unknown[] = [];
  const service = domainService('third', { build: () => ({ methods }) });
  assert.deepEqual([service.name, service.requires], ['third', ['rpc', 'store']]);
  const created = await service.create(config, processDeps(bound));
  assert.deepEqual(bound, [['third', methods]]);
  await created.start();
  assert.equal(created.ready().ready, true);
  await created.stop(AbortSignal.timeout(1_000));
});

test('a domain with periodic work says itself when it starts, stops and is ready', async () => {
  const calls: string[] = [];
  const service = domainService('third', {
    requires: ['bus'],
    build: () => ({
      methods,
      start: () => calls.push('start'),
      stop: () => calls.push('stop'),
      ready: () => notReady('not yet'),
    }),
  });
  assert.deepEqual(service.requires, ['rpc', 'store', 'bus']);
  const created = await service.create(config, processDeps([]) as DomainDeps<'bus'>);
  assert.deepEqual(created.ready(), notReady('not yet'));
  await created.start();
  await created.stop(AbortSignal.timeout(1_000));
  assert.deepEqual(calls, ['start', 'stop']);
});

test('limits follow the settings in force', async () => {
  const later = ServerConfig.parse({ limits: { userCommands: 7 } });
  let limits = () => config.limits;
  const service = domainService('third', {
    build(context) {
      limits = context.limits;
      return { methods };
    },
  });
  const live = { current: config };
  await service.create(config, { ...processDeps([]), live } as unknown as DomainDeps);
  assert.equal(limits(), config.limits);
  live.current = later;
  assert.equal(limits().userCommands, 7);
});
