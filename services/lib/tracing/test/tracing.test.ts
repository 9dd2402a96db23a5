import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig, type ServerConfigInput } from '@im/contract';
import type { Tracer } from '@im/kit';
import { createLiveConfig, createMetrics, silentLogger } from '@im/process';
import { ERR, ImError } from '@im/protocol';
import { eventually, startOtlpReceiver } from '@im/testing';
import { createTracing, type OwnedTracing } from '../src/index.ts';

const NOW = () => AbortSignal.timeout(5_000);

type Settings = NonNullable<ServerConfigInput['tracing']>;

async function start(settings: Settings, tenants = 1) {
  const live = createLiveConfig(parseConfig({ tracing: settings }));
  const metrics = createMetrics();
  const tracing: OwnedTracing = createTracing({
    process: { name: 'openim-test', instance: 'p1', version: '1.2.3' },
    live,
    metrics,
    log: silentLogger(),
    tenants: { list: () => Array.from({ length: tenants }) as never },
  });
  await tracing.settled();
  return {
    tracing,
    change: async (next: Settings) => {
      live.apply(parseConfig({ tracing: next }));
      await tracing.settled();
    },
    /** Spans by what became of them. */
    async counted(): Promise<Record<string, number>> {
      const values = await metrics.values('openim_tracing_spans_total');
      return Object.fromEntries(values.map(({ labels, value }) => [String(labels.outcome), value]));
    },
    limited: async () => (await metrics.values('openim_tracing_limited_total'))[0]?.value ?? 0,
  };
}

function tracerOf({ tracer }: OwnedTracing): Tracer {
  assert.ok(tracer, 'tracing is off');
  return tracer;
}

test('a trace continues in another process and is read back as a tree', async () => {
  await using collector = await startOtlpReceiver();
  const one = await start({ endpoint: collector.url, sampleRatio: 1, authorization: 'Bearer of-tests' });
  const two = await start({ endpoint: collector.url, sampleRatio: 0 });
  const startedAt = performance.now() - 250;
  const root = tracerOf(one.tracing).begin('t1', 'request', { kind: 'server', startedAt });
  assert.ok(root);
  const child = root.child('append', { kind: 'producer', attributes: { n: 7 } });
  const remote = tracerOf(two.tracing).resume(child.traceparent, 't1', 'fold', { kind: 'consumer' });
  assert.ok(remote, 'sampled by its parent, whatever the ratio');
  remote.end(new ImError(ERR.NetworkError, 'text about user u1'));
  remote.end();
  child.end(new ImError(ERR.NoPermissionError));
  root.end();
  await one.tracing.close(NOW());
  await two.tracing.close(NOW());

  const [request, append, fold] = ['request', 'append', 'fold'].map((name) => {
    const found = collector.spans.filter((span) => span.name === name);
    assert.equal(found.length, 1, name);
    return found[0];
  });
  assert.ok(request && append && fold);
  assert.deepEqual([request.parentID, append.parentID, fold.parentID], ['', request.spanID, append.spanID]);
  assert.equal(new Set([request, append, fold].map(({ traceID }) => traceID)).size, 1);
  assert.equal(child.traceparent, `00-${append.traceID}-${append.spanID}-01`);
  assert.deepEqual([request.kind, append.kind, fold.kind], [2, 4, 5]);
  assert.ok(request.ms >= 250 && request.ms < 60_000, `${request.ms}`);
  assert.deepEqual(request.attributes, { 'openim.tenant': 't1' });
  assert.deepEqual(append.attributes, { 'openim.tenant': 't1', n: 7, 'openim.code': ERR.NoPermissionError });
  assert.deepEqual([request.status, append.status, fold.status], [0, 0, 2], 'a refusal is no error');
  assert.doesNotMatch(JSON.stringify(fold), /u1/);
  assert.deepEqual([request.service, request.instance], ['openim-test', 'p1']);
  assert.equal(
    collector.headers.filter(({ authorization }) => authorization === 'Bearer of-tests').length,
    1,
  );
  assert.deepEqual(await one.counted(), { exported: 2 });
});

test('a batch is linked to its senders, and continues a single one', async () => {
  await using collector = await startOtlpReceiver();
  const { tracing } = await start({ endpoint: collector.url, sampleRatio: 1 });
  const tracer = tracerOf(tracing);
  const senders = ['a', 'b'].map((name) => tracer.begin('t1', name));
  const [a, b] = senders.map((span) => span?.traceparent ?? '');
  assert.ok(a && b);
  assert.equal(tracer.gather([], 'none'), undefined);
  tracer.gather([a, b, a], 'batch')?.end();
  tracer.gather([a, a], 'single')?.end();
  for (const span of senders) span?.end();
  await tracing.close(NOW());
  const of = (name: string) => collector.spans.find((span) => span.name === name);
  const ids = (name: string) => ({ traceID: of(name)?.traceID, spanID: of(name)?.spanID });
  assert.deepEqual(of('batch')?.links, [ids('a'), ids('b')]);
  assert.ok(![of('a')?.traceID, of('b')?.traceID].includes(of('batch')?.traceID));
  assert.deepEqual([of('single')?.traceID, of('single')?.parentID], [of('a')?.traceID, of('a')?.spanID]);
});

