import { existsSync, readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { freemem, totalmem } from 'node:os';
import { dirname, resolve } from 'node:path';
import { type Finding, fine } from './finding.ts';
import { reached, THRESHOLDS } from './thresholds.ts';

function percent(part: number): string {
  return `${Math.round(part * 100)} %`;
}

/** A number of bytes for people. */
export function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = value < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(value) / 10));
  return `${Math.round((value / 1_024 ** power) * 10) / 10} ${units[power]}`;
}

/** Whether space is left. */
export function spaceFinding(
  check: string,
  subject: string,
  used: number,
  size: number,
  meaning: string,
  remedy: string,
): Finding {
  const share = size > 0 ? used / size : 0;
  const severity = reached(share, THRESHOLDS.spaceUsed);
  const message = `${percent(share)} of ${bytes(size)} used`;
  return severity === 'ok'
    ? fine(check, subject, message)
    : { check, subject, severity, message, meaning, remedy };
}

/** The disk that a directory is on, or will be. */
async function diskFinding(directory: string): Promise<Finding> {
  let path = resolve(directory);
  while (!existsSync(path) && dirname(path) !== path) path = dirname(path);
  const { blocks, bavail, bsize } = await statfs(path);
  return spaceFinding(
    'host.disk',
    directory,
    (blocks - bavail) * bsize,
    blocks * bsize,
    'A store that cannot write refuses messages, and may need repair.',
    'Free space or enlarge the disk; retention (docs/operations/scheduled-jobs.md) removes what is old.',
  );
}

function numberIn(file: string, pattern: RegExp): number | undefined {
  try {
    const [, text] = pattern.exec(readFileSync(file, 'utf8')) ?? [];
    return text === undefined ? undefined : Number(text);
  } catch {
    // Not on this platform.
    return undefined;
  }
}

function memoryFinding(): Finding {
  const kib = numberIn('/proc/meminfo', /^MemAvailable:\s+(\d+) kB/m);
  const available = kib === undefined ? freemem() : kib * 1_024;
  const share = available / totalmem();
  const severity = reached(share, THRESHOLDS.memoryFree);
  const message = `${bytes(available)} of ${bytes(totalmem())} available`;
  if (severity === 'ok') return fine('host.memory', 'this machine', message);
  return {
    ...{ check: 'host.memory', subject: 'this machine', severity, message },
    meaning: 'Processes that need more are killed; the kernel chooses which.',
    remedy: 'Stop what does not belong here, or add memory; docs/operations/run.md says what processes need.',
  };
}

/** How many files, and so connections, a process may open. */
export function descriptorFinding(subject: string, limit: number, open?: number): Finding {
  const check = 'process.descriptors';
  const byLimit = reached(limit, THRESHOLDS.descriptors);
  const byUse = open === undefined ? 'ok' : reached(open / limit, THRESHOLDS.descriptorsUsed);
  const severity = [byLimit, byUse].find((each) => each === 'critical') ?? (byUse === 'ok' ? byLimit : byUse);
  const message = `may open ${limit} files${open === undefined ? '' : `, and has ${open} open`}`;
  if (severity === 'ok') return fine(check, subject, message);
  return {
    ...{ check, subject, severity, message },
    meaning:
      'Each connection is an open file: at the limit new clients and connections to stores are refused.',
    remedy:
      'Raise it: ulimit -n 1048576 in a shell, LimitNOFILE=1048576 of a systemd unit, the default ulimits of the container runtime.',
  };
}

/** What processes that are started here may open. */
function ownDescriptors(): Finding[] {
  const limit = numberIn('/proc/self/limits', /^Max open files\s+(\d+)/m);
  return limit === undefined ? [] : [descriptorFinding('processes started from this shell', limit)];
}

/** This machine: disks of the directories, memory, limit of open files. */
export async function hostFindings(directories: readonly string[]): Promise<Finding[]> {
  return [...(await Promise.all(directories.map(diskFinding))), memoryFinding(), ...ownDescriptors()];
}
