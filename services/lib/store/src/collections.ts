import type { CollectionSpec, TenantDocument } from './collection.ts';
import { CLIENT_CONFIGS } from './repos/client-config.ts';
import { TOKEN_ISSUES, TOKENS } from './repos/token.ts';
import { USERS } from './repos/user.ts';
import { USER_COMMANDS } from './repos/user-command.ts';

/** Every collection, so that their indexes exist before a process is ready. */
export const COLLECTIONS: readonly CollectionSpec<TenantDocument>[] = [
  TOKENS,
  TOKEN_ISSUES,
  USERS,
  USER_COMMANDS,
  CLIENT_CONFIGS,
];
