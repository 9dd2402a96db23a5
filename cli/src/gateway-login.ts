import type { WireOptions } from '@im/client';
import { usageError } from './exit-codes.ts';
import { parsePlatform } from './platform.ts';
import { readSecret } from './secrets.ts';
import { resolveTarget, userToken } from './target.ts';
import type { TargetOptions } from './target-options.ts';
import { tokenClaims } from './token-claims.ts';

/** Options of commands that connect to the gateway as a user. */
export interface LoginOptions extends TargetOptions {
  platform: string;
  token?: string;
  tokenFile?: string;
}

/**
 * What a connection as this user needs. With a given token its platform counts; else a new token is
 * issued for `--platform`, which ends another login there as the tenant's policy says.
 * @param option names the option that gave the user, for errors.
 */
export async function gatewayLogin(
  userID: string,
  option: string,
  options: LoginOptions,
): Promise<WireOptions> {
  const given = readSecret({
    value: options.token,
    file: options.tokenFile,
    fileOption: '--token-file',
    env: 'OPENIM_TOKEN',
  });
  if (given !== undefined) {
    const { wsUrl } = await resolveTarget(options, ['ws']);
    const claims = tokenClaims(given);
    if (claims.UserID !== userID) {
      throw usageError(`${option}: the token is of user ${claims.UserID}, not of ${userID}`);
    }
    return { ws: wsUrl, userID, token: given, platformID: claims.PlatformID };
  }
  const platform = await parsePlatform(options.platform);
  const target = await resolveTarget(options, ['api', 'ws']);
  const token = await userToken(target, userID, platform.id);
  return { ws: target.wsUrl, userID, token, platformID: platform.id };
}
