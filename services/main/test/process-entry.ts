import { createServer } from 'node:http';
import { serve } from '../src/index.ts';
import { fakeModules } from './fake-modules.ts';

/**
 * A server process whose gateway takes 200 ms to stop, never stops (`HANG`), or leaves something that
 * keeps the process alive (`LEAK`).
 */
const trace: string[] = [];
await serve(process.argv.slice(2), {
  module: fakeModules(trace, {
    gateway: {
      start: async () => {
        if (process.env.LEAK) createServer().listen(0, '127.0.0.1');
        if (process.env.STRAY) setTimeout(() => void Promise.reject(new Error('stray')), 50);
      },
      stop: async () => {
        await new Promise((resolve) => (process.env.HANG ? undefined : setTimeout(resolve, 200)));
      },
    },
  }),
});
