import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULT_PORTS, type ProcessStatus } from '@im/contract';
import { type DeployedCluster, hasCommit, loadOtherBuild, type OtherBuild } from '@im/dev-cluster';
import { now } from '@im/proof';
import { openimctl } from './openimctl.ts';
import type { OlderBuild } from './other-builds.ts';
import { sharedCluster } from './shared-cluster.ts';
import { type Row, tableOf } from './verdicts.ts';

/** As fast as the figures of a short soak need. */
export const PROBER = { enabled: true, messagesPerSecond: 10 };
export const UPGRADE = { soakSeconds: 0, stepDeadlineSeconds: 300 };

/** The shared cluster with a prober that has judged a round. */
export interface ProbedCluster extends AsyncDisposable {
  readonly cluster: DeployedCluster;
  /** Printed as a table at the end. */
  readonly rows: Row[];
  /** The image that runs, and the other one of the same program. */
  images(): Promise<{ readonly running: string; readonly other: string }>;
  /** Builds and loads an image. @returns its name. */
  load(build: OtherBuild): Promise<string>;
  /** Loads the build of a commit; in a clone without its history, the present build under its version, and says so. */
  loadOlder(build: OlderBuild): Promise<string>;
  /** Rolls an image out, and waits until the prober has judged a round. */
  rollOut(image: string, spec?: Readonly<Record<string, unknown>>): Promise<void>;
  /** Waits until the prober has judged a round, so that a proof has a beginning. */
  untilProbed(): Promise<void>;
}

const PROBED_WITHIN_MS = 120_000;
const SETTLED_WITHIN_MS = 600_000;

/** Prepares the shared cluster for upgrades, and leaves it without a prober. */
export async function probedCluster(): Promise<ProbedCluster> {
  const cluster = await sharedCluster();
  const rows: Row[] = [];
  async function untilProbed(): Promise<void> {
    const deadline = now() + PROBED_WITHIN_MS;
    for (let prober: ProcessStatus['prober']; !prober?.judgedUntil; await sleep(500)) {
      assert.ok(now() < deadline, `the prober has judged no round: ${JSON.stringify(prober)}`);
      const [pod] = await cluster.pods('prober');
      // It may be on its way between two versions.
      if (!pod) continue;
      const { namespace, name } = pod.metadata;
      const status = cluster.testCluster.api.proxy({ namespace, name }, DEFAULT_PORTS.ops, 'status');
      prober = (JSON.parse(await status.catch(() => '{}')) as ProcessStatus).prober;
    }
  }
  /** Waits until every pod of the product runs an image. */
  async function untilRunning(image: string): Promise<void> {
    const roles = ['prober', 'rpc', 'transfer', 'push', 'cron', 'api', 'gateway'];
    const isOther = ({ name, image: own }: { readonly name: string; readonly image?: string }) =>
      roles.includes(name) && own !== image;
    for (const deadline = now() + SETTLED_WITHIN_MS; ; await sleep(1_000)) {
      const pods = await cluster.pods();
      if (!pods.some(({ spec }) => spec?.containers.some(isOther))) return;
      assert.ok(now() < deadline, `not all pods run ${image}`);
    }
  }
  async function close(): Promise<void> {
    if (rows.length > 0) process.stdout.write(`\n${tableOf(rows)}\n\n`);
    try {
      await cluster.change({ spec: { prober: null, upgrade: null } });
      await cluster.untilSettled();
    } finally {
      await cluster.close();
    }
  }
  const load = (build: OtherBuild) =>
    loadOtherBuild(cluster.testCluster.kubernetes, build, (line) => process.stderr.write(`${line}\n`));
  try {
    await cluster.change({ spec: { prober: PROBER, upgrade: UPGRADE } });
    await cluster.untilSettled();
    await untilProbed();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    cluster,
    rows,
    untilProbed,
    async images() {
      const { product, productAgain } = cluster.testCluster.images;
      const { spec } = await cluster.resource();
      return spec.image === productAgain
        ? { running: productAgain, other: product }
        : { running: product, other: productAgain };
    },
    load,
    async loadOlder(build) {
      if (await hasCommit(build.commit)) return await load(build);
      process.stdout.write(
        `this clone has no commit ${build.commit} (git fetch --unshallow gets it): the present build stands in for it\n`,
      );
      return await load({ version: build.version });
    },
    async rollOut(image, spec = {}) {
      const before = await cluster.resource();
      await cluster.change({ spec: { upgrade: UPGRADE, ...spec, image } });
      const wasRolledBack = before.status?.upgrade?.phase === 'RolledBack' && before.spec.image === image;
      if (wasRolledBack && Object.keys(spec).length === 0) await openimctl(cluster, 'upgrade', 'resume');
      await untilRunning(image);
      await cluster.untilSettled(SETTLED_WITHIN_MS);
      await untilProbed();
    },
    [Symbol.asyncDispose]: close,
  };
}
