/** An order's events over time, one line each, drawn by hand: where it waited is where there is room between two. */

import { h } from '../dom.js';
import { duration } from './text.js';

/** @typedef {import('../api.js').Biography} Biography */
/** @typedef {import('../api.js').Entry} Entry */

const SVG = 'http://www.w3.org/2000/svg';
const [WIDTH, LINE, LEFT, MARK] = [900, 22, 230, 8];

/** @param {Biography} found */
export function waterfall(found) {
  const times = found.entries.map((entry) => Date.parse(entry.time));
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const x = (/** @type {number} */ at) => LEFT + ((WIDTH - LEFT - MARK) * (at - first)) / Math.max(1, last - first);
  const height = LINE * found.entries.length + MARK;
  const drawing = svg('svg', {
    viewBox: `0 0 ${WIDTH} ${height}`,
    role: 'img',
    'aria-label': `${found.entries.length} events in ${duration((last - first) / 1000)}`,
  });
  found.entries.forEach((entry, number) => {
    const y = LINE * number + MARK;
    const at = x(Date.parse(entry.time));
    drawing.append(
      svg('line', { x1: LEFT, x2: WIDTH, y1: y + MARK / 2, y2: y + MARK / 2, class: 'grid' }),
      svg('rect', { x: at, y, width: MARK, height: MARK, rx: 2, class: entry.mood }),
      text(entry.name, LEFT - 8, y + MARK, 'end'),
    );
  });
  return h('section', null, h('h2', null, `Over ${duration((last - first) / 1000)}`), figure(drawing));
}

/** @param {SVGElement} drawing */
function figure(drawing) {
  const box = h('div', { class: 'wide drawing', tabindex: '0', role: 'group', 'aria-label': 'Events over time' });
  box.append(drawing);
  return box;
}

/**
 * Create an element of SVG.
 *
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 * @returns {SVGElement}
 */
export function svg(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return /** @type {SVGElement} */ (element);
}

/**
 * @param {string} content
 * @param {number} x
 * @param {number} y
 * @param {string} anchor
 */
export function text(content, x, y, anchor = 'start') {
  const element = svg('text', { x, y, 'text-anchor': anchor });
  element.textContent = content;
  return element;
}
