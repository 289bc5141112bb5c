// Two runs on one clock. The clock stands on frames of the run that has more of them in a second: place 0, 1, ...

import {Side} from './side.js';
import {Strip} from './strip.js';

const $ = id => document.getElementById(id);
const facts = JSON.parse($('sides').dataset.facts);
const sides = facts.sides.map((side, number) => new Side($(number ? 'side-b' : 'side-a'), side, facts));
const finer = sides[0].step <= sides[1].step ? sides[0] : sides[1];
const begin = Math.min(...sides.map(side => side.begin)), end = Math.max(...sides.map(side => side.end));
const last = Math.max(Math.round((end - begin) / finer.step) - 1, 0);
const strip = new Strip($('strip'), facts.marks, begin, end, mark => mark ? choose(mark) : null, go);
const state = {place: 0, playing: null, chosen: -1};

const secondsOf = place => begin + place * finer.step;
const placeOf = seconds => Math.max(0, Math.min(last, Math.round((seconds - begin) / finer.step)));

function go(seconds) { show(placeOf(seconds)); }

// A step, so far from the middle of frames that rounding takes none for its neighbour.
function show(place) {
  state.place = Math.max(0, Math.min(last, place));
  const seconds = secondsOf(state.place);
  const mark = facts.marks[state.chosen];
  for (const side of sides) side.show(seconds + finer.step / 2, mark && mark.sides[sides.indexOf(side)]);
  strip.at(seconds, state.chosen);
  tell();
}

function tell() {
  const [a, b] = sides.map(side => side.frame);
  $('clock').textContent = timeOf(secondsOf(state.place));
  $('frames').textContent = `A ${a ?? '–'} · B ${b ?? '–'}`;
}

function timeOf(seconds) {
  const hundredths = Math.round(seconds * 100);
  const [hours, minutes, whole] = [hundredths / 360000, hundredths / 6000 % 60, hundredths / 100 % 60].map(Math.floor);
  const head = hours ? `${hours}:${String(minutes).padStart(2, '0')}` : String(minutes);
  return `${head}:${String(whole).padStart(2, '0')}.${String(hundredths % 100).padStart(2, '0')}`;
}

function choose(mark) {
  pause();
  state.chosen = mark.number;
  const list = $('changes');
  for (const row of list?.querySelectorAll('button') || []) {
    const chosen = Number(row.dataset.mark) === mark.number;
    row.setAttribute('aria-pressed', chosen);
    if (chosen) list.scrollTop = Math.min(Math.max(list.scrollTop, row.offsetTop + row.offsetHeight - list.clientHeight), row.offsetTop);
  }
  go(mark.seconds);
}

// The next or the one before, from what the clock shows; of several at one time each in its turn.
function neighbour(direction) {
  const now = secondsOf(state.place), chosen = facts.marks[state.chosen];
  const here = chosen && placeOf(chosen.seconds) === state.place ? state.chosen : null;
  const differ = facts.marks.filter(mark => !mark.both);
  const found = direction > 0
    ? differ.find(mark => here !== null ? mark.number > here : mark.seconds > now + 1e-6)
    : differ.findLast(mark => here !== null ? mark.number < here : mark.seconds < now - 1e-6);
  if (found) choose(found);
}

function play() {
  if (state.playing) return pause();
  if (state.place >= last) show(0);
  const speed = Number($('speed').value);
  state.playing = {from: secondsOf(state.place), since: performance.now(), speed};
  for (const side of sides) side.play(speed);
  $('play').classList.add('playing');
  requestAnimationFrame(tick);
}

function pause() {
  if (!state.playing) return;
  state.playing = null;
  $('play').classList.remove('playing');
  for (const side of sides) side.pause();
  show(state.place);
}

function tick(now) {
  const playing = state.playing;
  if (!playing) return;
  // Where a picture is waited for, the clock waits too.
  if (sides.some(side => side.waits())) {
    playing.from = secondsOf(state.place);
    playing.since = now;
  }
  const seconds = playing.from + (now - playing.since) / 1000 * playing.speed;
  state.place = Math.min(last, Math.floor((seconds - begin) / finer.step + 1e-6));
  if (state.place >= last) return pause();
  for (const side of sides) side.follow(seconds);
  strip.at(seconds, state.chosen);
  tell();
  requestAnimationFrame(tick);
}

const keys = {
  ' ': play, ',': () => step(-1), '.': () => step(1), ArrowLeft: () => seek(-1), ArrowRight: () => seek(1),
  n: () => neighbour(1), p: () => neighbour(-1), Home: () => seek(-Infinity), End: () => seek(Infinity),
};
function step(frames) { pause(); show(state.place + frames); }
function seek(seconds) { pause(); show(state.place + seconds / finer.step); }

document.addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches('input, select, textarea')) return;
  const act = keys[event.key];
  // The space bar presses a button that has the focus.
  if (!act || (event.key === ' ' && event.target.matches('button, a'))) return;
  event.preventDefault();
  act();
});
$('play').addEventListener('click', play);
$('back').addEventListener('click', () => step(-1));
$('on').addEventListener('click', () => step(1));
$('before').addEventListener('click', () => neighbour(-1));
$('next').addEventListener('click', () => neighbour(1));
$('speed').addEventListener('change', () => { if (state.playing) { pause(); play(); } });
$('changes')?.addEventListener('click', event => {
  const row = event.target.closest('button[data-mark]');
  if (row) choose(facts.marks[Number(row.dataset.mark)]);
});
addEventListener('resize', () => show(state.place));
show(0);
