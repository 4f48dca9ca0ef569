// Searches that this browser keeps: recent ones by themselves, others when they are saved. They leave it only when asked again.
'use strict';
const earlier = (() => {
  const MOST = 20;
  const KINDS = { recent: 'refract-recent', saved: 'refract-saved' };

  // Whatever else wrote there, an entry is a question and the part of an address behind the path.
  const isEntry = (each) => typeof each?.q === 'string' && typeof each?.at === 'string' && each.at.startsWith('?');
  function list(kind) {
    try {
      const kept = JSON.parse(localStorage.getItem(KINDS[kind]) ?? '[]');
      return Array.isArray(kept) ? kept.filter(isEntry).slice(0, MOST) : [];
    } catch { return []; }
  }
  function keep(kind, entries) {
    try { localStorage.setItem(KINDS[kind], JSON.stringify(entries.slice(0, MOST))); } catch { /* private window */ }
  }
  const collectionOf = (at) => new URLSearchParams(at).get('collection') ?? '';
  function add(kind, entry) {
    const others = list(kind).filter((each) => each.q !== entry.q || collectionOf(each.at) !== collectionOf(entry.at));
    keep(kind, [entry, ...others]);
  }

  function asked() {
    const at = location.search;
    const q = new URLSearchParams(at).get('q')?.trim() ?? '';
    return q && document.getElementById('ask') ? { q, at } : null;
  }
  function record() {
    if (asked()) add('recent', asked());
  }
  document.addEventListener('DOMContentLoaded', record);
  document.addEventListener('htmx:pushedIntoHistory', record);

  // The lists of the start page.
  function show() {
    for (const section of document.querySelectorAll('[data-earlier]')) {
      const entries = list(section.dataset.earlier);
      section.hidden = entries.length === 0;
      section.querySelector('ul').replaceChildren(...entries.slice(0, 8).map(({ q, at }) => {
        const link = Object.assign(document.createElement('a'), { href: at, textContent: q, dir: 'auto' });
        const item = document.createElement('li');
        item.append(link);
        return item;
      }));
    }
  }
  document.addEventListener('DOMContentLoaded', show);
  addEventListener('pageshow', show);

  document.addEventListener('click', (event) => {
    const say = (words) => { document.getElementById('status').textContent = words; };
    const forgotten = event.target.closest('[data-forget]')?.dataset.forget;
    if (forgotten) {
      keep(forgotten, []);
      show();
      document.querySelector('[data-search]')?.focus();
      say('They are forgotten.');
    }
    const save = event.target.closest('[data-save]');
    if (save && asked()) {
      add('saved', asked());
      save.textContent = 'saved on the start page';
      say('This search is on the start page, in this browser.');
    }
  });

  return { list, collectionOf };
})();
