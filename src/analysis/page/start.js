// Reads the document and draws the page.
function prepareTheme() {
  const button = byId('theme'), dark = matchMedia('(prefers-color-scheme: dark)');
  const modes = ['auto', 'light', 'dark'];
  let mode = 'auto';
  try { mode = localStorage.getItem('srpo-theme') || 'auto'; } catch (error) { mode = 'auto'; }  // a file may have no storage
  const apply = () => {
    document.documentElement.dataset.theme = mode === 'auto' ? (dark.matches ? 'dark' : 'light') : mode;
    button.textContent = 'Theme: ' + mode;
  };
  button.onclick = () => {
    mode = modes[(modes.indexOf(mode) + 1) % modes.length];
    try { localStorage.setItem('srpo-theme', mode); } catch (error) { /* it holds for this view */ }
    apply();
  };
  dark.onchange = apply;
  apply();
}

function markSection() {
  const links = [...document.querySelectorAll('nav.sections a')];
  const watcher = new IntersectionObserver(entries => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      for (const link of links) {
        if (link.hash === '#' + entry.target.id) link.setAttribute('aria-current', 'true');
        else link.removeAttribute('aria-current');
      }
    }
  }, {rootMargin: '-20% 0px -70% 0px'});
  document.querySelectorAll('main section[id]').forEach(section => watcher.observe(section));
}

function start() {
  prepareTheme();
  const state = JSON.parse(byId('data').textContent);
  byId('data').textContent = '';
  let shown = 0;
  state.draw = () => drawRun(state.runs[shown]);
  const select = byId('run-select');
  byId('run-choice').hidden = state.runs.length < 2;
  state.runs.forEach((run, i) => select.append(el('option', {value: i}, run.name)));
  select.onchange = () => {
    shown = Number(select.value);
    byId('tree-table').tableState = byId('step-table').tableState = null;
    state.draw();
  };
  prepareTreeDialog();
  drawCompare(state.runs);
  state.draw();
  markSection();
  openTreeOfHash(state.runs[0].trees);
  if (state.live) startLive(state);
  document.documentElement.dataset.ready = 'true';
}
start();
