/** Dead letters by what caused them, and what can be done with them. */

import { request } from '../api.js';
import { h } from '../dom.js';
import { ask } from '../parts/ask.js';
import { show } from '../parts/frame.js';
import { clock, count } from '../parts/text.js';

/** @typedef {import('../api.js').Group} Group */
/** @typedef {import('../api.js').Letter} Letter */
/** @typedef {import('../api.js').Progress} Progress */

const REFRESH_MILLISECONDS = 1_000;
const RATE = 10;

export default async function page() {
  const groups = h('div', { class: 'groups' });
  const progress = h('p', { role: 'status', class: 'line' });
  show('Dead letters', h('h1', null, 'Dead letters'), h('p', { class: 'hint' }, 'Events that a function rejected, or did not accept for a day. Mend the function, replay one as a canary, then the others.'), progress, since(act), groups);
  await refresh();

  /** Read the groups again, and go on while a batch runs. */
  async function refresh() {
    const found = await request('/api/dead-letters');
    progress.textContent = words(found.batch);
    progress.className = found.batch?.error ? 'line bad' : 'line';
    const opened = new Set([...groups.querySelectorAll('details[open]')].map((one) => one.getAttribute('data-key')));
    groups.replaceChildren(
      ...found.groups.map((/** @type {Group} */ group) => section(group, act, opened)),
      ...(found.groups.length ? [] : [h('p', null, 'There are none: every event was accepted, or is still being retried.')]),
    );
    if (found.batch?.running) setTimeout(refresh, REFRESH_MILLISECONDS);
  }

  /**
   * Count what an order concerns, ask, and carry it out.
   *
   * @param {object} order
   * @param {string} verb
   */
  async function act(order, verb) {
    try {
      const { count: concerned } = await request('/api/dead-letters', { ...order, dryRun: true });
      if (concerned === 0) return ask('Nothing is selected.', 'No dead letter is left of these.', null);
      const lost = verb === 'Purge' ? 'Their events are lost.' : `At most ${RATE} a second, each to the Trigger that failed, and to no other.`;
      const letters = concerned === 1 ? '1 dead letter' : `${count(concerned)} dead letters`;
      if (!(await ask(`${verb} ${letters}?`, lost, verb))) return;
      await request('/api/dead-letters', { ...order, rate: RATE });
      await refresh();
    } catch (error) {
      progress.textContent = error instanceof Error ? error.message : String(error);
      progress.className = 'line bad';
    }
  }
}

/** @typedef {(order: object, verb: string) => Promise<unknown>} Act */

/** @param {Progress | null} batch */
function words(batch) {
  if (!batch) return '';
  const done = batch.action === 'replay' ? 'replayed' : 'purged';
  if (batch.error) return `Ended early: ${batch.error}`;
  const after = batch.action === 'replay' ? '. What fails again comes back here under a new number.' : '.';
  return `${count(batch.done)} of ${count(batch.total)} ${done}${batch.running ? '…' : after}`;
}

/** @param {Act} act */
function since(act) {
  const field = h('input', { id: 'since', type: 'datetime-local', required: true });
  const replay = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    return act({ action: 'replay', since: new Date(field.value).toISOString() }, 'Replay');
  };
  return h('form', { class: 'filters', submit: replay }, h('div', { class: 'field' }, h('label', { for: 'since' }, 'All since'), field), h('button', null, 'Replay all since'));
}

/**
 * @param {Group} group
 * @param {Act} act
 * @param {Set<string | null>} opened
 */
function section(group, act, opened) {
  const which = { trigger: group.trigger, status: group.status, message: group.message };
  const key = JSON.stringify(which);
  const button = (/** @type {string} */ name, /** @type {object} */ order, /** @type {string} */ verb) =>
    h('button', { type: 'button', 'aria-label': `${name}: ${group.trigger}, ${group.message}`, click: () => act({ ...which, ...order }, verb) }, name);
  return h(
    'section',
    { class: 'group', 'aria-label': `${group.trigger}: ${group.message}` },
    h('h2', null, group.trigger, ' ', h('span', { class: 'badge cancelled' }, group.status || 'no response')),
    h('p', { class: 'message' }, group.message),
    h('p', { class: 'hint' }, `${count(group.count)} from `, clock(group.oldest), ' to ', clock(group.newest), group.reason !== group.message && ` · ${group.reason}`),
    h('div', { class: 'line' }, button('Replay one', { action: 'replay', first: true }, 'Replay'), button('Replay all', { action: 'replay' }, 'Replay'), button('Purge', { action: 'purge' }, 'Purge')),
    h('details', { 'data-key': key, open: opened.has(key) }, h('summary', null, group.count > group.letters.length ? `The oldest ${group.letters.length}` : 'Each of them'), h('ul', { class: 'results' }, group.letters.map(letter))),
  );
}

/** @param {Letter} one */
function letter(one) {
  const shown = h('pre', { hidden: true, tabindex: '0' });
  return h(
    'li',
    null,
    h('span', null, `${one.number} · `, clock(one.time), ` · ${one.name}`),
    one.order && h('a', { href: `/orders/${one.order}` }, 'its order'),
    h('button', { type: 'button', class: 'quiet', click: reveal, 'aria-label': `Show dead letter ${one.number}` }, 'Show'),
    shown,
  );

  async function reveal() {
    const { text } = await request(`/api/dead-letters/${one.number}`).catch((error) => ({ text: error.message }));
    shown.textContent = text;
    shown.hidden = false;
  }
}
