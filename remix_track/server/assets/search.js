// A picture that is chosen, dropped or pasted goes to the server as its bytes; the server says where the answer is.

import {$, formToken} from './view.js';

const drop = $('drop');

function say(text) {
  $('said').textContent = text;
  $('said').hidden = !text;
}

async function send(file) {
  if (drop.classList.contains('busy')) return;
  if (file.size > Number(drop.dataset.largest)) {
    say(`The picture has ${Math.ceil(file.size / 1e6)} MB; at most ${Number(drop.dataset.largest) / 1e6} are taken.`);
    return;
  }
  say('');
  drop.classList.add('busy');
  try {
    const headers = {'X-Form-Token': formToken, 'Content-Type': 'application/octet-stream'};
    const answer = await fetch(drop.getAttribute('action'), {method: 'POST', body: file, headers});
    const told = answer.headers.get('content-type').startsWith('application/json') ? await answer.json() : {};
    if (told.to) location.href = told.to; else say(told.error || 'The server did not take the picture; reload the page.');
  } catch {
    say('The server does not answer.');
  } finally {
    drop.classList.remove('busy');
  }
}

function pictureIn(files) {
  const found = [...files].find(file => file.type.startsWith('image/'));
  if (found) send(found); else if (files.length) say('That is no picture.');
}

if (drop) {
  $('choose').addEventListener('click', () => $('file').click());
  $('file').addEventListener('change', event => pictureIn(event.target.files));
  drop.addEventListener('submit', event => event.preventDefault());
  // Dropped beside the frame it would replace the page.
  addEventListener('dragover', event => { event.preventDefault(); drop.classList.add('over'); });
  addEventListener('dragleave', event => { if (!event.relatedTarget) drop.classList.remove('over'); });
  addEventListener('drop', event => {
    event.preventDefault();
    drop.classList.remove('over');
    pictureIn(event.dataTransfer.files);
  });
  addEventListener('paste', event => { if (event.clipboardData.files.length) pictureIn(event.clipboardData.files); });
}

for (const frame of document.querySelectorAll('.frame')) frame.style.setProperty('--ratio', frame.dataset.ratio);
