#!/usr/bin/env node
import { enableCompileCache } from 'node:module';
import { endOnEarlySignals } from './early-end.ts';
import { tuneRuntime } from './runtime.ts';

endOnEarlySignals();
tuneRuntime();
// Halves the CPU time of every start but the first; without a writable place for it nothing changes.
enableCompileCache();

const { serve } = await import('./serve.ts');
await serve(process.argv.slice(2));
