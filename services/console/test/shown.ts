/** True in a page once all that it shows at first has arrived, and the tab has its title. */
export const SHOWN = `document.querySelector('[role=status][aria-label], .mantine-Skeleton-root') === null &&
  (document.querySelector('h1') === null
    ? document.querySelector('[role=alert]') !== null
    : document.title.startsWith(document.querySelector('h1').textContent))`;
