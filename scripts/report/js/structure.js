// What a reader who cannot see the page relies on, and words that no reader should see.
() => {
  const faults = [];
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const say = (what, e) => faults.push(`${what}: ${e.outerHTML.slice(0, 110)}`);
  const words = (attribute, e) => (e.getAttribute(attribute) ?? '').split(/\s+/).filter(Boolean);

  const ids = all('[id]').map(e => e.id);
  for (const id of new Set(ids)) if (ids.filter(other => other === id).length > 1) faults.push(`id ${id} is there twice`);
  for (const name of ['aria-labelledby', 'aria-describedby', 'aria-controls', 'for'])
    for (const e of all(`[${name}]`)) for (const id of words(name, e))
      if (!document.getElementById(id)) say(`${name} names ${id}, which is missing`, e);
  for (const a of all('a[href]')) {
    const href = a.getAttribute('href');
    const leads = href.startsWith('#') ? document.getElementById(decodeURIComponent(href.slice(1))) : /^https:/.test(href);
    if (!leads) say('a link that leads nowhere', a);
    if (!a.textContent.trim()) say('a link without words', a);
  }

  if (!document.documentElement.lang) faults.push('the page does not say its language');
  if (!document.title.trim()) faults.push('the page has no title');
  for (const part of ['main', 'nav']) if (!document.querySelector(part)) faults.push(`has no ${part}`);
  if (all('h1').length !== 1) faults.push(`${all('h1').length} headings of level 1`);
  let level = 0;
  for (const heading of all('h1, h2, h3, h4, h5, h6')) {
    const now = Number(heading.tagName[1]);
    if (now > level + 1) say(`after a heading of level ${level}`, heading);
    if (!heading.textContent.trim()) say('a heading without words', heading);
    level = now;
  }
  for (const section of all('section[id]')) if (!section.querySelector('h2')) say('a section without a heading', section);

  const charts = all('svg').filter(svg => svg.getAttribute('aria-hidden') !== 'true');
  for (const svg of charts) {
    // They may be in a group, so that the browser shows no tip of its own over the chart.
    const [title, desc] = ['title', 'desc'].map(tag => svg.querySelector(tag));
    // Not an image: its marks can be reached one by one.
    if (svg.getAttribute('role') !== 'group') say('a chart without the role of a group', svg);
    if (!title?.textContent.trim()) say('a chart without a title', svg);
    if ((desc?.textContent.trim() ?? '').length < 30) say('a chart that describes nothing', svg);
    if (!words('aria-labelledby', svg).includes(title?.id)) say('a chart that its title does not name', svg);
    if (!words('aria-describedby', svg).includes(desc?.id)) say('a chart that its description does not describe', svg);
    if (!svg.hasAttribute('viewBox')) say('a chart without a viewBox', svg);
  }
  for (const mark of all('.mark')) if (!mark.getAttribute('aria-label')?.trim()) say('a mark without a label', mark);
  // Marks by the hundred would bury the keyboard: some may be left to the mouse and to the tables, but not all of a chart.
  for (const svg of charts) if (svg.querySelector('.mark') && !svg.querySelector('.mark[tabindex="0"]'))
    say('a chart whose marks the keyboard does not reach', svg);
  for (const e of all('[tabindex]')) if (e.tabIndex > 0) say('out of the order of the keyboard', e);
  for (const e of all('button, input, select')) {
    const named = e.getAttribute('aria-label') ?? (e.labels?.length ? e.labels[0].textContent : e.textContent);
    if (!named.trim()) say('a control without a name', e);
  }
  for (const table of all('table')) {
    if (!table.caption && !table.getAttribute('aria-label') && !words('aria-labelledby', table).length)
      say('a table without a name', table);
    const headings = [...(table.tHead?.rows[0]?.cells ?? [])];
    for (const heading of headings) if (heading.scope !== 'col') say('a heading of a column without a scope', heading);
    for (const row of table.tBodies[0]?.rows ?? []) {
      const width = [...row.cells].reduce((sum, cell) => sum + cell.colSpan, 0);
      if (width !== headings.length) say(`a row of ${width} cells below ${headings.length} headings`, row);
    }
  }
  for (const e of all('body *')) {
    const scrolls = /auto|scroll/.test(getComputedStyle(e).overflowX) && e.scrollWidth > e.clientWidth + 1;
    if (scrolls && e.tabIndex < 0 && !e.querySelector('button, a, [tabindex]')) say('scrolls, but not from the keyboard', e);
  }

  // Names can be any text and are in bdi; elsewhere these are numbers or values that went wrong.
  const wrong = /\b(NaN|undefined|null|Infinity|inf)\b|\[object|\bSome\(|\bNone\b/;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; node = walker.nextNode();)
    if (!node.parentElement.closest('script, style, bdi') && wrong.test(node.data))
      say(`says ${node.data.trim().slice(0, 60)}`, node.parentElement);
  return [charts.length + all('.mark, table, h2, h3').length, faults];
}
