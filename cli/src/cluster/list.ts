import { OPENIM_CLUSTER } from '@im/operator';
import { type OutputFormat, printRows } from '../output.ts';
import { CLUSTER_COLUMNS, clusterRow } from '../status/rows.ts';
import { withKubeClient } from './find.ts';
import type { KubeOptions } from './options.ts';

/** Options of `openimctl cluster list`. */
export interface ClusterListOptions extends KubeOptions {
  allNamespaces: boolean;
  output: OutputFormat;
}

const DEADLINE_MS = 15_000;

/** Runs `openimctl cluster list`. */
export async function listClusters(options: ClusterListOptions): Promise<void> {
  await withKubeClient(options, async (client) => {
    const namespace = options.allNamespaces ? undefined : (options.namespace ?? client.namespace);
    const { items } = await client.list(OPENIM_CLUSTER, { namespace, deadlineMs: DEADLINE_MS });
    const now = Date.now();
    const rows = items.map((each) => clusterRow(each, now));
    const place = (row: (typeof rows)[number]) => `${row.namespace}/${row.name}`;
    await printRows(
      rows.sort((a, b) => (place(a) < place(b) ? -1 : 1)),
      CLUSTER_COLUMNS,
      options.output,
    );
    if (rows.length === 0 && namespace !== undefined) {
      process.stderr.write(`openimctl: none in namespace ${namespace}; --all-namespaces looks in all\n`);
    }
  });
}
