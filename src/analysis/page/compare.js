// Several runs beside each other.
const RUN_COLOURS = ['blue', 'orange', 'green', 'purple', 'slate', 'rose'];

function validationPoints(run) {
  return run.validation.version.map((x, i) => ({x, y: run.validation.share[i], low: run.validation.low[i], high: run.validation.high[i]}));
}
function stepPoints(run, name) {
  return run.steps.step.map((x, i) => {
    const y = run.steps[name][i], half = run.steps[name + '_half'] ? run.steps[name + '_half'][i] : null;
    return {x, y, low: known(half) ? y - half : null, high: known(half) ? y + half : null};
  });
}
function lastOf(list) { return list.length ? list[list.length - 1] : null; }

const MEASURES = [
  ['validation, first', run => run.validation.share[0], percent],
  ['validation, last', run => lastOf(run.validation.share), percent],
  ['mean reward of base groups', run => run.totals.base, value => fixed(value, 3)],
  ['mean reward of endings', run => run.totals.suffix, value => fixed(value, 3)],
  ['mean gain of a reset', run => run.totals.gain, value => signed(value, 3)],
  ['groups that teach nothing', run => run.totals.flat_groups, percent],
  ['steps', run => run.totals.steps, whole],
  ['trajectories', run => run.totals.trajectories, whole],
  ['resets', run => run.totals.resets, whole],
  ['thoughts of a trajectory', run => run.totals.thoughts, value => fixed(value, 2)],
  ['tokens sampled for one', run => run.totals.length, value => fixed(value, 1)],
  ['kept share of a failed chain', run => run.totals.kept, percent],
  ['tokens decoded', run => run.totals.decoded_tokens, compact],
  ['tokens prefilled', run => run.totals.prefilled_tokens, compact],
];

function drawCompare(runs) {
  byId('compare').hidden = byId('nav-compare').hidden = runs.length < 2;
  if (runs.length < 2) return;
  const lines = points => runs.map((run, i) => ({name: run.name, colour: RUN_COLOURS[i % RUN_COLOURS.length], dash: i % 6, points: points(run)}));
  lineChart(byId('compare-validation'), {title: 'Held-out accuracy', series: lines(validationPoints), zero: true, most: 1, format: percent, x: 'policy version', empty: 'No run has a validation.'});
  lineChart(byId('compare-reward'), {title: 'Mean reward of base groups', series: lines(run => stepPoints(run, 'base')), zero: true, most: 1, format: value => fixed(value, 3)});
  const columns = [{name: 'measure', key: 'name', left: true, text: row => row.name, sort: row => row.name}];
  runs.forEach((run, i) => columns.push({name: run.name, key: 'run' + i, text: row => row.format(row.values[i])}));
  if (runs.length === 2) columns.push({name: 'difference', key: 'difference', text: row => known(row.values[0]) && known(row.values[1]) ? difference(row) : '–'});
  dataTable(byId('compare-table'), columns, MEASURES.map(([name, of, format]) => ({name, format, values: runs.map(of)})), {name: 'measures of the runs'});
}
function difference(row) {
  const by = row.values[1] - row.values[0];
  return by > 0 ? '+' + row.format(by).replace('+', '') : row.format(by);
}