test('the ratio decides about traces that begin here, parents about those that go on', async () => {
  await using collector = await startOtlpReceiver();
  const settings = { endpoint: collector.url, sampleRatio: 0, maxSpansPerSecond: 1_000_000 };
  const { tracing, change } = await start(settings);
  const begun = () =>
    Array.from({ length: 4_000 }, () => tracerOf(tracing).begin('t1', 'x')).filter(Boolean).length;
  assert.equal(begun(), 0);
  await change({ ...settings, sampleRatio: 0.25 });
  const quarter = begun();
  assert.ok(quarter > 800 && quarter < 1_200, `${quarter}`);

  const [sampled, not] = ['01', '00'].map((flag) => `00-${'1'.repeat(32)}-${'2'.repeat(16)}-${flag}`);
  assert.ok(sampled && not);
  await change({ ...settings, sampleRatio: 0 });
  assert.ok(tracerOf(tracing).resume(sampled, 't1', 'x'));
  assert.equal(tracerOf(tracing).resume(not, 't1', 'x'), undefined);
  assert.equal(tracerOf(tracing).begin('t1', 'x', { caller: sampled }), undefined, 'callers decide nothing');
  await change({ ...settings, sampleRatio: 1, followCallers: true });
  assert.equal(tracerOf(tracing).begin('t1', 'x', { caller: sampled })?.traceID, '1'.repeat(32));
  assert.equal(tracerOf(tracing).begin('t1', 'x', { caller: not }), undefined);
  assert.ok(tracerOf(tracing).begin('t1', 'x', { caller: 'garbage' }), 'a trace begins here');
  await tracing.close(AbortSignal.abort());
});

test('spans per second are bounded, and what is left out is counted', async () => {
  await using collector = await startOtlpReceiver();
  const { tracing, limited } = await start(
    { endpoint: collector.url, sampleRatio: 1, maxSpansPerSecond: 20 },
    2,
  );
  const begun = (tenant: string) =>
    Array.from({ length: 100 }, () => tracerOf(tracing).begin(tenant, 'x')).filter(Boolean).length;
  const begunAt = performance.now();
  const [noisy, quiet] = [begun('noisy'), begun('quiet')];
  const most = 12 + ((performance.now() - begunAt) / 1_000) * 20;
  assert.ok(noisy >= 10 && noisy <= most, `${noisy}`);
  assert.ok(quiet >= 8 && quiet <= most, `${quiet}: the noisy tenant left it half`);
  assert.equal(await limited(), 200 - noisy - quiet);
  await tracing.close(NOW());
});

test('a collector that is away costs a bounded number of spans in memory; the others are dropped and counted', async () => {
  await using collector = await startOtlpReceiver();
  collector.refuse = () => {};
  const settings = { endpoint: collector.url, sampleRatio: 1, maxSpansPerSecond: 1_000_000 };
  const { tracing, counted } = await start(settings);
  const begunAt = performance.now();
  for (let i = 0; i < 10_000; i++) tracerOf(tracing).begin('t1', 'x')?.end();
  assert.ok(performance.now() - begunAt < 8_000, 'no span waits for the collector');
  assert.deepEqual(await counted(), { full: 10_000 - 4_096 - 512 });
  const closedAt = performance.now();
  await tracing.close(AbortSignal.timeout(300));
  assert.ok(performance.now() - closedAt < 10_000, 'nor does the end of the process');
  assert.equal((await counted()).failed, 4_096);
});

test('what the collector refuses is dropped, and the next spans are sent', async () => {
  await using collector = await startOtlpReceiver();
  collector.refuse = (response) => response.writeHead(400).end();
  const { tracing, counted } = await start({ endpoint: `${collector.url}/v1/traces`, sampleRatio: 1 });
  tracerOf(tracing).begin('t1', 'lost')?.end();
  await eventually(async () => assert.equal((await counted()).failed, 1));
  collector.refuse = undefined;
  tracerOf(tracing).begin('t1', 'kept')?.end();
  await eventually(async () => assert.equal((await counted()).exported, 1));
  assert.deepEqual(
    collector.spans.map(({ name }) => name),
    ['kept'],
  );
  await tracing.close(NOW());
});

test('it is switched on and off while the process runs, and what was recorded is sent', async () => {
  await using collector = await startOtlpReceiver();
  const { tracing, change } = await start({});
  assert.equal(tracing.tracer, undefined);
  await change({ endpoint: collector.url, sampleRatio: 1 });
  const span = tracerOf(tracing).begin('t1', 'x');
  span?.end();
  await change({});
  assert.equal(tracing.tracer, undefined);
  assert.equal(collector.spans.length, 1);
  span?.child('late').end();
  await tracing.close(NOW());
  assert.equal(collector.spans.length, 1);
});
