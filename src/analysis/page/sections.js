// The sections of one run.
function drawFacts(run) {
  const first = run.validation.share[0], last = lastOf(run.validation.share);
  const facts = [];
  const fact = (name, value, under) => facts.push(el('div', {class: 'fact'}, el('div', {class: 'name'}, name), el('div', {class: 'value'}, value), el('div', {class: 'under'}, under || '\u00a0')));
  if (known(last)) {
    const i = run.validation.share.length - 1;
    fact('Held-out accuracy', percent(last), i > 0 ? `from ${percent(first)}; ${fixed(100 * run.validation.low[i], 1)}–${fixed(100 * run.validation.high[i], 1)}` : `${fixed(100 * run.validation.low[i], 1)}–${fixed(100 * run.validation.high[i], 1)}`);
  }
  const steps = run.steps, end = steps.step.length - 1;
  fact('Base reward', fixed(end >= 0 ? steps.base[end] : null, 3), end > 0 ? `last step; first ${fixed(steps.base[0], 3)}` : 'last step');
  fact('Gain of a reset', signed(run.totals.gain, 3), known(run.totals.gain_half) ? `± ${fixed(run.totals.gain_half, 3)} over ${whole(run.totals.resets)} resets` : `${whole(run.totals.resets)} resets`);
  fact('Steps', whole(run.totals.steps), `${whole(run.totals.trees)} trees`);
  fact('Trajectories', compact(run.totals.trajectories), `${fixed(run.totals.thoughts, 1)} thoughts each`);
  fact('Tokens decoded', compact(run.totals.decoded_tokens), `${compact(run.totals.prefilled_tokens)} prefilled`);
  byId('facts').replaceChildren(...facts);
}

function drawHead(run) {
  document.title = run.name + ' – SRPO run';
  byId('run-name').textContent = run.name;
  byId('run-folder').textContent = run.folder + (run.reason ? ' – ' + run.reason : '');
  const state = byId('run-state');
  state.textContent = run.state;
  state.hidden = !run.state;
  state.className = 'pill ' + (['running', 'complete', 'failed', 'stopped'].includes(run.state) ? run.state : '');
  byId('notes').replaceChildren(...run.notes.map(note => el('p', {class: 'note'}, note)));
}

function drawLearning(run) {
  const many = run.steps.width > 1;
  byId('learning-note').textContent = (many ? `A point stands for ${run.steps.width} steps. ` : '') + 'Bands are 95 % intervals: Wilson\u2019s for held-out accuracy, over trees for rewards.';
  const threeDigits = value => fixed(value, 3);
  lineChart(byId('curve'), {title: 'Accuracy and reward', height: 300, zero: true, most: 1, format: threeDigits, legend: true, series: [
    {name: 'held-out accuracy', colour: 'green', dash: 0, points: validationPoints(run)},
    {name: 'base groups', colour: 'blue', dash: 1, points: stepPoints(run, 'base')},
    {name: 'endings after a reset', colour: 'orange', dash: 2, points: stepPoints(run, 'suffix')}]});
  lineChart(byId('gain'), {title: 'Gain of a reset: endings − base group', height: 220, zero: true, format: value => signed(value, 3), series: [{name: 'gain', colour: 'orange', points: stepPoints(run, 'gain')}], empty: 'No reset is recorded.'});
  lineChart(byId('signal'), {title: 'Groups whose rewards are all equal (they teach nothing)', height: 220, zero: true, most: 1, format: percent, series: [{name: 'share', colour: 'slate', points: stepPoints(run, 'flat')}]});
  const details = byId('metrics'), names = Object.keys(run.metrics);
  details.hidden = !names.length;
  const draw = () => { if (details.open) drawMetrics(run, names); };
  details.ontoggle = draw;
  draw();
}

function drawMetrics(run, names) {
  const grid = byId('metric-grid');
  const shown = names.filter(name => run.metrics[name].value.length > 0);
  while (grid.children.length > shown.length) grid.lastChild.remove();
  while (grid.children.length < shown.length) grid.append(el('figure', {class: 'card'}));
  shown.forEach((name, i) => lineChart(grid.children[i], {title: name, height: 150, zero: false,
    series: [{name, colour: RUN_COLOURS[[...name.split('/')[0]].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % 5], points: run.metrics[name].step.map((x, k) => ({x, y: run.metrics[name].value[k]}))}]}));
}

function drawTime(run) {
  const timeline = run.timeline;
  byId('time-note').textContent = !timeline ? '' : timeline.kind === 'recorded'
    ? `${duration(timeline.seconds)} of running time` + (timeline.starts.length > 1 ? ` in ${timeline.starts.length} starts (dotted lines)` : '') +
      (timeline.ranks_in_all > timeline.rows.length ? `; the first ${timeline.rows.length} of ${timeline.ranks_in_all} ranks` : '') + '.'
    : 'Durations of drawing and training laid end to end; the job did not record when they began (dashboard: {activity: true}).';
  timelineChart(byId('timeline'), timeline);
  const rows = run.generators.map(one => ({...one, each: one.trajectories ? one.tokens / one.trajectories : null, seconds_each: one.trajectories ? one.seconds / one.trajectories : null}));
  if (rows.length) {
    dataTable(byId('generators'), [numbers('rank', 'rank'), numbers('trajectories', 'trajectories'), numbers('tokens', 'tokens'), numbers('tokens each', 'each', value => fixed(value, 1)),
      numbers('seconds each', 'seconds_each', value => fixed(value, 3), 'From submission to end; many are drawn at once')], rows, {name: 'generators', sorted: 'rank'});
  }
}

