import { mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { admin } from '@im/client';
import { checkLogs, isClean, type Verdict, verdictTable, verify } from '@im/proof';
import { DryRun } from '../dry-run.ts';
import { CommandError, EXIT, usageError } from '../exit-codes.ts';
import { isForPeople, type OutputFormat, printValue } from '../output.ts';
import { showProgress } from '../progress.ts';
import { requireAdminSecret, resolveTarget } from '../target.ts';
import type { TargetOptions } from '../target-options.ts';
import { logFiles } from './logs.ts';

/** Options of `openimctl verify`. */
export interface VerifyCommandOptions extends TargetOptions {
  users: number;
  groups: number;
  rate: number;
  duration: number;
  deliverWithin?: number;
  keepLogs?: string;
  logs?: string;
  pull: boolean;
  output: OutputFormat;
}

/** A server that has not delivered and answered this long after the last send is not going to. */
const OVERTIME_MS = 120_000;

/** Runs `openimctl verify`. @throws CommandError `violated` when something was lost, doubled, reordered or made up. */
export async function runVerify(options: VerifyCommandOptions): Promise<void> {
  const verdict =
    options.logs === undefined ? await liveVerdict(options) : await loggedVerdict(options.logs, options);
  if (isForPeople(options.output)) {
    console.log(verdictTable([{ name: options.logs === undefined ? 'verify' : 'logs', verdict }]));
  } else {
    await printValue({ clean: isClean(verdict), ...verdict }, options.output);
  }
  if (isClean(verdict)) {
    if (verdict.acknowledged > 0) return;
    throw new CommandError(
      EXIT.refused,
      `none of ${verdict.sent} messages was acknowledged, so nothing is proven`,
    );
  }
  for (const { fault, conversation, text } of verdict.examples) {
    process.stderr.write(`${fault} in ${conversation}: ${text}\n`);
  }
  throw new CommandError(EXIT.violated, 'the server broke its promise; see the findings above');
}

async function loggedVerdict(dir: string, { pull, deliverWithin }: VerifyCommandOptions): Promise<Verdict> {
  const files = logFiles(dir);
  using _shown = showProgress(() => `reading ${files.length} logs`);
  try {
    return await checkLogs(files, { pulled: pull, deliverWithinMs: deliverWithin });
  } catch (error) {
    throw usageError(`--logs: ${error instanceof Error ? error.message : error}`);
  }
}

async function liveVerdict(options: VerifyCommandOptions): Promise<Verdict> {
  const target = await resolveTarget(options, ['api', 'ws']);
  const endpoint = { api: target.apiUrl, ws: target.wsUrl };
  const { users, groups, rate, duration } = options;
  if (options.dryRun) {
    const facts = { server: endpoint.api, gateway: endpoint.ws, users, groups, messagesPerSecond: rate };
    throw new DryRun('create users and groups, and send messages between them', {
      ...{ ...facts, seconds: duration / 1_000, messages: Math.round((rate * duration) / 1_000) },
    });
  }
  const rights = admin(endpoint, { adminUser: target.adminUser, secret: requireAdminSecret(target) });
  if (options.keepLogs !== undefined) mkdirSync(options.keepLogs, { recursive: true });
  const done = new AbortController();
  let phase = 'preparing users and groups';
  using _shown = showProgress(() => phase);
  try {
    return await Promise.race([
      verify({
        endpoints: [endpoint],
        admin: rights,
        users: options.users,
        groups: options.groups,
        messagesPerSecond: options.rate,
        seconds: options.duration / 1_000,
        deliverWithinMs: options.deliverWithin,
        keepIn: options.keepLogs,
        onPhase: (text) => {
          phase = text;
        },
      }),
      overtime(options.duration + OVERTIME_MS, () => phase, done.signal),
    ]);
  } finally {
    done.abort();
    rights.close();
  }
}

/** Fails when a run takes far longer than requested: its clients wait for a server that is gone. */
async function overtime(limitMs: number, phase: () => string, signal: AbortSignal): Promise<never> {
  await sleep(limitMs, undefined, { signal });
  throw new CommandError(
    EXIT.unreachable,
    `no end after ${Math.round(limitMs / 1_000)} s (${phase()}): the server stopped answering`,
  );
}
