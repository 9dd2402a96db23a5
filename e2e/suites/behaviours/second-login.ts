import assert from 'node:assert/strict';
import { type Behaviour, freshText } from '../fixture.ts';

export const secondLogin: Behaviour = {
  name: 'a second login on the same platform kicks the first',
  async run({ alice, bob, login, device }) {
    const since = bob.events.mark();
    const newer = await device(bob);
    await login(newer);
    await bob.events.wait('OnKickedOffline', undefined, { since });
    const text = freshText('to the newer device');
    await alice.sendText({ user: bob.userID }, text);
    await newer.received(text);
    assert.equal(JSON.stringify(bob.events.all.slice(since)).includes(text), false);

    // And back, so that the fixture continues with its first device.
    const kicked = newer.events.wait('OnKickedOffline');
    await login(bob);
    await kicked;
    await newer.close();
    const again = freshText('to the first device');
    await alice.sendText({ user: bob.userID }, again);
    await bob.received(again);
  },
};
