// One person's day: a click on a track, in the list or on the timeline, plays it with its box.

import {Player, fetched} from './player.js';
import {Timeline} from './timeline.js';

const list = document.querySelector('.rows');
const root = document.querySelector('.timeline');
const timeline = root && new Timeline(root, {onChoose: (row, within) => play(keyOf(row), timeline.bars.seconds[row] + within)});
const player = new Player(document.querySelector('.player'), {onTime, onBox});
const rowOf = new Map();
let chosen = null;

function keyOf(row) { return `${timeline.bars.jobs[timeline.bars.job[row]]}/${timeline.bars.track[row]}`; }

// Goes to a track; `key` is job and track, `seconds` those of its recording.
function play(key, seconds) {
  chosen = key;
  const [job, track] = key.split('/');
  if (rowOf.has(key)) timeline.choose(rowOf.get(key));
  mark();
  player.show(job, seconds, Number(track)).catch(error => player.note(String(error.message)));
}

function mark() {
  for (const item of list.querySelectorAll('.row'))
    item.classList.toggle('chosen', `${item.dataset.job}/${item.dataset.track}` === chosen);
}

function onTime(recording, seconds) {
  if (!timeline?.bars) return;
  const now = timeline.bars.clock && recording.start !== null ? recording.start + 1000 * seconds : timeline.bars.clock ? null : 1000 * seconds;
  timeline.now = now;
  timeline.draw();
}

// A box of the same person is chosen here; one of somebody else leads there.
function onBox(recording, box) {
  const key = `${recording.key}/${box.track}`;
  if (rowOf.has(key) || key === chosen) play(key, player.seconds);
  else location.href = `${player.base}/tracklet/${encodeURIComponent(recording.key)}/${box.track}`;
}

function playItem(item) { play(`${item.dataset.job}/${item.dataset.track}`, Number(item.dataset.seconds)); }

list.addEventListener('click', event => {
  const item = event.target.closest('.row');
  if (item && !event.target.closest('a')) playItem(item);
});

function step(by) {
  const items = [...list.querySelectorAll('.row')], at = items.findIndex(item => item.classList.contains('chosen'));
  const next = items[at < 0 ? 0 : Math.min(Math.max(at + by, 0), items.length - 1)];
  if (!next) return;
  playItem(next);
  next.scrollIntoView({block: 'nearest'});
}

const KEYS = {
  ' ': () => player.toggle(), ArrowRight: () => player.recording && player.seek(player.seconds + 1),
  ArrowLeft: () => player.recording && player.seek(player.seconds - 1), ',': () => player.root.querySelector('.back').click(),
  '.': () => player.root.querySelector('.on').click(), j: () => step(1), k: () => step(-1),
  b: () => { player.which.selectedIndex = (player.which.selectedIndex + 1) % 3; player.draw(); },
  '+': () => timeline?.zoom(0.5), '=': () => timeline?.zoom(0.5), '-': () => timeline?.zoom(2), '0': () => timeline?.zoom(Infinity),
};
addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches('input, select, textarea')) return;
  if (event.target.matches('.row') && event.key === 'Enter') { playItem(event.target); return; }
  if (event.target.matches('button, a') && (event.key === ' ' || event.key === 'Enter')) return;
  if (KEYS[event.key]) { event.preventDefault(); KEYS[event.key](); }
});

document.addEventListener('htmx:afterSwap', mark);

async function begin() {
  if (timeline) {
    const bars = await fetched(root.dataset.bars);
    bars.first.forEach((_, row) => rowOf.set(`${bars.jobs[bars.job[row]]}/${bars.track[row]}`, row));
    timeline.set(bars);
    if (bars.cut) player.note('Only the first tracks of this day are on the timeline.');
  }
  // What is asked for, else the first: shown, and not played.
  const wanted = list.dataset.chosen, first = list.querySelector('.row');
  if (wanted && rowOf.has(wanted)) play(wanted, timeline.bars.seconds[rowOf.get(wanted)]);
  else if (first) playItem(first);
}

// For tests, and for whoever wants to look.
globalThis.view = {player, timeline};
begin().catch(error => player.note(String(error.message)));
