// Lines and zones drawn on a camera's picture with mouse or keys, kept by the server, and what is counted at them.

import { $, colour, formToken } from './view.js';

const told = JSON.parse($('counts').dataset.told);
const stage = $('stage'), shapes = $('shapes'), hint = $('hint');
const SVG = 'http://www.w3.org/2000/svg';
let places = told.places.map(place => ({ ...place, camera: place.camera ?? null }));
let active = null, draft = null, stamp = told.stamp, edits = 0, saved = 0, saving = false, cross = [told.width / 2, told.height / 2];

shapes.setAttribute('viewBox', `0 0 ${told.width} ${told.height}`);

function make(name, attributes, parent, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  parent?.append(made);
  return made;
}

function element(name, parent, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  parent?.append(made);
  return made;
}

const path = points => points.map(([x, y]) => `${x},${y}`).join(' ');
const scale = () => told.width / Math.max(shapes.clientWidth, 1);
const tint = place => told.colours[places.indexOf(place) % told.colours.length];
const visible = () => places.filter(place => place.shown);
const fits = ([x, y]) => [Math.round(Math.min(Math.max(x, 0), told.width)), Math.round(Math.min(Math.max(y, 0), told.height))];

function say(text, wrong = false) { hint.textContent = text; hint.classList.toggle('wrong', wrong); }

function change() {
  edits += 1;
  showSave();
  draw();
}

// One save at a time: the next one has to know what the file is then.
function showSave() {
  $('save').disabled = saving || edits === saved;
  $('save').classList.toggle('strong', edits !== saved);
}

// Shapes ----------------------------------------------------------------------------------------------------------

function draw() {
  shapes.replaceChildren();
  stage.classList.toggle('draws', Boolean(draft));
  for (const place of visible()) drawPlace(place);
  if (active && active.unit === 'pixels' && !draft) active.shown.forEach((point, number) => drawHandle(active, point, number));
  if (draft) {
    make('polyline', { points: path([...draft.points, cross]), class: 'under' }, shapes);
    make('polyline', { points: path([...draft.points, cross]), class: 'draft' }, shapes);
    const [x, y] = cross, long = 9 * scale();
    make('path', { d: `M${x - long} ${y}H${x + long}M${x} ${y - long}V${y + long}`, class: 'cross' }, shapes);
  }
}

function drawPlace(place) {
  const group = make('g', { class: 'shape' }, shapes), name = place.kind === 'zone' ? 'polygon' : 'polyline';
  make(name, { points: path(place.shown), class: 'under' }, group);
  const shape = make(name, { points: path(place.shown), stroke: tint(place) }, group);
  if (place.kind === 'zone') shape.setAttribute('fill', tint(place));
  else drawArrow(place, group);
  const [x, y] = place.shown.reduce((best, one) => (one[0] + one[1] < best[0] + best[1] ? one : best));
  const size = 13 * scale();
  make('text', { x: Math.max(x + 0.5 * size, 2), y: Math.max(y - 0.5 * size, size), 'font-size': size }, group, place.name);
  group.addEventListener('pointerdown', () => { if (!draft) choose(place); });
}

function drawArrow(place, group) {
  const middle = Math.floor((place.shown.length - 1) / 2), [ax, ay] = place.shown[middle], [bx, by] = place.shown[middle + 1];
  const length = Math.hypot(bx - ax, by - ay) || 1, long = 22 * scale(), u = (by - ay) / length, v = (ax - bx) / length;
  const mx = (ax + bx) / 2, my = (ay + by) / 2, tx = mx + long * u, ty = my + long * v, back = long * 0.4;
  const head = [[tx - back * (u + 0.6 * v), ty - back * (v - 0.6 * u)], [tx, ty], [tx - back * (u - 0.6 * v), ty - back * (v + 0.6 * u)]];
  for (const points of [[[mx, my], [tx, ty]], head]) {
    make('polyline', { points: path(points), class: 'under' }, group);
    make('polyline', { points: path(points), stroke: tint(place) }, group);
  }
}

