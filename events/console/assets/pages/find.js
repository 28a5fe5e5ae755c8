/** The orders that a search found; a single one is shown at once. */

import { request } from '../api.js';
import { h } from '../dom.js';
import { show } from '../parts/frame.js';
import { badge, clock } from '../parts/text.js';

/** @typedef {import('../api.js').FoundOrder} FoundOrder */

export default async function page() {
  const term = new URLSearchParams(location.search).get('q') ?? '';
  show('Searching', h('p', { role: 'status' }, 'Searching the log…'));
  /** @type {FoundOrder[]} */
  const found = await request(`/api/orders?q=${encodeURIComponent(term)}`);
  if (found.length === 1 && found[0]) return location.replace(`/orders/${found[0].id}`);
  show(
    'Found',
    h('h1', null, found.length ? `${found.length} orders of “${term}”` : `Nothing of “${term}”`),
    found.length === 0 &&
      h('p', null, 'The log has no order of it. It keeps a week, unless it had to make room; ids are searched as a whole.'),
    h('ul', { class: 'results' }, found.map(row)),
  );
}

/** @param {FoundOrder} order */
function row(order) {
  return h(
    'li',
    null,
    h('a', { href: `/orders/${order.id}`, class: 'title' }, order.title || order.id),
    badge(order.status),
    h('small', null, order.reason && `${order.reason} · `, order.time && clock(order.time), ' · ', h('code', null, order.id)),
  );
}
