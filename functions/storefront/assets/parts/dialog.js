/** Questions before something that cannot be undone. */

import { h } from '../dom.js';

/**
 * Ask in a dialog; resolve to whether the answer was yes. Escape and the other button mean no.
 *
 * @param {string} question
 * @param {string} text
 * @param {string} yes
 * @param {string} no
 * @returns {Promise<boolean>}
 */
export function ask(question, text, yes, no) {
  return new Promise((resolve) => {
    const dialog = h(
      'dialog',
      { 'aria-labelledby': 'question', 'aria-describedby': 'consequence' },
      h('h2', { id: 'question' }, question),
      h('p', { id: 'consequence' }, text),
      h(
        'form',
        { method: 'dialog', class: 'actions' },
        h('button', { value: 'yes', class: 'primary' }, yes),
        h('button', { value: 'no', autofocus: true }, no),
      ),
    );
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(dialog.returnValue === 'yes');
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
