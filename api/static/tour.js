// How it works, in three steps on a real answer: a reason, more of something, what that did. Begun by #tour.
'use strict';
(() => {
  const first = (selector) => document.querySelector(selector);

  // Something to ask for more of: what a result farther down is about and the first is not, so that it is seen to rise.
  const topics = (within) => [...document.querySelectorAll(`${within} .because a`)].map((link) => link.textContent.trim());
  const other = () => topics('.card').findLast((topic) => !topics('.card:first-child').includes(topic));
  const wish = () => other() ?? first('.near .chip')?.textContent.replace('+', '').trim() ?? 'examples';

  const steps = [
    {
      place: () => first('.card .because') ?? first('.card'),
      words: () => 'Each result says why it is here: the topics and words that it shares with your question. “Why?” has every number.',
      next: 'Next',
    },
    {
      place: () => {
        if (first('#panel')) first('#panel').open = true;
        return first('#more')?.closest('.phrase');
      },
      words: () => `Ask for more of something, or less, and press Enter. Try “${wish()}”.`,
      next: 'Try it',
      leave: () => {
        first('#more').value = wish();
        first('#ask').requestSubmit();
      },
    },
    {
      place: () => first('.effect'),
      words: () => 'This is what it did. Each result says how far it moved; “Steering” turns it further, “Undo” takes it back.',
      next: 'Done',
    },
  ];

  function close() {
    first('#tour')?.remove();
    first('.pointed')?.classList.remove('pointed');
  }

  function end() {
    close();
    first('[data-search]').focus();
  }

  function button(text, look, does) {
    const made = Object.assign(document.createElement('button'), { type: 'button', textContent: text, className: look });
    made.addEventListener('click', does);
    return made;
  }

  function show(at) {
    close();
    const step = steps[at];
    const place = step?.place();
    if (!place) return end();
    place.classList.add('pointed');
    const tour = Object.assign(document.createElement('div'), { id: 'tour' });
    tour.setAttribute('role', 'dialog');
    tour.setAttribute('aria-label', `How it works, ${at + 1} of ${steps.length}`);
    const words = Object.assign(document.createElement('p'), { textContent: step.words() });
    const next = button(step.next, 'primary', () => proceed(at));
    tour.append(words, next, ...(at + 1 < steps.length ? [button('Skip', 'plain', end)] : []));
    tour.addEventListener('keydown', (event) => { if (event.key === 'Escape') end(); });
    place.after(tour);
    tour.scrollIntoView({ block: 'center' });
    next.focus({ preventScroll: true });
  }

  function proceed(at) {
    if (!steps[at].leave) return show(at + 1);
    const before = first('.effect');
    const settled = () => {
      if (!first('.effect') || first('.effect') === before) return;
      document.removeEventListener('htmx:afterSettle', settled);
      show(at + 1);
    };
    document.addEventListener('htmx:afterSettle', settled);
    close();
    steps[at].leave();
  }

  document.addEventListener('htmx:beforeHistorySave', close);
  addEventListener('load', () => {
    if (location.hash !== '#tour') return;
    history.replaceState(history.state, '', location.pathname + location.search);
    try { localStorage.setItem('refract-toured', 'yes'); } catch { /* private window */ }
    show(0);
  });
})();
