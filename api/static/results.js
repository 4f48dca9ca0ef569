// What results do beyond plain HTML and htmx: numbers on all or on none, links to copy, two to compare.
'use strict';
(() => {
  const recall = () => { try { return localStorage.getItem('refract-numbers'); } catch { return null; } };
  const remember = (value) => { try { localStorage.setItem('refract-numbers', value); } catch { /* private window */ } };

  // Numbers are shown on all results or on none, from one search to the next.
  function showNumbers(on) {
    for (const each of document.querySelectorAll('.numbers')) each.open = on;
  }
  const recallNumbers = () => { if (recall() === 'on') showNumbers(true); };
  for (const then of ['DOMContentLoaded', 'htmx:afterSettle']) document.addEventListener(then, recallNumbers);

  // Only pages of HTTPS and of this machine may write to the clipboard; others show what is to be copied.
  async function copy(address) {
    try {
      await navigator.clipboard.writeText(address);
      document.getElementById('status').textContent = 'The link is copied.';
    } catch { prompt('The link to this passage:', address); }
  }

  document.addEventListener('click', (event) => {
    const link = event.target.closest('[data-copy]');
    if (link) copy(new URL(link.dataset.copy, location.href).href);
    const folded = event.target.closest('.numbers > summary')?.parentElement;
    if (!folded) return;
    event.preventDefault();
    remember(folded.open ? 'off' : 'on');
    showNumbers(!folded.open);
  });

  // Of results that go away no more is waited for; what is unfolded comes with the new ones, so that nothing jumps.
  const waiting = () => document.querySelectorAll('#results .htmx-request');
  const giveUp = () => waiting().forEach((each) => htmx.trigger(each, 'htmx:abort'));
  addEventListener('popstate', giveUp);
  document.addEventListener('htmx:configRequest', (event) => {
    if (event.detail.target.id !== 'results') return;
    giveUp();
    const open = [...document.querySelectorAll('.why[open]')].map((why) => why.id.replace('why-', ''));
    event.detail.parameters.details = [...(recall() === 'on' ? ['numbers'] : []), ...open];
  });

  // Reasons that were unfolded before htmx was there to hear of it.
  const unheard = () => document.querySelectorAll('.why[open] [hx-trigger^=toggle]');
  document.addEventListener('htmx:load', () => unheard().forEach((link) => htmx.trigger(link.closest('.why'), 'toggle')));

  // Results that were not there before a swap are marked for a moment; of another question all are new.
  const shown = () => [...document.querySelectorAll('.choose input')];
  const ids = () => shown().map((box) => box.value);
  let before = [];
  document.addEventListener('htmx:beforeSwap', (event) => {
    before = event.detail.target.id === 'results' ? ids() : [];
    if (event.detail.target.id === 'results') giveUp();  // what was asked for since then
  });
  document.addEventListener('htmx:afterSettle', () => {
    if (!ids().some((id) => before.includes(id))) return;
    for (const box of shown()) box.closest('.card').classList.toggle('new', !before.includes(box.value));
    before = [];
  });

  // Undo goes back where the last step is in the history, and else takes the last knob away.
  let steps = 0;
  document.addEventListener('htmx:pushedIntoHistory', () => { steps += 1; });
  addEventListener('popstate', () => { steps -= 1; });
  document.addEventListener('click', (event) => {
    if (!event.target.closest('[data-undo]') || steps <= 0) return;
    event.preventDefault();
    event.stopPropagation();
    history.back();
  }, true);

  // Where the panel stands above the results it hides what a press did: the line that says so comes into view.
  let pressed = false;
  document.addEventListener('htmx:beforeRequest', ({ detail }) => {
    if (detail.target.id !== 'results') return;
    pressed = detail.elt.id !== 'knobs' && document.activeElement?.closest('#panel') !== null;
  });
  document.addEventListener('htmx:afterSettle', ({ detail }) => {
    if (detail.target?.id !== 'results') return;
    if (pressed && !matchMedia('(min-width: 60rem)').matches) document.querySelector('.effect')?.scrollIntoView();
    pressed = false;
  });

  // Two results are compared, no more: a third tick takes the place of the one that was ticked first.
  let ticked = [];
  document.addEventListener('change', (event) => {
    if (!event.target.closest('.choose')) return;
    ticked = [...ticked.filter((box) => box.checked && box !== event.target), event.target];
    if (ticked.filter((box) => box.checked).length > 2) ticked[0].checked = false;
    document.querySelector('.comparing .quiet').hidden = ticked.filter((box) => box.checked).length === 2;
  });
})();
