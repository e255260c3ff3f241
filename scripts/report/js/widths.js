// What sticks out of the window on the right without being in something that scrolls, and what a box cuts off.
() => {
  const page = document.documentElement;
  const seen = [...document.body.querySelectorAll('*')].filter(e => !e.ownerSVGElement && e.checkVisibility());
  const clips = e => e && e !== document.body &&
    (/auto|scroll|hidden/.test(getComputedStyle(e).overflowX) || clips(e.parentElement));
  const named = e => `${e.closest('section')?.id ?? ''} ${e.outerHTML.slice(0, 80)}`;
  const beyond = e => e.getBoundingClientRect().right > page.clientWidth + 1;
  const out = seen.filter(e => beyond(e) && !beyond(e.parentElement) && !clips(e.parentElement));
  // What ends in an ellipsis and says the rest in its title is cut off on purpose; so is what only screen readers read.
  const cut = seen.filter(e => {
    const style = getComputedStyle(e);
    return style.overflowX === 'hidden' && !(e instanceof SVGElement) && e.clientWidth > 1 &&
      e.scrollWidth > e.clientWidth + 1 && !(style.textOverflow === 'ellipsis' && e.title);
  });
  return {scroll: document.scrollingElement.scrollWidth, window: innerWidth, out: out.map(named), cut: cut.map(named)};
}
