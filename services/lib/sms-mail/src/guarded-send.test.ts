import assert from 'node:assert/strict';
import { test } from 'node:test';
import { guardedSend, sendByFirst } from './guarded-send.ts';
import { type Outcome, refused, unknown } from './outcome.ts';

const SENT: Outcome = { kind: 'sent', id: '1' };
const signal = () => AbortSignal.timeout(10_000);

/** A provider that gives these outcomes, one after the other, and the last one for ever. */
function provider(name: string, ...outcomes: Outcome[]) {
  const calls: string[] = [];
  const seen: string[] = [];
  const opened: boolean[] = [];
  const onOpen = (open: boolean) => opened.push(open);
  const send = async (message: string) => {
    calls.push(message);
    return (outcomes.length > 1 ? outcomes.shift() : outcomes[0]) as Outcome;
  };
  const onOutcome = (by: string, outcome: Outcome) => seen.push(`${by} ${outcome.kind}`);
  return { calls, seen, opened, guarded: guardedSend({ name, send }, { pauseMs: 1, onOpen, onOutcome }) };
}

test('the next provider is asked after a certain refusal, never after an unknown outcome or a bad address', async () => {
  const cases = [
    [refused('balance', ''), 'sent', 1],
    [refused('limit', ''), 'sent', 1],
    [refused('template', ''), 'sent', 1],
    [unknown(''), 'unknown', 0],
    [refused('address', ''), 'refused', 0],
  ] as const;
  for (const [first, kind, asked] of cases) {
    const one = provider('one', first);
    const two = provider('two', SENT);
    const result = await sendByFirst([one.guarded, two.guarded], 'm', signal());
    assert.equal(result.outcome.kind, kind);
    assert.deepEqual([one.calls.length, two.calls.length], [1, asked], JSON.stringify(first));
  }
  assert.equal((await sendByFirst([], 'm', signal())).outcome.kind, 'refused');
});

test('what was certainly not sent for want of the provider is tried twice', async () => {
  const away = provider('one', refused('unavailable', ''), SENT);
  assert.equal((await away.guarded.send('m', signal())).kind, 'sent');
  assert.deepEqual(away.seen, ['one refused', 'one sent']);
  const gone = provider('one', refused('unavailable', ''));
  await gone.guarded.send('m', signal());
  assert.equal(gone.calls.length, 2);
});

test('a provider that fails again and again is left alone, and the next one takes over', async () => {
  const [bad, good] = [provider('bad', refused('credentials', '')), provider('good', SENT)];
  for (let n = 0; n < 20; n++) await sendByFirst([bad.guarded, good.guarded], 'm', signal());
  assert.equal(bad.calls.length, 5);
  assert.equal(good.calls.length, 20);
  assert.ok(bad.guarded.open);
  assert.deepEqual([bad.opened, good.opened], [[true], []]);
  // Numbers that cannot get any say nothing of the provider.
  const numbers = provider('numbers', refused('address', ''));
  for (let n = 0; n < 20; n++) await numbers.guarded.send('m', signal());
  assert.equal(numbers.calls.length, 20);
});

test('more messages at once than a provider may have are refused', async () => {
  const gate = Promise.withResolvers<Outcome>();
  const slow = guardedSend({ name: 'slow', send: () => gate.promise }, { atOnce: 2 });
  const running = [slow.send('a', signal()), slow.send('b', signal())];
  assert.deepEqual(await slow.send('c', signal()), refused('overload', '2 messages are being sent already'));
  gate.resolve(SENT);
  await Promise.all(running);
  assert.equal((await slow.send('d', signal())).kind, 'sent');
});
