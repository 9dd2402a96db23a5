import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** The browser that the wasm suites drive: Debian's, or the one that CHROMIUM names. */
export function chromiumPath(): string {
  return process.env.CHROMIUM ?? '/usr/bin/chromium';
}

const PACKAGE = 'chromium';
const COMMANDS = [
  ['apt-get', 'update', '-q'],
  ['apt-get', 'install', '-q', '-y', '--no-install-recommends', PACKAGE],
] as const;

/**
 * Installs the browser where it is missing and this process may: root on Debian or Ubuntu, and no
 * browser named by the environment. Says what it does on stderr.
 * @throws Error with the command to run, when it is missing and can't be installed.
 */
export function ensureChromium(): void {
  if (existsSync(chromiumPath())) return;
  const advice = `run as root: ${COMMANDS.map((command) => command.join(' ')).join(' && ')}`;
  const mayInstall =
    process.getuid?.() === 0 && process.env.CHROMIUM === undefined && existsSync('/usr/bin/apt-get');
  if (!mayInstall) throw new Error(`there is no ${chromiumPath()}: ${advice}, or set CHROMIUM`);
  for (const [command, ...args] of COMMANDS) {
    process.stderr.write(`${[command, ...args].join(' ')}\n`);
    const { status, stdout, stderr } = spawnSync(command, args, {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      encoding: 'utf8',
    });
    if (status !== 0) {
      throw new Error(`${command} ended with ${status}; ${advice}\n${`${stdout}${stderr}`.slice(-2_000)}`);
    }
  }
}
