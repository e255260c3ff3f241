// Every piece of visible text, in charts at three places: its colour and the colour behind it as sRGB bytes.
() => {
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', {willReadFrequently: true});
  const parsed = new Map();
  const rgba = colour => {
    if (!parsed.has(colour)) {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
      parsed.set(colour, [r, g, b, a / 255]);
    }
    return parsed.get(colour);
  };
  const over = ([r, g, b, a], under) => [r, g, b].map((c, i) => c * a + under[i] * (1 - a));
  const opacity = e => { let all = 1; for (; e; e = e.parentElement) all *= getComputedStyle(e).opacity; return all; };
  const dark = matchMedia('(prefers-color-scheme: dark)').matches && !matchMedia('print').matches;
  const paper = dark ? [18, 18, 18] : [255, 255, 255];
  const paint = e => {
    const style = getComputedStyle(e);
    if (!(e instanceof SVGGeometryElement)) return rgba(style.backgroundColor);
    // A pattern has no one colour: text on it is looked at in the pictures.
    if (style.fill === 'none' || style.fill.startsWith('url')) return [0, 0, 0, 0];
    const [r, g, b, a] = rgba(style.fill);
    return [r, g, b, a * style.fillOpacity * opacity(e)];
  };
  // Else what lets the mouse through would not be found behind the text.
  const sheet = document.createElement('style');
  sheet.textContent = '* { pointer-events: auto !important } #tip { display: none !important }';
  document.head.append(sheet);
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; node = walker.nextNode();) {
    const element = node.parentElement;
    if (!node.data.trim() || element.closest('script, style, title, desc, defs')) continue;
    if (!element.checkVisibility({visibilityProperty: true})) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const box = [...range.getClientRects()].find(r => r.width > 1 && r.height > 1);
    if (!box || box.right < 0 || box.bottom < 0) continue;
    const inChart = element.ownerSVGElement;
    const style = getComputedStyle(element);
    for (const part of inChart ? [0.5, 0.02, 0.98] : [0.5]) {
      const stack = document.elementsFromPoint(box.left + part * box.width, box.top + box.height / 2);
      const at = stack.indexOf(element);
      // Below the text; what has scrolled out of sight has what its ancestors have behind it.
      let below = stack.slice(at < 0 ? 0 : inChart ? at + 1 : at).filter(e => !(e instanceof SVGTextContentElement));
      if (at < 0 && !inChart) for (below = [element]; below.at(-1).parentElement;) below.push(below.at(-1).parentElement);
      const back = below.map(paint).reverse().reduce((under, colour) => over(colour, under), paper);
      const [r, g, b, a] = rgba(inChart ? style.fill : style.color);
      const front = over([r, g, b, a * opacity(element) * (inChart ? style.fillOpacity : 1)], back);
      const where = `${element.closest('section')?.id ?? ''} ${element.tagName}.${element.getAttribute('class') ?? ''}`;
      found.push([front, back, node.data.trim().slice(0, 40), where]);
    }
  }
  sheet.remove();
  return found;
}
