import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { freshText, type Scene } from '../scene.ts';

/** Time that a gateway is away. */
const AWAY_MS = 1_500;
/** SDKs redial at once or every 5 s, and then synchronize. */
const BACK_MS = 120_000;

/**
 * Kills the gateway of alice (with everything else, where all is one process) and starts it again. Not
 * one of the ordinary behaviours: it disturbs whoever else is connected, so all scenes go through it together.
 */
export async function gatewayDies(scenes: readonly Scene[]): Promise<void> {
  const cluster = scenes[0]?.cluster;
  const victim = cluster?.gateways[0];
  if (!cluster || !victim) throw new Error('no scene');
  const alone = cluster.gateways.length === 1;
  /** Those who lose their connection, and what they had heard by then. */
  const marks = scenes.map(
    ({ alice, bob }) => new Map((alone ? [alice, bob] : [alice]).map((user) => [user, user.events.mark()])),
  );
  await victim.kill();
  const missed: { scene: Scene; text: string }[] = [];
  if (!alone) {
    for (const scene of scenes) {
      const text = freshText('while the gateway was away');
      await scene.bob.sendText({ user: scene.alice.userID }, text);
      missed.push({ scene, text });
    }
  }
  await sleep(AWAY_MS);
  victim.start();
  await victim.untilReady();

  await Promise.all(
    scenes.map(async ({ alice, bob, cast, tenant }, i) => {
      for (const [user, since] of marks[i] ?? []) {
        await user.events.wait('OnConnectSuccess', undefined, { since, timeoutMs: BACK_MS });
        await user.events.wait('OnSyncServerFinish', undefined, { since, timeoutMs: BACK_MS });
      }
      for (const name of ['OnKickedOffline', 'OnUserTokenInvalid', 'OnUserTokenExpired']) {
        assert.equal(
          alice.events.named(name, marks[i]?.get(alice)).length,
          0,
          `${tenant} ${cast.name}: ${name}`,
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
  for (const { scene, text } of missed) await scene.alice.received(text, { timeoutMs: BACK_MS });
}
