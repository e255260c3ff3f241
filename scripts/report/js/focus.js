// What has the focus now, whether it came after what had it at the last call, and whether that looks the same without.
() => {
  const now = document.activeElement;
  const before = window.focusBefore;
  const looks = e => [e, ...e.querySelectorAll('*')].map(part => {
    const style = getComputedStyle(part);
    return ['outlineStyle', 'outlineWidth', 'boxShadow', 'stroke', 'strokeWidth', 'fill', 'fillOpacity', 'opacity', 'left']
      .map(name => style[name]).join(' ');
  }).join();
  const answer = {unseen: before && looks(before.element) === before.looks ? before.element.outerHTML.slice(0, 80) : null};
  window.focusBefore = null;
  if (!now || now === document.body) return [answer, null];
  window.focusBefore = {element: now, looks: looks(now)};
  const box = now.getBoundingClientRect();
  const tip = document.getElementById('tip');
  answer.back = !!before && !(before.element.compareDocumentPosition(now) & Node.DOCUMENT_POSITION_FOLLOWING);
  return [answer, {
    inWindow: box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
    mark: now.matches('.mark'),
    said: tip?.checkVisibility() ? tip.textContent : null,
    wanted: now.getAttribute('data-tip'),
    name: now.outerHTML.slice(0, 80),
  }];
}
