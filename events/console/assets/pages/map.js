/** The map: how a request becomes events, and which function receives which; red is what lags. */

import { request } from '../api.js';
import { h } from '../dom.js';
import { show } from '../parts/frame.js';
import { followState } from '../parts/state.js';
import { svg, text } from '../parts/svg.js';
import { count, duration } from '../parts/text.js';

/** @typedef {import('../api.js').Snapshot} Snapshot */
/** @typedef {import('../api.js').Wiring} Wiring */
/** @typedef {{x: number, y: number, width: number}} Place */

const [LINE, HEIGHT, TOP] = [30, 24, 30];
const COLUMNS = { gateway: [0, 90], routes: [140, 190], outboxes: [400, 120], log: [580, 120], triggers: [770, 210] };
const WIDTH = 1_140;
const LATE_SECONDS = 30;

export default async function page() {
  /** @type {Wiring} */
  const wiring = await request('/api/wiring');
  const drawing = h('div', { class: 'wide drawing', tabindex: '0', role: 'group', 'aria-label': 'Map' });
  show('Map', h('h1', null, 'Map'), h('p', { class: 'hint' }, 'From left to right: a route stores its change and an event in one transaction, a relay publishes the event to the log, and Triggers have it delivered. Lines are red where something waits for more than half a minute.'), drawing);
  followState((state) => drawing.replaceChildren(draw(wiring, state)));
}

/**
 * @param {Wiring} wiring
 * @param {Snapshot} state
 */
function draw(wiring, state) {
  const routes = wiring.functions.filter((one) => one.routes.length > 0);
  const rows = Math.max(routes.length, state.triggers.length, 1);
  const picture = svg('svg', { class: 'map', viewBox: `0 0 ${WIDTH} ${TOP + LINE * rows + LINE}`, role: 'img', 'aria-label': summary(wiring, state) });
  const middle = (/** @type {number} */ many, /** @type {number} */ at) => TOP + (LINE * rows * (at + 0.5)) / many;
  for (const [name, [x]] of Object.entries(COLUMNS)) {
    const head = text(name === 'routes' ? 'functions with a route' : name === 'triggers' ? 'Triggers and their functions' : name, x ?? 0, 14);
    head.setAttribute('class', 'head');
    picture.append(head);
  }
  const gateway = routes.length ? node(picture, 'gateway', 'Envoy', middle(1, 0)) : null;
  const log = node(picture, 'log', 'log', middle(1, 0), false, [rate(state.log.rate), `${count(state.log.messages)} events`].filter(Boolean).join(', '));
  /** @type {Map<string, Place>} */
  const outboxes = new Map();
  wiring.relays.forEach((service, at) => {
    const outbox = state.outboxes?.find((one) => one.service === service);
    const late = (outbox?.lag ?? 0) > LATE_SECONDS;
    const place = node(picture, 'outboxes', service, middle(wiring.relays.length, at), late, outbox?.lag ? `lag ${duration(outbox.lag)}` : '');
    outboxes.set(service, place);
    edge(picture, place, log, late, `${service}-relay`);
  });
  routes.forEach((one, at) => {
    const place = node(picture, 'routes', one.name, middle(routes.length, at), false, '', one.routes.join('\n'));
    if (gateway) edge(picture, gateway, place, false, one.routes.join(', '));
    const outbox = outboxes.get(one.service);
    if (one.stores && outbox) edge(picture, place, outbox, false, `${one.name} stores in ${one.service}`);
  });
  state.triggers.forEach((one, at) => {
    const late = one.oldest > LATE_SECONDS;
    const waiting = one.backlog ? `${count(one.backlog)} wait ${duration(one.oldest)}` : '';
    const figure = [rate(one.rate), waiting].filter(Boolean).join(', ');
    const place = node(picture, 'triggers', one.name, middle(state.triggers.length, at), late, figure, (one.types ?? ['any type']).join('\n'));
    edge(picture, log, place, late, (one.types ?? ['any type']).join(', '));
  });
  return picture;
}

/**
 * Draw a box with a name, a figure beside it and a title; return where its line begins and ends.
 *
 * @param {SVGElement} picture
 * @param {keyof typeof COLUMNS} column
 * @param {string} name
 * @param {number} y
 * @param {boolean} [late]
 * @param {string} [figure]
 * @param {string} [about]
 * @returns {Place}
 */
function node(picture, column, name, y, late = false, figure = '', about = '') {
  const [x = 0, width = 0] = COLUMNS[column];
  const group = svg('g', { class: late ? 'late' : '', 'data-node': `${column}/${name}` });
  const title = svg('title', {});
  title.textContent = about ? `${name}\n${about}` : name;
  group.append(title, svg('rect', { x, y: y - HEIGHT / 2, width, height: HEIGHT, rx: 6, class: 'node' }), text(name, x + 8, y + 4));
  if (figure) {
    const beside = text(figure, column === 'triggers' ? x + width + 8 : x + 8, column === 'triggers' ? y + 4 : y + HEIGHT);
    beside.setAttribute('class', 'figure');
    group.append(beside);
  }
  picture.append(group);
  return { x, y, width };
}

/**
 * @param {SVGElement} picture
 * @param {Place} from
 * @param {Place} to
 * @param {boolean} late
 * @param {string} about
 */
function edge(picture, from, to, late, about) {
  const [x, end] = [from.x + from.width, to.x];
  const half = (x + end) / 2;
  const line = svg('path', { d: `M${x} ${from.y} C${half} ${from.y} ${half} ${to.y} ${end} ${to.y}`, class: late ? 'edge late' : 'edge' });
  const title = svg('title', {});
  title.textContent = about;
  line.append(title);
  picture.prepend(line);
}

/** @param {number | null} value */
function rate(value) {
  return value === null ? '' : `${value.toFixed(1)}/s`;
}

/**
 * @param {Wiring} wiring
 * @param {Snapshot} state
 */
function summary(wiring, state) {
  const late = state.triggers.filter((one) => one.oldest > LATE_SECONDS).map((one) => one.name);
  return `${wiring.functions.length} functions, ${state.triggers.length} Triggers; ${late.length ? `late: ${late.join(', ')}` : 'nothing is late'}`;
}
