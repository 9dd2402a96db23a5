import assert from 'node:assert/strict';
import { eventually } from '../eventually.ts';
import type { Behaviour } from '../fixture.ts';

interface Application {
  readonly fromUserID: string;
  readonly toUserID: string;
}

export const friendRequest: Behaviour = {
  name: 'a friend request is made, accepted, and taken back',
  async run({ alice, bob }) {
    const marks = { alice: alice.events.mark(), bob: bob.events.mark() };
    const between = ({ data }: { data: unknown }) => {
      const { fromUserID, toUserID } = (data ?? {}) as Application;
      return [fromUserID, toUserID].sort().join() === [alice.userID, bob.userID].sort().join();
    };
    await alice.addFriend(bob.userID, 'let us be friends');
    await bob.events.wait('OnFriendApplicationAdded', between, { since: marks.bob });
    await bob.acceptFriend(alice.userID);
    await alice.events.wait('OnFriendApplicationAccepted', between, { since: marks.alice });
    for (const [user, other] of [
      [alice, bob],
      [bob, alice],
    ] as const) {
      await eventually(async () => {
        assert.ok((await user.friends()).some((friend) => friend.userID === other.userID));
      });
    }
    // Leaves things as they were: the next run asks again.
    const since = alice.events.mark();
    await alice.deleteFriend(bob.userID);
    await alice.events.wait('OnFriendDeleted', undefined, { since });
    await bob.deleteFriend(alice.userID);
    await eventually(async () => {
      assert.equal(
        (await alice.friends()).some((friend) => friend.userID === bob.userID),
        false,
      );
      assert.equal(
        (await bob.friends()).some((friend) => friend.userID === alice.userID),
        false,
      );
    });
  },
};
