// Gives a mark or more of each layer the focus: how many layers there are, and those that do not light up alone and whole.
() => {
  const faults = [];
  const all = [...document.querySelectorAll('[data-layer]')];
  const layers = [...new Set(all.map(e => e.dataset.layer))];
  for (const layer of layers) {
    const members = all.filter(e => e.dataset.layer === layer);
    for (const mark of members.filter(e => e.matches('.mark')).slice(0, 3)) {
      mark.focus();
      const lit = [...document.querySelectorAll('.hot')];
      if (lit.length !== members.length || lit.some(e => e.dataset.layer !== layer))
        faults.push(`layer ${layer}: ${lit.length} elements light up, expected ${members.length}`);
      mark.blur();
      if (document.querySelector('.hot')) faults.push(`layer ${layer} stays lit without the focus`);
    }
  }
  return [layers.length, faults];
}
