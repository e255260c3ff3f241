// Rows of the first table of layers: its name, what it says, whether it says to be the same in all runs, and is shown.
() => {
  const table = document.querySelector('#layers table:has(tr[data-layer])');
  return [...(table?.tBodies[0].rows ?? [])].map(row => ({
    name: row.querySelector('th')?.textContent ?? '',
    text: row.innerText,
    same: row.dataset.same === 'true',
    shown: row.checkVisibility(),
  }));
}
