/** A list of one's own, page by page. */

import { list } from '../api.js';
import { h } from '../dom.js';
import { load } from './live.js';

/**
 * Create a list of everything that `path` answers, a page at a time; `empty` stands where there is nothing.
 *
 * @template T
 * @param {string} path
 * @param {(item: T) => HTMLLIElement} row
 * @param {HTMLElement} empty
 * @param {string} label of the button that shows more
 * @returns {Promise<HTMLElement>}
 */
export async function paged(path, row, empty, label) {
  const rows = h('ul', { class: 'rows' });
  const button = h('button', { type: 'button', click: add }, label);
  /** @type {string | null} */
  let next = path;
  async function add() {
    button.disabled = true;
    const at = /** @type {string} */ (next);
    const found = await load(() => /** @type {Promise<{items: T[], next: string | null}>} */ (list(at)));
    const added = found.items.map(row);
    rows.append(...added);
    next = found.next;
    button.disabled = false;
    button.hidden = next === null;
    if (at !== path) added[0]?.querySelector('a')?.focus();
  }
  await add();
  return rows.childElementCount ? h('div', null, rows, button) : empty;
}
