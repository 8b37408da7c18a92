// One reward tree: its branches as a picture, and the text of the chain that is chosen.
const USE_NAMES = {base: 'base', seed: 'failed chain', suffix: 'ending', surplus: 'surplus', validation: 'validation'};
const FINISHES = {answer: 'gave an answer', end_of_text: 'ended its text', thought_limit: 'reached the most thoughts', token_limit: 'reached the most tokens'};
const PARSES = {boxed: 'boxed number', step_word: 'the word "step"', default: 'no usable reply: thought 1', not_parsed: 'drawn at random'};

const treeView = {list: [], at: -1};

function treeName(tree) { return `step ${tree.step}, slot ${tree.slot}` + (tree.validation ? ', validation' : ''); }
function treeHash(tree) { return `#tree=${tree.step}/${tree.slot}` + (tree.validation ? '/validation' : ''); }

function openTree(list, index) {
  treeView.list = list;
  treeView.at = index;
  const tree = list[index], dialog = byId('tree-dialog');
  byId('tree-title').textContent = treeName(tree);
  byId('tree-previous').disabled = index === 0;
  byId('tree-next').disabled = index + 1 >= list.length;
  drawTree(byId('tree-body'), tree);
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
  history.replaceState(null, '', treeHash(tree));
}

function openTreeOfHash(trees) {
  const index = trees.findIndex(tree => treeHash(tree) === location.hash);
  if (index >= 0) openTree(trees, index);
}

function prepareTreeDialog() {
  const dialog = byId('tree-dialog');
  const go = by => { const next = treeView.at + by; if (treeView.list[next]) openTree(treeView.list, next); };
  byId('tree-previous').onclick = () => go(-1);
  byId('tree-next').onclick = () => go(1);
  byId('tree-close').onclick = () => dialog.close();
  dialog.onclose = () => history.replaceState(null, '', location.pathname + location.search + '#trees');
  dialog.onclick = event => { if (event.target === dialog) dialog.close(); };
  dialog.onkeydown = event => { if (event.key === 'j') go(1); if (event.key === 'k') go(-1); };
}

function drawTree(box, tree) {
  const reset = tree.reset;
  const facts = el('dl', {class: 'labelled'},
    el('dt', {}, 'Problem'), el('dd', {}, tree.problem),
    el('dt', {}, 'Question'), el('dd', {class: 'question'}, tree.question),
    el('dt', {}, 'Right answer'), el('dd', {}, el('b', {}, tree.reference)));
  if (reset) {
    facts.append(el('dt', {}, 'Reset'), el('dd', {}, `back to thought ${reset.thought} of ${reset.num_thoughts}, chosen by "${reset.localizer}" (${PARSES[reset.status] || reset.status}); ` +
      `endings ${fixed(tree.endings, 2)} against base ${fixed(tree.base, 2)}, gain ${signed(tree.gain, 2)}`));
    if (reset.reply) facts.append(el('dt', {}, 'Localizer'), el('dd', {class: 'question'}, reset.reply));
  }
  const text = el('div', {'aria-live': 'polite'});
  const rows = [];
  const select = index => {
    rows.forEach((row, i) => row.setAttribute('aria-pressed', i === index ? 'true' : 'false'));
    drawChain(text, tree, tree.chains[index]);
  };
  const picture = el('div', {class: 'branches', role: 'group', 'aria-label': 'Chains of this tree; choose one to read it'});
  box.replaceChildren(facts, picture, text);
  const first = Math.max(0, tree.chains.findIndex(chain => chain.use === 'seed'));
  drawBranches(picture, tree, rows, select);
  select(first);
}

