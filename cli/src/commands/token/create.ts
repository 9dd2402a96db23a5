import { Command } from 'commander';
import { isForPeople, type OutputFormat, outputOption, printObject } from '../../output.ts';
import { parsePlatform } from '../../platform.ts';
import { resolveTarget, userToken } from '../../target.ts';
import { type TargetOptions, withTarget } from '../../target-options.ts';

interface Options extends TargetOptions {
  platform: string;
  output: OutputFormat;
}

/** `token create <userID>`: issues a token, which ends earlier logins as the tenant's policy says. */
export function tokenCreate(): Command {
  return withTarget(new Command('create'))
    .description("issue a user's token (earlier logins on that platform end, as the tenant's policy says)")
    .argument('<userID>', 'user')
    .option('--platform <name>', 'platform, by name or number', 'web')
    .addOption(outputOption())
    .action(async (userID: string, options: Options) => {
      const { id: platformID } = await parsePlatform(options.platform);
      const target = await resolveTarget(options);
      const token = await userToken(target, userID, platformID);
      if (isForPeople(options.output)) console.log(token);
      else {
        const { apiUrl: api, wsUrl: ws } = target;
        await printObject({ userID, platformID, token, api, ws }, options.output);
      }
    });
}
