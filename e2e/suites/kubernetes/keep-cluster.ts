/**
 * Keeps one Kubernetes with the operator and the shared cluster for all suites of this folder, which otherwise would
 * each bring up their own. Says `kept` on stdout when they are there; gives everything back when stdin ends.
 */
import { text } from 'node:stream/consumers';
import { deployCluster, developmentSpec, useGround } from '../../harness/deploy/index.ts';
import { SHARED } from './shared-cluster.ts';

await using ground = await useGround();
await using _cluster = await deployCluster(ground, { ...SHARED, spec: developmentSpec() });
process.stdout.write('kept\n');
await text(process.stdin);
