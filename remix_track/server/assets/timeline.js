// Tracks by camera and clock on a canvas, so that ten thousand of them zoom and pan at once.
//
//   const timeline = new Timeline(element, {onChoose});
//   timeline.set(bars);            // columns as `day.bars_of` makes them
//   timeline.choose(row); timeline.now = milliseconds;

import {colour} from './view.js';
import {clockOf, positionOf} from './player.js';

const ROW = 26, RULER = 24, EDGE = 12, BUTTONS = 84;
const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400].map(one => one * 1000);

export class Timeline {
  constructor(root, {onChoose = () => {}} = {}) {
    Object.assign(this, {root, onChoose, bars: null, chosen: -1, now: null});
    this.canvas = root.querySelector('canvas');
    this.tip = root.querySelector('.tip');
    this.listen();
  }

  set(bars) {
    this.bars = bars;
    const from = Math.min(...minMax(bars.first)), to = Math.max(...minMax(bars.last));
    const margin = Math.max((to - from) * 0.02, 500);
    this.whole = bars.first.length ? [from - margin, to + margin] : [0, 1000];
    this.view = [...this.whole];
    this.label = Math.min(Math.max(60, ...bars.lanes.map(lane => this.pen().measureText(lane).width + 22)), 130);
    this.canvas.style.height = `${RULER + ROW * Math.max(bars.lanes.length, 1) + 6}px`;
    this.draw();
  }

  choose(row) {
    this.chosen = row;
    if (row >= 0) this.keepInView(this.bars.first[row]);
    this.draw();
  }

  keepInView(time) {
    const [from, to] = this.view;
    if (time < from || time > to) this.look(time - (to - from) / 4, to - from);
  }

  look(from, length) {
    const whole = this.whole[1] - this.whole[0], long = Math.min(Math.max(length, 1000), whole);
    const begin = Math.min(Math.max(from, this.whole[0]), this.whole[1] - long);
    this.view = [begin, begin + long];
    this.draw();
  }

  zoom(factor, around) {
    const [from, to] = this.view, at = around ?? (this.now >= from && this.now <= to ? this.now : (from + to) / 2);
    this.look(at - (at - from) * factor, (to - from) * factor);
  }

  x(time) { return this.label + (time - this.view[0]) / (this.view[1] - this.view[0]) * this.wide(); }
  time(x) { return this.view[0] + (x - this.label) / this.wide() * (this.view[1] - this.view[0]); }
  wide() { return Math.max(this.canvas.clientWidth - this.label - EDGE, 1); }
  pen() { const pen = this.canvas.getContext('2d'); pen.font = '12px system-ui, sans-serif'; return pen; }

  draw() {
    if (!this.bars) return;
    const {canvas, bars} = this, ratio = devicePixelRatio || 1;
    const size = [Math.round(canvas.clientWidth * ratio), Math.round(canvas.clientHeight * ratio)];
    if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
    const pen = this.pen(), width = canvas.clientWidth, height = canvas.clientHeight;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.textBaseline = 'middle';
    this.drawLanes(pen, width);
    this.drawRuler(pen, width, height);
    pen.save();
    pen.beginPath();
    pen.rect(this.label, 0, width - this.label, height);
    pen.clip();
    for (let row = 0; row < bars.first.length; row++) if (row !== this.chosen) this.drawBar(pen, row, width);
    if (this.chosen >= 0) this.drawBar(pen, this.chosen, width);
    if (this.now !== null) {
      pen.fillStyle = colour('--accent');
      pen.fillRect(Math.round(this.x(this.now)) - 0.75, 0, 1.5, height);
    }
    pen.restore();
  }

  drawLanes(pen, width) {
    this.bars.lanes.forEach((lane, number) => {
      const top = RULER + number * ROW;
      if (number % 2 === 0) { pen.fillStyle = colour('--quiet'); pen.fillRect(0, top, width, ROW); }
      pen.fillStyle = colour('--soft');
      let text = lane;
      while (text.length > 1 && pen.measureText(text).width > this.label - 16) text = text.slice(0, -2) + '…';
      pen.fillText(text, 10, top + ROW / 2 + 0.5);
    });
  }

