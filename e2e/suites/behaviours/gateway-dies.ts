import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Fixture, freshText } from '../fixture.ts';

/** Time that a gateway is away. */
const AWAY_MS = 1_500;
/** SDKs redial at once or every 5 s, and then synchronize. */
const BACK_MS = 120_000;

/**
 * Kills the gateway of alice (with everything else, where all is one process) and starts it again. Not
 * one of the ordinary behaviours: it disturbs every other client, so all fixtures go through it together.
 */
export async function gatewayDies(fixtures: readonly Fixture[]): Promise<void> {
  const cluster = fixtures[0]?.cluster;
  const gateway = cluster?.gateways[0];
  if (!cluster || !gateway) throw new Error('no fixture');
  const alone = cluster.gateways.length === 1;
  /** Users who lose their connection, and the events that they had seen by then. */
  const marks = fixtures.map(
    ({ alice, bob }) => new Map((alone ? [alice, bob] : [alice]).map((user) => [user, user.events.mark()])),
  );
  await gateway.kill();
  const missed: { fixture: Fixture; text: string }[] = [];
  if (!alone) {
    for (const fixture of fixtures) {
      const text = freshText('while the gateway was away');
      await fixture.bob.sendText({ user: fixture.alice.userID }, text);
      missed.push({ fixture, text });
    }
  }
  await sleep(AWAY_MS);
  gateway.start();
  await gateway.untilReady();

  await Promise.all(
    fixtures.map(async ({ alice, bob, sdkMix, tenant }, i) => {
      for (const [user, since] of marks[i] ?? []) {
        await user.events.wait('OnConnectSuccess', undefined, { since, timeoutMs: BACK_MS });
        await user.events.wait('OnSyncServerFinish', undefined, { since, timeoutMs: BACK_MS });
      }
      for (const name of ['OnKickedOffline', 'OnUserTokenInvalid', 'OnUserTokenExpired']) {
        assert.equal(
          alice.events.named(name, marks[i]?.get(alice)).length,
          0,
          `${tenant} ${sdkMix.name}: ${name}`,
        );
      }
      for (const text of [freshText('to the one who is back'), freshText('and once more')]) {
        await bob.sendText({ user: alice.userID }, text);
        await alice.received(text, { timeoutMs: BACK_MS });
      }
      const answer = freshText('from the one who is back');
      await alice.sendText({ user: bob.userID }, answer);
      await bob.received(answer, { timeoutMs: BACK_MS });
    }),
  );
  for (const { fixture, text } of missed) await fixture.alice.received(text, { timeoutMs: BACK_MS });
}
