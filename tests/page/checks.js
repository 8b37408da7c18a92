// What a page checker would look at; returns a list of complaints.
(() => {
  const found = [];
  const numbers = text => (text.match(/[\d.]+/g) || []).map(Number);
  const parse = text => {
    const [r, g, b, a] = numbers(text);
    return {r, g, b, a: text.startsWith('rgba') || text.includes('/') ? a : 1};
  };
  const over = (top, under) => ({r: top.r * top.a + under.r * (1 - top.a), g: top.g * top.a + under.g * (1 - top.a), b: top.b * top.a + under.b * (1 - top.a), a: 1});
  const groundOf = node => {
    const layers = [];
    for (let at = node; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.a > 0) layers.push(colour);
      if (colour.a === 1) break;
    }
    return layers.reverse().reduce((under, top) => over(top, under), {r: 255, g: 255, b: 255, a: 1});
  };
  const light = ({r, g, b}) => {
    const [x, y, z] = [r, g, b].map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const worst = new Map();
  let count = 0;
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || ['SCRIPT', 'STYLE', 'NOSCRIPT', 'OPTION'].includes(node.tagName)) continue;
    if (!node.checkVisibility() || node.closest('[hidden]') || node.disabled) continue;
    ++count;
    const style = getComputedStyle(node);
    const ink = parse(node.namespaceURI.endsWith('svg') ? style.fill : style.color), ground = groundOf(node);
    const [a, b] = [light(over(ink, ground)), light(ground)].sort((p, q) => q - p);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) worst.set(`${node.tagName}.${node.getAttribute('class') || ''}`, `${ratio.toFixed(2)} at "${walker.currentNode.data.trim().slice(0, 40)}"`);
  }
  for (const [where, what] of worst) found.push(`contrast ${what} in ${where}`);
  if (count < 100) found.push(`only ${count} texts on the page`);
  const named = node => node.getAttribute('aria-label') || node.getAttribute('aria-labelledby') || node.closest('label') || node.textContent.trim() || node.title;
  for (const node of document.querySelectorAll('button, input, select, a, [role=button], [role=img], progress, [tabindex="0"]')) {
    if (!named(node)) found.push(`no name: ${node.outerHTML.slice(0, 120)}`);
  }
  for (const node of document.querySelectorAll('input, select')) {
    if (!node.getAttribute('aria-label') && !node.closest('label')) found.push(`no label: ${node.outerHTML.slice(0, 120)}`);
  }
  const ids = [...document.querySelectorAll('[id]')].map(node => node.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) found.push(`id ${id} stands twice`);
  let level = 0;
  for (const node of document.querySelectorAll('h1, h2, h3, h4')) {
    const next = Number(node.tagName[1]);
    if (next > level + 1) found.push(`heading ${node.textContent} jumps from ${level} to ${next}`);
    level = next;
  }
  if (!document.documentElement.lang || !document.title) found.push('no language or title');
  if (document.documentElement.scrollWidth > innerWidth) found.push(`wider than the screen: ${document.documentElement.scrollWidth} > ${innerWidth}`);
  for (const node of document.querySelectorAll('button, nav a, select')) {
    if (!node.checkVisibility() || node.closest('th, td')) continue;
    const box = node.getBoundingClientRect();
    if (box.height < 24) found.push(`small target (${box.height.toFixed(0)} px): ${node.textContent.slice(0, 40)}`);
  }
  return found;
})()
