/** One order's biography: what became of it, why, and everything that happened. */

import { ApiError, request } from '../api.js';
import { h } from '../dom.js';
import { show } from '../parts/frame.js';
import { badge, clock, duration, pretty, withClocks } from '../parts/text.js';
import { waterfall } from '../parts/waterfall.js';

/** @typedef {import('../api.js').Biography} Biography */
/** @typedef {import('../api.js').Entry} Entry */
/** @typedef {import('../api.js').Delivery} Delivery */

const REFRESH_MILLISECONDS = 2_000;
const SIGNS = { delivered: '✓', waiting: '…', 'under way': '…', retrying: '↻', 'dead letter': '✕' };

/** @param {RegExpExecArray} match */
export default async function page(match) {
  const order = match[1] ?? '';
  show('Order', h('p', { role: 'status' }, 'Reading the log…'));
  let shown = '';
  for (;;) {
    const found = await read(order);
    const text = JSON.stringify(found);
    if (text !== shown && !document.querySelector('main details[open]')) render(order, found);
    shown = text;
    if (found && isOver(found)) break;
    await new Promise((resolve) => setTimeout(resolve, REFRESH_MILLISECONDS));
    while (document.hidden) await new Promise((resolve) => setTimeout(resolve, REFRESH_MILLISECONDS));
  }
}

/**
 * @param {string} order
 * @returns {Promise<Biography | null>}
 */
async function read(order) {
  try {
    return await request(`/api/orders/${order}`);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}

/** @param {Biography} found */
function isOver(found) {
  const isEnded = found.status === 'complete' || found.status === 'cancelled';
  return isEnded && found.entries.every((entry) => entry.deliveries.every((one) => one.state === 'delivered'));
}

/**
 * @param {string} order
 * @param {Biography | null} found
 */
function render(order, found) {
  if (found === null) {
    return show(
      'Order',
      h('h1', null, 'Nothing of this order'),
      h('p', null, 'The log has nothing of ', h('code', null, order), '. It keeps a week, unless it had to make room.'),
    );
  }
  show(
    found.headline,
    h(
      'section',
      { class: `verdict ${found.mood}`, 'aria-label': 'What became of it' },
      h('p', { class: 'what-of' }, h('span', { class: 'title' }, found.title), ' ', badge(found.status)),
      h('h1', null, ...withClocks(found.headline)),
      ...found.explanation.map((text) => h('p', null, ...withClocks(text))),
      found.advice && h('p', { class: 'advice' }, found.advice),
    ),
    facts(found),
    h('h2', null, 'What happened'),
    h('ol', { class: 'story' }, found.entries.map((entry) => item(entry, found.entries[0]))),
    ...scheduled(found),
    waterfall(found),
  );
}

/** @param {Biography} found */
function facts(found) {
  /** @type {[string, import('../dom.js').Child][]} */
  const rows = [
    ['Order', h('code', null, found.order)],
    ['Ticket', h('a', { href: `/find?q=${found.ticket}` }, h('code', null, found.ticket))],
    ['Buyer', h('a', { href: `/find?q=${found.buyer}` }, h('code', null, found.buyer))],
    ['Price', found.price === null ? '–' : `${found.price.toFixed(2)} USD`],
    ['Live', h('a', { href: `/events?order=${found.order}` }, 'follow its events')],
  ];
  return h('dl', { class: 'facts' }, ...rows.map(([name, value]) => h('div', null, h('dt', null, name), h('dd', null, value))));
}

/**
 * @param {Entry} entry
 * @param {Entry | undefined} first
 */
function item(entry, first) {
  const after = first ? (Date.parse(entry.time) - Date.parse(first.time)) / 1000 : 0;
  return h(
    'li',
    { class: entry.mood },
    h('span', { class: 'when' }, clock(entry.time), h('small', null, after > 0 ? `+${duration(after)}` : '')),
    h(
      'div',
      null,
      h('p', null, ...withClocks(entry.text)),
      h('p', { class: 'hint' }, entry.service, ' · ', h('code', null, entry.name), entry.copies > 0 && ` · published ${entry.copies + 1} times`),
      h('ul', { class: 'deliveries', 'aria-label': 'Deliveries' }, entry.deliveries.map(delivery)),
      h('details', null, h('summary', null, `Data of event ${entry.sequence}`), h('pre', { tabindex: '0' }, pretty(entry.data))),
    ),
  );
}

/** @param {Delivery} one */
function delivery(one) {
  const failed = one.attempts > 0 && `, ${one.attempts} failed`;
  const reason = one.reason && h('span', { class: 'reason' }, one.reason);
  return h(
    'li',
    { class: one.state.replace(' ', '-') },
    h('span', { 'aria-hidden': 'true' }, SIGNS[one.state]),
    ` ${one.trigger} `,
    one.state !== 'delivered' ? h('b', null, one.state, failed) : h('span', { class: 'read-out' }, 'delivered'),
    reason,
  );
}

/** @param {Biography} found */
function scheduled(found) {
  if (found.scheduled.length === 0) return [];
  const items = found.scheduled.map((one) => h('li', null, clock(one.due), ` ${one.text} `, h('code', null, one.name)));
  return [h('h2', null, 'What is scheduled'), h('ul', { class: 'scheduled' }, items)];
}
