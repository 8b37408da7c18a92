// Resets by thought and step: how many, or what they gained.
function heatMap(figure, resets) {
  const total = resets.count.flat().reduce((sum, count) => sum + count, 0);
  const state = {mode: heatMap.mode || 'share'};
  const plot = el('div', {class: 'plot', tabindex: 0, role: 'img'});
  const scale = el('div', {class: 'scale'});
  const choice = (value, text) => el('label', {}, el('input', {type: 'radio', name: 'heat-mode', value, checked: state.mode === value, onchange: () => {
    state.mode = heatMap.mode = value;
    draw();
  }}), text);
  figure.replaceChildren(el('figcaption', {}, el('span', {class: 'name'}, 'First wrong thought by step'),
    el('div', {class: 'segments', role: 'radiogroup', 'aria-label': 'What the colour shows'}, choice('share', 'Share of resets'), choice('gain', 'Gain of endings'))));
  if (!total) {
    figure.append(el('p', {class: 'empty'}, 'No reset is recorded: no chain failed, or the algorithm never resets.'));
    return;
  }
  figure.append(plot, scale);
  const draw = () => drawHeat(plot, scale, Math.floor(plot.clientWidth), resets, state.mode);
  drawToWidth(plot, draw);
}

function drawHeat(plot, scale, width, resets, mode) {
  const columns = resets.step.length, rows = resets.thoughts;
  const sums = resets.count.map(counts => counts.reduce((sum, count) => sum + count, 0));
  const share = (c, r) => sums[c] ? (resets.count[c][r] || 0) / sums[c] : 0;
  let largest = 0, widest = 0;
  for (let c = 0; c < columns; ++c) for (let r = 0; r < rows; ++r) {
    largest = Math.max(largest, share(c, r));
    if (known(resets.gain[c][r])) widest = Math.max(widest, Math.abs(resets.gain[c][r]));
  }
  widest = widest || 1;
  const left = 34, bottom = 34, top = 4, cell = Math.max(14, Math.min(24, Math.round(320 / rows)));
  const height = top + rows * cell + bottom, step = (width - left - 2) / columns;
  const root = svg('svg', {width, height, viewBox: `0 0 ${width} ${height}`, 'aria-hidden': 'true'});
  const gap = step > 6 ? 1 : 0;
  for (let r = 0; r < rows; ++r) {
    const label = r + 1 === rows && resets.last_is_rest ? rows + '+' : String(r + 1);
    if (cell >= 14 || r % 2 === 0) root.append(svg('text', {x: left - 8, y: top + r * cell + cell / 2 + 4, 'text-anchor': 'end'}, label));
    for (let c = 0; c < columns; ++c) {
      const count = resets.count[c][r] || 0;
      if (!count) continue;
      const value = mode === 'share' ? share(c, r) / largest : resets.gain[c][r] / widest;
      const colour = mode === 'share' ? `color-mix(in oklab, var(--heat-high) ${(100 * value).toFixed(0)}%, var(--heat-low))`
        : `color-mix(in oklab, var(${value < 0 ? '--loss' : '--gain'}) ${(100 * Math.abs(value)).toFixed(0)}%, var(--even))`;
      const rect = svg('rect', {x: left + c * step, y: top + r * cell, width: Math.max(1, step - gap), height: cell - 1, rx: step > 8 ? 2 : 0});
      rect.style.fill = colour;
      root.append(rect);
    }
  }
  const every = Math.max(1, Math.ceil(columns / (width / 90)));
  for (let c = 0; c < columns; c += every) root.append(svg('text', {x: left + (c + 0.5) * step, y: height - bottom + 17, 'text-anchor': 'middle'}, whole(resets.step[c])));
  root.append(svg('text', {x: width - 2, y: height - 2, 'text-anchor': 'end'}, resets.width > 1 ? `step (columns of ${resets.width})` : 'step'),
    svg('text', {x: 0, y: height - 2}, 'thought ↑'));
  const frame = svg('rect', {fill: 'none', stroke: 'currentColor', 'stroke-width': 2, visibility: 'hidden', width: Math.max(2, step), height: cell});
  root.append(frame);
  plot.replaceChildren(root);
  plot.setAttribute('aria-label', heatLabel(resets, sums));
  scale.replaceChildren(mode === 'share' ? '0 %' : signed(-widest, 2), el('span', {class: 'ramp ' + (mode === 'share' ? 'count' : 'gain')}),
    mode === 'share' ? percent(largest) + ' of the resets of a step' : signed(widest, 2) + '  mean reward of endings − base group');
  readHeat(plot, root, frame, {resets, sums, columns, rows, left, top, cell, step, share});
}

function heatLabel(resets, sums) {
  const by = [];
  resets.count.forEach(counts => counts.forEach((count, r) => { by[r] = (by[r] || 0) + count; }));
  const total = sums.reduce((a, b) => a + b, 0);
  const most = by.indexOf(Math.max(...by));
  return `${whole(total)} resets over ${resets.thoughts} thoughts; most often to thought ${most + 1}, ${percent(by[most] / total)}`;
}

function readHeat(plot, root, frame, view) {
  let at = {c: -1, r: 0};
  const show = (c, r, clientY) => {
    at = {c, r};
    frame.setAttribute('x', view.left + c * view.step);
    frame.setAttribute('y', view.top + r * view.cell);
    frame.setAttribute('visibility', 'visible');
    const first = view.resets.step[c], last = first + view.resets.width - 1;
    const count = view.resets.count[c][r] || 0;
    const box = root.getBoundingClientRect();
    tip.show(box.left + view.left + (c + 0.5) * view.step, clientY ?? box.top + view.top + r * view.cell,
      (last > first ? `steps ${first}–${last}` : `step ${first}`) + `, thought ${r + 1}`,
      [['resets', `${whole(count)} of ${whole(view.sums[c])}`], ['share', percent(view.share(c, r))], ['gain', signed(view.resets.gain[c][r], 3)]]);
  };
  const hide = () => { frame.setAttribute('visibility', 'hidden'); tip.hide(); at.c = -1; };
  const clamp = (value, most) => Math.min(most - 1, Math.max(0, value));
  plot.onpointermove = event => {
    const box = root.getBoundingClientRect();
    show(clamp(Math.floor((event.clientX - box.left - view.left) / view.step), view.columns), clamp(Math.floor((event.clientY - box.top - view.top) / view.cell), view.rows), event.clientY);
  };
  plot.onpointerleave = hide;
  plot.onblur = hide;
  plot.onkeydown = event => {
    const moves = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
    if (event.key === 'Escape') return hide();
    if (!(event.key in moves)) return;
    event.preventDefault();
    const [dc, dr] = at.c < 0 ? [1, 0] : moves[event.key];
    show(clamp(at.c + dc, view.columns), clamp(at.r + dr, view.rows));
  };
}
