// What is chosen and which frame is shown; keys; light and dark.

const state = {clock: null, video: Boolean(facts.video), chosen: null, pointed: null, shown: [], listed: 0};

function shown(frame) {
  const person = personOf.get(state.chosen);
  if (person && $('only').checked && state.clock.playing) {
    const span = spanAt(person, frame);
    if (span < 0) {
      const next = person.spans[2 * (-1 - span)];
      if (next === undefined) state.clock.pause(); else state.clock.seek(next);
    }
  }
  if (state.clock.playing && view.to - view.from < facts.frames) keepInView(frame);
  draw();
}

function draw() {
  const frame = state.clock.wanted ?? state.clock.frame;
  $('time').textContent = '';
  $('time').append(make('b', {textContent: clockOf(frame, 1)}), ` / ${clockOf(last)}`,
    make('span', {className: 'frame', textContent: `frame ${knotOf(frame).number}`}));
  $('play').classList.toggle('playing', state.clock.playing);
  drawBoxes();
  drawRows();
  drawRuler();
  markCards();
}

function seek(frame) { state.clock.seek(frame); keepInView(within(frame)); }
function togglePlay() { if (state.clock.playing) state.clock.pause(); else state.clock.play(); }

function choose(id, {seek: frame = null} = {}) {
  state.chosen = id;
  showPerson();
  if (id !== null) reveal(id);
  if (frame !== null) seek(frame);
  draw();
}

function reveal(id) {
  const row = state.shown.findIndex(person => person.id === id);
  if (row < 0) return;
  while (gallery.children.length <= row) more();
  watchEnd();
  cards.get(id).scrollIntoView({block: 'nearest'});
  const top = row * ROW, high = rows.clientHeight;
  if (top < rows.scrollTop) rows.scrollTop = top;
  if (top + ROW > rows.scrollTop + high) rows.scrollTop = top + ROW - high;
}

function point(id) {
  if (id === state.pointed) return;
  state.pointed = id;
  drawBoxes();
  drawRows();
  markCards();
}

function step(by) {
  if (!state.shown.length) return;
  const row = state.shown.findIndex(person => person.id === state.chosen);
  const person = state.shown[row < 0 ? (by > 0 ? 0 : state.shown.length - 1) : Math.min(Math.max(row + by, 0), state.shown.length - 1)];
  choose(person.id, {seek: person.first});
}

function appearance(by) {
  const person = personOf.get(state.chosen);
  if (!person) return;
  const frame = state.clock.wanted ?? state.clock.frame, span = spanAt(person, frame);
  // In a gap, the one that begins next is the one after as many as have ended.
  const wanted = span < 0 ? -1 - span - (by < 0 ? 1 : 0) : by < 0 && frame > person.spans[2 * span] ? span : span + by;
  if (wanted >= 0 && wanted < person.spans.length / 2) seek(person.spans[2 * wanted]);
}

function turn(select) {
  select.selectedIndex = (select.selectedIndex + 1) % select.options.length;
  select.dispatchEvent(new Event('change'));
}

const second = by => () => seek((state.clock.wanted ?? state.clock.frame) + by * facts.rate);
const frames = by => () => { state.clock.pause(); seek((state.clock.wanted ?? state.clock.frame) + by); };
const KEYS = {
  ' ': togglePlay, ArrowLeft: second(-1), ArrowRight: second(1), 'shift ArrowLeft': second(-10), 'shift ArrowRight': second(10),
  ',': frames(-1), '.': frames(1), j: () => step(1), k: () => step(-1), ArrowDown: () => step(1), ArrowUp: () => step(-1),
  n: () => appearance(1), p: () => appearance(-1), o: () => { $('only').checked = !$('only').checked; },
  b: () => turn($('boxes')), '+': () => zoom(0.5), '=': () => zoom(0.5), '-': () => zoom(2), '0': () => zoom(Infinity),
  '/': () => { $('find').focus(); $('find').select(); }, t: () => theme(), '?': () => $('keys').showModal(),
  e: () => switchBeside(1), E: () => switchBeside(-1), Escape: () => choose(null), Home: () => seek(0), End: () => seek(last),
};

addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey || $('keys').open) return;
  if (event.target === $('find')) {
    if (event.key === 'Escape' || event.key === 'Enter') { $('find').blur(); if (event.key === 'Enter') step(1); event.preventDefault(); }
    return;
  }
  if (event.target.matches('select, input')) { if (event.key.startsWith('Arrow') || event.key === ' ') return; }
  if (event.target.matches('button, summary') && (event.key === ' ' || event.key === 'Enter')) {
    if (!event.target.matches('.card')) return;
  }
  const action = KEYS[(event.shiftKey && event.key.startsWith('Arrow') ? 'shift ' : '') + event.key];
  if (action) { event.preventDefault(); action(); }
});

// Kept for the next page where the browser lets pages from disk keep anything.
function remembered(value) {
  try { return value === undefined ? localStorage.getItem('theme') : localStorage.setItem('theme', value); } catch { return null; }
}

function theme(value) {
  const dark = matchMedia('(prefers-color-scheme: dark)').matches, root = document.documentElement;
  root.dataset.theme = value || ((root.dataset.theme || (dark ? 'dark' : 'light')) === 'dark' ? 'light' : 'dark');
  if (!value) remembered(root.dataset.theme);
  colours.clear();
  if (state.clock) draw();
}

function note(text) {
  $('notes').hidden = false;
  $('notes').append(make('span', {textContent: text}));
}

function withoutVideo(reason) {
  state.video = false;
  if (state.clock) state.clock.stop();
  state.clock = freeClock(shown, draw);
  video.hidden = true;
  $('stage').classList.add('bare');
  $('boxes').hidden = true;
  note(`${reason} Boxes are shown without it${people.some(person => person.crops.length) ? ', with a picture of each person' : ''}.`);
}

const saved = remembered();
if (saved === 'light' || saved === 'dark') theme(saved);
$('title').textContent = facts.title;
$('facts-line').textContent = [
  `${people.length.toLocaleString('en')} ${people.length === 1 ? 'person' : 'people'}`, `${facts.frames.toLocaleString('en')} frames`,
  lengthOf(facts.frames ? secondsFrom(0, last) : 0), `${Number(facts.rate.toFixed(2))} fps`,
  ...facts.frames ? [`${facts.width}×${facts.height}`] : [],
  ...DAYS.length ? [[...new Set(DAYS)].join(' to ') + ' UTC'] : [],
].join(' · ');
facts.notes.forEach(note);
if (errors) note(errorsLine());
$('stage').style.setProperty('--ratio', facts.width / facts.height);
if (!facts.drawn) $('boxes').value = 'all';
if (facts.video) {
  state.clock = videoClock(video, shown, draw);
  video.addEventListener('error', () => withoutVideo(`${facts.video} cannot be played here: it is not beside this page, or of a kind that this browser has no decoder for.`));
  video.addEventListener('loadedmetadata', draw);
  video.src = facts.video;
} else {
  withoutVideo('This run has no video.');
}
$('play').addEventListener('click', togglePlay);
$('theme').addEventListener('click', () => theme());
$('help').addEventListener('click', () => $('keys').showModal());
$('boxes').addEventListener('change', drawBoxes);
$('speed').addEventListener('change', () => state.clock.speed(Number($('speed').value)));
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { colours.clear(); draw(); });
new ResizeObserver(() => { drawTimeline(); draw(); }).observe($('player'));
list();
draw();
