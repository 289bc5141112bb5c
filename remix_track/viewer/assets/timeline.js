// When each person is there: a row each, gaps between; drawn where it is looked at, so that thousands scroll.

const ROW = 24, LABEL = 58, EDGE = 10;
const rows = $('rows'), bars = $('bars'), ruler = $('ruler'), tip = $('tip');
const view = {from: 0, to: Math.max(facts.frames, 1)};

const xOf = frame => LABEL + (frame - view.from) / (view.to - view.from) * (rows.clientWidth - LABEL - EDGE);
const frameAt = x => view.from + (x - LABEL) / Math.max(rows.clientWidth - LABEL - EDGE, 1) * (view.to - view.from);
const colours = new Map();

// A colour of the style sheet; they are forgotten when light and dark change.
function colour(name) {
  if (!colours.has(name)) colours.set(name, getComputedStyle(document.documentElement).getPropertyValue(name).trim());
  return colours.get(name);
}

function zoom(factor, around = state.clock.wanted ?? state.clock.frame) {
  const whole = Math.max(facts.frames, 1), length = Math.min(Math.max((view.to - view.from) * factor, Math.min(20, whole)), whole);
  const share = (around - view.from) / (view.to - view.from);
  view.from = Math.min(Math.max(around - share * length, 0), whole - length);
  view.to = view.from + length;
  drawTimeline();
}

function move(frames) {
  const length = view.to - view.from;
  view.from = Math.min(Math.max(view.from + frames, 0), Math.max(facts.frames, 1) - length);
  view.to = view.from + length;
  drawTimeline();
}

function keepInView(frame) {
  if (frame < view.from || frame > view.to) move(frame - view.from - (view.to - view.from) * 0.1);
}

function drawTimeline() {
  $('height').style.height = `${Math.max(ROW * state.shown.length - bars.clientHeight, 0)}px`;
  drawRows();
  drawRuler();
}

function drawRows() {
  fit(bars);
  const context = bars.getContext('2d'), width = bars.clientWidth, height = bars.clientHeight, scrolled = rows.scrollTop;
  context.clearRect(0, 0, width, height);
  context.textBaseline = 'middle';
  const ink = colour('--ink'), soft = colour('--soft'), quiet = colour('--quiet'), mark = colour('--mark');
  const end = Math.min(Math.ceil((scrolled + height) / ROW), state.shown.length);
  for (let row = Math.floor(scrolled / ROW); row < end; row++) {
    const person = state.shown[row], top = row * ROW - scrolled, chosen = person.id === state.chosen;
    if (chosen || person.id === state.pointed) {
      context.fillStyle = chosen ? mark : quiet;
      context.fillRect(0, top, width, ROW);
    }
    const now = spanAt(person, state.clock.frame) >= 0;
    context.fillStyle = person.colour;
    context.beginPath();
    context.arc(14, top + ROW / 2, 4.5, 0, 7);
    context.fill();
    context.fillStyle = now || chosen ? ink : soft;
    context.font = `${now || chosen ? 600 : 400} 12px system-ui, sans-serif`;
    context.fillText(person.id, 25, top + ROW / 2 + 0.5);
    drawSpans(context, person, top, width);
  }
  drawHead(context, height);
}

function drawSpans(context, person, top, width) {
  context.save();
  context.beginPath();
  context.rect(LABEL, top, width - LABEL, ROW);
  context.clip();
  context.fillStyle = person.colour;
  context.globalAlpha = 0.35;
  context.fillRect(xOf(person.first), top + ROW / 2 - 0.5, xOf(person.last + 1) - xOf(person.first), 1);
  context.globalAlpha = 1;
  for (let span = 0; span < person.spans.length; span += 2) {
    const left = xOf(person.spans[span]), right = xOf(person.spans[span + 1] + 1);
    if (right < LABEL || left > width) continue;
    const long = Math.max(right - left, 2);
    context.beginPath();
    context.roundRect(left, top + 6, long, ROW - 12, Math.min(4, long / 2));
    context.fill();
  }
  drawErrors(context, person, top);
  context.restore();
}

function drawHead(context, height) {
  const x = xOf((state.clock.wanted ?? state.clock.frame) + 0.5);
  if (x < LABEL) return;
  context.fillStyle = colour('--accent');
  context.fillRect(Math.round(x) - 0.75, 0, 1.5, height);
}

// How many people are there, in columns of two pixels; counted anew when the view or the list changes.
function countsOf(columns) {
  const key = [columns, view.from, view.to, state.listed].join();
  if (countsOf.key !== key) {
    countsOf.found = countIn(spansOf(state.shown), columns);
    countsOf.key = key;
  }
  return countsOf.found;
}

function* spansOf(shown) {
  for (const {spans} of shown) for (let span = 0; span < spans.length; span += 2) yield [spans[span], spans[span + 1] + 1];
}

