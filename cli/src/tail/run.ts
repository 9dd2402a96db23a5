import { type TailEvent, tailEvents } from '@im/admin-api';
import { adminFailure, openAdmin } from '../admin/call.ts';
import { pause } from '../cluster/pause.ts';
import { EXIT, RefusedError } from '../exit-codes.ts';
import { isForPeople, type OutputFormat, streamText } from '../output.ts';
import { redialDelayMs } from '../redial.ts';
import { stopOnSignals } from '../signals.ts';
import { writeOut } from '../stdout.ts';
import type { TargetOptions } from '../target-options.ts';
import { tailLine } from './line.ts';

/** Options of `openimctl tail`. */
export interface TailOptions extends TargetOptions {
  user?: string;
  conversation?: string;
  contentType?: number;
  event?: Exclude<TailEvent['event'], 'missed' | 'alive'>;
  reason: string;
  count?: number;
  output: OutputFormat;
}

const TOO_MANY_REQUESTS = 429;

/** Runs `openimctl tail` until it is stopped or has shown `count` events. @throws CommandError. */
export async function runTail(options: TailOptions): Promise<void> {
  const { user: userID, conversation: conversationID, contentType, event, reason, count } = options;
  const text = isForPeople(options.output)
    ? (one: TailEvent) => `${tailLine(one)}\n`
    : await streamText(options.output, 'conversationID');
  const end = new AbortController();
  const signal = AbortSignal.any([end.signal, stopOnSignals()]);
  process.stdout.on('error', () => end.abort());
  const say = (what: string) => process.stderr.write(`openimctl: ${what}\n`);
  let left = count ?? Number.POSITIVE_INFINITY;
  let apiUrl = '';
  for (let failures = 0, begun = false; !signal.aborted; ) {
    try {
      const opened = await openAdmin(options);
      apiUrl = opened.apiUrl;
      const query = { userID, conversationID, contentType, event, reason };
      // The server ends it after some minutes, and is asked again.
      for await (const one of opened.admin.stream(tailEvents, { query }, { signal })) {
        if (!begun) say(`watching tenant ${options.tenant}; Ctrl-C ends`);
        else if (failures > 0) say('watching again; what happened in between is not shown');
        begun = true;
        failures = 0;
        if (one.event === 'alive') continue;
        await writeOut(text(one), signal);
        if (one.event !== 'missed' && --left <= 0) return;
      }
    } catch (error) {
      if (signal.aborted) return;
      const failure = adminFailure(error, apiUrl);
      const passes =
        failure.exitCode === EXIT.unreachable ||
        (failure instanceof RefusedError && failure.code === TOO_MANY_REQUESTS);
      if (!begun || !passes) throw failure;
      if (failures === 0) say(`${failure.message}; trying again`);
      await pause(redialDelayMs(failures++), signal);
    }
  }
}
