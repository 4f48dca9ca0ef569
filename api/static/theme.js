// Light or dark, as the system has it or as this browser was told. It runs before anything is painted.
'use strict';
(() => {
  const NAME = 'refract-theme';
  const recall = () => { try { return localStorage.getItem(NAME) ?? ''; } catch { return ''; } };
  const apply = (theme) => {
    if (['light', 'dark'].includes(theme)) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
  };
  apply(recall());
  const show = () => { for (const choice of document.querySelectorAll('#theme')) choice.value = document.documentElement.dataset.theme ?? ''; };
  document.addEventListener('DOMContentLoaded', show);
  document.addEventListener('htmx:historyRestore', show);
  document.addEventListener('change', (event) => {
    if (event.target.id !== 'theme') return;
    apply(event.target.value);
    try { localStorage.setItem(NAME, event.target.value); } catch { /* private window */ }
  });
})();
