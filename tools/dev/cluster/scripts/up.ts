// `make up`: Kubernetes, the operator, a cluster from a manifest, and a message between two unmodified OpenIM SDK
// clients. `make down` stops it; WIPE=1 removes data and caches too.
import { down } from '../src/up/down.ts';
import { up } from '../src/up/up.ts';

const USAGE = 'usage: up.ts up|down';
const HINT =
  'without Kubernetes: make dev runs every role in one process, with its own stores, as long as you like';

try {
  switch (process.argv[2]) {
    case 'up':
      await up();
      break;
    case 'down':
      await down(process.env.WIPE === '1');
      break;
    default:
      throw new Error(USAGE);
  }
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n${HINT}\n`);
  process.exitCode = 1;
}
