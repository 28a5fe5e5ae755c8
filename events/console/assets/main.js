/** Shows the page that the address names. */

import { frame, fail } from './parts/frame.js';

/** @type {[RegExp, () => Promise<{default: (match: RegExpExecArray) => unknown}>][]} */
const PAGES = [
  [/^\/$/, () => import('./pages/home.js')],
  [/^\/find$/, () => import('./pages/find.js')],
  [/^\/orders\/([0-9a-f]{24})$/, () => import('./pages/order.js')],
  [/^\/events$/, () => import('./pages/events.js')],
  [/^\/triggers$/, () => import('./pages/triggers.js')],
  [/^\/dead-letters$/, () => import('./pages/letters.js')],
  [/^\/break$/, () => import('./pages/break.js')],
  [/^\/functions$/, () => import('./pages/functions.js')],
  [/^\/map$/, () => import('./pages/map.js')],
  [/^\/storage$/, () => import('./pages/storage.js')],
];

try {
  await frame();
  await show();
} catch (error) {
  fail(error);
}

async function show() {
  for (const [pattern, load] of PAGES) {
    const match = pattern.exec(location.pathname);
    if (match) return (await load()).default(match);
  }
  const { default: missing } = await import('./pages/missing.js');
  return missing();
}
