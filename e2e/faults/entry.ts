// The product's processes with a bug planted, for tests of the tests: IM_FAULT names it.
import { serve } from '@im/main';
import { overridesFor } from './planted.ts';

await serve(process.argv.slice(2), overridesFor(process.env.IM_FAULT ?? ''));
