// Lines over steps with bands, read with pointer or arrow keys.
const DASHES = ['', '7 4', '2 4', '9 3 2 3', '4 2', '1 3'];

function swatch(series) {
  return svg('svg', {width: 26, height: 10, class: 'c-' + series.colour, 'aria-hidden': 'true'},
    svg('line', {x1: 1, y1: 5, x2: 25, y2: 5, class: 'line', 'stroke-dasharray': DASHES[series.dash || 0]}));
}

// Pieces between missing values.
function piecesOf(points) {
  const pieces = [[]];
  for (const point of points) {
    if (known(point.y)) pieces[pieces.length - 1].push(point);
    else if (pieces[pieces.length - 1].length) pieces.push([]);
  }
  return pieces.filter(piece => piece.length);
}

function rangeOf(series, options) {
  let low = Infinity, high = -Infinity, first = Infinity, last = -Infinity;
  for (const one of series) {
    for (const point of one.points) {
      first = Math.min(first, point.x);
      last = Math.max(last, point.x);
      for (const y of [point.y, point.low, point.high]) {
        if (known(y)) { low = Math.min(low, y); high = Math.max(high, y); }
      }
    }
  }
  if (options.zero) { low = Math.min(low, 0); high = Math.max(high, 0); }
  if (known(options.most)) high = Math.min(high, options.most);
  if (known(options.least)) low = Math.max(low, options.least);
  if (high - low < 1e-9) { const pad = Math.abs(high) * 0.1 || 0.5; high += pad; if (!options.zero) low -= pad; }
  return {low, high, first, last: last > first ? last : first + 1};
}

// options: {title, series: [{name, colour, dash, points: [{x, y, low, high}]}], height, zero, most, x, format, note}
function lineChart(figure, options) {
  const series = options.series.filter(one => one.points.some(point => known(point.y)));
  const legend = el('ul', {class: 'legend'}, series.length > 1 || options.legend ? series.map(one => el('li', {}, swatch(one), one.name)) : []);
  figure.replaceChildren(el('figcaption', {}, el('span', {class: 'name'}, options.title), legend));
  if (!series.length) {
    figure.append(el('p', {class: 'empty'}, options.empty || 'Nothing recorded yet.'));
    return;
  }
  const format = options.format || short;
  const label = series.map(one => {
    const values = one.points.filter(point => known(point.y));
    return one.name + ' from ' + format(values[0].y) + ' to ' + format(values[values.length - 1].y);
  }).join('; ');
  const plot = el('div', {class: 'plot', tabindex: 0, role: 'img', 'aria-label': options.title + ' by ' + (options.x || 'step') + ': ' + label});
  figure.append(plot);
  drawToWidth(plot, width => drawLines(plot, width, series, options, format));
}