function countIn(spans, columns) {
  const change = new Int32Array(columns + 1), scale = columns / (view.to - view.from);
  const place = frame => Math.min(Math.max(Math.floor((frame - view.from) * scale), 0), columns);
  for (const [first, stop] of spans) {
    if (stop <= view.from || first >= view.to) continue;
    change[place(first)]++;
    change[Math.max(place(stop), place(first) + 1)]--;
  }
  let there = 0;
  return Array.from(change.subarray(0, columns), step => there += step);
}

const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 86400];

function drawRuler() {
  fit(ruler);
  const context = ruler.getContext('2d'), width = ruler.clientWidth, height = ruler.clientHeight;
  context.clearRect(0, 0, width, height);
  const columns = Math.max(Math.floor((width - LABEL - EDGE) / 2), 1), counts = countsOf(columns), most = Math.max(...counts, 1);
  context.fillStyle = colour('--density');
  counts.forEach((count, column) => {
    const high = count / most * (height - 20);
    context.fillRect(LABEL + 2 * column, height - high, 2, high);
  });
  drawErrorsOver(context, columns, height, most);
  context.fillStyle = colour('--soft');
  context.font = '11px system-ui, sans-serif';
  context.textBaseline = 'top';
  context.fillText(`≤ ${most}`, 8, height - 14);
  drawTicks(context, width);
  drawHead(context, height);
}

// At even times; where a camera was away, many of them are at one place, of which the first is written.
function drawTicks(context, width) {
  let taken = -Infinity;
  for (const [frame, text] of ticksFor(Math.max((width - LABEL) / 84, 1))) {
    const x = xOf(frame), end = x + 6 + context.measureText(text).width;
    if (x < taken || end > width) continue;
    context.fillRect(Math.round(x), 3, 1, 8);
    context.fillText(text, x + 4, 2);
    taken = end;
  }
}

// Frame and text of each; with the day at midnight, and at the first one of a page of several days.
function* ticksFor(room) {
  const begin = knotOf(view.from).time / 1000, end = knotOf(view.to - 1).time / 1000 + 1 / facts.rate, length = end - begin;
  const step = STEPS.find(one => length / one <= room) || 86400 * Math.ceil(length / 86400 / room);
  for (let time = Math.ceil(begin / step) * step, first = true; time <= end; time += step, first = false) {
    const midnight = facts.clock && time % 86400 === 0;
    const text = midnight ? timeText(1000 * time, 0, true).slice(0, 5) : timeText(1000 * time, step < 1 ? 1 : 0, SEVERAL_DAYS && first);
    yield [frameAtTime(1000 * time, view.from, view.to), text];
  }
}

function rowAt(event) {
  return state.shown[Math.floor((event.clientY - rows.getBoundingClientRect().top + rows.scrollTop) / ROW)];
}

function tell(event, text) {
  const bounds = $('timeline').getBoundingClientRect();
  tip.textContent = text;
  tip.hidden = false;
  tip.style.left = `${Math.min(Math.max(event.clientX - bounds.left + 12, 4), bounds.width - tip.offsetWidth - 4)}px`;
  tip.style.top = `${event.clientY - bounds.top - 30}px`;
}

const left = element => event => event.clientX - element.getBoundingClientRect().left;
const onRows = left(rows), onRuler = left(ruler);

rows.addEventListener('click', event => {
  const person = rowAt(event);
  if (!person) return;
  choose(person.id, {seek: onRows(event) < LABEL ? person.first : within(Math.floor(frameAt(onRows(event))))});
});
rows.addEventListener('pointermove', event => {
  const person = rowAt(event), frame = within(Math.floor(frameAt(onRows(event))));
  point(person ? person.id : null);
  if (!person) { tip.hidden = true; return; }
  const there = spanAt(person, frame) >= 0;
  tell(event, onRows(event) < LABEL ? person.name : `${person.name}, ${clockOf(frame, 1)}${there ? '' : ': not there'}`);
});
rows.addEventListener('pointerleave', () => { tip.hidden = true; point(null); });
rows.addEventListener('scroll', drawRows);
ruler.addEventListener('pointerdown', event => {
  ruler.setPointerCapture(event.pointerId);
  seek(frameAt(onRuler(event)));
});
ruler.addEventListener('pointermove', event => {
  if (event.buttons & 1) seek(frameAt(onRuler(event)));
  const frame = within(frameAt(onRuler(event)));
  tell(event, `${clockOf(frame, 1)}, frame ${knotOf(frame).number}`);
});
ruler.addEventListener('pointerleave', () => { tip.hidden = true; });
$('timeline').addEventListener('wheel', event => {
  if (event.ctrlKey || event.target === ruler) {
    event.preventDefault();
    zoom(Math.exp(Math.min(Math.max(event.deltaY, -60), 60) / 150), frameAt(onRuler(event)));
  } else if (event.deltaX || event.shiftKey) {
    event.preventDefault();
    move((event.deltaX || event.deltaY) / rows.clientWidth * (view.to - view.from));
  }
}, {passive: false});
$('closer').addEventListener('click', () => zoom(0.5));
$('wider').addEventListener('click', () => zoom(2));
$('whole').addEventListener('click', () => zoom(Infinity));
