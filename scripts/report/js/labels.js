// Labels of each chart: their corners on the screen and the rendered size of their letters; marks cut off by its edge.
() => [...document.querySelectorAll('svg')].filter(svg => svg.checkVisibility()).map(svg => {
  const frame = svg.getBoundingClientRect();
  const shown = text => text.textContent.trim() && text.checkVisibility({visibilityProperty: true, opacityProperty: true});
  const corners = (text, to) => {
    const box = text.getBBox();
    // A line's box is higher than its letters.
    const [top, bottom] = [0.2, 0.82].map(part => box.y + part * box.height);
    return [[box.x, top], [box.x + box.width, top], [box.x + box.width, bottom], [box.x, bottom]].map(([x, y]) => {
      const point = new DOMPoint(x, y).matrixTransform(to);
      return [point.x, point.y];
    });
  };
  const labels = [...svg.querySelectorAll('text')].filter(text => shown(text) && !text.closest('defs')).map(text => {
    const to = text.getScreenCTM();
    const scale = Math.sqrt(Math.abs(to.a * to.d - to.b * to.c));
    const size = parseFloat(getComputedStyle(text).fontSize) * scale;
    return {text: text.textContent.trim().slice(0, 40), corners: corners(text, to), size};
  });
  const outside = mark => {
    const box = mark.getBoundingClientRect();
    return box.left < frame.left - 1 || box.top < frame.top - 1 || box.right > frame.right + 1 || box.bottom > frame.bottom + 1;
  };
  return {
    name: `${svg.closest('section')?.id ?? ''} ${(svg.querySelector('title')?.textContent ?? '').slice(0, 50)}`,
    labels,
    frame: [frame.left, frame.top, frame.right, frame.bottom],
    marks: [...svg.querySelectorAll('.mark')].filter(outside).map(mark => mark.getAttribute('data-tip')?.slice(0, 40)),
  };
})
