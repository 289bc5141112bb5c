// The data of the page, and the boxes of a frame; blocks are decoded when they are needed (see box_blocks.py).
const $ = id => document.getElementById(id);
const facts = JSON.parse($('facts-data').textContent);
const people = $('people-data').textContent.split('\n').filter(line => line).map(line => JSON.parse(line));
const personOf = new Map(people.map(person => [person.id, person]));
const blocks = $('block-data').textContent.split(';').map(line => line.trim());
for (const name of ['people-data', 'block-data']) $(name).remove();

for (const person of people) {
  person.first = person.spans[0];
  person.last = person.spans[person.spans.length - 1];
  person.gaps = person.spans.length / 2 - 1;
  const kind = person.kind || 'person';
  person.track = kind[0].toUpperCase() + kind.slice(1) + ' ' + person.id;
  person.name = person.known || person.track;
}

// Number and time (ms) of a frame in its source; the knots say where they do not go on evenly.
function knotOf(frame) {
  let low = 0, high = facts.knots.length / 3;
  while (high - low > 1) {
    const middle = low + high >> 1;
    if (facts.knots[3 * middle] <= frame) low = middle; else high = middle;
  }
  const [place = 0, number = 1, time = 0] = facts.knots.slice(3 * low, 3 * low + 3);
  return {number: number + (frame - place) * facts.step, time: time + (frame - place) * 1000 / facts.rate};
}

// The frame, with a fraction, at a time (ms) between those of two frames: bisected, as frames may come unevenly.
function frameAtTime(time, low, high) {
  while (high - low > 0.01) {
    const middle = (low + high) / 2;
    if (knotOf(middle).time <= time) low = middle; else high = middle;
  }
  return low;
}

// In a few seconds of video, whole ones tell too little.
const DIGITS = !facts.clock && facts.frames / facts.rate < 20 ? 1 : 0;

const DAYS = facts.clock && facts.frames ? [0, facts.frames - 1].map(frame => isoOf(knotOf(frame).time).slice(0, 10)) : [];
// A page of a camera that ran over midnight says which day.
const SEVERAL_DAYS = DAYS.length > 0 && DAYS[0] !== DAYS[1];

function isoOf(milliseconds) { return new Date(milliseconds).toISOString(); }

function clockOf(frame, digits = DIGITS, day = SEVERAL_DAYS) { return timeText(knotOf(frame).time, digits, day); }

function timeText(milliseconds, digits, day) {
  if (facts.clock) return isoOf(milliseconds).slice(day ? 5 : 11, digits ? 21 : 19).replace('T', ' ');
  const tenths = digits ? Math.floor(milliseconds / 100) : 10 * Math.floor(milliseconds / 1000);
  const [hours, minutes, seconds] = [tenths / 36000, tenths / 600 % 60, tenths / 10 % 60].map(Math.floor);
  const text = hours ? `${hours}:${String(minutes).padStart(2, '0')}` : String(minutes);
  return `${text}:${String(seconds).padStart(2, '0')}${digits ? '.' + tenths % 10 : ''}`;
}

// Seconds from the beginning of one frame to the end of another; a camera's frames come as they come.
function secondsFrom(first, last) { return (knotOf(last).time - knotOf(first).time) / 1000 + 1 / facts.rate; }

function lengthOf(seconds) {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return seconds < 600 ? `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`
    : minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

// The stretch (0, 1, ...) of a person that holds a frame, or -1 minus the number of those before it.
function spanAt(person, frame) {
  let low = 0, high = person.spans.length / 2;
  while (low < high) {
    const middle = low + high >> 1;
    if (person.spans[2 * middle + 1] < frame) low = middle + 1; else high = middle;
  }
  return low < person.spans.length / 2 && person.spans[2 * low] <= frame ? low : -1 - low;
}

const nothing = {starts: new Int32Array(facts.block + 1), rows: []};
const decoded = new Map();
const KEPT = 12;

// The boxes of a frame, [{id, left, top, width, height, coasts}]; null while its block is being decoded.
function boxesAt(frame, whenThere) {
  const number = Math.floor(frame / facts.block), place = frame % facts.block;
  const block = blockOf(number, whenThere);
  if (place > facts.block - 60 && number + 1 < blocks.length) blockOf(number + 1);
  return block && block.rows.slice(block.starts[place], block.starts[place + 1]);
}

function blockOf(number, whenThere) {
  const found = decoded.get(number);
  if (found !== undefined) {
    decoded.delete(number);
    decoded.set(number, found);
    if (found instanceof Promise) { if (whenThere) found.then(whenThere); return null; }
    return found;
  }
  if (!blocks[number]) return nothing;
  const promise = decode(blocks[number]).then(block => { decoded.set(number, block); });
  decoded.set(number, promise);
  if (whenThere) promise.then(whenThere);
  while (decoded.size > KEPT) decoded.delete(decoded.keys().next().value);
  return null;
}

async function decode(text) {
  const packed = Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate'));
  return unpack(new Uint8Array(await new Response(stream).arrayBuffer()));
}

function unpack(bytes) {
  const view = new DataView(bytes.buffer), tracks = view.getUint32(0, true);
  const word = place => view.getUint32(4 + 4 * place, true);
  let count = 0;
  for (let track = 0; track < tracks; track++) count += word(tracks + track);
  const begin = 4 + 8 * tracks;
  const column = number => row => {
    const zigzag = bytes[begin + 2 * number * count + row] | bytes[begin + (2 * number + 1) * count + row] << 8;
    return zigzag >>> 1 ^ -(zigzag & 1);
  };
  const columns = [0, 1, 2, 3, 4].map(column);
  const byFrame = Array.from({length: facts.block}, () => []);
  for (let track = 0, row = 0; track < tracks; track++) {
    const sum = [0, 0, 0, 0, 0];
    for (const end = row + word(tracks + track); row < end; row++) {
      columns.forEach((read, number) => { sum[number] += read(row); });
      const [frame, left, top, width, height] = sum;
      byFrame[frame].push({id: word(track), left, top, width, height, coasts: bytes[begin + 10 * count + row] > 0});
    }
  }
  const starts = new Int32Array(facts.block + 1);
  byFrame.forEach((boxes, frame) => { starts[frame + 1] = starts[frame] + boxes.length; });
  return {starts, rows: byFrame.flat()};
}
