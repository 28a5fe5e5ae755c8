/** Follows the state of the whole system, which comes every other second. */

import { follow } from './follow.js';

/**
 * @param {(state: import('../api.js').Snapshot) => void} show
 */
export function followState(show) {
  follow('/api/state', (/** @type {import('../api.js').Snapshot[]} */ states) => {
    const latest = states.at(-1);
    if (latest) show(latest);
  });
}
