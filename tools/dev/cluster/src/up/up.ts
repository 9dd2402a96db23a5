import { openCluster } from '@im/dev-kubernetes';
import {
  apply,
  installOperator,
  isCluster,
  loadImages,
  OPERATOR,
  openKube,
  reach,
  sample,
  withImages,
} from '../index.ts';
import { greet } from './greet.ts';
import { untilReady } from './wait.ts';

const SAMPLE = 'development';

/** Writes a line under a step. */
const detail = (line: string): void => say(`  ${line}`);

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Brings everything up from any state, and verifies that it works. */
export async function up(): Promise<void> {
  const startedAt = performance.now();
  const step = (what: string): void => {
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
    say(`[${seconds.padStart(6)} s] ${what}`);
  };

  const kubernetes = await openCluster({ print: detail });
  step(`Kubernetes: ${described(kubernetes.driver)}`);
  const ready = kubernetes.up();
  // The first failure of the two ends the wait for the other.
  const [images] = await Promise.all([loadImages(kubernetes, { ready, print: detail }), ready]);

  step(
    `operator: Helm release ${OPERATOR.release} in namespace ${OPERATOR.namespace}, image ${images.product}`,
  );
  await installOperator(kubernetes, images.product);

  const objects = withImages(sample(SAMPLE), images);
  const wanted = objects.find(isCluster);
  if (!wanted) throw new Error(`docs/samples/${SAMPLE}.yaml holds no OpenIMCluster`);
  const { name, namespace = 'default' } = wanted.metadata;
  step(`cluster ${namespace}/${name}: docs/samples/${SAMPLE}.yaml`);
  for (const line of (await apply(kubernetes, objects)).trim().split('\n')) detail(line);
  const api = await openKube(kubernetes.kubeconfig);
  try {
    const cluster = await untilReady(api, { name, namespace }, say);
    step('ready; two SDK clients on different gateways exchange a message');
    const reached = await reach(kubernetes, api, cluster);
    const { tokens, consoleLink } = await greet(api, cluster, reached, say);
    say('');
    say(`HTTP API      ${reached.endpoint.api}`);
    say(`WebSocket     ${reached.endpoint.ws}`);
    say(`objects       ${cluster.status?.endpoints?.objectStorage ?? 'unknown'}`);
    say(`console       ${consoleLink} (works once, for ten minutes)`);
    say(`admin         ${reached.access.adminUser}, secret ${reached.access.secret}`);
    for (const [user, token] of tokens) say(`token ${user.padEnd(8)}${token}`);
    say('');
    say(`export KUBECONFIG=${kubernetes.kubeconfig}`);
    say(`export PATH=$PATH:${(await kubernetes.kubectlPath()).replace(/\/kubectl$/, '')}`);
    say('');
    say('next:');
    say(`  npx openimctl status ${name} -n ${namespace}`);
    say(`  npx openimctl send --cluster ${namespace}/${name} --from alice --to bob "hello"`);
    say(`  npx openimctl console login --cluster ${namespace}/${name} --url ${reached.endpoint.api}`);
    say(`  kubectl -n ${namespace} describe openimcluster ${name}`);
    step('up; stop with: make down');
  } finally {
    api.close();
  }
}

function described(driver: 'kind' | 'local'): string {
  return driver === 'kind'
    ? 'kind, in a container of Docker (CLUSTER=local takes programs of this machine instead)'
    : 'programs of this machine, as root (CLUSTER=kind takes Docker instead)';
}
