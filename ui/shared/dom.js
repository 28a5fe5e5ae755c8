/** Builds elements. Text stays text: nothing here parses HTML. */

/** @typedef {Node | string | number | null | undefined | false} Child */
/** @typedef {Record<string, string | number | boolean | null | undefined | ((event: any) => unknown)>} Attributes */

/**
 * Create an element. An attribute that is a function listens to the event of that name; `true` sets it empty; `false`,
 * `null` and `undefined` leave it out. Children that are falsy are left out.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Attributes | null} [attributes]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (typeof value === 'function') element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children.flat().filter(isShown).map(asNode));
  return element;
}

/**
 * @param {Child} child
 * @returns {child is Node | string | number}
 */
function isShown(child) {
  return child !== null && child !== undefined && child !== false && child !== '';
}

/** @param {Node | string | number} child */
function asNode(child) {
  return child instanceof Node ? child : String(child);
}

/**
 * Replace what the page shows, and its title.
 *
 * @param {string} title
 * @param {...Child} children
 */
export function show(title, ...children) {
  document.title = `${title} · Ticketing`;
  main().replaceChildren(...children.filter(isShown).map(asNode));
}

/** @returns {HTMLElement} */
export function main() {
  return /** @type {HTMLElement} */ (document.getElementById('main'));
}
