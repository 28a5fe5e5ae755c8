/** On one machine: break it, and see that what may never happen does not. */

import { request } from '../api.js';
import { h } from '../dom.js';
import { ask } from '../parts/ask.js';
import { follow } from '../parts/follow.js';
import { show } from '../parts/frame.js';
import { count, duration } from '../parts/text.js';

/** @typedef {import('../api.js').Guarantees} Guarantees */
/** @typedef {import('../api.js').MachineState} MachineState */
/** @typedef {import('../api.js').ProcessState} ProcessState */

const REFRESH_MILLISECONDS = 1_000;
/** @type {['lost' | 'oversold' | 'stuck' | 'chargedTwice', string, string][]} */
const COUNTERS = [
  ['lost', 'Lost', 'orders with an event that was committed and is not in the log after a minute'],
  ['oversold', 'Oversold', 'tickets with two live orders'],
  ['stuck', 'Stuck', 'unpaid orders a minute after their time'],
  ['chargedTwice', 'Charged twice', 'orders with two charges'],
];

export default async function page() {
  const counters = h('div', { class: 'counters' });
  const rows = h('tbody');
  const crowd = h('div', { class: 'line' });
  const provider = h('div', { class: 'line' });
  const told = h('p', { role: 'status', class: 'line' });
  const heads = ['Process', 'State', 'Runs for', 'Starts', 'Break it'].map((name, at) => h('th', { scope: 'col', class: at === 2 || at === 3 ? 'number' : null }, name));
  show(
    'Break it',
    h('h1', null, 'Break it'),
    h('p', { class: 'hint' }, 'Send people shopping, then kill or pause what you like. What may never happen is counted from the events of the last hours.'),
    counters,
    told,
    h('h2', null, 'People'),
    crowd,
    h('h2', null, 'Payment provider'),
    provider,
    h('h2', null, 'Processes'),
    h('div', { class: 'wide', tabindex: '0', role: 'group', 'aria-label': 'Processes' }, h('table', null, h('thead', null, h('tr', null, heads)), rows)),
  );
  counters.replaceChildren(...COUNTERS.map(([, name, meaning]) => counter(name, meaning, null)), totals(null));
  follow('/api/guarantees', (/** @type {Guarantees[]} */ figures) => {
    const latest = figures.at(-1);
    if (!latest) return;
    counters.replaceChildren(...COUNTERS.map(([key, name, meaning]) => counter(name, meaning, latest[key])), totals(latest));
  });
  let shown = '';
  for (;;) {
    try {
      render(await request('/api/machine'));
    } catch (error) {
      told.textContent = error instanceof Error ? error.message : String(error);
    }
    do await new Promise((resolve) => setTimeout(resolve, REFRESH_MILLISECONDS));
    while (document.hidden);
  }

  /** @param {MachineState} state */
  function render(state) {
    const text = JSON.stringify({ ...state, processes: state.processes.map((one) => ({ ...one, seconds: 0 })) });
    if (text === shown) return ages(state);
    shown = text;
    const focused = document.activeElement?.id;
    rows.replaceChildren(...state.processes.map((one) => row(one, act)));
    crowd.replaceChildren(
      h('button', { id: 'crowd', type: 'button', class: state.shopping ? null : 'primary', click: () => act(state.shopping ? 'go home' : 'shop', '') }, state.shopping ? 'Send people home' : 'Let people shop'),
      h('span', null, state.shopping ? 'Five people sell, reserve, pay and give up.' : 'The shop is empty.'),
    );
    provider.replaceChildren(
      ...state.faults.map((name) => h('button', { id: `fault-${name}`, type: 'button', 'aria-pressed': String(state.fault === name), click: () => act('provider', name) }, name)),
      ...(state.faults.length ? [] : ['The provider is not the stand-in.']),
    );
    if (focused) document.getElementById(focused)?.focus();
  }

  /** @param {MachineState} state */
  function ages(state) {
    state.processes.forEach((one, at) => {
      const cell = rows.rows[at]?.cells[2];
      if (cell) cell.textContent = age(one);
    });
  }

  /**
   * @param {string} action
   * @param {string} name
   */
  async function act(action, name) {
    if (action === 'kill' && name.includes('mongo') && !(await ask(`Kill ${name}?`, 'Its service answers with errors until it has started again.', 'Kill'))) return;
    told.textContent = `${action} ${name}…`;
    try {
      render(await request('/api/machine', { action, name }));
      told.textContent = name ? `${action}: ${name}, done` : 'done';
    } catch (error) {
      told.textContent = error instanceof Error ? error.message : String(error);
    }
  }
}

/**
 * @param {string} name
 * @param {string} meaning
 * @param {number | null} value
 */
function counter(name, meaning, value) {
  return h('div', { class: value ? 'counter broken' : 'counter' }, h('b', null, count(value)), h('span', null, name), h('small', null, meaning));
}

/** @param {Guarantees | null} figures */
function totals(figures) {
  const text = figures ? `${count(figures.complete)} sold, ${count(figures.cancelled)} cancelled` : 'reading the log…';
  return h('div', { class: 'counter plain' }, h('b', null, count(figures?.orders ?? null)), h('span', null, 'Orders'), h('small', null, text));
}

/**
 * @param {ProcessState} one
 * @param {(action: string, name: string) => void} act
 */
function row(one, act) {
  const button = (/** @type {string} */ action) =>
    h('button', { id: `${action}-${one.name}`, type: 'button', 'aria-label': `${action} ${one.name}`, click: () => act(action, one.name) }, action);
  const mine = one.name === 'console' || one.state === 'external';
  return h(
    'tr',
    null,
    h('th', { scope: 'row' }, one.name, ' ', one.pid !== null && h('small', null, String(one.pid))),
    h('td', { class: one.state === 'ready' ? 'good' : one.state === 'external' ? null : 'bad' }, one.state),
    h('td', { class: 'number' }, age(one)),
    h('td', { class: 'number' }, count(one.starts)),
    h('td', { class: 'actions' }, ...(mine ? [] : [button('kill'), button(one.state === 'paused' ? 'resume' : 'pause')])),
  );
}

/** @param {ProcessState} one */
function age(one) {
  return one.pid === null ? '–' : duration(Math.floor(one.seconds));
}
