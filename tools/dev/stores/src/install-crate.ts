import { copyFile, glob, mkdir, readFile, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { backendsCacheDir } from './cache-dir.ts';
import { installedDir, verifySha256 } from './install-dir.ts';
import type { PinnedCrate } from './lock-file.ts';
import { type Progress, withProgress } from './progress.ts';
import { findOnPath, runCommand } from './run-command.ts';
import { aptCommand } from './system-packages.ts';
import { isAtLeast, versionIn } from './versions.ts';

/** Why this crate cannot be built here, with what to do about it; undefined when it can. */
export async function whyNotBuildable(pin: PinnedCrate): Promise<string | undefined> {
  if ((await findOnPath('cargo')) === undefined) {
    return `Rust's cargo (${pin.minimumCargo} or newer) is not on PATH; install a Rust toolchain`;
  }
  const version = versionIn(await runCommand('cargo', ['--version']));
  if (version === undefined || !isAtLeast(version, pin.minimumCargo)) {
    return `cargo ${pin.minimumCargo} or newer is needed, found ${version ?? 'an unknown version'}; update the Rust toolchain`;
  }
  const missing: string[] = [];
  if ((await findOnPath('cmake')) === undefined) missing.push('cmake');
  const compilers = await Promise.all(['cc', 'c++', 'make'].map((command) => findOnPath(command)));
  if (compilers.includes(undefined)) missing.push('build-essential');
  return missing.length === 0 ? undefined : `missing ${missing.join(' and ')}; ${aptCommand(missing)}`;
}

/**
 * Builds a pinned crate when needed (minutes, once per machine) and returns the path of its executable.
 *
 * The .crate file is verified before anything of it runs; the Cargo.lock inside carries the checksums of everything
 * below it. The build folder survives an interruption, so the next attempt resumes there.
 */
export async function installCrateBinary(pin: PinnedCrate): Promise<string> {
  const dir = await installedDir(pin.crate, pin.version, (target) =>
    withProgress(`${pin.crate} ${pin.version}`, async (progress) => {
      progress.doing('downloading');
      const build = join(backendsCacheDir(), `.${pin.crate}-${pin.version}.build`);
      const source = await unpackVerifiedCrate(pin, build);
      await compile(pin, source, build, progress);
      await copyFile(join(build, 'target', 'release', pin.binary), join(target, pin.binary));
      await rm(build, { recursive: true, force: true });
      return pin.binary;
    }),
  );
  return join(dir, pin.binary);
}

async function unpackVerifiedCrate(pin: PinnedCrate, build: string): Promise<string> {
  const file = `${pin.crate}-${pin.version}.crate`;
  await mkdir(build, { recursive: true });
  // `cargo info` is the command that fetches one .crate from the configured registry without resolving or building it.
  await runCommand('cargo', ['info', '--quiet', `${pin.crate}@${pin.version}`], { cwd: build });
  const cargoHome = process.env.CARGO_HOME ?? join(homedir(), '.cargo');
  for await (const found of glob(`registry/cache/*/${file}`, { cwd: cargoHome })) {
    await verifySha256(join(cargoHome, found), pin.sha256);
    await runCommand('tar', ['-xzf', join(cargoHome, found), '-C', build]);
    return join(build, `${pin.crate}-${pin.version}`);
  }
  throw new Error(`cargo did not leave ${file} under ${cargoHome}/registry/cache`);
}

async function compile(pin: PinnedCrate, source: string, build: string, progress: Progress): Promise<void> {
  const total = (await readFile(join(source, 'Cargo.lock'), 'utf8')).split('[[package]]').length - 1;
  let compiled = 0;
  progress.doing(`building with cargo, ${total} crates at most`);
  await runCommand(
    'cargo',
    ['build', '--release', '--locked', '--ignore-rust-version', '--bin', pin.binary, '--color=never'],
    {
      cwd: source,
      // A bundled zlib: the build then needs no system library and its result runs on other machines.
      env: { CARGO_TARGET_DIR: join(build, 'target'), LIBZ_SYS_STATIC: '1' },
      onLine: (line) => {
        if (!/^\s*Compiling /.test(line)) return;
        compiled++;
        progress.doing(`building with cargo, ${compiled} of at most ${total} crates`);
      },
    },
  );
}
