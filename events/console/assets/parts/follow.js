/** Follows server-sent events without freezing the page: they are collected, and shown once a frame. */

const MOST_WAITING = 2_000; // events between two frames; a page in the background paints none

/**
 * Call `show` at most once a frame with the events since the last call, until the page is left or `stop` is called.
 * The browser reconnects by itself, and goes on where it was.
 *
 * @template T
 * @param {string} path
 * @param {(events: T[], skipped: number) => void} show
 * @param {(connected: boolean) => void} [connection]
 * @returns {{stop: () => void}}
 */
export function follow(path, show, connection = () => {}) {
  const source = new EventSource(path);
  /** @type {T[]} */
  let waiting = [];
  let skipped = 0;
  let frame = 0;
  source.onopen = () => connection(true);
  source.onerror = () => connection(false);
  source.onmessage = ({ data }) => {
    waiting.push(JSON.parse(data));
    if (waiting.length > MOST_WAITING) {
      skipped += waiting.length - MOST_WAITING / 2;
      waiting = waiting.slice(-MOST_WAITING / 2);
    }
    frame ||= requestAnimationFrame(paint);
  };
  function paint() {
    const events = waiting;
    const left = skipped;
    waiting = [];
    skipped = 0;
    frame = 0;
    show(events, left);
  }
  const stop = () => {
    source.close();
    cancelAnimationFrame(frame);
  };
  addEventListener('pagehide', stop, { once: true });
  return { stop };
}
