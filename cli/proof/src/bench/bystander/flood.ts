import { type Attack, loops } from './attack.ts';
import { attackers } from './attackers.ts';

/** A text that a message may just hold, and that compresses to nothing. */
const LARGE_TEXT = 'a'.repeat(255 * 1024);

/** Twenty users of a tenant send large texts as fast as they are answered. */
export const flood = (name: string, summary: string, tenant: string): Attack => ({
  name,
  summary,
  tenant,
  ...(tenant === 'default' ? {} : { ownServerOnly: `it comes from tenant ${tenant}` }),
  async prepare(context) {
    const { user, say } = await attackers(context, 'flood', 20, { gzip: true });
    return (signal) =>
      loops(20, signal, context.tally, (i) => say(i, { user: user(i + 1).userID }, LARGE_TEXT));
  },
});