function drawHandle(place, [x, y], number) {
  const handle = make('circle', { cx: x, cy: y, r: 6 * scale(), class: 'handle', tabindex: 0, role: 'button',
    'aria-label': `Point ${number + 1} of ${place.name}; arrow keys move it` }, shapes);
  const move = point => { place.shown[number] = place.points[number] = fits(point); change(); };
  handle.addEventListener('pointerdown', event => {
    event.preventDefault();
    event.stopPropagation();
    const moved = one => move(at(one));
    addEventListener('pointermove', moved);
    addEventListener('pointerup', () => removeEventListener('pointermove', moved), { once: true });
  });
  handle.addEventListener('keydown', event => {
    const step = steps(event, place.points[number]);
    if (!step) return;
    move(step);
    shapes.querySelectorAll('.handle')[number].focus();
  });
}

function at(event) {
  const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(shapes.getScreenCTM().inverse());
  return [point.x, point.y];
}

function steps(event, [x, y]) {
  const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  if (!by) return null;
  event.preventDefault();
  event.stopPropagation();
  const far = event.shiftKey ? 1 : 10;
  return fits([x + far * by[0], y + far * by[1]]);
}

// Drawing ---------------------------------------------------------------------------------------------------------

function begin(kind) {
  draft = { kind, points: [] };
  active = null;
  say(kind === 'line' ? 'Two points; in is left of the way from the first to the second.' : 'Point by point around the zone; Enter or the first point ends it.');
  stage.focus();
  list();
  draw();
}

function add(point) {
  const last = draft.points.at(-1), first = draft.points[0], near = 12 * scale();
  if (draft.kind === 'zone' && draft.points.length > 2 && Math.hypot(point[0] - first[0], point[1] - first[1]) < near) return end();
  if (last && last[0] === point[0] && last[1] === point[1]) return undefined;
  draft.points.push(point);
  return draft.kind === 'line' && draft.points.length === 2 ? end() : draw();
}

function end() {
  const needed = draft.kind === 'line' ? 2 : 3;
  if (draft.points.length < needed) return say(`A ${draft.kind} needs ${needed} points.`, true);
  const taken = new Set(places.map(place => place.name));
  let number = 1;
  while (taken.has(`${draft.kind} ${number}`)) number += 1;
  const place = { kind: draft.kind, name: `${draft.kind} ${number}`, camera: told.name, unit: 'pixels', points: draft.points, shown: [...draft.points] };
  places.push(place);
  draft = null;
  say('');
  choose(place);
  change();
  const field = $('places').querySelector('li.active input');
  field.focus();
  field.select();
  return undefined;
}

function choose(place) { active = place; list(); draw(); }

stage.addEventListener('pointermove', event => { if (draft) { cross = fits(at(event)); draw(); } });
stage.addEventListener('pointerdown', event => { if (draft) { cross = fits(at(event)); add(cross); event.preventDefault(); } });
stage.addEventListener('keydown', event => {
  if (!draft) return;
  const step = steps(event, cross);
  if (step) { cross = step; draw(); }
  else if (event.key === ' ') { event.preventDefault(); add(cross); }
  else if (event.key === 'Enter') { event.preventDefault(); end(); }
  else if (event.key === 'Backspace') { event.preventDefault(); draft.points.pop(); draw(); }
  else if (event.key === 'Escape') { draft = null; say(''); draw(); }
});
addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches('input, select, textarea')) return;
  if (event.key === 'l') begin('line');
  if (event.key === 'z') begin('zone');
  if (event.key === 'h') $('show-heat').click();
});
$('new-line').addEventListener('click', () => begin('line'));
$('new-zone').addEventListener('click', () => begin('zone'));
$('show-heat').addEventListener('click', event => {
  const shown = event.currentTarget.getAttribute('aria-pressed') !== 'true';
  event.currentTarget.setAttribute('aria-pressed', shown);
  $('heat').hidden = !shown;
  if (shown) $('heat').src = `${told.base}/heat.png?${query({ camera: told.camera })}`;
});

