import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** The browser that the wasm suites drive: Debian's, or the one that CHROMIUM names. */
export function chromiumPath(): string {
  return process.env.CHROMIUM ?? '/usr/bin/chromium';
}

const commandsFor = (name: string) =>
  [
    ['apt-get', 'update', '-q'],
    ['apt-get', 'install', '-q', '-y', '--no-install-recommends', name],
  ] as const;

/**
 * Installs the browser where it is missing and this process may: root on Debian or Ubuntu, and no
 * browser named by the environment. Says what it does on stderr.
 * @throws Error with the command to run, when it is missing and can't be installed.
 */
export function ensureChromium(): void {
  if (!existsSync(chromiumPath()))
    install('chromium', ', or set CHROMIUM', process.env.CHROMIUM === undefined);
}

/** Where Debian keeps the fonts of Chinese, Japanese and Korean. */
const CJK_FONTS = '/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc';

/**
 * Installs fonts for Chinese where they are missing and this process may, as {@link ensureChromium} does.
 * @throws Error with the command to run.
 */
export function ensureCjkFonts(): void {
  if (!existsSync(CJK_FONTS)) install('fonts-noto-cjk');
}

function install(name: string, orElse = '', allowed = true): void {
  const commands = commandsFor(name);
  const advice = `run as root: ${commands.map((command) => command.join(' ')).join(' && ')}`;
  const mayInstall = allowed && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
  if (!mayInstall) throw new Error(`${name} is not installed: ${advice}${orElse}`);
  for (const [command, ...args] of commands) {
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
