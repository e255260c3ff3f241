"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  document.documentElement.classList.add("js");

  // Saving: what the page shows, as files.
  const save = (name, type, text) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };
  // A spreadsheet takes words that begin like a formula for one.
  const harmless = (text) => (/^[=+@\t\r＝＋－＠-]/.test(text) && !Number.isFinite(Number(text)) ? `'${text}` : text);
  const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const csv = (table) => {
    const head = [...table.tHead.rows[0].cells];
    const rows = [...table.tBodies[0].rows].filter((row) => !row.hidden);
    const hasError = head.map((_, i) => rows.some((row) => row.cells[i]?.dataset.e));
    const value = (cell) => (cell.dataset.saved ?? cell.dataset.v ?? cell.textContent).trim();
    const line = (cells, first, second) =>
      cells.flatMap((cell, i) => (hasError[i] ? [first(cell), second(cell)] : [first(cell)])).map(harmless).map(quoted).join(",");
    const title = (cell) => cell.textContent.trim();
    const lines = [line(head, title, (cell) => `${title(cell)} standard error`)];
    lines.push(...rows.map((row) => line([...row.cells], value, (cell) => cell.dataset.e ?? "")));
    return lines.join("\r\n") + "\r\n";
  };
  for (const button of all("button.save-csv")) {
    const table = button.closest(".table").querySelector("table");
    button.addEventListener("click", () => save(`${button.dataset.file}.csv`, "text/csv", csv(table)));
  }
  const data = document.getElementById("data").textContent;
  const saveJson = document.getElementById("save-json");
  saveJson.addEventListener("click", () => save(`${saveJson.dataset.file}.json`, "application/json", data));

  // Sorting: ascending, descending, as it was; missing values are always last.
  const compare = (a, b) => (typeof a === "number" ? a - b : a.localeCompare(b, "en", { numeric: true }));
  const sortable = (table) => {
    const body = table.tBodies[0];
    const original = [...body.rows];
    const heads = [...table.tHead.rows[0].cells];
    const sort = (column) => {
      const state = heads[column].getAttribute("aria-sort");
      const next = { none: "ascending", ascending: "descending", descending: "none" }[state];
      for (const head of heads) head.setAttribute("aria-sort", "none");
      heads[column].setAttribute("aria-sort", next);
      const texts = original.map((row) => (row.cells[column].dataset.v ?? row.cells[column].textContent).trim());
      const missing = (text) => text === "";
      const numeric = texts.every((text) => missing(text) || Number.isFinite(Number(text)));
      const keys = new Map(original.map((row, i) => [row, numeric ? Number(texts[i]) : texts[i]]));
      const known = original.filter((_, i) => !missing(texts[i]));
      const unknown = original.filter((_, i) => missing(texts[i]));
      const sign = next === "descending" ? -1 : 1;
      if (next !== "none") known.sort((a, b) => sign * compare(keys.get(a), keys.get(b)));
      body.append(...(next === "none" ? original : [...known, ...unknown]));
    };
    heads.forEach((head, column) => head.querySelector("button")?.addEventListener("click", () => sort(column)));
  };
  all("table.sortable").forEach(sortable);

  // Details of the mark under the pointer or in focus.
  const tip = document.getElementById("tip");
  let pointed = null;
  const hide = () => {
    pointed = null;
    tip.hidden = true;
  };
  const place = () => {
    if (!pointed) return;
    const at = pointed.getBoundingClientRect();
    if (at.bottom < 0 || at.top > innerHeight) return hide();
    const { width, height } = tip.getBoundingClientRect();
    const room = document.documentElement.clientWidth - width - 8;
    const above = at.top - height - 8;
    tip.style.left = `${Math.max(8, Math.min(at.left + at.width / 2 - width / 2, room))}px`;
    tip.style.top = `${above < 8 ? Math.min(at.bottom + 8, innerHeight - height - 8) : above}px`;
  };
  const show = (mark) => {
    pointed = mark;
    tip.textContent = mark.dataset.tip;
    tip.hidden = false;
    place();
  };

  // The same layer everywhere.
  let hot = [];
  const heat = (element) => {
    for (const other of hot) other.classList.remove("hot");
    hot = element ? all(`[data-layer="${CSS.escape(element.dataset.layer)}"]`) : [];
    for (const other of hot) other.classList.add("hot");
  };

  // What a plan of a front gives each layer.
  const report = data ? JSON.parse(data) : {};
  const make = (tag, text, name) => {
    const element = document.createElement(tag);
    element.textContent = text;
    if (name) element.className = name;
    return element;
  };
  const panels = all("[data-front-panel]");
  const fill = (panel, index) => {
    const front = report.fronts?.find((front) => front.cost === panel.dataset.frontPanel);
    const point = front?.points[index];
    if (!point) return;
    const ids = point.layers.map((candidate) => front.candidates[candidate] ?? "?");
    const cells = ids.map((id, layer) => {
      const row = report.layers?.[layer];
      const bits = row?.candidates.find((candidate) => candidate.id === id)?.weight_bits ?? "?";
      const cell = make("span", bits, "cell");
      const name = row?.name ?? String(layer);
      cell.dataset.bits = String(bits);
      cell.dataset.layer = String(layer);
      cell.title = `${name}: ${id}`;
      return cell;
    });
    const counts = front.candidates.map((id) => [id, ids.filter((other) => other === id).length]);
    const words = counts.filter(([, count]) => count > 0).map(([id, count]) => `${count} × ${id}`).join(", ");
    const strip = make("div", "", "strip");
    strip.append(...cells);
    const marks = all(`[data-front="${CSS.escape(`${front.cost}:${index}`)}"]`);
    const about = marks[0]?.dataset.tip?.split("\n").join(" · ") ?? words;
    const title = make("p", `Point ${index + 1} of ${front.points.length}: ${about}`, "panel-title");
    panel.replaceChildren(title, strip);
    for (const mark of all(".mark.chosen[data-front]")) {
      if (mark.dataset.front.startsWith(`${front.cost}:`)) mark.classList.remove("chosen");
    }
    for (const mark of marks) mark.classList.add("chosen");
  };
  const choose = (mark) => {
    const at = mark.dataset.front.lastIndexOf(":");
    const cost = mark.dataset.front.slice(0, at);
    const panel = panels.find((panel) => panel.dataset.frontPanel === cost);
    if (panel) fill(panel, Number(mark.dataset.front.slice(at + 1)));
  };
  for (const panel of panels) fill(panel, Number(panel.dataset.start));

  const enter = (event) => {
    const mark = event.target.closest?.("[data-tip]");
    if (mark) show(mark);
    const front = event.target.closest?.("[data-front]");
    if (front) choose(front);
    const layer = event.target.closest?.("[data-layer]");
    if (layer) heat(layer);
  };
  const leave = (event) => {
    if (event.target.closest?.("[data-tip]")) hide();
    if (event.target.closest?.("[data-layer]")) heat(null);
  };
  document.addEventListener("pointerover", enter);
  document.addEventListener("focusin", enter);
  document.addEventListener("click", enter);
  document.addEventListener("pointerout", leave);
  document.addEventListener("focusout", leave);
  document.addEventListener("scroll", place, { passive: true, capture: true });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });

  // Only layers that are not the same in all runs.
  const only = document.getElementById("only-different");
  only?.addEventListener("change", () => {
    for (const row of all("tr[data-same]")) row.hidden = only.checked;
  });

  // Where the reader is.
  const links = new Map(all("nav a").map((link) => [link.hash.slice(1), link]));
  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries) links.get(entry.target.id)?.classList.toggle("here", entry.isIntersecting);
  }, { rootMargin: "-20% 0px -70% 0px" });
  for (const section of all("main > section")) watch.observe(section);
})();
