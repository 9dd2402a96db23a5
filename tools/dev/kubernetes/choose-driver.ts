import { findOnPath, runCommand } from '@im/dev-stores';
import { whyNoGo } from './install/go-build.ts';

/** How the cluster runs: as containers of Docker, or as programs of this machine. */
export type DriverName = 'kind' | 'local';

/** Which driver to use. Throws when none can run here, with the reasons and what to do. */
export async function chooseDriver(env: NodeJS.ProcessEnv = process.env): Promise<DriverName> {
  const wish = env.CLUSTER;
  if (wish === 'kind' || wish === 'local') return wish;
  if (wish !== undefined && wish !== '') {
    throw new Error(`CLUSTER must be "kind" or "local", not ${JSON.stringify(wish)}`);
  }
  const noKind = await whyNoKind();
  if (noKind === undefined) return 'kind';
  const noLocal = await whyNoLocal();
  if (noLocal === undefined) return 'local';
  throw new Error(
    `no Kubernetes can run here.\n  kind: ${noKind}\n  local (throw-away machines only): ${noLocal}`,
  );
}

/** Why kind cannot be used here, with what to do about it; undefined when it can. */
export async function whyNoKind(): Promise<string | undefined> {
  if ((await findOnPath('docker')) === undefined)
    return 'Docker is not installed; see https://docs.docker.com/engine/install';
  const answers = await runCommand('docker', ['version', '--format', '{{.Server.Version}}']).then(
    () => true,
    () => false,
  );
  if (!answers) {
    return 'no Docker daemon answers; start it, and see that you may use it (`docker version` shows a server)';
  }
  if ((await findOnPath('kind')) !== undefined) return undefined;
  const noGo = await whyNoGo();
  return noGo && `kind is not on PATH and cannot be compiled: ${noGo}`;
}

/** Why the local driver cannot be used here, with what to do about it; undefined when it can. */
export async function whyNoLocal(): Promise<string | undefined> {
  return whyNotANode() ?? (await whyNoGo());
}

/** Why this machine cannot become a node, regardless of the installed software. */
export function whyNotANode(): string | undefined {
  if (process.platform !== 'linux') return 'it needs Linux; use kind';
  if (process.getuid?.() !== 0) {
    return 'it needs root, on a machine whose network settings may change; use kind';
  }
  return undefined;
}
