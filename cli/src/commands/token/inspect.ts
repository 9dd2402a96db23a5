import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { callApi } from '../../api-client.ts';
import { type OutputFormat, outputOption, printObject } from '../../output.ts';
import { resolveTarget } from '../../target.ts';
import { type TargetOptions, withTarget } from '../../target-options.ts';
import { tokenClaims } from '../../token-claims.ts';

interface Options extends TargetOptions {
  output: OutputFormat;
}

/** `token inspect <token>`: what a token says, and whether the server takes it. */
export function tokenInspect(): Command {
  return withTarget(new Command('inspect'))
    .description('show what a token says and whether the server takes it')
    .argument('<token>', 'the token, or - to read it from standard input')
    .addOption(outputOption())
    .action(async (argument: string, options: Options) => {
      const token = argument === '-' ? readFileSync(0, 'utf8').trim() : argument;
      const claims = tokenClaims(token);
      const target = await resolveTarget(options);
      await callApi(target, '/auth/parse_token', { token, acceptRoles: true });
      await printObject(
        {
          ...(claims.Role !== undefined && { id: claims.jti ?? null, role: claims.Role }),
          userID: claims.UserID,
          platformID: claims.PlatformID,
          issued: new Date(claims.iat * 1000).toISOString(),
          expires: new Date(claims.exp * 1000).toISOString(),
          accepted: true,
        },
        options.output,
      );
    });
}