function list() {
  $('places').replaceChildren();
  for (const place of visible()) {
    const row = element('li', $('places'), undefined, place === active ? 'active' : '');
    const dot = make('svg', { viewBox: '0 0 12 12' }, row);
    make(place.kind === 'zone' ? 'rect' : 'path', place.kind === 'zone' ? { width: 12, height: 12, rx: 3, fill: tint(place) } : { d: 'M1 11L11 1', stroke: tint(place), 'stroke-width': 3 }, dot);
    const field = element('input', row);
    field.type = 'text';
    field.value = place.name;
    field.maxLength = 60;
    field.setAttribute('aria-label', `Name of the ${place.kind}`);
    field.addEventListener('input', () => { place.name = field.value; change(); });
    field.addEventListener('focus', () => { if (active !== place) { active = place; $('places').querySelector('.active')?.classList.remove('active'); row.classList.add('active'); draw(); } });
    if (place.unit === 'metres') element('small', row, 'metres');
    const gone = element('button', row, '×', 'tool');
    gone.type = 'button';
    gone.title = gone.ariaLabel = `Remove ${place.name}`;
    gone.addEventListener('click', () => { places = places.filter(one => one !== place); active = null; list(); change(); });
  }
  if (!visible().length && !draft) say('Draw a line that people cross, or a zone in which they stay.');
}

$('save').addEventListener('click', async () => {
  const now = edits, body = JSON.stringify({ stamp, places: places.map(({ shown, ...place }) => place) });
  saving = true;
  showSave();
  try {
    stamp = (await asked(`${told.base}/file`, { method: 'POST', body, headers: { 'Content-Type': 'application/json', 'X-Form-Token': formToken } })).stamp;
    saved = now;
    say(edits === now ? 'Saved.' : 'Saved, but for what was changed meanwhile.');
  } catch (error) {
    say(error.message, true);
  }
  saving = false;
  showSave();
  if (saved === now) await count();
});
addEventListener('beforeunload', event => { if (edits !== saved) event.preventDefault(); });

// What the server answers, or an error that says why not.
async function asked(address, how) {
  const answer = await fetch(address, how).catch(() => null);
  if (!answer) throw new Error('The server does not answer; is remix-track view still running?');
  if (!answer.ok) throw new Error(await reason(answer));
  return answer.json();
}

async function reason(answer) {
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
  return page.querySelector('main p')?.textContent || `The server answered ${answer.status}.`;
}

// Numbers ---------------------------------------------------------------------------------------------------------

let counted = null, asking = 0;

function query(more = {}) {
  const asked = new URLSearchParams(more);
  for (const [name, value] of new FormData($('period'))) if (value) asked.set(name, value);
  return asked;
}

async function count() {
  const mine = ++asking;
  $('said').textContent = 'Counting …';
  const found = await asked(`${told.base}/numbers?${query()}`).catch(error => error);
  // What was asked for later may be answered sooner.
  if (mine !== asking) return;
  if (found instanceof Error) { $('said').textContent = found.message; return; }
  counted = found;
  const alone = counted.unknown ? `; ${counted.unknown} of no known person, each counted as one` : '';
  $('said').textContent = counted.places.length ? `${counted.tracks} tracks${alone}.` : 'Nothing is counted yet: there is no line or zone, or nothing was recorded then.';
  showNumbers();
}

const seconds = value => (value === null ? '–' : value < 120 ? `${value.toFixed(1)} s` : `${(value / 60).toFixed(1)} min`);
const rounded = value => (value === null ? '–' : value.toFixed(2));
const clock = value => (counted.clock ? `${new Date(1000 * value).toISOString().slice(0, 16).replace('T', ' ')}` : new Date(1000 * value).toISOString().slice(11, 19));

