/** Asks a question before something that cannot be undone. */

import { h } from '../dom.js';

/**
 * Show a question; return true if the answer is the verb. Without a verb there is only something to read.
 *
 * @param {string} question
 * @param {string} consequence
 * @param {string | null} verb
 * @returns {Promise<boolean>}
 */
export function ask(question, consequence, verb) {
  const dialog = h(
    'dialog',
    { 'aria-labelledby': 'question' },
    h('h2', { id: 'question' }, question),
    h('p', null, consequence),
    h(
      'form',
      { method: 'dialog', class: 'line' },
      h('button', { value: '', autofocus: true }, verb ? 'Leave them' : 'Close'),
      verb && h('button', { value: 'yes', class: 'primary' }, verb),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(dialog.returnValue === 'yes');
    });
  });
}
