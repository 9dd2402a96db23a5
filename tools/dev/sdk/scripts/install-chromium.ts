// Part of `make setup`: the browser of the wasm suites, ahead of their first run.
import { chromiumPath, ensureChromium } from '../src/index.ts';

try {
  ensureChromium();
  process.stdout.write(`chromium: ${chromiumPath()}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
