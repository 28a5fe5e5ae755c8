/** The latest orders, as they change. */

import { h } from '../dom.js';
import { follow } from '../parts/follow.js';
import { show } from '../parts/frame.js';
import { badge, clock, fields } from '../parts/text.js';

/** @typedef {import('../api.js').EventRecord} EventRecord */

const MOST_ROWS = 100;

export default function page() {
  /** @type {Map<string, HTMLElement>} */
  const rows = new Map();
  const list = h('tbody');
  const empty = h('p', { class: 'hint' }, 'No orders yet. They appear here as people reserve tickets.');
  const table = h(
    'table',
    { class: 'orders', hidden: true },
    h('thead', null, h('tr', null, ...['Changed', 'Ticket', 'Status', 'Why', 'Order'].map((name) => h('th', { scope: 'col' }, name)))),
    list,
  );
  show(
    'Orders',
    h('h1', null, 'What happened to this order?'),
    h('p', { class: 'hint' }, 'Choose one, or press / and paste any id of it.'),
    empty,
    h('div', { class: 'wide' }, table),
  );
  follow('/api/events?name=order.*', (/** @type {EventRecord[]} */ events) => {
    for (const event of events) {
      rows.get(event.order)?.remove();
      rows.delete(event.order);
      rows.set(event.order, row(event));
    }
    for (const order of [...rows.keys()].slice(0, -MOST_ROWS)) rows.delete(order);
    list.replaceChildren(...[...rows.values()].reverse());
    empty.hidden = rows.size > 0;
    table.hidden = rows.size === 0;
  });
}

/** @param {EventRecord} event */
function row(event) {
  const order = fields(event.data);
  return h(
    'tr',
    null,
    h('td', null, clock(event.time)),
    h('td', { class: 'title' }, h('a', { href: `/orders/${event.order}` }, order.ticket?.title || 'untitled')),
    h('td', null, badge(String(order.status))),
    h('td', null, order.reason ?? ''),
    h('td', null, h('code', null, event.order)),
  );
}
