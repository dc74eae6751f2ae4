// Tick boxes in a table: all at once, a run with Shift, and the bar that counts and sums (in fen).

let lastTicked = null;

document.addEventListener("click", (event) => {
  const box = event.target;
  if (!box.matches?.("[data-select-row]")) return;
  if (event.shiftKey && lastTicked && lastTicked.isConnected) tickBetween(lastTicked, box);
  lastTicked = box;
});

document.addEventListener("change", (event) => {
  const box = event.target;
  if (box.matches("[data-select-all]")) {
    rowsOf(box.closest("table")).forEach((row) => { row.checked = box.checked; });
  } else if (!box.matches("[data-select-row]")) return;
  refresh(box.closest("table"));
});

function tickBetween(from, to) {
  const rows = rowsOf(to.closest("table"));
  const [first, last] = [rows.indexOf(from), rows.indexOf(to)].sort((a, b) => a - b);
  if (first >= 0) rows.slice(first, last + 1).forEach((row) => { row.checked = to.checked; });
}

function rowsOf(table) {
  return [...table.querySelectorAll("[data-select-row]:not(:disabled)")];
}

function refresh(table) {
  const rows = rowsOf(table);
  const ticked = rows.filter((row) => row.checked);
  const all = table.querySelector("[data-select-all]");
  if (all) {
    all.checked = ticked.length > 0 && ticked.length === rows.length;
    all.indeterminate = ticked.length > 0 && ticked.length < rows.length;
  }
  const bar = (table.closest("form") || document).querySelector("[data-selection-bar]");
  if (bar) describe(bar, ticked);
}

function describe(bar, ticked) {
  const fen = ticked.reduce((sum, row) => sum + Number(row.dataset.fen || 0), 0);
  bar.querySelector(".selection-words").hidden = false;
  bar.querySelector("[data-selected-count]").textContent = ticked.length.toLocaleString("en");
  bar.querySelector("[data-selected-sum]").textContent = (fen / 100).toLocaleString("en", { minimumFractionDigits: 2 });
  bar.querySelector("[data-selected-sum-words]").hidden = !ticked.some((row) => row.dataset.fen);
}

function begin(root) {
  root.querySelectorAll("[data-select-all]").forEach((all) => {
    all.hidden = false;
    refresh(all.closest("table"));
  });
}

begin(document);
// The browser's back button restores ticks after the page was built.
window.addEventListener("pageshow", () => begin(document));
document.addEventListener("fragment:loaded", (event) => begin(event.target));
