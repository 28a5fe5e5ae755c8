/** An order over time, drawn by hand: its spans as bars where there are any, else its events as marks. */

import { request } from '../api.js';
import { h } from '../dom.js';
import { svg, text } from './svg.js';
import { duration } from './text.js';

/** @typedef {import('../api.js').Biography} Biography */
/** @typedef {import('../api.js').ServiceSpan} ServiceSpan */
/** @typedef {import('../api.js').Span} Span */
/** @typedef {{label: string, title: string, start: number, end: number, mood: string, depth: number}} Bar */

const [WIDTH, LINE, LEFT, THICK, LEAST] = [1_000, 20, 330, 10, 4];
const [INDENT, CHARACTER] = [10, 6.4]; // the width of one, about
const MOST_BARS = 400;
const VERBOSE = /CloudEvents Process |dev\.ticketing\.|\.ticketing$/g; // what every span of ours says
const [ERROR, NANOSECONDS] = [2, 1e6]; // a status; in a millisecond

/**
 * Return a section that shows the order's events at once, and its spans as soon as they are there.
 *
 * @param {Biography} found
 */
export function waterfall(found) {
  const section = h('section', { 'aria-label': 'Waterfall' });
  section.append(...draw('Its events over', found.entries.map(fromEntry)));
  if (found.traces.length) {
    const query = found.traces.map((trace) => `trace=${trace}`).join('&');
    request(`/api/spans?${query}`).then((/** @type {ServiceSpan[]} */ spans) => {
      if (spans.length === 0) return;
      const link = h('p', { class: 'hint' }, h('a', { href: `/v1/traces?${query}` }, 'Download these spans'), ' for another viewer (OTLP JSON).');
      section.replaceChildren(...draw(`${spans.length} spans over`, tree(spans)), link);
    }, () => {});
  }
  return section;
}

/**
 * @param {string} what
 * @param {Bar[]} all
 */
function draw(what, all) {
  const bars = all.slice(0, MOST_BARS);
  const first = Math.min(...bars.map((bar) => bar.start));
  const last = Math.max(...bars.map((bar) => bar.end));
  const scale = (WIDTH - LEFT - LEAST) / Math.max(1, last - first);
  const length = duration((last - first) / 1000);
  const drawing = svg('svg', { viewBox: `0 0 ${WIDTH} ${LINE * bars.length + THICK}`, role: 'img', 'aria-label': `${bars.length} lines over ${length}` });
  bars.forEach((bar, number) => {
    const y = LINE * number + LEAST;
    const x = LEFT + (bar.start - first) * scale;
    const room = (LEFT - bar.depth * INDENT) / CHARACTER;
    const label = text(bar.label.length > room ? `${bar.label.slice(0, room - 1)}…` : bar.label, bar.depth * INDENT, y + THICK);
    const mark = svg('rect', { x, y, width: Math.max(LEAST, (bar.end - bar.start) * scale), height: THICK, rx: 2, class: bar.mood });
    const title = svg('title', {});
    title.textContent = bar.title;
    mark.append(title);
    drawing.append(svg('line', { x1: LEFT, x2: WIDTH, y1: y + THICK / 2, y2: y + THICK / 2, class: 'grid' }), label, mark);
  });
  const box = h('div', { class: 'wide drawing', tabindex: '0', role: 'group', 'aria-label': what });
  box.append(drawing);
  return [h('h2', null, `${what} ${length}`), box];
}

/**
 * @param {import('../api.js').Entry} entry
 * @returns {Bar}
 */
function fromEntry(entry) {
  const at = Date.parse(entry.time);
  return { label: entry.name, title: entry.text, start: at, end: at, mood: entry.mood, depth: 0 };
}

/**
 * Return spans as bars, each below its parent, in the order in which they began.
 *
 * @param {ServiceSpan[]} spans
 */
function tree(spans) {
  const known = new Set(spans.map(({ span }) => span.spanId));
  /** @type {Map<string, ServiceSpan[]>} */
  const children = new Map();
  for (const one of spans) {
    const parent = one.span.parentSpanId && known.has(one.span.parentSpanId) ? one.span.parentSpanId : '';
    children.set(parent, [...(children.get(parent) ?? []), one]);
  }
  /** @type {Bar[]} */
  const bars = [];
  /** @param {string} parent @param {number} depth */
  const add = (parent, depth) => {
    for (const { service, span } of children.get(parent) ?? []) {
      bars.push(fromSpan(service, span, depth));
      add(span.spanId, depth + 1);
    }
  };
  add('', 0);
  return bars;
}

/**
 * @param {string} service
 * @param {Span} span
 * @param {number} depth
 * @returns {Bar}
 */
function fromSpan(service, span, depth) {
  const start = Number(span.startTimeUnixNano) / NANOSECONDS;
  const end = Number(span.endTimeUnixNano) / NANOSECONDS;
  const attributes = (span.attributes ?? []).map(({ key, value }) => `${key} = ${Object.values(value).join()}`);
  const failed = span.status?.code === ERROR;
  const title = [`${service}: ${span.name}`, duration((end - start) / 1000), span.status?.message, ...attributes];
  return {
    label: `${service} · ${span.name.replace(VERBOSE, '')}`,
    title: title.filter(Boolean).join('\n'),
    start,
    end,
    mood: failed ? 'bad' : 'accent',
    depth: Math.min(depth, 8),
  };
}
