/** Times, numbers and ids as people read them. */

import { h } from '../dom.js';

const clocks = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const days = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const numbers = new Intl.NumberFormat();
const ISO = /\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)/g;
/** @type {[number, string][]} */
const UNITS = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'min'],
  [1, 's'],
];
const BYTES = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/**
 * Return a time as the reader's clock shows it, with its day if that is not today.
 *
 * @param {string} at in ISO 8601
 */
export function clock(at) {
  const when = new Date(at);
  const isToday = when.toDateString() === new Date().toDateString();
  return h('time', { datetime: at, title: at }, (isToday ? clocks : days).format(when));
}

/**
 * Return a text with the times in it as `clock` shows them.
 *
 * @param {string} text
 * @returns {(Node | string)[]}
 */
export function withClocks(text) {
  /** @type {(Node | string)[]} */
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(ISO)) {
    parts.push(text.slice(end, match.index), clock(match[0]));
    end = match.index + match[0].length;
  }
  return [...parts, text.slice(end)];
}

/**
 * Return a duration in the largest unit that fits.
 *
 * @param {number} seconds
 */
export function duration(seconds) {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  const [size, unit] = UNITS.find(([size]) => seconds >= size) ?? [1, 's'];
  return size === 1 && seconds < 10 ? `${seconds.toFixed(1)} s` : `${numbers.format(Math.floor(seconds / size))} ${unit}`;
}

/** @param {number | null | undefined} value */
export function count(value) {
  return value === null || value === undefined ? '–' : numbers.format(value);
}

/** @param {number} value */
export function bytes(value) {
  const step = Math.min(BYTES.length - 1, value > 0 ? Math.floor(Math.log2(value) / 10) : 0);
  return `${(value / 2 ** (10 * step)).toFixed(step ? 1 : 0)} ${BYTES[step]}`;
}

/**
 * Return JSON with indentation, other text as it is.
 *
 * @param {string} text
 */
export function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/**
 * Return the fields of JSON, none of a text that is cut off.
 *
 * @param {string} text
 * @returns {any}
 */
export function fields(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

/**
 * Return a badge with an order's status.
 *
 * @param {string} status
 */
export function badge(status) {
  return h('span', { class: `badge ${status.replace(/[^a-z]/g, '-')}` }, status || 'unknown');
}
