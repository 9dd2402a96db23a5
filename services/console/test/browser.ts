import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromiumPath, ensureChromium } from '@im/dev-sdk';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
];
const require = createRequire(import.meta.url);
const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
/** What a machine with much else to do needs at most. */
const TIMEOUT_MS = 30_000;

/** How a page is looked at. */
export interface View {
  /** @default 1280 */
  readonly width?: number;
  /** @default light */
  readonly colorScheme?: 'light' | 'dark';
  /** @default en-GB */
  readonly locale?: 'en-GB' | 'zh-CN';
}

/** A person's browser window, with all that went wrong in it. */
export interface Visitor extends AsyncDisposable {
  readonly context: BrowserContext;
  readonly page: Page;
  /** Violations of the policy, errors of the page and of its console. */
  readonly faults: string[];
  /** Breaches of WCAG 2 A and AA in what is shown. */
  accessibilityFaults(): Promise<string[]>;
}

/** A headless browser. */
export interface TestBrowser extends AsyncDisposable {
  /** A window with separate storage. */
  visit(view?: View): Promise<Visitor>;
}

const REPORT_VIOLATIONS = `addEventListener('securitypolicyviolation', (event) =>
  console.error('policy violated: ' + event.violatedDirective + ' ' + event.blockedURI + ' ' + event.sample));`;

interface AxeResult {
  readonly violations: readonly {
    readonly id: string;
    readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
  }[];
}

async function accessibilityFaults(page: Page): Promise<string[]> {
  // Evaluated by the debugger: the policy of the page allows no foreign script.
  await page.evaluate(AXE);
  const { violations }: AxeResult = await page.evaluate(
    `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] })`,
  );
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(
      ({ html, failureSummary }) => `${id}: ${html.slice(0, 200)}: ${failureSummary.replace(/\s+/g, ' ')}`,
    ),
  );
}

/** Starts the browser, installing it where it is missing. */
export async function startBrowser(): Promise<TestBrowser> {
  ensureChromium();
  const browser: Browser = await chromium.launch({ executablePath: chromiumPath(), args: FLAGS });
  return {
    async visit({ width = 1_280, colorScheme = 'light', locale = 'en-GB' } = {}) {
      const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, locale });
      context.setDefaultTimeout(TIMEOUT_MS);
      await context.addInitScript(REPORT_VIOLATIONS);
      const page = await context.newPage();
      const faults: string[] = [];
      page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
      page.on('console', (message) => {
        if (message.type() === 'error' || message.type() === 'warning')
          faults.push(`${message.type()}: ${message.text()} ${message.location().url}`);
      });
      return {
        context,
        page,
        faults,
        accessibilityFaults: () => accessibilityFaults(page),
        [Symbol.asyncDispose]: () => context.close(),
      };
    },
    [Symbol.asyncDispose]: () => browser.close(),
  };
}
