/**
 * Keeps one Kubernetes with the operator and the shared cluster for all suites of this folder, which otherwise would
 * each bring up their own. Once all are ready, prints the images as one line of JSON on stdout; releases everything
 * when stdin ends.
 */
import { text } from 'node:stream/consumers';
import { deployCluster, developmentSpec, useTestCluster } from '@im/dev-cluster';
import { SHARED } from './shared-cluster.ts';

await using testCluster = await useTestCluster();
await using _cluster = await deployCluster(testCluster, { ...SHARED, spec: developmentSpec() });
process.stdout.write(`${JSON.stringify(testCluster.images)}\n`);
await text(process.stdin);