  drawBar(pen, row, width) {
    const {bars} = this, left = this.x(bars.first[row]), right = this.x(bars.last[row]);
    if (right < this.label - 3 || left > width) return;
    const long = Math.max(right - left, 3), top = RULER + bars.lane[row] * ROW + 6, high = ROW - 12, chosen = row === this.chosen;
    pen.beginPath();
    pen.roundRect(left, top, long, high, Math.min(4, long / 2));
    pen.fillStyle = this.root.dataset.colour;
    pen.globalAlpha = bars.sure[row] ? 1 : 0.35;
    pen.fill();
    pen.globalAlpha = 1;
    if (!bars.sure[row]) { pen.strokeStyle = colour('--missed'); pen.lineWidth = 1.5; pen.setLineDash([3, 2]); pen.stroke(); pen.setLineDash([]); }
    if (chosen) { pen.strokeStyle = colour('--ink'); pen.lineWidth = 2; pen.stroke(); }
  }

  drawRuler(pen, width, height) {
    const [from, to] = this.view, room = Math.max(this.wide() / 86, 1), step = STEPS.find(one => (to - from) / one <= room) || STEPS.at(-1);
    pen.fillStyle = pen.strokeStyle = colour('--soft');
    for (let time = Math.ceil(from / step) * step; time <= to; time += step) {
      const x = this.x(time);
      const text = this.bars.clock ? clockOf(time, step < 1000 ? 1 : 0) : positionOf(time / 1000);
      pen.globalAlpha = 0.25;
      pen.fillRect(Math.round(x), 0, 1, height);
      pen.globalAlpha = 1;
      if (x + 6 + pen.measureText(text).width < width - BUTTONS) pen.fillText(text, x + 5, RULER / 2);
    }
  }

  rowUnder(event) {
    if (!this.bars) return -1;
    const bounds = this.canvas.getBoundingClientRect(), x = event.clientX - bounds.left, y = event.clientY - bounds.top;
    const lane = Math.floor((y - RULER) / ROW);
    let best = -1, nearest = 6;  // pixels around a bar that count as it
    for (let row = 0; row < this.bars.first.length; row++) {
      if (this.bars.lane[row] !== lane) continue;
      const apart = Math.max(this.x(this.bars.first[row]) - x, x - Math.max(this.x(this.bars.last[row]), this.x(this.bars.first[row]) + 3), 0);
      if (apart < nearest) { nearest = apart; best = row; }
    }
    return best;
  }

  listen() {
    const {canvas, tip, root} = this;
    canvas.addEventListener('click', event => {
      const row = this.rowUnder(event);
      if (row < 0) return;
      const time = this.time(event.clientX - canvas.getBoundingClientRect().left), {bars} = this;
      const within = Math.min(Math.max(time - bars.first[row], 0), bars.last[row] - bars.first[row]) / 1000;
      this.onChoose(row, within);
    });
    canvas.addEventListener('pointermove', event => {
      const row = this.rowUnder(event);
      canvas.classList.toggle('over', row >= 0);
      tip.hidden = row < 0;
      if (row >= 0) this.tell(event, row);
    });
    canvas.addEventListener('pointerleave', () => { tip.hidden = true; });
    canvas.addEventListener('wheel', event => {
      if (event.ctrlKey) {
        event.preventDefault();
        this.zoom(Math.exp(Math.min(Math.max(event.deltaY, -60), 60) / 150), this.time(event.clientX - canvas.getBoundingClientRect().left));
      } else if (event.deltaX || event.shiftKey) {
        event.preventDefault();
        this.look(this.view[0] + (event.deltaX || event.deltaY) / this.wide() * (this.view[1] - this.view[0]), this.view[1] - this.view[0]);
      }
    }, {passive: false});
    for (const [name, factor] of [['.closer', 0.5], ['.wider', 2], ['.whole', Infinity]])
      root.querySelector(name).addEventListener('click', () => this.zoom(factor));
    new ResizeObserver(() => this.draw()).observe(canvas);
    addEventListener('theme', () => this.draw());
  }

  tell(event, row) {
    const {bars, tip} = this, bounds = this.root.getBoundingClientRect(), text = this.bars.clock ? clockOf : time => positionOf(time / 1000);
    tip.textContent = `${bars.lanes[bars.lane[row]]}, ${text(bars.first[row])} – ${text(bars.last[row])}, track ${bars.track[row]}${bars.sure[row] ? '' : ', unsure'}`;
    tip.style.left = `${Math.min(Math.max(event.clientX - bounds.left + 12, 4), bounds.width - tip.offsetWidth - 4)}px`;
    tip.style.top = `${event.clientY - bounds.top - 32}px`;
  }
}

// Of any number of values; as arguments of a function they would be too many.
function minMax(values) {
  let low = Infinity, high = -Infinity;
  for (const one of values) { if (one < low) low = one; if (one > high) high = one; }
  return [low, high];
}
