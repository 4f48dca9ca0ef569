// The map of features: zoom, drag, from dot to dot by arrow keys, names where one points. Without it dots are links.
'use strict';
(() => {
  const map = document.getElementById('map');
  if (!map) return;
  const WHOLE = { x: 0, y: 0, w: 1000, h: 750 };
  const DEEPEST = 24;
  const NEAR = 24;
  const scales = map.dataset.scales.split(' ').map(Number);
  const numberOf = (link) => new URLSearchParams(link.href.baseVal).get('feature');
  const placeOf = (link) => { const { e, f } = link.transform.baseVal[0].matrix; return { x: e, y: f }; };
  const dots = [...map.querySelectorAll('a:not(.area)')].map((link) => ({ link, number: numberOf(link), ...placeOf(link) }));
  const dotOf = (element) => dots.find(({ link }) => link === element?.closest('a'));
  const [x, y, w, h] = map.getAttribute('viewBox').split(' ').map(Number);
  let view = { x, y, w, h };
  map.classList.add('live');

  // What is seen, and the names that fit at its scale: they keep their size on the screen.
  const scale = () => map.clientWidth / view.w;
  function show(next = view) {
    const width = Math.min(Math.max(next.w, WHOLE.w / DEEPEST), WHOLE.w);
    const height = (width * WHOLE.h) / WHOLE.w;
    const within = (at, size, whole) => Math.min(Math.max(at, 0), whole - size);
    view = { x: within(next.x, width, WHOLE.w), y: within(next.y, height, WHOLE.h), w: width, h: height };
    map.setAttribute('viewBox', `${view.x} ${view.y} ${view.w} ${view.h}`);
    map.style.setProperty('--unit', 1 / scale());
    const level = Math.max(scales.findLastIndex((each) => each <= scale() * 1.05), 0);
    map.setAttribute('class', map.getAttribute('class').replace(/level\d/, `level${level}`));
    map.classList.toggle('near', view.w < WHOLE.w);
    name();
  }

  // Of what is looked for as many have their names as fit, those listed first before others.
  let marked = [];
  function name() {
    const named = [];
    for (const dot of dots) dot.link.classList.remove('named');
    for (const dot of marked) {
      const half = dot.link.textContent.length * 3.6 + 3;
      const clear = (other) => Math.abs(other.x - dot.x) * scale() > other.half + half || Math.abs(other.y - dot.y) * scale() > 17;
      if (!named.every(clear)) continue;
      named.push({ ...dot, half });
      dot.link.classList.add('named');
    }
  }

  const middle = () => ({ x: view.x + view.w / 2, y: view.y + view.h / 2 });
  function at(event) {
    const box = map.getBoundingClientRect();
    return { x: view.x + (event.clientX - box.left) / scale(), y: view.y + (event.clientY - box.top) / scale() };
  }
  function zoom(by, around = middle()) {
    const width = Math.min(Math.max(view.w / by, WHOLE.w / DEEPEST), WHOLE.w);
    const share = width / view.w;
    show({ x: around.x - (around.x - view.x) * share, y: around.y - (around.y - view.y) * share, w: width });
  }
  const act = (by) => (by ? zoom(by) : show(WHOLE));

  // One dot is pointed at, by pointer or focus, and one of all can be reached by the tab key.
  const apart = (dot, place) => Math.hypot(dot.x - place.x, dot.y - place.y) * scale();
  function nearest(event) {
    const place = at(event);
    const found = dots.reduce((best, dot) => (apart(dot, place) < apart(best, place) ? dot : best));
    return apart(found, place) <= NEAR ? found : null;
  }
  const over = map.querySelector('.over');
  function point(dot) {
    over.classList.toggle('aimed', dot !== null);
    if (!dot) return;
    over.querySelector('text').textContent = dot.link.textContent;
    over.setAttribute('transform', `translate(${dot.x} ${dot.y})`);
    const side = dot.link.classList[0];
    over.classList.remove('s', 'm', 'e');
    over.classList.add(side);
  }
  let stop = null;
  function reach(dot) {
    if (stop) stop.link.tabIndex = -1;
    stop = dot;
    dot.link.tabIndex = 0;
  }
  for (const link of map.querySelectorAll('a')) link.tabIndex = -1;

  function go(dot) {
    reach(dot);
    const out = dot.x < view.x || dot.x > view.x + view.w || dot.y < view.y || dot.y > view.y + view.h;
    if (out) show({ ...view, x: dot.x - view.w / 2, y: dot.y - view.h / 2 });
    dot.link.focus({ preventScroll: true });
  }
  // The next dot that way: near, and not far off to the side.
  function step(from, across, down) {
    const cost = (dot) => {
      const ahead = (dot.x - from.x) * across + (dot.y - from.y) * down;
      const aside = Math.abs((dot.x - from.x) * down - (dot.y - from.y) * across);
      return ahead > 0 && aside <= 2 * ahead ? ahead + 2 * aside : Infinity;
    };
    const next = dots.reduce((best, dot) => (cost(dot) < cost(best) ? dot : best));
    if (cost(next) < Infinity) go(next);
  }

  // What one is, from the server; the second time it is opened.
  function choose(dot) {
    go(dot);
    const there = document.querySelector('[data-chosen]');
    if (there?.dataset.chosen === dot.number) return there.querySelector('a').click();
    const address = new URL(location.href);  // with what is looked for by now
    address.searchParams.set('feature', dot.number);
    history.replaceState(history.state, '', address);
    htmx.ajax('GET', address.href, { target: '#list', swap: 'innerHTML' });
  }
  function mark() {
    const chosen = document.querySelector('[data-chosen]')?.dataset.chosen;
    const listed = new Set([...document.querySelectorAll('[data-marks] [data-feature]')].map((each) => each.dataset.feature));
    for (const { link, number } of dots) {
      link.classList.toggle('chosen', number === chosen);
      link.classList.toggle('marked', listed.has(number));
    }
    marked = [...listed].flatMap((number) => dots.find((dot) => dot.number === number) ?? []);
    map.classList.toggle('marking', listed.size > 0);
    name();
  }
  document.addEventListener('htmx:afterSettle', () => {
    mark();
    document.querySelector('[data-chosen]')?.scrollIntoView({ block: 'nearest' });  // on a phone it is below the map
  });

  // Pointers: one drags, two pinch; what was dragged was not clicked.
  const down = new Map();
  let dragged = false;
  map.addEventListener('dragstart', (event) => event.preventDefault());
  map.addEventListener('pointerdown', (event) => {
    if (event.button) return;
    if (!down.size) dragged = false;
    down.set(event.pointerId, event);
  });
  map.addEventListener('pointermove', (event) => {
    if (event.pointerType === 'mouse' && !event.buttons) down.delete(event.pointerId);
    const before = down.get(event.pointerId);
    if (!before) return point(nearest(event));
    const other = [...down.values()].find((each) => each.pointerId !== event.pointerId);
    const span = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
    const moved = Math.hypot(event.clientX - before.clientX, event.clientY - before.clientY);
    if (!dragged && !other && moved < 5) return;
    dragged = true;
    map.setPointerCapture(event.pointerId);
    const [from, to] = [at(before), at(event)];
    if (other) zoom(span(event) / span(before), at(other));
    else show({ ...view, x: view.x + from.x - to.x, y: view.y + from.y - to.y });
    down.set(event.pointerId, event);
  });
  for (const end of ['pointerup', 'pointercancel']) addEventListener(end, (event) => down.delete(event.pointerId));
  map.addEventListener('pointerleave', () => point(dotOf(document.activeElement) ?? null));
  map.addEventListener('wheel', (event) => {
    const outward = event.deltaY > 0 && view.w >= WHOLE.w;
    if (outward || !(event.ctrlKey || map.matches(':focus-within'))) return;
    event.preventDefault();
    zoom(2 ** (-event.deltaY / 300), at(event));
  }, { passive: false });

  map.addEventListener('click', (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    const dot = event.detail ? nearest(event) ?? dotOf(event.target) : dotOf(event.target);
    if (dragged && event.detail) event.preventDefault();
    else if (dot && !event.target.closest('.area')) { event.preventDefault(); choose(dot); }
  });
  map.addEventListener('focusin', (event) => point(dotOf(event.target) ?? null));
  map.addEventListener('focusout', () => point(null));
  map.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const way = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key];
    const by = { '+': 2, '=': 2, '-': 0.5, 0: 0 }[event.key];
    const from = dotOf(event.target);
    if (way && from) step(from, ...way);
    else if (by !== undefined) act(by);
    else return;
    event.preventDefault();
  });
  for (const kind of ['pointerover', 'focusin']) {
    document.getElementById('list').addEventListener(kind, (event) => {
      const number = event.target.closest('[data-feature]')?.dataset.feature;
      point(dots.find((dot) => dot.number === number) ?? null);
    });
  }
  document.addEventListener('click', (event) => {
    const by = event.target.closest('[data-zoom]')?.dataset.zoom;
    if (by) act(Number(by));
  });
  addEventListener('resize', () => show());
  reach(dots.find(({ link }) => link.classList.contains('chosen')) ?? dots[0]);
  mark();
  show();
})();
