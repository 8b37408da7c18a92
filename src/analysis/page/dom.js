// Elements and numbers. Text reaches the page as text nodes only, never as markup.
const SVG = 'http://www.w3.org/2000/svg';

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? '' : value);
  }
  for (const child of children.flat()) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return node;
}
const el = (name, attributes, ...children) => fill(document.createElement(name), attributes, children);
const svg = (name, attributes, ...children) => fill(document.createElementNS(SVG, name), attributes, children);
const byId = id => document.getElementById(id);
const known = value => value !== null && value !== undefined && Number.isFinite(value);

const grouped = new Intl.NumberFormat('en', {maximumFractionDigits: 0});
function whole(value) { return known(value) ? grouped.format(value).replace(/,/g, '\u202f') : '–'; }
function fixed(value, digits) {
  if (!known(value)) return '–';
  const text = value.toFixed(digits);
  return (Number(text) === 0 ? text.replace('-', '') : text).replace('-', '\u2212');
}
function signed(value, digits) {
  if (!known(value)) return '–';
  const text = fixed(value, digits);
  return Number(value.toFixed(digits)) > 0 ? '+' + text : text;
}
function percent(value) { return known(value) ? fixed(100 * value, 1) + ' %' : '–'; }
// 1234567 -> 1.23 M
function compact(value) {
  if (!known(value)) return '–';
  const size = Math.abs(value);
  for (const [unit, at] of [['T', 1e12], ['G', 1e9], ['M', 1e6], ['k', 1e4]]) {
    if (size >= at) {
      const scaled = value / (unit === 'k' ? 1e3 : at);
      return fixed(scaled, Math.abs(scaled) >= 100 ? 0 : Math.abs(scaled) >= 10 ? 1 : 2) + '\u202f' + unit;
    }
  }
  return size >= 1000 ? whole(value) : short(value);
}
// Three to four digits, whatever the size.
function short(value) {
  if (!known(value)) return '–';
  const size = Math.abs(value);
  if (value === 0) return '0';
  if (size >= 1e5 || size < 1e-4) return value.toExponential(2).replace('-', '\u2212');
  if (Number.isInteger(value)) return whole(value).replace('-', '\u2212');
  return fixed(value, size >= 100 ? 1 : size >= 1 ? 2 : size >= 0.01 ? 3 : 5);
}
function duration(seconds) {
  if (!known(seconds)) return '–';
  if (seconds < 10) return fixed(seconds, 1) + ' s';
  const total = Math.round(seconds);
  if (total < 120) return total + ' s';
  if (total < 7200) return Math.floor(total / 60) + ' min ' + String(total % 60).padStart(2, '0') + ' s';
  return Math.floor(total / 3600) + ' h ' + String(Math.floor(total / 60) % 60).padStart(2, '0') + ' min';
}

// Ticks at round numbers, about `count` of them.
function ticksOf(low, high, count, onlyWhole) {
  const span = Math.max(high - low, 1e-12);
  let step = Math.pow(10, Math.floor(Math.log10(span / count)));
  for (const factor of [2, 5, 10]) if (span / step > count * 1.3) step = Math.pow(10, Math.floor(Math.log10(span / count))) * factor;
  if (onlyWhole) step = Math.max(1, Math.round(step));
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; ++i) ticks.push(i * step);
  return {ticks, step};
}
function tickText(value, step) {
  if (Math.abs(value) >= 10000) return compact(value);
  const digits = step >= 1 ? 0 : Math.min(6, Math.ceil(-Math.log10(step) - 1e-9));
  return fixed(value, digits);
}

const tip = {
  show(x, y, title, rows) {
    const box = byId('tip');
    box.replaceChildren(el('b', {}, title), el('table', {}, rows.map(row => el('tr', {}, row.map(cell => el('td', {}, cell))))));
    box.hidden = false;
    const size = box.getBoundingClientRect();
    const left = x + 14 + size.width > innerWidth ? x - 14 - size.width : x + 14;
    box.style.left = Math.max(6, left) + 'px';
    box.style.top = Math.max(6, Math.min(y + 12, innerHeight - size.height - 6)) + 'px';
  },
  hide() { byId('tip').hidden = true; },
};

// Draws `draw(width)` into `box` now, and again whenever its width changes.
const drawers = new WeakMap();
const sizes = new ResizeObserver(entries => {
  for (const entry of entries) {
    const drawer = drawers.get(entry.target);
    const width = Math.floor(entry.contentRect.width);
    if (!drawer || width === 0 || width === drawer.width) continue;
    drawer.width = width;
    drawer.draw(width);
  }
});
function drawToWidth(box, draw) {
  const width = Math.floor(box.clientWidth);
  drawers.set(box, {draw, width});
  if (width > 0) draw(width);
  sizes.observe(box);
}
