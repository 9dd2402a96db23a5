import { eventually } from '@im/testing';
import type { Visitor } from './browser.ts';

/** All pages but those of a single user. */
export const PAGES = [
  'overview',
  'users',
  'groups',
  'messages',
  'broadcast',
  'connections',
  'statistics',
  'webhooks',
  'cron',
  'import',
  'client-logs',
  'tenant',
  'cluster',
  'audit',
  'access',
  'about',
] as const;

/** True in a page once all that it shows at first has arrived, and the tab has its title. */
export const SHOWN = `document.querySelector('[role=status][aria-label], .mantine-Skeleton-root') === null &&
  (document.querySelector('h1') === null
    ? document.querySelector('[role=alert]') !== null
    : document.title.startsWith(document.querySelector('h1').textContent))`;

/**
 * Shows a page of the tenant `default` as a link does: nothing is loaded again.
 * @throws what went wrong in the window, when the page is not complete after `withinMs`. @default 60 s
 */
export async function showPage(
  { page, faults }: Pick<Visitor, 'page' | 'faults'>,
  path: string,
  withinMs?: number,
): Promise<void> {
  await page.evaluate(`history.pushState(null, '', '/console/default/${path}')`);
  // The policy of the page lets nothing wait in it.
  await eventually(async () => {
    if ((await page.evaluate(SHOWN)) !== true) throw new Error(`${path} is not shown: ${faults.join('; ')}`);
  }, withinMs);
}
