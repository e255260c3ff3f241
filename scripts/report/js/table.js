// Headings of a table, and for each cell what it is sorted by if not its text, its text, and what is saved of it.
table => ({
  headings: [...table.tHead.rows[0].cells].map(heading =>
    [heading.getAttribute('aria-sort'), heading.innerText.trim(), !!heading.querySelector('button')]),
  rows: [...table.tBodies].flatMap(body => [...body.rows]).map(row => [...row.cells].map(cell => {
    const text = cell.textContent.trim();
    return [cell.dataset.v ?? null, text, cell.dataset.saved ?? cell.dataset.v ?? text];
  })),
})
