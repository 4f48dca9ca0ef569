// What results do beyond plain HTML and htmx: numbers on all or on none, links to copy, two to compare.
'use strict';
(() => {
  const recall = () => { try { return localStorage.getItem('refract-numbers'); } catch { return null; } };
  const remember = (value) => { try { localStorage.setItem('refract-numbers', value); } catch { /* private window */ } };

  // Numbers are shown on all results or on none, from one search to the next.
  function showNumbers(on) {
    for (const each of document.querySelectorAll('.numbers')) each.open = on;
  }
  function recallNumbers() {
    if (recall() === 'on') showNumbers(true);
  }
  document.addEventListener('DOMContentLoaded', recallNumbers);
  document.addEventListener('htmx:afterSettle', recallNumbers);

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

  // Two results are compared, no more: a third tick takes the first one's place.
  document.addEventListener('change', (event) => {
    const ticked = [...document.querySelectorAll('.choose :checked')];
    if (ticked.length > 2) ticked.find((box) => box !== event.target).checked = false;
  });
})();
