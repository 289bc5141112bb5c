// Boxes over the video: those of the chosen person, or of all; a click on one chooses its person.

const overlay = $('overlay'), pen = overlay.getContext('2d'), video = $('video');
const pictures = new Map();

function scaleOf() {
  // The video has a row or column more where its images have an odd size.
  const width = state.video && video.videoWidth || facts.width, height = state.video && video.videoHeight || facts.height;
  return [overlay.clientWidth / width, overlay.clientHeight / height];
}

function fit(canvas) {
  const ratio = devicePixelRatio || 1;
  const width = Math.round(canvas.clientWidth * ratio), height = Math.round(canvas.clientHeight * ratio);
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  canvas.getContext('2d').setTransform(ratio, 0, 0, ratio, 0, 0);
}

function drawBoxes() {
  fit(overlay);
  pen.clearRect(0, 0, overlay.clientWidth, overlay.clientHeight);
  const boxes = boxesAt(state.clock.frame, drawBoxes) || [];
  const [x, y] = scaleOf(), mode = state.video ? $('boxes').value : 'all';
  if (mode === 'none') return;
  for (const box of [...boxes].sort((a, b) => a.top + a.height - b.top - b.height)) {
    const chosen = box.id === state.chosen, pointed = box.id === state.pointed;
    if (mode === 'all' || chosen || pointed) drawBox(box, x, y, chosen, pointed);
  }
}

function drawBox(box, x, y, chosen, pointed) {
  const person = personOf.get(box.id), colour = person ? person.colour : '#888';
  const area = [box.left * x, box.top * y, box.width * x, box.height * y];
  if (!state.video && person && person.crops.length) drawPicture(person, area);
  pen.setLineDash(box.coasts ? [6, 4] : []);
  if (chosen || pointed) {
    pen.strokeStyle = chosen ? '#fff' : 'rgba(255,255,255,.7)';
    pen.lineWidth = chosen ? 6 : 4;
    pen.strokeRect(...area);
  }
  pen.strokeStyle = colour;
  pen.lineWidth = chosen ? 3 : 2;
  pen.strokeRect(...area);
  pen.setLineDash([]);
  if (state.video && facts.labelled) return;  // its label is in the video
  pen.font = '600 12px system-ui, sans-serif';
  const text = person && person.known || String(box.id), width = pen.measureText(text).width + 10, top = area[1] > 18 ? area[1] - 18 : area[1];
  pen.fillStyle = colour;
  pen.fillRect(area[0] - 1, top, width, 18);
  pen.fillStyle = person ? person.ink : '#fff';
  pen.fillText(text, area[0] + 4, top + 13);
}

// Without a video, a person's best picture stands where the person was.
function drawPicture(person, area) {
  let image = pictures.get(person.id);
  if (!image) {
    image = new Image();
    image.onload = drawBoxes;
    image.src = 'data:image/jpeg;base64,' + person.crops[0][1];
    pictures.set(person.id, image);
  }
  if (image.complete && image.naturalWidth) pen.drawImage(image, ...area);
}

function boxUnder(event) {
  const bounds = overlay.getBoundingClientRect(), [x, y] = scaleOf();
  const left = (event.clientX - bounds.left) / x, top = (event.clientY - bounds.top) / y;
  const inside = (boxesAt(state.clock.frame) || []).filter(box =>
    left >= box.left && left <= box.left + box.width && top >= box.top && top <= box.top + box.height);
  // The nearer stands lower in the image, and in front.
  return inside.sort((a, b) => b.top + b.height - a.top - a.height)[0];
}

overlay.addEventListener('click', event => {
  const box = boxUnder(event);
  if (box && personOf.has(box.id)) choose(box.id); else if (state.chosen !== null) choose(null); else togglePlay();
});
overlay.addEventListener('pointermove', event => {
  const box = boxUnder(event);
  overlay.classList.toggle('over-box', Boolean(box));
  point(box && personOf.has(box.id) ? box.id : null);
});
overlay.addEventListener('pointerleave', () => point(null));
