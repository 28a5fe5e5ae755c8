/** The functions: their processes on one machine, and what they handled, from their spans. */

import { ApiError, request } from '../api.js';
import { h } from '../dom.js';
import { show } from '../parts/frame.js';
import { bytes, count, duration } from '../parts/text.js';

/** @typedef {import('../api.js').Figures} Figures */
/** @typedef {import('../api.js').ProcessState} ProcessState */

const REFRESH_MILLISECONDS = 2_000;
const HEADS = ['Function', 'State', 'Process', 'Starts', 'Requests', 'Errors', 'p50', 'p99'];

export default async function page() {
  const rows = h('tbody');
  const hint = h('p', { class: 'hint' });
  const heads = HEADS.map((name, at) => h('th', { scope: 'col', class: at > 1 ? 'number' : null }, name));
  show(
    'Functions',
    h('h1', null, 'Functions'),
    hint,
    h('div', { class: 'wide', tabindex: '0', role: 'group', 'aria-label': 'Functions' }, h('table', null, h('thead', null, h('tr', null, heads)), rows)),
  );
  for (;;) {
    const [machine, handled] = await Promise.all([processes(), request('/api/functions')]);
    const figures = new Map(handled.functions.map((/** @type {Figures} */ one) => [one.service, one]));
    const names = machine.length ? machine.map((one) => one.name) : [...figures.keys()];
    const states = new Map(machine.map((one) => [one.name, one]));
    rows.replaceChildren(...names.sort().map((name) => row(name, states.get(name), figures.get(name))));
    hint.textContent = handled.spans
      ? `Requests and deliveries of the last five minutes, from ${count(handled.spans)} spans (${bytes(handled.bytes)}).`
      : 'No spans have come yet: figures appear with the first request.';
    do await new Promise((resolve) => setTimeout(resolve, REFRESH_MILLISECONDS));
    while (document.hidden);
  }
}

/** @returns {Promise<ProcessState[]>} the processes of functions, relays and bridge; none in a cluster */
async function processes() {
  try {
    return (await request('/api/machine')).processes.filter((/** @type {ProcessState} */ one) => one.isOurs);
  } catch (error) {
    if (error instanceof ApiError && error.status === 400) return [];
    throw error;
  }
}

/**
 * @param {string} name
 * @param {ProcessState | undefined} state
 * @param {Figures | undefined} figures
 */
function row(name, state, figures) {
  const cells = [
    state?.pid ?? '–',
    count(state?.starts),
    count(figures?.requests),
    count(figures?.errors),
    figures ? duration(figures.p50) : '–',
    figures ? duration(figures.p99) : '–',
  ];
  return h(
    'tr',
    null,
    h('th', { scope: 'row' }, name),
    h('td', { class: state && state.state !== 'ready' ? 'bad' : null }, state?.state ?? '–'),
    ...cells.map((cell, at) => h('td', { class: at === 3 && figures?.errors ? 'number bad' : 'number' }, cell)),
  );
}
