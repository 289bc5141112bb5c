// A recording with its boxes: as a video, as single frames where a browser cannot play it, or as boxes alone.
//
//   const player = new Player(element, {onTime, onBox});
//   await player.show(key, seconds, track);
//
// `onTime(recording, seconds)` is called with each picture, `onBox(recording, box)` when a box is clicked.

const PIECE = 10;  // seconds of boxes that are fetched at once
const KEPT = 40;   // of these pieces

export async function fetched(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  return answer.json();
}

// Time that goes on by itself, with the same names as a video element has.
class Clock extends EventTarget {
  constructor() { super(); this.paused = true; this.playbackRate = 1; this.now = 0; this.end = 0; }
  get currentTime() { return this.now; }
  set currentTime(value) { this.now = Math.max(value, 0); this.dispatchEvent(new Event('seeked')); }
  async play() { this.paused = false; this.last = performance.now(); this.dispatchEvent(new Event('play')); this.tick(); }
  pause() { if (!this.paused) { this.paused = true; this.dispatchEvent(new Event('pause')); } }
  tick() {
    requestAnimationFrame(time => {
      if (this.paused) return;
      // The first picture may be of a time before the click.
      this.now += Math.max(time - this.last, 0) / 1000 * this.playbackRate;
      this.last = time;
      if (this.now >= this.end) { this.now = this.end; this.pause(); }
      this.dispatchEvent(new Event('tick'));
      this.tick();
    });
  }
}

export class Player {
  constructor(root, {onTime = () => {}, onBox = () => {}} = {}) {
    Object.assign(this, {root, onTime, onBox, base: root.dataset.base, recording: null, seconds: 0, track: null});
    const find = name => root.querySelector(name);
    this.video = find('video');
    this.still = find('.still');
    this.canvas = find('.overlay');
    this.stage = find('.stage');
    this.which = find('.which');
    this.clock = new Clock();
    this.recordings = new Map();
    this.pieces = new Map();
    this.medium = this.clock;
    this.listen(find);
  }

  listen(find) {
    const step = by => { this.medium.pause(); this.seek(this.seconds + by / this.recording.fps); };
    find('.play').addEventListener('click', () => this.toggle());
    find('.back').addEventListener('click', () => this.recording && step(-1));
    find('.on').addEventListener('click', () => this.recording && step(1));
    find('.speed').addEventListener('change', event => { this.speed = Number(event.target.value); this.applySpeed(); });
    this.which.addEventListener('change', () => this.draw());
    this.canvas.addEventListener('click', event => {
      const box = this.boxUnder(event);
      if (box) this.onBox(this.recording, box); else this.toggle();
    });
    this.canvas.addEventListener('pointermove', event => this.canvas.classList.toggle('over-box', Boolean(this.boxUnder(event))));
    for (const medium of [this.video, this.clock])
      for (const name of ['play', 'pause', 'ended']) medium.addEventListener(name, () => this.showState());
    this.clock.addEventListener('tick', () => this.moved(this.clock.now));
    this.clock.addEventListener('seeked', () => this.moved(this.clock.now));
    this.video.addEventListener('error', () => { if (this.recording && this.medium === this.video) this.withoutVideo(); });
    // A picture that comes before a seek has ended may still be of the place, or the file, before it.
    const settled = () => this.medium === this.video && !this.video.seeking && this.video.readyState > HTMLMediaElement.HAVE_METADATA;
    const each = (_, picture) => { if (settled()) this.moved(picture.mediaTime); this.video.requestVideoFrameCallback(each); };
    this.video.addEventListener('seeked', () => { if (settled()) this.moved(Math.min(this.seconds, this.video.currentTime)); });
    if ('requestVideoFrameCallback' in this.video) this.video.requestVideoFrameCallback(each);
    else this.video.addEventListener('timeupdate', () => this.moved(this.video.currentTime));
    new ResizeObserver(() => this.draw()).observe(this.stage);
    addEventListener('theme', () => this.draw());
  }

  // What a recording is; asked for once, and again where that failed.
  facts(key) {
    if (!this.recordings.has(key)) {
      const asked = fetched(`${this.base}/recording/${encodeURIComponent(key)}`);
      asked.catch(() => this.recordings.delete(key));
      this.recordings.set(key, asked);
    }
    return this.recordings.get(key);
  }