// Rows: fresh chains, then the endings below the failed one, branching off where they were kept.
function drawBranches(box, tree, rows, select) {
  const order = tree.chains.map((chain, i) => i).sort((a, b) => rowRank(tree.chains[a]) - rowRank(tree.chains[b]) || a - b);
  const most = Math.max(...tree.chains.map(chain => chain.num_thoughts), 1);
  const left = 118, right = 190, tall = 28, room = Math.max(box.clientWidth || 640, 520) - left - right;
  const step = Math.max(9, Math.min(44, room / most)), width = left + step * most + right, height = order.length * tall + 4;
  const root = svg('svg', {width, height, viewBox: `0 0 ${width} ${height}`});
  const seedRow = order.findIndex(i => tree.chains[i].use === 'seed');
  order.forEach((index, line) => {
    const chain = tree.chains[index], y = line * tall + tall / 2 + 2, kept = chain.kept_thoughts;
    const row = svg('g', {class: 'row', tabindex: 0, role: 'button', 'aria-label': chainLabel(chain), 'aria-pressed': 'false', onclick: () => select(index),
      onkeydown: event => { if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); select(index); } }});
    row.append(svg('rect', {class: 'back', x: 1, y: y - tall / 2 + 1, width: width - 2, height: tall - 2}),
      svg('text', {x: 10, y: y + 4}, USE_NAMES[chain.use] + ' ' + (chain.index + 1)));
    const end = left + step * Math.max(chain.num_thoughts, 1);
    if (chain.use === 'suffix' && seedRow >= 0) {
      const from = left + step * kept, up = seedRow * tall + tall / 2 + 2;
      row.append(svg('path', {class: 'wire kept', d: `M${from} ${up}V${y - 7}Q${from} ${y} ${from + 7} ${y}`}), svg('path', {class: 'wire', d: `M${from + 7} ${y}H${end}`}));
    } else {
      row.append(svg('path', {class: 'wire', d: `M${left} ${y}H${end}`}));
    }
    for (let i = kept; i < chain.num_thoughts; ++i) row.append(bead(left + step * (i + 1), y, beadKind(tree, chain, i), step));
    row.append(...endMark(end + 16, y, chain), svg('text', {x: end + 32, y: y + 4}, chain.answer ? clip(chain.answer, 16) : chain.verdict));
    row.append(svg('text', {class: 'quiet', x: width - 8, y: y + 4, 'text-anchor': 'end'}, short(chain.reward)));
    rows[index] = row;
    root.append(row);
  });
  box.replaceChildren(root);
}

function rowRank(chain) { return {base: 0, surplus: 1, validation: 0, seed: 2, suffix: 3}[chain.use]; }
function clip(text, most) { const letters = [...text]; return letters.length > most ? letters.slice(0, most - 1).join('') + '…' : text; }
function chainLabel(chain) {
  return `${USE_NAMES[chain.use]} ${chain.index + 1}: ${chain.verdict}, reward ${short(chain.reward)}, ${chain.num_thoughts} thoughts` +
    (chain.kept_thoughts ? `, ${chain.kept_thoughts} of them kept` : '');
}
function beadKind(tree, chain, i) {
  if (chain.use !== 'seed' || !tree.reset) return '';
  return i + 1 < tree.reset.thought ? 'kept' : i + 1 === tree.reset.thought ? 'chosen' : 'dropped';
}
function bead(x, y, kind, step) {
  return svg('circle', {class: 'bead ' + kind, cx: x, cy: y, r: Math.min(kind === 'chosen' ? 6 : 4, step / 2.4)});
}
function endMark(x, y, chain) {
  const right = chain.reward >= 1;
  return [svg('circle', {class: right ? 'right' : 'wrong', cx: x, cy: y, r: 8}),
    svg('path', {class: 'glyph' + (right ? '' : ' bad'), d: right ? `M${x - 3.5} ${y}l2.5 3 4.5-5.5` : `M${x - 3} ${y - 3}l6 6m0-6l-6 6`})];
}

function drawChain(box, tree, chain) {
  const items = [];
  const add = (number, text, kind, tag) => items.push(el('li', {class: kind || null}, el('span', {class: 'n'}, number), el('span', {class: 't'}, tag && el('span', {class: 'tag'}, tag), text)));
  const seed = tree.chains.find(one => one.use === 'seed');
  if (chain.whole) {
    add('', chain.thoughts[0] || '', '');
  } else {
    if (chain.kept_thoughts && seed && !seed.whole) {
      seed.thoughts.slice(0, chain.kept_thoughts).forEach((text, i) => add(i + 1, text, 'kept', i === 0 ? 'Kept from the failed chain' : null));
    }
    chain.thoughts.forEach((text, i) => {
      const number = chain.kept_thoughts + i + 1, kind = beadKind(tree, chain, number - 1);
      add(number, text, kind, kind === 'chosen' ? 'Chosen as the first wrong thought; the endings begin here' : null);
    });
  }
  box.replaceChildren(
    el('div', {class: 'chain-head'}, el('h3', {}, `${USE_NAMES[chain.use]} ${chain.index + 1}`),
      el('span', {class: 'quiet'}, `${chain.verdict}, reward ${short(chain.reward)}; ${FINISHES[chain.finish] || chain.finish}; ${whole(chain.tokens)} tokens` +
        (chain.kept_tokens ? `, ${whole(chain.kept_tokens)} kept` : '') + `; drawn by rank ${chain.generator} with version ${chain.version}` + (chain.answer ? '; answer ' : '')),
      chain.answer && el('b', {}, chain.answer)),
    items.length ? el('ol', {class: 'thoughts'}, items) : el('p', {class: 'quiet'}, 'It has no text.'));
}
