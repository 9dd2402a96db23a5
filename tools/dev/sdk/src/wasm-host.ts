import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { dirname, extname, join, normalize } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Browser, chromium, type Page } from 'playwright-core';
import { chromiumPath, ensureChromium } from './chromium.ts';
import { eventLog, type SdkEvent } from './event-log.ts';
import { SdkError, type SdkHost, type SdkPort } from './sdk-port.ts';

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Optimizing the SDK's 36 MB of WebAssembly again for each user takes more CPU time than tests then spend in it.
  '--js-flags=--liftoff-only',
];
const OPEN_TIMEOUT_MS = 180_000;
const CLOSE_TIMEOUT_MS = 20_000;

interface CallOutcome {
  data?: unknown;
  failure?: { code: number; message: string };
}

/** Starts a headless Chromium, installing it where it is missing, for instances of `@openim/wasm-client-sdk`; each user has separate storage. */
export async function startWasmHost(): Promise<SdkHost> {
  ensureChromium();
  const files = await serveSdk();
  const stray: string[] = [];
  let turn: Promise<unknown> = Promise.resolve();
  let browser: Browser;
  try {
    browser = await chromium.launch({ executablePath: chromiumPath(), args: FLAGS });
  } catch (error) {
    files.server.close();
    throw error;
  }

  async function close(): Promise<void> {
    const ended = browser.close().then(() => true);
    if (!(await Promise.race([ended, sleep(CLOSE_TIMEOUT_MS, false, { ref: false })]))) {
      process.stderr.write('Chromium does not close; it will be killed at the end of this process\n');
    }
    files.server.closeAllConnections();
    files.server.close();
  }

  return {
    kind: 'wasm',
    pid: undefined,
    stray,
    inTurn(work) {
      const mine = turn.then(work);
      turn = mine.catch(() => {});
      return mine;
    },
    async open(owner): Promise<SdkPort> {
      const context = await browser.newContext();
      const page = await context.newPage();
      const events = eventLog(owner);
      page.on('pageerror', (error) => stray.push(`${owner}: ${error.message}`));
      await page.exposeFunction('reportEvent', (event: SdkEvent) => events.add(event));
      await page.goto(`${files.url}/index.html`);
      await page.waitForFunction('window.sdkReady === true', undefined, { timeout: OPEN_TIMEOUT_MS });
      return {
        kind: 'wasm',
        events,
        call: (method, params) => callInPage(page, method, params),
        close: () => context.close(),
      };
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function callInPage(page: Page, method: string, params: unknown): Promise<unknown> {
  const expression = `window.callSdk(${JSON.stringify(method)}, ${JSON.stringify(params ?? null)})`;
  const outcome: CallOutcome = await page.evaluate(expression);
  if (outcome.failure) throw new SdkError(method, outcome.failure.code, outcome.failure.message);
  return outcome.data;
}

/** The page: loads the SDK as its documentation says, and passes calls and callbacks through. */
const PAGE = `<!doctype html><meta charset="utf-8"><title>SDK</title>
<script src="/assets/wasm_exec.js"></script>
<script type="module">
import { getSDK, CbEvents } from '/lib/index.es.js';
const sdk = getSDK({ coreWasmPath: '/assets/openIM.wasm', sqlWasmPath: '/assets/sql-wasm.wasm', debug: false });
for (const event of Object.values(CbEvents)) {
  sdk.on(event, ({ data, errCode, errMsg }) => {
    window.reportEvent({
      event,
      data: data ?? null,
      errCode: errCode ?? 0,
      errMsg: errMsg ?? '',
      at: performance.timeOrigin + performance.now(),
    });
  });
}
window.callSdk = async (method, params) => {
  try {
    if (params?.file?.base64 !== undefined) {
      const { base64, name, type } = params.file;
      params = { ...params, file: new File([Uint8Array.fromBase64(base64)], name, { type }) };
    }
    const result = await (params === null ? sdk[method]() : sdk[method](params));
    return { data: result?.data };
  } catch (error) {
    return { failure: { code: error?.errCode ?? -1, message: error?.errMsg ?? String(error) } };
  }
};
window.sdkReady = true;
</script>`;

const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.wasm': 'application/wasm',
  '.html': 'text/html',
};

async function serveSdk(): Promise<{ server: Server; url: string }> {
  const require = createRequire(import.meta.url);
  const root = dirname(dirname(require.resolve('@openim/wasm-client-sdk')));
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url ?? '/', 'http://x').pathname);
    if (path === '/index.html') {
      response.writeHead(200, { 'content-type': 'text/html' });
      response.end(PAGE);
      return;
    }
    const file = join(root, path);
    if (!/^\/(lib|assets)\//.test(path) || !existsSync(file)) {
      response.writeHead(404);
      response.end();
      return;
    }
    response.writeHead(200, {
      'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
      'content-length': statSync(file).size,
    });
    if (request.method === 'HEAD') response.end();
    else createReadStream(file).pipe(response);
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(0, '127.0.0.1', resolve);
  await promise;
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}
