import assert from 'node:assert/strict';
import { type Behaviour, freshText } from '../fixture.ts';

interface InputStatus {
  readonly conversationID: string;
  readonly userID: string;
  readonly platformIDs: readonly number[] | null;
}

export const typing: Behaviour = {
  name: 'typing shows at the other side, and is kept nowhere',
  async run({ alice, bob }) {
    // Both sides know the conversation only once something was said.
    const text = freshText('before typing');
    await alice.sendText({ user: bob.userID }, text);
    const before = await bob.received(text);
    const since = bob.events.mark();
    const conversationID = alice.conversationID({ user: bob.userID });
    await alice.typing(conversationID, true);
    await bob.events.wait(
      'OnConversationUserInputStatusChanged',
      ({ data }) => {
        const status = data as InputStatus;
        return status.userID === alice.userID && (status.platformIDs ?? []).includes(alice.platformID);
      },
      { since },
    );
    await alice.typing(conversationID, false);
    const after = freshText('after typing');
    await alice.sendText({ user: bob.userID }, after);
    const next = await bob.received(after);
    assert.equal(next.seq, before.seq + 1, 'typing takes no seq');
  },
};
