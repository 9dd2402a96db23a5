import { writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { gzipSync } from 'node:zlib';
import type { ServerConfig } from '@im/contract';
import { EVENT, labelSelectorOf, POD } from '@im/kube';
import { redactConfig } from '@im/process';
import { clusterKey, matchingClusters, onlyCluster, openKube } from '../cluster/find.ts';
import { packageVersion } from '../commands/version.ts';
import { configOf, type ExamineOptions, examine, opsOf, targetOf } from '../doctor/examine.ts';
import { opsText } from '../doctor/processes.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import { type OutputFormat, printObject, toYaml } from '../output.ts';
import { showProgress } from '../progress.ts';
import { redactor } from './redact.ts';
import { type ArchivedFile, tarOf } from './tar.ts';

/** Options of `openimctl report`. */
export interface ReportOptions extends ExamineOptions {
  file?: string;
  output: OutputFormat;
}

/** Longest file of a report, in characters; the end is kept. */
const MAX_FILE = 4_194_304;
/** Most processes that are asked. */
const MAX_PROCESSES = 100;
const DEADLINE_MS = 15_000;

/** What is put into a report, or why it is missing. */
async function attempt(path: string, work: () => Promise<string | undefined>): Promise<ArchivedFile[]> {
  try {
    const text = await work();
    return text === undefined ? [] : [{ path, text: text.slice(-MAX_FILE) }];
  } catch (error) {
    return [{ path: `${path}.missing`, text: `${error instanceof Error ? error.message : error}\n` }];
  }
}

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;

async function processFiles(ops: readonly string[]): Promise<ArchivedFile[]> {
  const pages = [
    ['status.json', '/status'],
    ['metrics.txt', '/metrics'],
  ] as const;
  const files = ops.slice(0, MAX_PROCESSES).flatMap((url) =>
    pages.map(([name, path]) => {
      const folder = new URL(url).host.replaceAll(/[^A-Za-z0-9.-]/g, '_').slice(0, 60);
      return attempt(`processes/${folder}/${name}`, () => opsText(url, path));
    }),
  );
  return (await Promise.all(files)).flat();
}

/** The resource, its pods and the events of its namespace. Secrets are not read. */
async function clusterFiles(options: ExamineOptions): Promise<ArchivedFile[]> {
  const { cluster = process.env.OPENIM_CLUSTER || undefined, kubeconfig, kubeContext } = options;
  if ([cluster, kubeconfig, kubeContext].every((each) => each === undefined)) return [];
  const client = await openKube(options);
  try {
    const key = clusterKey({ ...options, cluster });
    const only = onlyCluster(await matchingClusters(client, key, DEADLINE_MS), key, client);
    const { name, namespace } = only.metadata;
    const { managedFields: _, ...metadata } = only.metadata as { managedFields?: unknown };
    const labelSelector = labelSelectorOf({ 'app.kubernetes.io/instance': name });
    return [
      { path: 'cluster/resource.yaml', text: await toYaml({ ...only, metadata }) },
      ...(await attempt('cluster/pods.json', async () => {
        const { items } = await client.list(POD, { namespace, labelSelector, deadlineMs: DEADLINE_MS });
        return json(items.map((pod) => ({ name: pod.metadata.name, status: pod.status })));
      })),
      ...(await attempt('cluster/events.json', async () => {
        const { items } = await client.list(EVENT, { namespace, deadlineMs: DEADLINE_MS });
        return json(items);
      })),
    ];
  } finally {
    client.close();
  }
}

/** Texts that the config hides when it is printed. */
function secretsOf(config: ServerConfig): string[] {
  const found: string[] = [];
  const compare = (value: unknown, masked: unknown) => {
    if (typeof value === 'string') {
      if (value === masked) return;
      found.push(value);
      // Of a URL the password is secret wherever it stands.
      const [, password] = /:\/\/[^:@/]*:([^@/]*)@/.exec(value) ?? [];
      if (password) found.push(password, decodeURIComponent(password));
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, each] of Object.entries(value))
        compare(each, (masked as Record<string, unknown>)[key]);
    }
  };
  compare(config, redactConfig(config));
  return found;
}

/** Secrets of the environment, by the names of their variables. */
function environmentSecrets(): string[] {
  return Object.entries(process.env).flatMap(([name, value]) =>
    value !== undefined && /SECRET|PASSWORD|TOKEN|_KEY$|_URI$/i.test(name) ? [value] : [],
  );
}

function versions(): string {
  return json({
    openimctl: packageVersion(),
    node: process.versions.node,
    platform: `${process.platform} ${process.arch} ${release()}`,
    time: new Date().toISOString(),
  });
}

/** Runs `openimctl report`. @throws CommandError `environment` when the file exists or cannot be written. */
export async function runReport(options: ReportOptions): Promise<void> {
  const now = Date.now();
  const name = `openim-report-${new Date(now).toISOString().replaceAll(/[:.]/g, '-')}`;
  const file = options.file ?? `${name}.tar.gz`;
  const files: ArchivedFile[] = [{ path: 'versions.json', text: versions() }];
  let secrets: readonly string[] = [];
  {
    using _shown = showProgress(() => `collecting; ${files.length} files so far`);
    const target = await targetOf(options).catch((error: unknown) => {
      files.push({ path: 'server.missing', text: `${error instanceof Error ? error.message : error}\n` });
      return undefined;
    });
    const config = await configOf(options, target);
    secrets = [
      ...environmentSecrets(),
      ...(target?.adminSecret === undefined ? [] : [target.adminSecret]),
      ...Object.values(target?.dev?.adminSecrets ?? {}),
      ...(config === undefined ? [] : secretsOf(config)),
    ];
    files.push(
      ...(await attempt('findings.json', async () => json(await examine(options)))),
      ...(config === undefined ? [] : [{ path: 'config.yaml', text: await toYaml(redactConfig(config)) }]),
      ...(await processFiles(opsOf(options, target))),
      ...(await clusterFiles(options)),
    );
  }
  const redact = redactor(secrets);
  const redacted = files.map(({ path, text }) => ({ path, text: redact(text) }));
  const archive = gzipSync(tarOf(name, redacted, now));
  try {
    writeFileSync(file, archive, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    throw new CommandError(
      EXIT.environment,
      `--file: ${file} cannot be written: ${error instanceof Error ? error.message : error}`,
    );
  }
  await printObject({ file, bytes: archive.length, files: redacted.map(({ path }) => path) }, options.output);
}