const OUTCOMES = {gained: 'reset gained', equal: 'reset changed nothing', lost: 'reset lost', no_reset: 'no reset', validation_right: 'validation, right', validation_wrong: 'validation, wrong'};

function drawTrees(run) {
  const shown = run.trees.length, all = run.totals.trees;
  byId('trees-note').textContent = shown < all ? `${whole(shown)} of ${whole(all)} trees: an even sample of each outcome. Long texts are cut.` : `All ${whole(all)} trees.`;
  const box = byId('tree-table');
  const open = tree => openTree(box.shownRows, box.shownRows.indexOf(tree));
  const right = tree => tree.chains.filter(chain => chain.reward >= 1).length;
  dataTable(box, [
    {name: 'tree', key: 'tree', left: true, sort: tree => tree.step * 1e6 + tree.slot, text: tree => el('button', {type: 'button', class: 'open', onclick: () => open(tree), 'aria-label': 'Open the tree of ' + treeName(tree)}, `${tree.step} / ${tree.slot}` + (tree.validation ? ' v' : ''))},
    {name: 'outcome', key: 'outcome', left: true, sort: tree => OUTCOMES[tree.outcome], text: tree => OUTCOMES[tree.outcome]},
    {name: 'right', key: 'right', title: 'Chains with the full reward', sort: right, text: tree => `${right(tree)} of ${tree.chains.length}`},
    {name: 'base', key: 'base', sort: tree => tree.base, text: tree => fixed(tree.base, 2)},
    {name: 'endings', key: 'endings', sort: tree => tree.endings, text: tree => fixed(tree.endings, 2)},
    {name: 'gain', key: 'gain', sort: tree => tree.gain, text: tree => signed(tree.gain, 2)},
    {name: 'thought', key: 'thought', title: 'The first wrong thought that was named', sort: tree => tree.reset ? tree.reset.thought : null, text: tree => tree.reset ? `${tree.reset.thought} of ${tree.reset.num_thoughts}` : '–'},
    {name: 'question', key: 'question', left: true, wide: true, sort: tree => tree.question, text: tree => el('span', {class: 'clip'}, clip(tree.question, 160))},
  ], run.trees, {name: 'reward trees', search: tree => `${tree.step}/${tree.slot} ${tree.problem} ${tree.question} ${tree.reference} ${OUTCOMES[tree.outcome]} ` + tree.chains.map(chain => chain.answer).join(' '),
    choices: Object.entries(OUTCOMES).map(([value, text]) => ({value, text, test: tree => tree.outcome === value}))});
}

function drawSteps(run) {
  const steps = run.steps;
  byId('steps-note').textContent = steps.width > 1 ? `A row stands for ${steps.width} steps.` : '';
  const rows = steps.step.map((step, i) => Object.fromEntries(Object.keys(steps).filter(name => name !== 'width').map(name => [name, steps[name][i]])));
  const three = value => fixed(value, 3);
  dataTable(byId('step-table'), [numbers('step', 'step'), numbers('trees', 'trees'), numbers('trajectories', 'trajectories'), numbers('correct', 'correct'), numbers('base', 'base', three, 'Mean reward of base groups'),
    numbers('endings', 'suffix', three, 'Mean reward of endings'), numbers('gain', 'gain', value => signed(value, 3)), numbers('resets', 'resets'), numbers('equal groups', 'flat', percent),
    numbers('thoughts', 'thoughts', value => fixed(value, 2)), numbers('tokens each', 'length', value => fixed(value, 1)), numbers('kept', 'kept', percent, 'Kept share of the failed chain'), numbers('tokens decoded', 'decoded')],
  rows, {name: 'steps', search: row => String(row.step), sorted: 'step', down: true});
}

function drawAbout(run) {
  const list = (title, counts) => [el('dt', {}, title), el('dd', {}, Object.entries(counts).map(([name, count]) => `${name.replace(/_/g, ' ')} ${whole(count)}`).join(', ') || '–')];
  byId('about-body').replaceChildren(
    el('dl', {class: 'labelled'}, el('dt', {}, 'Folder'), el('dd', {}, run.folder), el('dt', {}, 'Job digest'), el('dd', {}, run.digest || '–'),
      list('Verdicts', run.totals.verdicts), list('Ends', run.totals.finishes), el('dt', {}, 'Localizer'), el('dd', {}, `${whole(run.totals.resets)} resets, ${whole(run.totals.unclear_replies)} replies without a usable number`)),
    el('details', {}, el('summary', {}, 'Job file'), el('pre', {tabindex: 0, 'aria-label': 'Job file'}, run.job || 'It stands in no shard yet.')));
}

function drawRun(run) {
  drawHead(run);
  drawFacts(run);
  drawLearning(run);
  drawTime(run);
  heatMap(byId('heat'), run.resets);
  drawTrees(run);
  drawSteps(run);
  drawAbout(run);
}
