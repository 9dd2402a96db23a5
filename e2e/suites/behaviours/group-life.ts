import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SdkUser } from '@im/dev-sdk';
import { eventually } from '../eventually.ts';
import { type Behaviour, freshText } from '../fixture.ts';

/** Longer than a push takes. */
const QUIET_MS = 500;

export const groupLife: Behaviour = {
  name: 'a group of three is created, used, left and dismissed',
  async run({ alice, bob, carol }) {
    const marks = new Map([bob, carol].map((user) => [user, user.events.mark()]));
    const name = freshText('group');
    const { groupID } = await alice.createGroup(name, [bob.userID, carol.userID]);
    for (const [user, since] of marks) await hearsOfGroup(user, groupID, since);
    for (const user of [alice, bob, carol]) {
      await eventually(async () => {
        const group = (await user.joinedGroups()).find((each) => each.groupID === groupID);
        assert.equal(group?.groupName, name);
        const members = (await user.groupMembers(groupID)).map((member) => member.userID).sort();
        assert.deepEqual(members, [alice.userID, bob.userID, carol.userID].sort());
      });
    }

    let seq = 0;
    for (const speaker of [alice, bob, carol]) {
      const text = freshText('in the group');
      await speaker.sendText({ group: groupID }, text);
      for (const listener of [alice, bob, carol]) {
        if (listener === speaker) continue;
        const seen = await listener.received(text);
        assert.equal(seen.groupID, groupID);
        assert.ok(seen.seq > seq, `seq ${seen.seq} after ${seq}`);
        if (listener === (speaker === carol ? bob : carol)) seq = seen.seq;
      }
    }

    const beforeQuit = alice.events.mark();
    await carol.quitGroup(groupID);
    await alice.events.wait('OnGroupMemberDeleted', ({ data }) => userOf(data) === carol.userID, {
      since: beforeQuit,
    });
    await eventually(async () => {
      assert.equal(
        (await carol.joinedGroups()).some((each) => each.groupID === groupID),
        false,
      );
    });
    const afterQuit = carol.events.mark();
    const unheard = freshText('after she left');
    await alice.sendText({ group: groupID }, unheard);
    await bob.received(unheard);
    await sleep(QUIET_MS);
    assert.equal(JSON.stringify(carol.events.all.slice(afterQuit)).includes(unheard), false);
    await assert.rejects(carol.sendText({ group: groupID }, 'from outside'));

    const beforeInvite = carol.events.mark();
    await alice.invite(groupID, [carol.userID]);
    await hearsOfGroup(carol, groupID, beforeInvite);
    const again = freshText('she is back');
    await bob.sendText({ group: groupID }, again);
    await carol.received(again);

    const beforeKick = bob.events.mark();
    await alice.kick(groupID, [carol.userID]);
    await bob.events.wait('OnGroupMemberDeleted', ({ data }) => userOf(data) === carol.userID, {
      since: beforeKick,
    });

    const beforeEnd = bob.events.mark();
    await alice.dismissGroup(groupID);
    await bob.events.wait('OnGroupDismissed', ({ data }) => groupOf(data) === groupID, { since: beforeEnd });
    await assert.rejects(bob.sendText({ group: groupID }, 'too late'));
  },
};

/**
 * The wasm SDK often learns of a group by the first message in it, before the notification; then it
 * has the group without having called back.
 */
async function hearsOfGroup(user: SdkUser, groupID: string, since: number): Promise<void> {
  if (user.kind === 'js') {
    await user.events.wait('OnJoinedGroupAdded', ({ data }) => groupOf(data) === groupID, { since });
  }
  await eventually(async () => {
    assert.ok((await user.joinedGroups()).some((each) => each.groupID === groupID));
  });
}

function groupOf(data: unknown): string | undefined {
  return (data as { groupID?: string } | null)?.groupID;
}
function userOf(data: unknown): string | undefined {
  return (data as { userID?: string } | null)?.userID;
}
