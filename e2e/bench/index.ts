export { runBench } from './bench.ts';
export { BENCH_USAGE } from './options.ts';
