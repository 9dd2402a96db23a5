import { openCluster } from '../cluster.ts';

const USAGE = `usage: cluster.ts up | down [--wipe] | status | load <image tarball>
CLUSTER=kind|local chooses the driver; by default the one that this machine can run.
`;

/**
 * Brings the cluster of tests and \`make up\` up or down by hand.
 * Exit codes: 0 done (status: it is up), 1 failed (status: it is down), 2 wrong usage.
 */
async function main([verb, ...rest]: readonly string[]): Promise<number> {
  const cluster = await openCluster();
  switch (verb) {
    case 'up':
      if (rest.length > 0) break;
      await cluster.up();
      process.stdout.write(`export KUBECONFIG=${cluster.kubeconfig}\n`);
      return 0;
    case 'down':
      if (rest.some((flag) => flag !== '--wipe')) break;
      await cluster.down({ wipe: rest.length > 0 });
      return 0;
    case 'status': {
      if (rest.length > 0) break;
      const isUp = await cluster.isUp();
      process.stdout.write(`${cluster.driver} cluster: ${isUp ? 'up' : 'down'}\n`);
      return isUp ? 0 : 1;
    }
    case 'load': {
      const [tarball] = rest;
      if (tarball === undefined || rest.length > 1) break;
      await cluster.loadImage(tarball);
      return 0;
    }
  }
  process.stderr.write(USAGE);
  return 2;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
