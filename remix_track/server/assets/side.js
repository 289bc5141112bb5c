// One of two runs: its video or its frames one by one, and its boxes over them.

// Seconds of boxes that are asked for at a time, and how many times that is kept.
const BLOCK = 10, KEPT = 12;

export class Side {
  constructor(root, facts, all) {
    Object.assign(this, facts, {root, all, frame: null, blocks: new Map(), mark: null});
    this.step = this.stride / this.rate;
    this.end = this.begin + this.frames * this.step;
    this.canvas = root.querySelector('canvas');
    this.picture = root.querySelector('video, img');
    this.video = this.picture instanceof HTMLVideoElement ? this.picture : null;
    if (this.width && this.height) root.style.setProperty('--ratio', this.width / this.height);
    for (const name of ['load', 'loadeddata', 'seeked', 'error']) this.picture?.addEventListener(name, () => this.draw());
  }

  // The number of the frame at a time in the source; null before the first and after the last.
  frameAt(seconds) {
    const place = Math.floor((seconds - this.begin) / this.step + 1e-6);
    return place < 0 || place >= this.frames ? null : this.first + place * this.stride;
  }

  // The middle of a frame in the medium: at its very beginning browsers show the one before.
  mediumTime(frame) {
    return this.medium.begin + ((frame - this.first) / this.stride + 0.5) * this.medium.step;
  }

  show(seconds, mark) {
    this.mark = mark || null;
    this.frame = this.frameAt(seconds);
    if (this.video && this.frame !== null) {
      const wanted = this.mediumTime(this.frame);
      if (Math.abs(this.video.currentTime - wanted) > this.medium.step / 20) this.video.currentTime = wanted;
    } else if (this.picture && this.frame !== null) this.load(this.frame);
    this.draw();
  }

  load(frame) {
    const source = this.medium.frames.replace('NUMBER', frame);
    if (this.picture.getAttribute('src') !== source) this.picture.setAttribute('src', source);
  }

  play(speed) {
    if (!this.video) return;
    this.video.playbackRate = speed;
    this.playing = true;
    this.video.play().catch(() => {});
  }

  pause() {
    this.playing = false;
    this.video?.pause();
  }

  waits() {
    if (this.video) return this.frame !== null && (this.video.seeking || this.video.readyState < 2);
    return Boolean(this.picture && this.frame !== null && !this.picture.complete);
  }

  // While it plays: a video runs by itself, and is set right where it is off by more than a tenth of a second.
  follow(seconds) {
    const frame = this.frameAt(seconds);
    if (frame === null) {
      this.video?.pause();
    } else if (this.video) {
      if (this.video.paused && this.playing) this.video.play().catch(() => {});
      const wanted = this.mediumTime(frame);
      if (!this.video.seeking && Math.abs(this.video.currentTime - wanted) > 0.1) this.video.currentTime = wanted;
    } else if (this.picture) this.load(frame);
    if (frame !== this.frame) {
      this.frame = frame;
      this.draw();
    }
  }

  draw() {
    const {canvas} = this, ratio = devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
    if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
    const pen = canvas.getContext('2d');
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    this.root.dataset.frame = this.frame ?? '';
    this.root.classList.toggle('away', this.frame === null);
    const boxes = this.frame === null ? [] : this.boxesOf(this.frame);
    this.root.dataset.boxes = boxes ? boxes.length : '';
    const across = this.width || this.video?.videoWidth || this.picture?.naturalWidth || width;
    const down = this.height || this.video?.videoHeight || this.picture?.naturalHeight || height;
    const [x, y] = [width / across, height / down];
    for (const box of [...boxes || []].sort((a, b) => a[2] + a[4] - b[2] - b[4])) this.drawBox(pen, box, x, y);
  }

  drawBox(pen, [id, left, top, wide, high], x, y) {
    const area = [left * x, top * y, wide * x, high * y], place = (id - 1) % this.all.palette.length;
    const [colour, ink] = this.all.palette[(place + this.all.palette.length) % this.all.palette.length];
    const chosen = this.mark && this.mark.includes(id);
    pen.globalAlpha = this.mark && !chosen ? 0.35 : 1;
    if (chosen) {
      pen.strokeStyle = '#fff';
      pen.lineWidth = 6;
      pen.strokeRect(...area);
    }
    pen.strokeStyle = colour;
    pen.lineWidth = chosen ? 3 : 2;
    pen.strokeRect(...area);
    if (this.drawn && !chosen) {
      pen.globalAlpha = 1;
      return;  // its label is in the video
    }
    pen.font = '600 12px system-ui, sans-serif';
    const text = String(id), length = pen.measureText(text).width + 10, above = area[1] > 18 ? area[1] - 18 : area[1];
    pen.fillStyle = colour;
    pen.fillRect(area[0] - 1, above, length, 18);
    pen.fillStyle = ink;
    pen.fillText(text, area[0] + 4, above + 13);
    pen.globalAlpha = 1;
  }

  // The boxes of a frame, [id, left, top, width, height]; null while they are fetched.
  boxesOf(frame) {
    const time = this.medium.begin + (frame - this.first) / this.stride * this.medium.step;
    // A frame at the border of two blocks may be in either.
    const numbers = new Set([time - 1e-3, time + 1e-3].map(one => Math.max(0, Math.floor(one / BLOCK))));
    if (time % BLOCK > BLOCK / 2) this.fetchBlock(Math.floor(time / BLOCK) + 1);
    const blocks = [...numbers].map(number => this.fetchBlock(number));
    return blocks.every(block => block instanceof Map) ? blocks.flatMap(block => block.get(frame) || []) : null;
  }

  fetchBlock(number) {
    const known = this.blocks.get(number);
    if (known) return known;
    const asked = fetch(`${this.boxes}?from=${number * BLOCK}&to=${(number + 1) * BLOCK}`).then(answer => answer.json()).then(told => {
      const byFrame = new Map();
      told.frame.forEach((frame, row) => {
        const [left, top, right, bottom] = told.xyxy[row];
        if (!byFrame.has(frame)) byFrame.set(frame, []);
        byFrame.get(frame).push([told.track[row], left, top, right - left, bottom - top]);
      });
      this.blocks.set(number, byFrame);
      this.draw();
    }).catch(() => { setTimeout(() => this.blocks.delete(number), 2000); });
    this.blocks.set(number, asked);
    while (this.blocks.size > KEPT) this.blocks.delete(this.blocks.keys().next().value);
    return asked;
  }
}
