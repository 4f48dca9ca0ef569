// Suggestions below the search box: earlier questions of this browser, topics, titles. A combobox of ARIA 1.2.
// Nothing waits for them: what is typed can be sent at any time, and a server that is slow is not waited for.
'use strict';
(() => {
  const MOST = 8;
  const EARLIER = 3;
  const PAUSE = 150;
  const PATIENCE = 2000;
  const LONGEST = 200;
  let box = null;
  let active = -1;
  let pause = 0;
  let request = null;

  // Boxes that ask the documents, not those that look for a feature.
  const suggests = (element) => element.matches('[data-search]') && element.form.action.endsWith('/');

  const listed = () => document.getElementById('suggestions');
  const options = () => [...listed().children];
  const isOpen = () => box !== null && box.getAttribute('aria-expanded') === 'true';

  function begin(input) {
    if (box === input && listed()?.previousElementSibling === input) return;
    listed()?.remove();
    box = input;
    const list = document.createElement('ul');
    list.id = 'suggestions';
    list.hidden = true;
    list.setAttribute('role', 'listbox');
    list.setAttribute('aria-label', 'Suggestions');
    box.after(list);
    const states = { role: 'combobox', 'aria-autocomplete': 'list', 'aria-controls': list.id, 'aria-expanded': 'false' };
    for (const [name, value] of Object.entries(states)) box.setAttribute(name, value);
  }

  function close() {
    clearTimeout(pause);
    request?.abort();
    if (!box) return;
    box.setAttribute('aria-expanded', 'false');
    box.removeAttribute('aria-activedescendant');
    active = -1;
    if (listed()) listed().hidden = true;
  }

  function mark(place) {
    active = place;
    options().forEach((option, at) => option.setAttribute('aria-selected', String(at === place)));
    const chosen = options()[place];
    if (!chosen) return box.removeAttribute('aria-activedescendant');
    box.setAttribute('aria-activedescendant', chosen.id);
    chosen.scrollIntoView({ block: 'nearest' });
  }

  function show(entries) {
    const said = new Set();
    const fresh = entries.filter((each) => !said.has(textOf(each).toLowerCase()) && said.add(textOf(each).toLowerCase()));
    listed().replaceChildren(...fresh.slice(0, MOST));
    options().forEach((option, at) => { option.id = `suggestion-${at + 1}`; });
    mark(-1);
    const { offsetLeft: left, offsetTop: top, offsetWidth: width, offsetHeight: height } = box;
    Object.assign(listed().style, { left: `${left}px`, top: `${top + height + 4}px`, width: `${width}px` });
    listed().hidden = options().length === 0;
    box.setAttribute('aria-expanded', String(options().length > 0));
  }
  const textOf = (option) => option.querySelector('bdi').textContent;

  function remembered(typed) {
    const wanted = typed.trim().toLowerCase();
    const here = box.form.elements.collection?.value ?? '';
    const fits = ({ q, at }) => earlier.collectionOf(at) === here && q !== typed && ` ${q.toLowerCase()}`.includes(` ${wanted}`);
    return earlier.list('recent').filter(fits).slice(0, EARLIER).map(({ q }) => {
      const option = document.createElement('li');
      option.setAttribute('role', 'option');
      const text = Object.assign(document.createElement('bdi'), { textContent: q });
      const kind = Object.assign(document.createElement('span'), { textContent: 'asked before', className: 'quiet' });
      option.append(text, kind);
      return option;
    });
  }

  async function ask(typed, known) {
    request = new AbortController();
    const { signal } = request;
    const late = setTimeout(() => request.abort(), PATIENCE);
    try {
      const address = new URL('suggest', box.form.action);
      address.searchParams.set('q', typed);
      const collection = box.form.elements.collection?.value;
      if (collection) address.searchParams.set('collection', collection);
      const answer = await fetch(address, { signal, headers: { 'HX-Request': 'true' } });
      if (!answer.ok || answer.redirected) return;
      const given = new DOMParser().parseFromString(await answer.text(), 'text/html');
      if (!signal.aborted && document.activeElement === box) show([...known, ...given.querySelectorAll('[role=option]')]);
    } catch { /* gone or late: what this browser knows stays */ } finally { clearTimeout(late); }
  }

  function suggest() {
    close();
    const typed = box.value;
    const known = remembered(typed);
    show(known);
    if (typed.trim() && typed.length <= LONGEST) pause = setTimeout(() => ask(typed, known), PAUSE);
  }

  function choose(option) {
    box.value = textOf(option);
    close();
    box.form.requestSubmit();
  }

  document.addEventListener('DOMContentLoaded', () => {
    const there = document.querySelector('[data-search]');
    if (there && suggests(there)) begin(there);
  });
  document.addEventListener('focusin', (event) => { if (suggests(event.target)) begin(event.target); });
  document.addEventListener('input', (event) => {
    if (!suggests(event.target)) return;
    begin(event.target);
    suggest();
  });
  document.addEventListener('focusout', (event) => { if (event.target === box) close(); });
  document.addEventListener('submit', close);

  document.addEventListener('keydown', (event) => {
    if (event.target !== box || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      if (!isOpen()) return suggest();
      const around = options().length + 1; // past the last one is the box itself
      mark(((active + 1 + step + around) % around) - 1);
    } else if (event.key === 'Enter' && isOpen() && options()[active]) {
      event.preventDefault();
      choose(options()[active]);
    } else if (event.key === 'Escape' && isOpen()) {
      event.preventDefault();
      close();
    }
  });

  // The box keeps the focus while something is chosen by pointer.
  document.addEventListener('pointerdown', (event) => { if (event.target.closest('#suggestions')) event.preventDefault(); });
  document.addEventListener('mousedown', (event) => { if (event.target.closest('#suggestions')) event.preventDefault(); });
  document.addEventListener('click', (event) => {
    const option = event.target.closest('#suggestions [role=option]');
    if (option) choose(option);
  });

  // htmx keeps pages as markup: without the list, which would come back dead.
  document.addEventListener('htmx:beforeHistorySave', () => {
    close();
    listed()?.remove();
    box = null;
  });
})();
