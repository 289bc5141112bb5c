// Which frame is shown: that of the video, or without one, time itself.

const last = Math.max(facts.frames - 1, 0);
const within = frame => Math.min(Math.max(Math.round(frame), 0), last);

// Calls `shown(frame)` when a frame is on the screen; `changed()` when it plays, pauses or is sent elsewhere.
function videoClock(video, shown, changed) {
  const clock = {
    frame: 0, wanted: null,
    get playing() { return !video.paused && !video.ended; },
    play() { video.play().catch(() => {}); },
    pause() { video.pause(); },
    speed(factor) { video.playbackRate = factor; },
    // The middle of a frame, as its border belongs to the one or the other.
    seek(frame) { clock.wanted = within(frame); video.currentTime = (clock.wanted + 0.5) / facts.rate; changed(); },
    stop() { clock.stopped = true; video.pause(); },
  };
  const show = frame => {
    if (clock.stopped) return;
    clock.frame = within(frame);
    shown(clock.frame);
  };
  if ('requestVideoFrameCallback' in video) {
    const each = (_, picture) => { show(picture.mediaTime * facts.rate); video.requestVideoFrameCallback(each); };
    video.requestVideoFrameCallback(each);
  } else {
    const each = () => { if (clock.playing) show(Math.floor(video.currentTime * facts.rate + 0.01)); requestAnimationFrame(each); };
    requestAnimationFrame(each);
  }
  video.addEventListener('seeked', () => {
    if (clock.wanted !== null && !video.seeking) {
      const frame = clock.wanted;
      clock.wanted = null;
      show(frame);
    }
  });
  for (const name of ['play', 'pause', 'ended']) video.addEventListener(name, changed);
  return clock;
}

function freeClock(shown, changed) {
  let began = null, from = 0, factor = 1;
  const clock = {
    frame: 0, wanted: null,
    get playing() { return began !== null; },
    play() { if (clock.frame >= last) clock.frame = 0; from = clock.frame; began = performance.now(); changed(); requestAnimationFrame(each); },
    pause() { began = null; changed(); },
    speed(value) { factor = value; from = clock.frame; began = began && performance.now(); },
    seek(frame) { clock.frame = from = within(frame); began = began && performance.now(); changed(); shown(clock.frame); },
    stop() { began = null; },
  };
  const each = now => {
    if (began === null) return;
    const frame = Math.max(within(Math.floor(from + (now - began) / 1000 * facts.rate * factor)), from);
    if (frame !== clock.frame) { clock.frame = frame; shown(frame); }
    if (frame >= last) clock.pause(); else requestAnimationFrame(each);
  };
  return clock;
}
