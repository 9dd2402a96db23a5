export { BENCH_USAGE, runBench } from '../bench/index.ts';
export * from '../checker/index.ts';
export { type VerifyOptions, verify } from '../verify/index.ts';
export { type Admin, type AdminAccess, admin, type Endpoint } from '../wire/index.ts';
