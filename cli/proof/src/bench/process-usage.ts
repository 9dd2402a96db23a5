import { readFileSync } from 'node:fs';
import type { OwnServer } from './own-server.ts';

/** What a process has used. */
export interface ProcessUsage {
  /** User and system time since its start, in ms; resolution 10 ms. */
  readonly cpuMs: number;
  /** Resident memory in bytes. */
  readonly rssBytes: number;
}

/** Linux reports CPU time in these units on every architecture. */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;

/** Reads /proc. @returns undefined when there is no such process, or it is a zombie. */
export function processUsage(pid: number): ProcessUsage | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  // The name in parentheses may hold spaces; what follows the last one is fixed.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z') return undefined;
  const ticks = Number(fields[11]) + Number(fields[12]);
  return { cpuMs: (ticks * 1000) / TICKS_PER_SECOND, rssBytes: Number(fields[21]) * PAGE_BYTES };
}

/** Processes that run. */
export function pidsOf(processes: readonly { readonly pid: number | undefined }[]): number[] {
  return processes.flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
}

/** What all processes of a server, and its stores, have used. */
export function usageOf({ processes, stores }: Pick<OwnServer, 'processes' | 'stores'>): {
  readonly ours: ProcessUsage;
  readonly stores: ProcessUsage;
} {
  return { ours: totalUsage(pidsOf(processes)), stores: totalUsage(pidsOf(Object.values(stores))) };
}

/** Sum over processes; those that are gone count nothing. */
export function totalUsage(pids: readonly number[]): ProcessUsage {
  let cpuMs = 0;
  let rssBytes = 0;
  for (const pid of pids) {
    const usage = processUsage(pid);
    cpuMs += usage?.cpuMs ?? 0;
    rssBytes += usage?.rssBytes ?? 0;
  }
  return { cpuMs, rssBytes };
}
