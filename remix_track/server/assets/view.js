// What every page has: light and dark, forms that send themselves, pictures that are not there, the token of forms.

export const $ = id => document.getElementById(id);
export const formToken = document.querySelector('meta[name=form-token]').content;

function turnTheme() {
  const dark = matchMedia('(prefers-color-scheme: dark)').matches, root = document.documentElement;
  root.dataset.theme = (root.dataset.theme || (dark ? 'dark' : 'light')) === 'dark' ? 'light' : 'dark';
  try { localStorage.setItem('theme', root.dataset.theme); } catch { /* a browser that keeps nothing */ }
  dispatchEvent(new Event('theme'));
}

$('theme').addEventListener('click', turnTheme);
addEventListener('keydown', event => {
  if (event.key === 't' && !event.ctrlKey && !event.metaKey && !event.altKey && !event.target.matches('input, select, textarea')) turnTheme();
});

$('collections')?.addEventListener('change', event => { location.href = event.target.value; });

for (const form of document.querySelectorAll('form[data-submit-on-change]')) {
  form.addEventListener('change', () => form.requestSubmit());
  // Empty fields would make long addresses.
  form.addEventListener('formdata', event => {
    for (const [name, value] of [...event.formData]) if (value === '') event.formData.delete(name);
  });
}

// A picture that was not kept leaves its place to the others; errors of images do not bubble, so they are caught.
addEventListener('error', event => {
  if (event.target instanceof HTMLImageElement && event.target.closest('.pictures')) event.target.remove();
}, true);

document.addEventListener('htmx:configRequest', event => { event.detail.headers['X-Form-Token'] = formToken; });

// A colour of the style sheet, for what is drawn on a canvas.
export function colour(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); }
