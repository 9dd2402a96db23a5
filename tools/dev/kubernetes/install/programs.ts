import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Programs that are compiled from Go modules, pinned and verified by the go.mod and go.sum of their folder. */
export type ProgramName =
  | 'kubernetes'
  | 'etcd'
  | 'coredns'
  | 'local-path-provisioner'
  | 'helm'
  | 'kind'
  | 'pause'
  | 'volume-helper'
  | 'mongod';

export interface Program {
  readonly name: string;
  /** Folder with the go.mod. */
  readonly dir: string;
  /** Package to compile, `.` for the folder's own. */
  readonly package: string;
  /** Version of the module that it comes from; a number of our own for programs that are ours. */
  readonly version: string;
  /** Changes with everything that the executable is made from. */
  readonly digest: string;
  readonly linkerFlags: readonly string[];
  /** Names under which the executable is installed as well. */
  readonly alsoKnownAs: readonly string[];
  /** Minutes of CPU that compiling takes where nothing is cached, for people and for the order of work. */
  readonly cpuMinutes: number;
  /**
   * Compiled next to other work: one package at a time, with a compile cache that only its own success removes, so that
   * an interrupted build goes on where it was, whatever was installed meanwhile.
   */
  readonly isBackground: boolean;
}

/** What a program is compiled from. */
export interface ProgramSource {
  /** Module whose version it has. @default the folder's own */
  readonly module?: string;
  /** @default the folder's own */
  readonly package?: string;
  /** Minutes of CPU that compiling takes where nothing is cached. */
  readonly cpuMinutes: number;
  readonly alsoKnownAs?: readonly string[];
  /** @default false */
  readonly isBackground?: boolean;
}

const PROGRAMS_DIR = join(import.meta.dirname, '..', 'local', 'programs');

const SOURCES: Readonly<Record<ProgramName, ProgramSource>> = {
  kubernetes: {
    module: 'k8s.io/kubernetes',
    cpuMinutes: 12,
    alsoKnownAs: [
      'kube-apiserver',
      'kube-controller-manager',
      'kube-scheduler',
      'kube-proxy',
      'kubelet',
      'kubectl',
    ],
  },
  etcd: { module: 'go.etcd.io/etcd/server/v3', package: 'go.etcd.io/etcd/server/v3', cpuMinutes: 0.6 },
  helm: { module: 'helm.sh/helm/v4', package: 'helm.sh/helm/v4/cmd/helm', cpuMinutes: 3 },
  coredns: { module: 'github.com/coredns/coredns', package: 'github.com/coredns/coredns', cpuMinutes: 2.5 },
  'local-path-provisioner': {
    module: 'github.com/rancher/local-path-provisioner',
    package: 'github.com/rancher/local-path-provisioner',
    cpuMinutes: 1.6,
  },
  kind: { module: 'sigs.k8s.io/kind', package: 'sigs.k8s.io/kind', cpuMinutes: 0.5 },
  pause: { cpuMinutes: 0.1 },
  'volume-helper': { cpuMinutes: 0.1 },
  mongod: { cpuMinutes: 0.1 },
};

/** What is compiled under a name. */
export function programOf(name: ProgramName): Program {
  return programIn(join(PROGRAMS_DIR, name), name, SOURCES[name]);
}

/** A program that the go.mod and go.sum in a folder pin. */
export function programIn(dir: string, name: string, source: ProgramSource): Program {
  const version = source.module === undefined ? 'v1' : requiredVersion(dir, source.module);
  const linkerFlags = ['-s', '-w', ...(name === 'kubernetes' ? kubernetesVersionFlags(version) : [])];
  return {
    name,
    dir,
    package: source.package ?? '.',
    version,
    digest: digestOf(dir),
    linkerFlags,
    alsoKnownAs: source.alsoKnownAs ?? [],
    cpuMinutes: source.cpuMinutes,
    isBackground: source.isBackground ?? false,
  };
}

/** The version of a module that a go.mod requires. */
export function requiredVersion(dir: string, module: string): string {
  const lines = readFileSync(join(dir, 'go.mod'), 'utf8').split('\n');
  for (const line of lines) {
    const [name, version] = line
      .replace(/^require\s/, '')
      .trim()
      .split(/\s+/);
    if (name === module && version?.startsWith('v')) return version;
  }
  throw new Error(`${join(dir, 'go.mod')} requires no ${module}`);
}

/** The server takes its version from these; without them it calls itself v0.0.0 and refuses feature gates. */
function kubernetesVersionFlags(version: string): string[] {
  const [major, minor] = version.slice(1).split('.');
  const values = {
    gitVersion: version,
    gitMajor: major,
    gitMinor: minor,
    gitTreeState: 'clean',
    gitCommit: '0'.repeat(40),
    buildDate: '2026-11-01T00:00:00Z',
  };
  return Object.entries(values).map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`);
}

function digestOf(dir: string): string {
  const hash = createHash('sha256');
  for (const file of readdirSync(dir).sort()) {
    if (/^go\.(?:mod|sum)$|\.go$/.test(file)) hash.update(file).update(readFileSync(join(dir, file)));
  }
  return hash.digest('hex').slice(0, 8);
}