function drawLines(plot, width, series, options, format) {
  const height = options.height || 260;
  const range = rangeOf(series, options);
  const vertical = ticksOf(range.low, range.high, Math.max(3, Math.round(height / 50)));
  const low = Math.min(range.low, vertical.ticks[0] ?? range.low);
  const high = range.high + (range.high - low) * 0.04;
  const labels = vertical.ticks.map(tick => tickText(tick, vertical.step));
  const left = 12 + Math.max(...labels.map(label => label.length)) * 7, right = 14, top = 8, bottom = 34;
  const x = value => left + (value - range.first) / (range.last - range.first) * (width - left - right);
  const y = value => top + (high - Math.min(Math.max(value, low), high)) / (high - low) * (height - top - bottom);
  const root = svg('svg', {width, height, viewBox: `0 0 ${width} ${height}`, 'aria-hidden': 'true'});
  vertical.ticks.forEach((tick, i) => root.append(
    svg('line', {class: tick === 0 ? 'axis' : 'gridline', x1: left, x2: width - right, y1: Math.round(y(tick)), y2: Math.round(y(tick))}),
    svg('text', {x: left - 8, y: y(tick) + 4, 'text-anchor': 'end'}, labels[i])));
  const horizontal = ticksOf(range.first, range.last, Math.max(2, Math.round(width / 110)), true);
  for (const tick of horizontal.ticks) root.append(svg('text', {x: x(tick), y: height - bottom + 18, 'text-anchor': 'middle'}, tickText(tick, 1)));
  root.append(svg('text', {x: width - right, y: height - 2, 'text-anchor': 'end'}, options.x || 'step'),
    svg('line', {class: 'axis', x1: left, x2: width - right, y1: height - bottom, y2: height - bottom}));
  for (const one of series) {
    const group = svg('g', {class: 'c-' + one.colour});
    for (const piece of piecesOf(one.points)) {
      const banded = piece.filter(point => known(point.low) && known(point.high));
      if (banded.length > 1) {
        group.append(svg('path', {class: 'band', d: 'M' + banded.map(p => `${x(p.x).toFixed(1)} ${y(p.high).toFixed(1)}`).join('L') +
          'L' + banded.slice().reverse().map(p => `${x(p.x).toFixed(1)} ${y(p.low).toFixed(1)}`).join('L') + 'Z'}));
      }
    }
    for (const piece of piecesOf(one.points)) {
      group.append(svg('path', {class: 'line', 'stroke-dasharray': DASHES[one.dash || 0],
        d: 'M' + piece.map(p => `${x(p.x).toFixed(1)} ${y(p.y).toFixed(1)}`).join('L')}));
      if (one.points.length <= 24 || piece.length === 1) {
        for (const p of piece) group.append(svg('circle', {class: 'dot', cx: x(p.x), cy: y(p.y), r: 3.5}));
      }
    }
    root.append(group);
  }
  const cursor = svg('line', {class: 'cursor', y1: top, y2: height - bottom, visibility: 'hidden'});
  root.append(cursor);
  plot.replaceChildren(root);
  readWithPointerAndKeys(plot, root, cursor, {series, options, format, x, range, top});
}

function readWithPointerAndKeys(plot, root, cursor, view) {
  const places = [...new Set(view.series.flatMap(one => one.points.filter(p => known(p.y)).map(p => p.x)))].sort((a, b) => a - b);
  let at = -1;
  const show = (index, clientY) => {
    at = index;
    const place = places[index];
    cursor.setAttribute('x1', view.x(place));
    cursor.setAttribute('x2', view.x(place));
    cursor.setAttribute('visibility', 'visible');
    const rows = [];
    for (const one of view.series) {
      const point = one.points.find(p => p.x === place);
      if (!point || !known(point.y)) continue;
      const band = known(point.low) && known(point.high) ? view.format(point.low) + ' … ' + view.format(point.high) : '';
      rows.push([one.name, view.format(point.y), band]);
    }
    const box = root.getBoundingClientRect();
    tip.show(box.left + view.x(place), clientY ?? box.top + view.top, (view.options.x || 'step') + ' ' + whole(place), rows);
  };
  const hide = () => { cursor.setAttribute('visibility', 'hidden'); tip.hide(); at = -1; };
  plot.onpointermove = event => {
    const box = root.getBoundingClientRect();
    let best = 0;
    for (let i = 1; i < places.length; ++i) {
      if (Math.abs(view.x(places[i]) - (event.clientX - box.left)) < Math.abs(view.x(places[best]) - (event.clientX - box.left))) best = i;
    }
    show(best, event.clientY);
  };
  plot.onpointerleave = hide;
  plot.onblur = hide;
  plot.onkeydown = event => {
    const moves = {ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -1e9, End: 1e9};
    if (event.key === 'Escape') return hide();
    if (!(event.key in moves)) return;
    event.preventDefault();
    const next = at < 0 ? (moves[event.key] > 0 && event.key !== 'End' ? 0 : places.length - 1) : at + moves[event.key];
    show(Math.min(places.length - 1, Math.max(0, next)));
  };
}
