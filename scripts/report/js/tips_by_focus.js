// Gives each mark the focus, and takes it away again: what the tip says then.
() => [...document.querySelectorAll('.mark')].filter(mark => mark.checkVisibility()).map(mark => {
  const tip = document.getElementById('tip');
  mark.scrollIntoView({block: 'center', inline: 'center'});
  mark.focus();
  const box = tip?.getBoundingClientRect();
  const answer = {
    said: tip?.checkVisibility() ? tip.textContent : null,
    wanted: mark.getAttribute('data-tip') ?? '',
    label: mark.getAttribute('aria-label') ?? '',
    focused: document.activeElement === mark,
    role: tip?.getAttribute('role'),
    inside: !!box && box.left >= 0 && box.top >= 0 && box.right <= innerWidth && box.bottom <= innerHeight,
    elements: tip?.children.length ?? 0,
    id: `${mark.closest('section')?.id ?? ''} ${mark.outerHTML.slice(0, 90)}`,
  };
  mark.blur();
  answer.stays = !!tip?.checkVisibility();
  return answer;
})
