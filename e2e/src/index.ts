export { BENCH_USAGE } from '../bench/options.ts';
export * from '../checker/index.ts';
export { type VerifyOptions, verify } from '../verify/index.ts';
export {
  type Admin,
  type AdminAccess,
  ApiError,
  admin,
  ConnectionLost,
  connectWire,
  type Endpoint,
  readPositions,
  sendMessage,
  type WireConnection,
  WireError,
  type WireHandlers,
  type WireOptions,
} from '../wire/index.ts';

/** Runs the bench as its usage says, and returns the exit code; loads the server's harness only now. */
export async function runBench(
  args: readonly string[],
  print: (text: string) => void,
  progress: (text: string) => void,
): Promise<number> {
  const bench = await import('../bench/index.ts');
  return await bench.runBench(args, print, progress);
}
