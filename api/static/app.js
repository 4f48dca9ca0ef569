// What plain HTML and htmx leave to do: shortcuts, the two halves of a knob, small memories of this browser.
'use strict';
(() => {
  const root = document.documentElement;
  const recall = (name) => { try { return localStorage.getItem(name); } catch { return null; } };
  const remember = (name, value) => { try { localStorage.setItem(name, value); } catch { /* private window */ } };

  // The first-visit line, until someone has got it.
  if (recall('refract-taught')) root.classList.add('taught');
  if (recall('refract-toured')) root.classList.add('toured');

  // A slider and its number show one value. The number is what is sent; htmx waits for both (hx-trigger).
  document.addEventListener('input', (event) => {
    const box = event.target;
    if (box.dataset.twin) {
      document.getElementById(box.dataset.twin).value = String(Number(box.value));
    } else {
      const slider = document.querySelector(`[data-twin="${CSS.escape(box.id)}"]`);
      if (slider && box.value !== '') {
        slider.max = Math.max(Number(slider.max), Math.min(Math.ceil(Math.abs(box.value)), 5));
        slider.min = -slider.max;
        slider.value = box.value;
      }
    }
  }, true);

  document.addEventListener('change', (event) => {
    // Another collection is another set of documents: ask again at once.
    if (event.target.id === 'collection') event.target.form.requestSubmit();
    // A chosen file becomes the text that the form sends.
    const into = document.getElementById(event.target.dataset.into ?? '');
    if (into) event.target.files[0]?.text().then((text) => { into.value = text; });
    if (event.target.id === 'keys-on') remember('refract-keys', event.target.checked ? 'on' : 'off');
  });

  document.addEventListener('click', (event) => {
    if (event.target.closest('[data-help]')) help();
    const result = event.target.closest('[data-result] h3 a')?.closest('[data-result]').dataset.result;
    if (result) history.replaceState({ ...history.state, result }, '');
    if (event.target.closest('[data-taught]')) {
      remember('refract-taught', 'yes');
      root.classList.add('taught');
      focusOn(document.getElementById('steering'));
    }
  });

  // Times in the reader's own zone, which is named.
  const zoned = new Intl.DateTimeFormat(undefined, {
    year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', timeZoneName: 'short',
  });
  function showTimes() {
    for (const time of document.querySelectorAll('time[datetime]')) {
      time.textContent = zoned.format(new Date(time.dateTime));
    }
  }
  document.addEventListener('DOMContentLoaded', showTimes);
  document.addEventListener('htmx:afterSettle', showTimes);

  // Shortcuts.
  const typing = (element) => element.closest('input, textarea, select, [contenteditable]');
  const results = () => [...document.querySelectorAll('[data-result] h3 a')];
  const within = (element) => results().findIndex((link) => link.closest('[data-result]').contains(element));
  let opened = null;  // who comes back from a result goes on behind it
  const current = () => {
    const focused = within(document.activeElement);
    return focused < 0 ? within(document.querySelector(`[data-result="${CSS.escape(opened ?? '')}"]`)) : focused;
  };

  function focusOn(element) {
    if (!element) return;
    if (element.tabIndex < 0) element.tabIndex = -1;
    element.focus();
  }

  function help() {
    const dialog = document.getElementById('help');
    document.getElementById('keys-on').checked = recall('refract-keys') !== 'off';
    dialog.showModal();
  }

  function step(by) {
    const links = results();
    const next = links[Math.min(Math.max(current() + by, 0), links.length - 1)];
    if (!next) return;
    next.focus({ preventScroll: true });
    next.closest('[data-result]').scrollIntoView({ block: 'nearest' });
  }

  const keys = {
    '/': () => { const box = document.querySelector('[data-search]'); box?.focus(); box?.select(); },
    j: () => step(1),
    k: () => step(-1),
    o: () => results()[current()]?.click(),
    '?': help,
  };

  document.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && event.target.matches('#panel #find')) event.preventDefault();  // it has looked already
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (typing(event.target) || document.querySelector('dialog[open]')) return;
    if (recall('refract-keys') === 'off' || !Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key]();
  });

  addEventListener('pageshow', () => { opened = history.state?.result ?? null; });
  document.addEventListener('DOMContentLoaded', () => {
    // Beside the results the panel is always open; folded above them it opens when asked.
    const panel = document.getElementById('panel');
    const beside = matchMedia('(min-width: 60rem)');
    const fold = () => { if (panel && beside.matches) panel.open = true; };
    beside.addEventListener('change', fold);
    fold();
  });

  // Swaps: what was unfolded stays unfolded, and focus does not fall back to the top of the page.
  let unfolded = [];
  let focused = '';
  let control = '';
  document.addEventListener('htmx:beforeSwap', () => {
    unfolded = [...document.querySelectorAll('#results details[open][id]')].map((element) => element.id);
    focused = document.activeElement?.closest('#panel, #results')?.id ?? '';
    control = document.activeElement?.id ?? '';
  });
  document.addEventListener('htmx:afterSettle', () => {
    for (const id of unfolded) {
      const element = document.getElementById(id);
      if (element) element.open = true;
    }
    if (focused && document.activeElement === document.body) {
      // A card that went away leaves its topic to the line over the results.
      document.getElementById(control.replace(/^c\d+-/, 'topic-'))?.focus();
      if (document.activeElement === document.body) focusOn(document.getElementById(focused));
    }
    focused = '';
  });

  // "Back" shows the markup of a page, which gets what was typed, but no phrase: that is in the address already.
  document.addEventListener('htmx:beforeHistorySave', () => {
    for (const box of document.querySelectorAll('#ask input')) box.setAttribute('value', box.matches('.phrase input') ? '' : box.value);
    for (const option of document.querySelectorAll('#ask option')) option.toggleAttribute('selected', option.selected);
  });

  document.addEventListener('htmx:sendError', () => {
    document.getElementById('status').textContent = 'The server does not answer. What you see is from before.';
    root.classList.add('offline');
  });
  document.addEventListener('htmx:afterOnLoad', () => root.classList.remove('offline'));
})();
