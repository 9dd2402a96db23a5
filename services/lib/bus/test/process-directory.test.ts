import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect } from '@nats-io/transport-node';
import { startTestBus, startTestNats, until } from './bus-harness.ts';

const STATUS = {
  ...{ version: '1.2.3', instance: '', roles: ['gateway'], ready: true, startedAt: 1, configHash: 'x' },
  ...{ eventLoopDelayMs: 1, rssBytes: 2 },
};

test('processes that are connected find each other, and one that has gone is listed no more', async () => {
  await using nats = await startTestNats();
  await using one = await startTestBus(nats.uri);
  assert.deepEqual(await one.bus.processes.list(), [], 'not connected yet');
  const processOf = (instance: string, ops: string) => ({ instance, services: ['gateway'], ops });
  one.bus.processes.announce(() => processOf('p1', '10.0.0.2:1'));
  await until(() => one.bus.ready().ready, 'ready');
  {
    await using two = await startTestBus(nats.uri);
    const status = { ...STATUS, instance: 'p2' };
    two.bus.processes.announce(() => ({ ...processOf('p2', '10.0.0.1:1'), status }));
    await until(() => two.bus.ready().ready, 'ready');
    // What is no answer of a process harms none.
    const stranger = await connect({ servers: [nats.uri] });
    stranger.subscribe('imctl.process.who', {
      callback: (_, message) => void message.respond('{"instance":1}'),
    });
    await stranger.flush();
    const listed = await two.bus.processes.list();
    assert.deepEqual(
      listed.map(({ instance }) => instance),
      ['p2', 'p1'],
    );
    assert.deepEqual(
      listed.map(({ status: reported }) => reported),
      [status, undefined],
      'versions from before report nothing',
    );
    assert.equal(await two.bus.processes.list(), listed, 'asked again after a while only');
    await stranger.close();
  }
  await using three = await startTestBus(nats.uri);
  await until(() => three.bus.ready().ready, 'ready');
  assert.deepEqual(await three.bus.processes.list(), [processOf('p1', '10.0.0.2:1')]);
});
