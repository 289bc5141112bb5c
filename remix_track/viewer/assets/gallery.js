// A card for each person, with pictures; more are made as the list is scrolled.

const AT_ONCE = 120;
const gallery = $('gallery'), cards = new Map();

function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

function dotOf(person) {
  const dot = make('i', {className: 'dot'});
  dot.style.background = person.colour;
  return dot;
}

function pictureOf([frame, jpeg], person) {
  return make('img', {
    src: 'data:image/jpeg;base64,' + jpeg, alt: `${person.name} at ${clockOf(frame)}`, decoding: 'async', draggable: false,
    title: `${clockOf(frame, 1)}, frame ${knotOf(frame).number}`,
  });
}

// The same stretches as on the timeline, small.
function stripOf(person) {
  const strip = make('span', {className: 'strip'}), whole = Math.max(facts.frames, 1), stops = [];
  for (let span = 0; span < Math.min(person.spans.length, 120); span += 2) {
    const left = 100 * person.spans[span] / whole, right = Math.max(100 * (person.spans[span + 1] + 1) / whole, left + 0.8);
    stops.push(`transparent ${left}%, ${person.colour} ${left}%, ${person.colour} ${right}%, transparent ${right}%`);
  }
  strip.style.backgroundImage = `linear-gradient(to right, ${stops.join()})`;
  return strip;
}

function cardOf(person) {
  const pictures = make('span', {className: 'pictures'}, ...person.crops.map(crop => pictureOf(crop, person)));
  if (!person.crops.length) {
    pictures.classList.add('bare');
    pictures.style.background = person.colour;
    pictures.style.color = person.ink;
    pictures.textContent = person.id;
  }
  const card = make('button', {className: 'card'}, pictures,
    make('span', {className: 'name'}, dotOf(person), make('b', {textContent: person.name}),
      make('span', {className: 'long', textContent: lengthOf(person.seconds)})),
    make('span', {className: 'when', textContent: `${clockOf(person.first)} – ${clockOf(person.last)}`}),
    stripOf(person));
  card.dataset.id = person.id;
  card.setAttribute('aria-pressed', 'false');
  return make('li', {}, card);
}

function more() {
  const made = gallery.children.length;
  for (const person of state.shown.slice(made, made + AT_ONCE)) {
    const item = cardOf(person);
    cards.set(person.id, item.firstChild);
    gallery.append(item);
  }
  markCards();
}

const sentinel = new IntersectionObserver(entries => {
  if (entries.some(entry => entry.isIntersecting) && gallery.children.length < state.shown.length) {
    more();
    watchEnd();
  }
}, {rootMargin: '600px'});

function watchEnd() {
  sentinel.disconnect();
  if (gallery.lastElementChild) sentinel.observe(gallery.lastElementChild);
}

function list() {
  const text = $('find').value.trim().toLowerCase(), order = $('order').value;
  const signs = {first: 1, id: 1, seconds: -1, score: -1, gaps: -1};
  state.shown = people
    .filter(person => !text || String(person.id).startsWith(text) || person.name.toLowerCase().includes(text))
    .sort((a, b) => signs[order] * ((a[order] ?? -1) - (b[order] ?? -1)) || a.id - b.id);
  state.listed++;
  cards.clear();
  gallery.replaceChildren();
  more();
  watchEnd();
  const all = people.length.toLocaleString('en');
  $('count').textContent = state.shown.length < people.length ? `${state.shown.length.toLocaleString('en')} of ${all}` : all;
  $('empty').hidden = state.shown.length > 0;
  $('empty').textContent = people.length ? 'No id or name is like that.' : 'There are no people in this video.';
  drawTimeline();
}

function markCards() {
  for (const [id, card] of cards) {
    card.setAttribute('aria-pressed', String(id === state.chosen));
    card.classList.toggle('pointed', id === state.pointed);
    card.classList.toggle('now', spanAt(personOf.get(id), state.clock.frame) >= 0);
  }
}

function showPerson() {
  const person = personOf.get(state.chosen), box = $('person');
  box.hidden = !person;
  if (!person) { box.replaceChildren(); return; }
  const whole = secondsFrom(person.first, person.last);
  const tell = [
    ...person.known ? [['track', String(person.id)]] : [],
    ['there for', lengthOf(person.seconds)],
    ['from', clockOf(person.first, 1)],
    ['to', clockOf(person.last, 1)],
    ['gaps', person.gaps ? `${person.gaps}, ${lengthOf(Math.max(whole - person.seconds, 0))}` : 'none'],
    ['boxes', person.boxes.toLocaleString('en')],
    ['confidence', person.score === null ? 'not known' : person.score.toFixed(2)],
  ];
  const pictures = make('div', {className: 'pictures'}, ...person.crops.map(crop => {
    const button = make('button', {className: 'shot'}, pictureOf(crop, person));
    button.addEventListener('click', () => seek(crop[0]));
    return button;
  }));
  const facts_ = make('dl', {}, ...tell.flatMap(([name, value]) => [make('dt', {textContent: name}), make('dd', {textContent: value})]));
  const times = make('div', {className: 'times'});
  for (let span = 0; span < Math.min(person.spans.length, 80); span += 2) {
    const first = person.spans[span];
    const button = make('button', {className: 'tool', textContent: `${clockOf(first, 1)} – ${clockOf(person.spans[span + 1], 1)}`});
    button.addEventListener('click', () => seek(first));
    times.append(button);
  }
  const close = make('button', {className: 'tool', textContent: '×', title: 'Unselect (esc)', ariaLabel: 'Unselect'});
  close.addEventListener('click', () => choose(null));
  box.replaceChildren(make('h3', {}, dotOf(person), person.name, make('span', {className: 'fill'}), close),
    make('div', {className: 'about'}, ...person.crops.length ? [pictures, facts_] : [facts_]), times);
}

gallery.addEventListener('click', event => {
  const card = event.target.closest('.card');
  if (!card) return;
  const person = personOf.get(Number(card.dataset.id));
  // A picture leads to the frame that it is from, the rest of a card to where the person comes first.
  const picture = event.target.closest('img');
  const crop = picture && person.crops[[...picture.parentNode.children].indexOf(picture)];
  choose(person.id, {seek: crop ? crop[0] : person.first});
});
gallery.addEventListener('pointerover', event => {
  const card = event.target.closest('.card');
  point(card ? Number(card.dataset.id) : null);
});
gallery.addEventListener('pointerleave', () => point(null));
$('find').addEventListener('input', list);
$('order').addEventListener('change', list);
