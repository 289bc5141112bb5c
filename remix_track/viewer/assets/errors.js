// What an evaluation found wrong, on the same timeline: false alarms and switches in the rows, misses above them.

const errors = JSON.parse($('errors-data').textContent);

// The frame of the page that shows frame `number` of the source, or the one after.
function frameOf(number) {
  const knots = facts.knots, count = knots.length / 3;
  let low = 0, high = count;
  while (high - low > 1) {
    const middle = low + high >> 1;
    if (knots[3 * middle + 1] <= number) low = middle; else high = middle;
  }
  return Math.min(Math.max(knots[3 * low] + Math.ceil((number - knots[3 * low + 1]) / facts.step), 0), facts.frames - 1);
}

const alarmsOf = new Map(), switchesOf = new Map(), missed = [], switches = [];

if (errors) {
  const add = (map, id, value) => map.set(id, [...map.get(id) || [], value]);
  for (const [id, first, last] of errors.alarms) add(alarmsOf, id, [frameOf(first), frameOf(last) + 1]);
  for (const [, first, last] of errors.missed) missed.push([frameOf(first), frameOf(last) + 1]);
  for (const [number, person, from, to] of errors.switches) {
    switches.push({frame: frameOf(number), person, from, to});
    add(switchesOf, from, frameOf(number));
    add(switchesOf, to, frameOf(number));
  }
  switches.sort((a, b) => a.frame - b.frame);
}

// In a person's row: a red line under what is no person of the truth, a notch where an identity switches.
function drawErrors(context, person, top) {
  context.fillStyle = colour('--missed');
  for (const [first, stop] of alarmsOf.get(person.id) || []) {
    context.fillRect(xOf(first), top + ROW - 5, Math.max(xOf(stop) - xOf(first), 2), 2.5);
  }
  context.fillStyle = colour('--ink');
  for (const frame of switchesOf.get(person.id) || []) {
    const x = xOf(frame), middle = top + ROW / 2;
    context.beginPath();
    context.moveTo(x, middle - 7); context.lineTo(x + 4, middle); context.lineTo(x, middle + 7); context.lineTo(x - 4, middle);
    context.fill();
  }
}

// On the ruler: how many people are missed, from above, and a tick for each switch.
function drawErrorsOver(context, columns, height, most) {
  if (!errors) return;
  const counts = countIn(missed, columns);
  context.fillStyle = colour('--missed');
  context.globalAlpha = 0.55;
  counts.forEach((count, column) => context.fillRect(LABEL + 2 * column, 16, 2, Math.min(count / most, 1) * (height - 20)));
  context.globalAlpha = 1;
  context.fillStyle = colour('--ink');
  for (const one of switches) if (one.frame >= view.from && one.frame <= view.to) context.fillRect(xOf(one.frame) - 0.5, height - 8, 1.5, 8);
}

function errorsLine() {
  const count = (list, one, many) => `${list.length.toLocaleString('en')} ${list.length === 1 ? one : many}`;
  return `Against ground truth: ${count(switches, 'identity switch', 'identity switches')} (◆, key e), `
    + `${count(errors.alarms, 'false stretch', 'false stretches')} (red in a row), `
    + `${count(errors.missed, 'missed', 'missed')} (red on the ruler).`;
}

// The next identity switch, or the one before: its new track is selected.
function switchBeside(by) {
  const now = state.clock.wanted ?? state.clock.frame;
  const one = by > 0 ? switches.find(found => found.frame > now) : switches.findLast(found => found.frame < now);
  if (one) choose(personOf.has(one.to) ? one.to : null, {seek: one.frame});
}
