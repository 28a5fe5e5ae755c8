/** What is stored: the log and its streams, the outboxes, and whether the money is right. */

import { request } from '../api.js';
import { h } from '../dom.js';
import { show } from '../parts/frame.js';
import { followState } from '../parts/state.js';
import { bytes, clock, count, duration } from '../parts/text.js';

/** @typedef {import('../api.js').StreamState} StreamState */
/** @typedef {import('../api.js').Outbox} Outbox */

const LATE_SECONDS = 30;
const FULL = 0.8;

export default function page() {
  const streams = h('tbody');
  const outboxes = h('tbody');
  const unknown = h('p', { class: 'hint', hidden: true }, 'This console may not read the databases.');
  show(
    'Storage',
    h('h1', null, 'Storage'),
    table('The log', ['Stream', 'Messages', 'Rate', 'Size', 'Fill'], streams),
    h('h2', null, 'Outboxes'),
    table('Outboxes', ['Service', 'Rows', 'Newest', 'Published until', 'Lag'], outboxes),
    unknown,
    h('h2', null, 'Money'),
    money(),
  );
  followState((state) => {
    streams.replaceChildren(
      stream('Log', state.log),
      stream('Schedules', state.schedules),
      stream('Dead letters', state.deadLetters),
    );
    outboxes.replaceChildren(...(state.outboxes ?? []).map(outbox));
    unknown.hidden = state.outboxes !== null;
  });
}

/**
 * @param {string} label
 * @param {string[]} heads
 * @param {HTMLElement} body
 */
function table(label, heads, body) {
  const cells = heads.map((name, at) => h('th', { scope: 'col', class: at > 0 && name !== 'Fill' ? 'number' : null }, name));
  return h('div', { class: 'wide', tabindex: '0', role: 'group', 'aria-label': label }, h('table', null, h('thead', null, h('tr', null, cells)), body));
}

/**
 * @param {string} name
 * @param {StreamState} one
 */
function stream(name, one) {
  const fill = one.maxBytes === null ? null : one.bytes / one.maxBytes;
  const meter = fill !== null && h('meter', { min: 0, max: 1, high: FULL, optimum: 0, value: fill.toFixed(3), 'aria-label': `${name}: fill` });
  return h(
    'tr',
    null,
    h('th', { scope: 'row' }, name, ' ', h('small', null, one.name)),
    h('td', { class: 'number' }, count(one.messages)),
    h('td', { class: 'number' }, one.rate === null ? '–' : `${one.rate.toFixed(1)}/s`),
    h('td', { class: 'number' }, bytes(one.bytes)),
    h('td', { class: fill !== null && fill > FULL ? 'bad' : null }, meter, fill === null ? 'no bound' : ` ${(100 * fill).toFixed(1)} % of ${bytes(one.maxBytes ?? 0)}`),
  );
}

/** @param {Outbox} one */
function outbox(one) {
  if (one.error) return h('tr', null, h('th', { scope: 'row' }, one.service), h('td', { colspan: 4, class: 'bad' }, one.error));
  const late = one.lag !== null && one.lag > LATE_SECONDS;
  return h(
    'tr',
    null,
    h('th', { scope: 'row' }, one.service, one.replaying && h('small', null, ' being published again')),
    h('td', { class: 'number' }, count(one.rows)),
    h('td', { class: 'number' }, one.newest ? clock(one.newest) : '–'),
    h('td', { class: 'number' }, one.published ? clock(one.published) : '–'),
    h('td', { class: late ? 'number bad' : 'number' }, one.lag ? duration(one.lag) : 'none'),
  );
}

/** The line of the audit, made when it is asked for: it reads every payment. */
function money() {
  const line = h('p', { role: 'status' });
  const button = h('button', { type: 'button', click: audit }, 'Compare with the provider’s books');
  return h('div', null, h('p', { class: 'hint' }, 'What was charged, refunded and sold must be the same here and at the provider.'), button, line);

  async function audit() {
    button.disabled = true;
    line.textContent = 'Comparing…';
    try {
      const found = await request('/api/audit', {});
      line.textContent = found.line;
      line.className = found.right ? 'good' : 'bad';
    } catch (error) {
      line.textContent = error instanceof Error ? error.message : String(error);
      line.className = 'bad';
    }
    button.disabled = false;
  }
}
