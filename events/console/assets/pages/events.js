/** The stream of events, with filters that the process applies. */

import { h } from '../dom.js';
import { follow } from '../parts/follow.js';
import { show } from '../parts/frame.js';
import { clock, count, pretty } from '../parts/text.js';

/** @typedef {import('../api.js').EventRecord} EventRecord */

const MOST_ROWS = 300;
const FILTERS = /** @type {const} */ (['name', 'order', 'buyer', 'trace']);
const LABELS = { name: 'Type', order: 'Order', buyer: 'Buyer', trace: 'Trace' };

export default function page() {
  const query = new URLSearchParams(location.search);
  const list = h('ol', { class: 'stream', 'aria-label': 'Events, newest first' });
  const state = h('p', { class: 'hint', role: 'status' }, 'Connecting…');
  const rate = h('span', { class: 'rate' }, '');
  let paused = false;
  const pause = h('button', { type: 'button', 'aria-pressed': 'false', click: toggle }, 'Pause');
  show('Events', h('h1', null, 'Events'), filters(query), h('div', { class: 'line' }, pause, rate, state), list);

  const opened = Date.now(); // what is older does not count into the rate
  let seen = 0;
  const recent = /** @type {number[]} */ ([]);
  const path = new URLSearchParams(FILTERS.map((name) => [name, query.get(name) ?? '']));
  follow(
    `/api/events?${path}`,
    (/** @type {EventRecord[]} */ events, skipped) => {
      seen += events.length + skipped;
      measure(events.filter((event) => Date.parse(event.time) > opened).length + skipped);
      if (!paused) list.prepend(...events.slice(-MOST_ROWS).reverse().map(row));
      while (list.childElementCount > MOST_ROWS) list.lastElementChild?.remove();
      state.textContent = seen ? `${count(seen)} since you opened this page` : 'Connected; no event yet';
    },
    (connected) => (state.textContent = connected ? 'Connected' : 'Connection lost; reconnecting…'),
  );
  setInterval(() => measure(0), 1_000);

  function toggle() {
    paused = !paused;
    pause.setAttribute('aria-pressed', String(paused));
    pause.textContent = paused ? 'Go on' : 'Pause';
  }

  /** @param {number} events */
  function measure(events) {
    const now = performance.now();
    for (let i = 0; i < events; i++) recent.push(now);
    while ((recent[0] ?? now) < now - 5_000) recent.shift();
    rate.textContent = `${(recent.length / 5).toFixed(1)} a second`;
  }
}

/** @param {URLSearchParams} query */
function filters(query) {
  const fields = FILTERS.map((name) =>
    h(
      'div',
      { class: 'field' },
      h('label', { for: `f-${name}` }, LABELS[name]),
      h('input', { id: `f-${name}`, name, value: query.get(name) ?? '', placeholder: name === 'name' ? 'order.*' : 'id', spellcheck: 'false' }),
    ),
  );
  const clear = query.toString() && h('a', { href: '/events', class: 'quiet' }, 'Clear');
  return h('form', { class: 'filters', action: '/events' }, fields, h('button', null, 'Filter'), clear);
}

/** @param {EventRecord} event */
function row(event) {
  const subject = event.order && h('a', { href: `/orders/${event.order}` }, event.order);
  return h(
    'li',
    null,
    clock(event.time),
    h('span', { class: `name ${family(event.name)}` }, event.name),
    h('span', { class: 'about' }, subject || h('code', null, event.id), event.replayedTo && ` replayed to ${event.replayedTo}`),
    h('details', null, h('summary', null, 'Data'), h('pre', { tabindex: '0' }, pretty(event.data)), links(event)),
  );
}

/** @param {EventRecord} event */
function links(event) {
  return h(
    'p',
    { class: 'hint' },
    `sequence ${event.sequence} · id ${event.id} · `,
    event.trace && h('a', { href: `/events?trace=${event.trace}` }, 'its trace'),
    event.buyer && ' · ',
    event.buyer && h('a', { href: `/events?buyer=${event.buyer}` }, 'its buyer'),
  );
}

/** @param {string} name */
function family(name) {
  return name.split('.')[0]?.replace(/[^a-z]/g, '') ?? '';
}
