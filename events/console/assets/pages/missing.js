import { h } from '../dom.js';
import { show } from '../parts/frame.js';

export default function page() {
  show('Not found', h('h1', null, 'Page not found'), h('p', null, h('a', { href: '/' }, 'See the latest orders')));
}
