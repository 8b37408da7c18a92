// Tables that sort by any column and filter by words.

// columns: [{name, key, text(row) -> string | Node, sort(row) -> number | string, left, wide}]
// options: {name, search(row) -> text, most, choices: [{value, text, test(row)}], sorted: key, down: bool}
function dataTable(box, columns, rows, options) {
  const most = options.most || 300;
  const kept = box.tableState || {sorted: options.sorted || null, down: options.down || false, words: '', choice: '', most};
  box.tableState = kept;
  const body = el('tbody', {}), heads = new Map(), count = el('span', {class: 'quiet', role: 'status'});
  const more = el('button', {type: 'button', hidden: true, onclick: () => { kept.most *= 4; draw(); }}, 'Show more');

  const chosen = () => {
    const words = kept.words.toLowerCase().split(/\s+/).filter(Boolean);
    const choice = (options.choices || []).find(one => one.value === kept.choice);
    const found = rows.filter(row => (!choice || choice.test(row)) && (!words.length || words.every(word => options.search(row).toLowerCase().includes(word))));
    const column = columns.find(one => one.key === kept.sorted);
    if (!column) return found;
    const sign = kept.down ? -1 : 1;
    return found.map((row, i) => [column.sort(row), i, row]).sort(([a, i], [b, j]) => {
      const none = (a === null || a === undefined) - (b === null || b === undefined);
      if (none) return none;
      return (typeof a === 'string' ? a.localeCompare(b) : a - b) * sign || i - j;
    }).map(([, , row]) => row);
  };
  const draw = () => {
    const found = chosen();
    for (const [key, head] of heads) {
      if (key === kept.sorted) head.setAttribute('aria-sort', kept.down ? 'descending' : 'ascending');
      else head.removeAttribute('aria-sort');
    }
    body.replaceChildren(...found.slice(0, kept.most).map(row => el('tr', {}, columns.map(column =>
      el('td', {class: [column.left && 'left', column.wide && 'wide'].filter(Boolean).join(' ') || null}, column.text(row))))));
    if (!found.length) body.append(el('tr', {}, el('td', {class: 'left', colspan: columns.length}, rows.length ? 'No row matches the filter.' : 'Nothing recorded yet.')));
    const shown = Math.min(found.length, kept.most);
    count.textContent = found.length === rows.length && shown === found.length ? `${whole(rows.length)} rows` : `${whole(shown)} of ${whole(rows.length)} rows`;
    more.hidden = found.length <= kept.most;
    box.shownRows = found;
  };
  const head = el('tr', {}, columns.map(column => {
    const cell = el('th', {scope: 'col', class: column.left ? 'left' : null}, column.sort ? el('button', {type: 'button', title: column.title, onclick: () => {
      kept.down = kept.sorted === column.key ? !kept.down : !column.left;
      kept.sorted = column.key;
      draw();
    }}, column.name) : el('span', {class: 'plain'}, column.name));
    heads.set(column.key, cell);
    return cell;
  }));
  const tools = el('div', {class: 'table-tools'});
  if (options.search) {
    tools.append(el('input', {type: 'search', placeholder: 'Filter by words', 'aria-label': 'Filter ' + options.name + ' by words', value: kept.words, oninput: event => { kept.words = event.target.value; draw(); }}));
  }
  if (options.choices) {
    const select = el('select', {'aria-label': 'Which ' + options.name, onchange: event => { kept.choice = event.target.value; draw(); }},
      el('option', {value: ''}, 'All outcomes'), options.choices.map(one => el('option', {value: one.value}, one.text)));
    select.value = kept.choice;
    tools.append(select);
  }
  tools.append(count);
  // A refresh while somebody types leaves the field alone.
  const focused = box.contains(document.activeElement) && document.activeElement.type === 'search';
  const scrolled = box.querySelector('.scroll')?.scrollTop || 0;
  box.replaceChildren(tools, el('div', {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': options.name}, el('table', {}, el('thead', {}, head), body)), more);
  draw();
  box.querySelector('.scroll').scrollTop = scrolled;
  if (focused) box.querySelector('input').focus();
}

// A number column.
function numbers(name, key, format, title) {
  return {name, key, title, text: row => (format || whole)(row[key]), sort: row => row[key]};
}
