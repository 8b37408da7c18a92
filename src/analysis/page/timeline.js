// Stages of the run and how busy each rank was, over running time.
const STAGE_COLOURS = {drawing: 'blue', training: 'orange', validation: 'green', publication: 'purple', checkpoint: 'slate', 'warm start': 'rose'};
const LEVELS = [5, 25, 50, 75, 95];

function stageShares(timeline) {
  const seconds = new Map();
  for (const stage of timeline.stages) seconds.set(stage.name, (seconds.get(stage.name) || 0) + stage.to - stage.from);
  return [...seconds].sort((a, b) => b[1] - a[1]);
}

function timelineChart(figure, timeline) {
  const shares = timeline ? stageShares(timeline) : [];
  const legend = el('ul', {class: 'legend'}, shares.map(([name, seconds]) => el('li', {},
    svg('svg', {width: 12, height: 12, 'aria-hidden': 'true', class: 'c-' + (STAGE_COLOURS[name] || 'slate')}, svg('rect', {width: 12, height: 12, rx: 3, class: 'dot'})),
    `${name} ${fixed(100 * seconds / timeline.seconds, 0)} %`)));
  figure.replaceChildren(el('figcaption', {}, el('span', {class: 'name'}, 'Who did what, when'), legend));
  if (!timeline) {
    figure.append(el('p', {class: 'empty'}, 'No times are recorded for this run.'));
    return;
  }
  const label = `${duration(timeline.seconds)} of running time: ` + shares.map(([name, seconds]) => `${name} ${duration(seconds)}`).join(', ');
  const plot = el('div', {class: 'plot', role: 'img', tabindex: 0, 'aria-label': label});
  figure.append(plot);
  if (timeline.rows.length) {
    figure.append(el('div', {class: 'scale'}, 'idle', el('span', {class: 'ramp count'}), 'busy, the share of the time with work in hand'));
  }
  drawToWidth(plot, width => drawTimeline(plot, width, timeline));
}

function meanBusy(row) {
  const values = row.busy.filter(value => value >= 0);
  return values.length ? values.reduce((a, b) => a + b, 0) / values.length : null;
}

function drawTimeline(plot, width, timeline) {
  const narrow = width < 560;
  const left = timeline.rows.length ? (narrow ? 92 : 128) : 2, right = timeline.rows.length ? 46 : 2;
  const rowHeight = timeline.rows.length > 24 ? 10 : 18, strip = 26, top = 2, gap = 8;
  const height = top + strip + gap + timeline.rows.length * rowHeight + 26;
  const x = seconds => left + seconds / timeline.seconds * (width - left - right);
  const root = svg('svg', {width, height, viewBox: `0 0 ${width} ${height}`, 'aria-hidden': 'true'});
  if (timeline.rows.length) root.append(svg('text', {x: left - 8, y: top + strip / 2 + 4, 'text-anchor': 'end'}, 'stage'));
  for (const stage of timeline.stages) {
    const rect = svg('rect', {x: x(stage.from).toFixed(2), y: top, width: Math.max(0.4, x(stage.to) - x(stage.from)).toFixed(2), height: strip});
    rect.style.fill = `var(--${STAGE_COLOURS[stage.name] || 'slate'})`;
    root.append(rect);
  }
  drawRows(root, timeline, {left, right, width, rowHeight, y: top + strip + gap, narrow});
  for (const start of timeline.starts.slice(1)) root.append(svg('line', {class: 'cursor', x1: x(start), x2: x(start), y1: 0, y2: height - 22}));
  const axis = ticksOf(0, timeline.seconds, Math.max(2, Math.round((width - left) / 130)));
  for (const tick of axis.ticks) root.append(svg('text', {x: x(tick), y: height - 6, 'text-anchor': tick === 0 ? 'start' : x(tick) > width - 50 ? 'end' : 'middle'}, duration(tick).replace('.0 s', ' s')));
  plot.replaceChildren(root);
  plot.onpointermove = event => {
    const box = root.getBoundingClientRect();
    showMoment(timeline, (event.clientX - box.left - left) / (width - left - right) * timeline.seconds, event.clientX, event.clientY, event.clientY - box.top - (top + strip + gap), rowHeight);
  };
  plot.onpointerleave = () => tip.hide();
}

// One path for each level of busyness: few elements, however many ranks there are.
function drawRows(root, timeline, view) {
  const paths = LEVELS.map(() => []);
  const columns = timeline.rows.length ? timeline.rows[0].busy.length : 0;
  const step = (view.width - view.left - view.right) / columns;
  timeline.rows.forEach((row, r) => {
    const y = view.y + r * view.rowHeight, tall = view.rowHeight - 2;
    const every = view.rowHeight >= 14 || r % 2 === 0;
    if (every) {
      const role = view.narrow ? row.role.replace(/, /g, ',') : row.role;
      const label = `${role} ${row.rank}`, most = view.narrow ? 14 : 20;
      root.append(svg('text', {x: view.left - 8, y: y + tall / 2 + 4, 'text-anchor': 'end'}, label.length > most ? label.slice(0, most - 3 - String(row.rank).length) + '… ' + row.rank : label));
      const busy = meanBusy(row);
      if (busy !== null) root.append(svg('text', {x: view.width, y: y + tall / 2 + 4, 'text-anchor': 'end'}, fixed(busy, 0) + ' %'));
    }
    let from = 0;
    const levelOf = value => LEVELS.findLastIndex(level => value >= level);
    for (let c = 1; c <= columns; ++c) {
      if (c < columns && levelOf(row.busy[c]) === levelOf(row.busy[from])) continue;
      const level = levelOf(row.busy[from]);
      if (level >= 0) paths[level].push(`M${(view.left + from * step).toFixed(1)} ${y}h${((c - from) * step).toFixed(1)}v${tall}h${(-(c - from) * step).toFixed(1)}z`);
      from = c;
    }
    const back = svg('rect', {x: view.left, y, width: view.width - view.left - view.right, height: tall});
    back.style.fill = 'var(--heat-low)';
    root.append(back);
  });
  paths.forEach((parts, level) => {
    if (!parts.length) return;
    const path = svg('path', {d: parts.join('')});
    path.style.fill = `color-mix(in oklab, var(--heat-high) ${[18, 38, 58, 78, 100][level]}%, var(--heat-low))`;
    root.append(path);
  });
}

function showMoment(timeline, seconds, clientX, clientY, rowPixels, rowHeight) {
  if (seconds < 0 || seconds > timeline.seconds) return tip.hide();
  const stage = timeline.stages.find(one => one.from <= seconds && seconds < one.to);
  const rows = stage ? [['stage', `${stage.name}, step ${whole(stage.step)}`], ['lasts', duration(stage.to - stage.from)]] : [['stage', 'none']];
  const row = timeline.rows[Math.floor(rowPixels / rowHeight)];
  if (row && rowPixels >= 0) {
    const value = row.busy[Math.min(row.busy.length - 1, Math.floor(seconds / timeline.seconds * row.busy.length))];
    if (value >= 0) rows.push([`${row.role} ${row.rank}`, `${value} % busy`]);
  }
  tip.show(clientX, clientY, 'after ' + duration(seconds), rows);
}
