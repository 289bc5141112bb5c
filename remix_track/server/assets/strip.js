// A strip of time with a lane for each kind of mark; a click goes to the mark under it, or else to the time.

const LANE = 26, NEAR = 7;

export class Strip {
  constructor(canvas, marks, begin, end, onMark, onTime) {
    Object.assign(this, {canvas, marks, begin, end, onMark, onTime, seconds: begin, chosen: -1});
    this.lanes = JSON.parse(canvas.dataset.lanes);
    canvas.style.height = `${LANE * Math.max(this.lanes.length, 1)}px`;
    canvas.addEventListener('pointerdown', event => {
      canvas.setPointerCapture(event.pointerId);
      this.press(event, true);
    });
    canvas.addEventListener('pointermove', event => {
      if (event.buttons & 1) this.press(event, false);
      canvas.classList.toggle('over-mark', Boolean(this.markAt(event)));
    });
    addEventListener('theme', () => this.draw());
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw());
  }

  x(seconds) { return (seconds - this.begin) / Math.max(this.end - this.begin, 1e-9) * this.canvas.clientWidth; }

  markAt(event) {
    const area = this.canvas.getBoundingClientRect(), lane = Math.floor((event.clientY - area.top) / LANE);
    const apart = mark => Math.abs(this.x(mark.seconds) - (event.clientX - area.left));
    const near = this.marks.filter(mark => mark.lane === lane && apart(mark) <= NEAR);
    return near.sort((a, b) => apart(a) - apart(b))[0];
  }

  press(event, takesMarks) {
    const mark = takesMarks && this.markAt(event), area = this.canvas.getBoundingClientRect();
    if (mark) return this.onMark(mark);
    const share = (event.clientX - area.left) / area.width;
    return this.onTime(this.begin + Math.max(0, Math.min(1, share)) * (this.end - this.begin));
  }

  at(seconds, chosen) {
    Object.assign(this, {seconds, chosen});
    this.draw();
  }

  draw() {
    const {canvas} = this, ratio = devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const pen = canvas.getContext('2d'), style = getComputedStyle(canvas);
    const colour = name => style.getPropertyValue(name).trim();
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.strokeStyle = colour('--line');
    for (let lane = 1; lane < this.lanes.length; lane++) {
      pen.beginPath();
      pen.moveTo(0, lane * LANE + 0.5);
      pen.lineTo(width, lane * LANE + 0.5);
      pen.stroke();
    }
    for (const mark of this.marks) {
      const x = this.x(mark.seconds), top = mark.lane * LANE, chosen = mark.number === this.chosen;
      pen.fillStyle = colour(mark.both ? '--density' : this.lanes[mark.lane].colour);
      const wide = chosen ? 5 : 2.5, short = chosen ? 2 : 6;
      pen.fillRect(x - wide / 2, top + short, wide, LANE - 2 * short);
    }
    const now = this.x(this.seconds);
    pen.fillStyle = colour('--ink');
    pen.fillRect(now - 0.75, 0, 1.5, height);
  }
}
