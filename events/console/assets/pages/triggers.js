/** Every Trigger with what it has still to deliver. */

import { h } from '../dom.js';
import { show } from '../parts/frame.js';
import { followState } from '../parts/state.js';
import { count, duration } from '../parts/text.js';

/** @typedef {import('../api.js').Snapshot} Snapshot */
/** @typedef {import('../api.js').TriggerState} TriggerState */

const HEADS = ['Trigger', 'Rate', 'Backlog', 'Oldest', 'Retried', 'Parked', 'Dead', 'At once', 'Events'];
const LATE_SECONDS = 30;

export default function page() {
  const rows = h('tbody');
  const heads = HEADS.map((name, at) => h('th', { scope: 'col', class: at > 0 && at < 8 ? 'number' : null }, name));
  show(
    'Triggers',
    h('h1', null, 'Triggers'),
    h('p', { class: 'hint' }, 'Backlog is what a function has not accepted yet; parked events of it wait for a retry outside of the log.'),
    h('div', { class: 'wide', tabindex: '0', role: 'group', 'aria-label': 'Triggers' }, h('table', null, h('thead', null, h('tr', null, heads)), rows)),
  );
  followState((/** @type {Snapshot} */ state) => rows.replaceChildren(...state.triggers.map(row)));
}

/** @param {TriggerState} one */
function row(one) {
  const late = one.oldest > LATE_SECONDS;
  return h(
    'tr',
    null,
    h('th', { scope: 'row' }, one.name, one.subscriber !== one.name && h('small', null, ` → ${one.subscriber}`)),
    number(one.rate === null ? '–' : `${one.rate.toFixed(1)}/s`),
    number(count(one.backlog), late),
    number(one.backlog ? duration(one.oldest) : '–', late),
    number(count(one.redelivered)),
    number(count(one.parked), one.parked > 0),
    h('td', { class: 'number' }, one.dead > 0 ? h('a', { href: '/dead-letters', class: 'bad' }, count(one.dead)) : '0'),
    number(count(one.concurrency)),
    h('td', null, h('details', null, h('summary', null, one.types === null ? 'any type' : one.types.join(', ')), h('pre', { tabindex: '0' }, one.filter))),
  );
}

/**
 * @param {string} text
 * @param {boolean} [isBad]
 */
function number(text, isBad = false) {
  return h('td', { class: isBad ? 'number bad' : 'number' }, text);
}