function columns(kind) {
  const common = [['in', row => row.ins], ['out', row => row.outs], ['people', row => row.people]];
  const zone = [['there on average', row => rounded(row.mean_occupancy)], ['most', row => row.max_occupancy ?? '–'], ['stay', row => seconds(row.mean_dwell)], ['longest', row => seconds(row.longest_dwell)]];
  return kind === 'zone' ? [...common, ...zone] : common;
}

function showNumbers() {
  $('numbers').replaceChildren();
  for (const place of counted?.places ?? []) {
    const panel = element('section', $('numbers'), undefined, 'panel');
    element('h2', panel, place.name).append(element('span', null, place.kind));
    const total = element('dl', panel, undefined, 'total');
    for (const [name, value] of columns(place.kind)) {
      const one = element('div', total);
      element('dt', one, name);
      element('dd', one, String(value(place.total)));
    }
    if (place.rows.length > 1) curve(place, panel);
    const details = element('details', panel);
    element('summary', details, place.rows.length === 1 ? '1 interval' : `${place.rows.length} intervals`);
    details.addEventListener('toggle', () => showIntervals(place, details), { once: true });
  }
}

function showIntervals(place, details) {
  const table = element('table', element('div', details, undefined, 'intervals')), head = element('tr', element('thead', table)), body = element('tbody', table);
  for (const name of [counted.clock ? 'from (UTC)' : 'from', ...columns(place.kind).map(([one]) => one)]) element('th', head, name);
  for (const row of place.rows) {
    const line = element('tr', body);
    for (const value of [clock(row.begin), ...columns(place.kind).map(([, one]) => one(row))]) element('td', line, String(value));
  }
}

function curve(place, panel) {
  const middles = place.rows.map(row => (row.begin + row.end) / 2), zone = place.kind === 'zone';
  const data = [middles, place.rows.map(row => row.ins), place.rows.map(row => -row.outs), ...(zone ? [place.rows.map(row => row.mean_occupancy)] : [])];
  const axis = { stroke: colour('--soft'), grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } };
  const bars = uPlot.paths.bars({ size: [0.8, 60], align: 0 }), length = place.rows.length ? place.rows[0].end - place.rows[0].begin : 60;
  const shown = (_, value) => (value === null || value === undefined ? '–' : String(Math.abs(Math.round(100 * value) / 100)));
  new uPlot({
    width: Math.max(panel.clientWidth - 34, 200), height: 190,
    tzDate: at => uPlot.tzDate(new Date(1000 * at), 'UTC'),
    scales: { x: { time: counted.clock, range: () => [place.rows[0].begin, place.rows.at(-1).end] } },
    axes: [counted.clock ? axis : { ...axis, values: (_, ticks) => ticks.map(clock) }, { ...axis, size: 44, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 100000, 1000000], values: (_, ticks) => ticks.map(one => Math.abs(one)) }],
    series: [
      { label: counted.clock ? 'UTC' : 'from', value: (_, at) => (at === null || at === undefined ? '–' : clock(at - length / 2)) },
      { label: 'in', fill: '#1a7f8e', stroke: '#1a7f8e', paths: bars, points: { show: false }, value: shown },
      { label: 'out', fill: '#d98b2b', stroke: '#d98b2b', paths: bars, points: { show: false }, value: shown },
      ...(zone ? [{ label: 'there on average', stroke: '#9a5be0', width: 2, points: { size: 5 }, value: shown }] : []),
    ],
  }, data, panel);
}

$('period').addEventListener('change', count);
$('period').addEventListener('submit', event => event.preventDefault());
addEventListener('theme', showNumbers);
addEventListener('resize', () => draw());
$('picture')?.addEventListener('error', event => event.target.remove());
list();
draw();
count();