  open(recording) {
    if (this.recording === recording) return;
    this.recording = recording;
    this.pieces.clear();
    this.stage.style.setProperty('--ratio', (recording.width || 16) / (recording.height || 9));
    this.root.querySelector('.hint').hidden = true;
    this.root.querySelector('.play').disabled = false;
    this.note(recording.why);
    this.video.pause();
    this.clock.pause();
    if (recording.how === 'video') this.withVideo(); else this.withClock();
  }

  withVideo() {
    this.medium = this.video;
    this.video.hidden = false;
    this.still.hidden = true;
    this.video.src = `${this.base}/video/${encodeURIComponent(this.recording.key)}`;
    this.applySpeed();
  }

  withClock() {
    this.medium = this.clock;
    this.clock.end = this.recording.last_seconds;
    this.video.hidden = true;
    this.video.removeAttribute('src');
    this.still.hidden = this.recording.how !== 'frames';
    this.stage.classList.toggle('bare', this.recording.how === 'boxes');
    this.applySpeed();
  }

  // What says that it plays may still be of a kind that this browser has no decoder for.
  withoutVideo() {
    this.recording.how = 'frames';
    this.note(this.recording.why = 'This browser does not play this file, so its frames come one by one.');
    this.withClock();
    this.seek(this.seconds);
  }

  async show(key, seconds, track = null) {
    const wanted = this.wanted = {};
    // Something else that was asked for meanwhile may be there sooner, and stays.
    const recording = await this.facts(key).catch(error => { if (this.wanted === wanted) throw error; });
    if (this.wanted !== wanted) return;
    this.track = track;
    this.open(recording);
    this.seek(seconds);
  }

  seek(seconds) {
    this.seconds = Math.max(seconds, 0);
    // The middle of a frame, as its border belongs to the one or the other.
    this.medium.currentTime = this.medium === this.video ? this.seconds + 0.5 / this.recording.fps : this.seconds;
    this.draw();
    this.showState();
  }

  toggle() {
    if (!this.recording) return;
    if (this.medium.paused) this.medium.play().catch(() => {}); else this.medium.pause();
  }

  applySpeed() { this.medium.playbackRate = this.speed || 1; }

  note(text) {
    const note = this.root.querySelector('.note');
    note.textContent = text;
    note.hidden = !text;
  }

  moved(seconds) {
    this.seconds = seconds;
    if (this.recording.how === 'frames' && !this.still.hidden) this.loadFrame();
    this.draw();
    this.showState();
    this.onTime(this.recording, seconds);
  }

  // The next frame is asked for when the one before is there, so that slow decoding skips frames and piles up none.
  loadFrame() {
    const {first_frame: first, last_frame: last, first_seconds: from, last_seconds: to, key} = this.recording;
    const frame = Math.min(Math.max(Math.round(first + (this.seconds - from) * (last - first) / Math.max(to - from, 1e-9)), first), last);
    this.next = `${this.base}/frame/${encodeURIComponent(key)}/${frame}.jpg`;
    if (this.loading || this.still.getAttribute('src') === this.next) return;
    this.loading = this.still.src = this.next;
    const done = () => { this.loading = null; if (this.next !== this.still.getAttribute('src')) this.loadFrame(); else this.draw(); };
    this.still.decode().then(done, done);
  }

  // The boxes of a moment; null while they are fetched.
  boxesAt(seconds) {
    const number = Math.floor(seconds / PIECE);
    const pieces = [this.piece(number), seconds % PIECE < 1 && number ? this.piece(number - 1) : null];
    if (pieces[0] === null) return null;
    for (const piece of pieces) {
      if (!piece) continue;
      let low = 0, high = piece.seconds.length;
      while (low < high) {
        const middle = low + high >> 1;
        if (piece.seconds[middle] <= seconds + 0.25 / this.recording.fps) low = middle + 1; else high = middle;
      }
      // Between two frames that were tracked stand the boxes of the one before.
      if (low && seconds - piece.seconds[low - 1] < 0.9 / this.recording.fps) return boxesOf(piece, low);
    }
    return [];
  }

