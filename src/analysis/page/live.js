// A page that its run feeds: small events once a second; the rest is fetched when it has changed, at this page's pace.
const live = {seen: 0, shown: -1, busy: false, status: null};

function startLive(state) {
  byId('live').hidden = byId('nav-live').hidden = false;
  const link = byId('live-link');
  const listen = () => {
    const events = new EventSource('/api/v1/events');
    events.addEventListener('status', event => showStatus(state, JSON.parse(event.data)));
    events.onopen = () => { link.textContent = 'connected'; };
    events.onerror = () => {
      link.textContent = 'not connected; trying again';
      if (events.readyState === EventSource.CLOSED) setTimeout(listen, 5000);  // the browser itself gives up
    };
  };
  listen();
  setInterval(() => refresh(state), 5000);
  byId('drain').onclick = () => drain(state);
  byId('logs').ontoggle = () => showLog();
  byId('log-rank').onchange = () => showLog();
}

function showStatus(state, status) {
  live.status = status;
  live.seen = status.version;
  byId('live-line').textContent = status.line || status.state;
  byId('live-bar').value = status.steps_in_all ? status.step / status.steps_in_all : 0;
  byId('live-rates').textContent = [`step ${whole(status.step)} of ${whole(status.steps_in_all)}`, `${whole(status.accepted)} trees accepted`, status.dropped ? `${whole(status.dropped)} given up` : '',
    `${compact(status.tokens_per_second)} tokens/s`, status.hidden ? `${whole(status.hidden)} trees not shown here (the page fell behind)` : ''].filter(Boolean).join(' · ');
  byId('why').replaceChildren(...status.why.map(line => el('li', {}, line)));
  byId('rank-states').replaceChildren(...status.ranks.map(rank => el('div', {}, el('span', {}, `${rank.role} ${rank.rank}`), el('span', {class: 'quiet'}, rank.there ? `${whole(rank.in_hand)} in hand` : 'lost'))));
  const select = byId('log-rank');
  if (select.options.length !== status.ranks.length) {
    const chosen = select.value;
    select.replaceChildren(...status.ranks.map(rank => el('option', {value: rank.rank}, `${rank.rank} (${rank.role})`)));
    if (chosen) select.value = chosen;
  }
  const ended = status.state !== 'running';
  byId('drain').disabled = ended || status.draining;
  byId('drain').textContent = status.draining && !ended ? 'Draining…' : 'Drain and stop';
  const pill = byId('run-state');
  pill.textContent = status.state;
  pill.hidden = false;
  pill.className = 'pill ' + status.state;
}

async function refresh(state) {
  if (live.busy || document.hidden || live.shown === live.seen || byId('tree-dialog').open) return;
  live.busy = true;
  try {
    const version = live.seen;
    const answer = await fetch('/api/v1/document');
    if (!answer.ok) return;
    state.runs[0] = await answer.json();
    live.shown = version;
    state.draw();
    if (byId('logs').open) showLog();
  } catch (error) {
    byId('live-link').textContent = 'not connected; trying again';
  } finally {
    live.busy = false;
  }
}

async function drain(state) {
  if (!confirm('Let what is in flight end, save, and stop the run? The same command goes on from there.')) return;
  const answer = await fetch('/api/v1/drain', {method: 'POST', headers: {'X-SRPO-Action': state.action_key}});
  byId('live-link').textContent = answer.ok ? 'the run drains' : 'refused: ' + (await answer.text());
}

async function showLog() {
  if (!byId('logs').open) return;
  const answer = await fetch('/api/v1/logs?rank=' + encodeURIComponent(byId('log-rank').value || '0'));
  const text = byId('log-text');
  const atEnd = text.scrollTop + text.clientHeight >= text.scrollHeight - 8;
  text.textContent = (await answer.text()) || '(nothing yet)';
  if (atEnd) text.scrollTop = text.scrollHeight;
}
