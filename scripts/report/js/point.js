// A point of a mark that nothing covers, as far as a grid and the outline find one; else what covers its middle. A mark that
// lies below others of its own size is not covered: they are in one place, and the keyboard or the table tells them apart.
async mark => {
  mark.scrollIntoView({block: 'center', inline: 'center', behavior: 'instant'});
  // What listens to scrolling is told at the next frame.
  for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
  const box = mark.getBoundingClientRect();
  const parts = [0.5, 0.25, 0.75, 0.1, 0.9];
  const points = parts.flatMap(y => parts.map(x => [box.left + x * box.width, box.top + y * box.height]));
  for (const shape of [mark, ...mark.querySelectorAll('*')]) {
    if (!shape.getPointAtLength) continue;
    const to = shape.getScreenCTM();
    const length = shape.getTotalLength();
    for (let part = 0.01; part < 1; part += 0.02) {
      const point = shape.getPointAtLength(part * length).matrixTransform(to);
      points.push([point.x, point.y]);
    }
  }
  const over = ([x, y]) => document.elementFromPoint(x, y);
  // Marks that light up grow, so the very edge of one may go to its neighbour.
  const around = ([x, y]) => [[x, y], [x - 2, y], [x + 2, y], [x, y - 2], [x, y + 2]];
  const point = points.map(p => p.map(Math.round)).find(p => around(p).every(q => over(q)?.closest('.mark') === mark));
  if (point) return {point};
  const cover = over(points[0]);
  // The box around a line says little: a line is as large as what answers for it.
  const size = element => {
    const line = element.querySelector('.line.hit');
    const {width, height} = element.getBoundingClientRect();
    return line ? line.getTotalLength() * parseFloat(getComputedStyle(line).strokeWidth) : width * height;
  };
  const other = cover?.closest('.mark');
  return {cover: other && size(other) <= 4 * size(mark) ? null : cover?.outerHTML.slice(0, 80) ?? 'the edge of the window'};
}
