// How many were there over time: people before tracks, a bar for each step; drawn when the plot comes into sight.

import {colour} from './view.js';

const HEIGHT = 128;

class Plot {
  constructor(root) {
    this.root = root;
    this.lines = root.querySelector('.lines');
    for (const button of root.querySelectorAll('[data-move]')) {
      button.addEventListener('click', () => this.move(Number(button.dataset.move)));
    }
    addEventListener('theme', () => this.draw());
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw());
    new ResizeObserver(() => this.plot?.setSize({width: this.lines.clientWidth, height: HEIGHT})).observe(this.lines);
  }

  async load(until) {
    const answer = await fetch(this.root.dataset.counts + (until ? `&until=${until}` : ''));
    if (!answer.ok) return;
    this.told = await answer.json();
    const {begin, step, clock, title, distinct} = this.told, end = begin[begin.length - 1] + step;
    const day = time => new Date(time).toISOString().slice(0, 16).replace('T', ' ');
    this.root.querySelector('.when').textContent = clock ? `${day(begin[0])} – ${day(end)} UTC` : title;
    const told = this.root.closest('.camera').querySelector('.distinct');
    if (told) told.textContent = `${distinct.toLocaleString('en')} in ${clock ? title : 'its last recording'}`;
    this.root.querySelector('.group').hidden = !clock;
    this.draw();
  }

  move(direction) {
    const {begin, step} = this.told, length = begin.length * step;
    this.load(begin[0] + length + direction * length);
  }

  draw() {
    if (!this.told) return;
    this.plot?.destroy();
    const {begin, step, people, tracks, clock} = this.told, soft = colour('--soft'), line = colour('--line');
    const middle = begin.map(time => (time + step / 2) / 1000), font = '11px system-ui, sans-serif';
    const bars = uPlot.paths.bars({size: [0.86, 60]});
    const axis = {stroke: soft, font, grid: {stroke: line, width: 1}, ticks: {show: false}};
    const clockOf = seconds => new Date(seconds * 1000).toISOString();
    const told = (axis_, places) => places.map(seconds => !clock ? position(seconds)
      : seconds % 86400 ? clockOf(seconds).slice(11, 16) : clockOf(seconds).slice(5, 10));
    this.plot = new uPlot({
      width: this.lines.clientWidth, height: HEIGHT, padding: [6, 18, 0, 0], cursor: {y: false, points: {show: false}},
      tzDate: seconds => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
      scales: {x: {time: clock, range: [begin[0] / 1000, (begin[begin.length - 1] + step) / 1000]},
        y: {range: (plot, low, high) => [0, Math.max(high, 3) * 1.05]}},
      axes: [{...axis, grid: {show: false}, values: told, size: 22, space: 60},
        {...axis, size: 34, space: 26, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 50000, 100000]}],
      series: [{}, {fill: colour('--density'), width: 0, paths: bars, points: {show: false}},
        {fill: colour('--accent'), width: 0, paths: bars, points: {show: false}}],
      hooks: {setCursor: [plot => this.point(plot.cursor.idx)]},
    }, [middle, tracks, people], this.lines);
  }

  point(place) {
    const {people, tracks} = this.told, [first, second] = this.root.querySelectorAll('.key');
    first.textContent = place === null || place === undefined ? 'people' : `people ${people[place]}`;
    second.textContent = place === null || place === undefined ? 'tracks' : `tracks ${tracks[place]}`;
  }
}

function position(seconds) {
  const [minutes, rest] = [Math.floor(seconds / 60), Math.round(seconds % 60)];
  return `${minutes}:${String(rest).padStart(2, '0')}`;
}

const watch = new IntersectionObserver(entries => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    watch.unobserve(entry.target);
    new Plot(entry.target).load();
  }
});
for (const root of document.querySelectorAll('.plot')) watch.observe(root);
