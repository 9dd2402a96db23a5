import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { testTenant } from '@im/dev-cluster';
import type { View } from './browser.ts';
import { type Fixture, startFixture } from './fixture.ts';
import { PAGES, showPage } from './shown.ts';

/** Where pictures of all pages are kept. @default none are taken */
const { SCREENSHOTS, FULL } = process.env;

const SHOWN = [...PAGES, 'users/ann', 'users/nobody'];

const VIEWS: readonly Required<View>[] = [
  { width: 1_280, colorScheme: 'light', locale: 'en-GB' },
  { width: 360, colorScheme: 'dark', locale: 'zh-CN' },
  { width: 360, colorScheme: 'light', locale: 'en-GB' },
  { width: 1_280, colorScheme: 'dark', locale: 'zh-CN' },
];

describe('all pages', () => {
  let fixture: Fixture;
  before(async () => {
    // Of the only tenant, who may see the cluster as well.
    fixture = await startFixture({ tenants: [testTenant('default')] });
    const ann = await fixture.device('ann');
    await ann.createGroup('A group', []);
  });
  after(async () => fixture?.[Symbol.asyncDispose]());

  for (const view of FULL === '1' ? VIEWS : VIEWS.slice(0, 2)) {
    const name = `${view.locale}-${view.colorScheme}-${view.width}`;
    test(`are accessible, fit the window and break no policy (${name})`, async () => {
      await using visitor = await fixture.loggedIn(`viewer ${name}`, view);
      const { page } = visitor;
      for (const path of SHOWN) {
        await showPage(visitor, path, 20_000);
        if (SCREENSHOTS) {
          mkdirSync(SCREENSHOTS, { recursive: true });
          await page.screenshot({ path: join(SCREENSHOTS, `${path.replace('/', '-')}-${name}.png`) });
        }
        assert.deepEqual(await visitor.accessibilityFaults(), [], path);
        const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
        assert.ok(Number(overflow) <= 0, `${path} is ${overflow} px too wide`);
        const language = await page.evaluate('document.documentElement.lang');
        assert.equal(language, view.locale === 'zh-CN' ? 'zh-CN' : 'en');
      }
      // The page of a user that does not exist is answered with 404, which browsers write to the console.
      assert.deepEqual(
        visitor.faults.filter((fault) => !fault.includes('status of 404')),
        [],
      );
    });
  }
});