  piece(number) {
    const found = this.pieces.get(number);
    if (found !== undefined) return found;
    this.pieces.set(number, null);
    const recording = this.recording, pieces = this.pieces;
    const address = `${this.base}/boxes/${encodeURIComponent(recording.key)}?from=${number * PIECE}&to=${(number + 1) * PIECE}`;
    fetched(address).then(piece => {
      if (this.recording !== recording) return;
      pieces.set(number, piece);
      if (pieces.size > KEPT) pieces.delete(pieces.keys().next().value);
      if (piece.cut) this.note('There are too many boxes here to show all of them.');
      this.draw();
    }, () => pieces.delete(number));
    return null;
  }

  scale() {
    const {width, height} = this.recording;
    return [this.canvas.clientWidth / (width || 1), this.canvas.clientHeight / (height || 1)];
  }

  draw() {
    const {canvas} = this, ratio = devicePixelRatio || 1, pen = canvas.getContext('2d');
    const size = [Math.round(canvas.clientWidth * ratio), Math.round(canvas.clientHeight * ratio)];
    if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
    if (!this.recording || this.which.value === 'none') return;
    const boxes = this.boxesAt(this.seconds) || [];
    for (const box of boxes.sort((a, b) => a.bottom - b.bottom)) {
      const chosen = box.track === this.track;
      if (chosen || this.which.value === 'all') this.drawBox(pen, box, chosen);
    }
  }

  drawBox(pen, box, chosen) {
    const [x, y] = this.scale(), area = [box.left * x, box.top * y, (box.right - box.left) * x, (box.bottom - box.top) * y];
    const bare = this.recording.drawn && !chosen;  // the video has it already
    if (bare) return;
    pen.setLineDash(box.coasts ? [6, 4] : []);
    if (chosen) {
      pen.strokeStyle = '#fff';
      pen.lineWidth = 6;
      pen.strokeRect(...area);
    }
    pen.strokeStyle = box.colour;
    pen.lineWidth = chosen ? 3 : 2;
    pen.strokeRect(...area);
    pen.setLineDash([]);
    pen.font = '600 12px system-ui, sans-serif';
    const width = pen.measureText(box.name).width + 10, top = area[1] > 18 ? area[1] - 18 : area[1];
    pen.fillStyle = box.colour;
    pen.fillRect(area[0] - 1, top, width, 18);
    pen.fillStyle = box.ink;
    pen.fillText(box.name, area[0] + 4, top + 13);
  }

  boxUnder(event) {
    if (!this.recording) return undefined;
    const bounds = this.canvas.getBoundingClientRect(), [x, y] = this.scale();
    const left = (event.clientX - bounds.left) / x, top = (event.clientY - bounds.top) / y;
    const inside = (this.boxesAt(this.seconds) || []).filter(box =>
      left >= box.left && left <= box.right && top >= box.top && top <= box.bottom);
    return inside.sort((a, b) => b.bottom - a.bottom)[0];  // the nearer stands lower in the image, and in front
  }

  showState() {
    this.root.querySelector('.play').classList.toggle('playing', !this.medium.paused);
    const {recording, seconds} = this, time = this.root.querySelector('.time');
    time.textContent = recording.start === null ? positionOf(seconds) : clockOf(recording.start + 1000 * seconds, 1);
    time.title = `${positionOf(seconds)} of ${recording.title}`;
  }
}

function boxesOf(piece, end) {
  const found = [], at = piece.seconds[end - 1];
  for (let row = end - 1; row >= 0 && piece.seconds[row] === at; row--) {
    const track = piece.track[row], [left, top, right, bottom] = piece.xyxy[row];
    found.push({track, left, top, right, bottom, frame: piece.frame[row], coasts: piece.coasts[row], ...piece.people[track]});
  }
  return found;
}

export function clockOf(milliseconds, digits = 0) {
  return new Date(milliseconds).toISOString().slice(11, digits ? 21 : 19);
}

export function positionOf(seconds) {
  const whole = Math.floor(Math.max(seconds, 0) + 1e-6), hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60, rest = String(whole % 60).padStart(2, '0');
  return hours ? `${hours}:${String(minutes).padStart(2, '0')}:${rest}` : `${minutes}:${rest}`;
}
